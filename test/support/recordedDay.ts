/** The recorded day that cluster tests play, and its bars as one undisturbed process folds them. */
import { existsSync } from "node:fs"
import path from "node:path"
import { Effect } from "effect"
import { dayOfDate } from "../../src/actors/market/calendar.ts"
import { replayDay } from "../../src/app/cli/offline/ReplayedDay.ts"
import type { MarketClient } from "../../src/rpc/client.ts"
import type { Bar } from "../../src/rpc/market.ts"

export const leanData = path.resolve(import.meta.dirname, "../../../shared/data/market/lean")
/** Said aloud by whoever skips for it. */
export const isRecordingAbsent = !existsSync(path.join(leanData, "tick"))

export const recordedDate = "2013-10-07"
export const recordedSymbols = ["AIG", "BAC", "IBM", "SPY"] as const

export const replayOptions = (speed: string): ReadonlyArray<string> => [
  "--feed",
  "replay",
  "--data",
  leanData,
  "--date",
  recordedDate,
  "--speed",
  speed
]

type Interval = "1s" | "1m" | "1d"

/** What must be equal: everything but whether it is final yet, and how often it was revised on the way. */
export type BarFacts = readonly [
  time: number,
  open: number,
  high: number,
  low: number,
  close: number,
  volume: number,
  trades: number
]
const facts = ({ close, high, low, open, time, trades, volume }: Bar): BarFacts => [
  time,
  open,
  high,
  low,
  close,
  volume,
  trades
]

const day = () => {
  const found = dayOfDate(recordedDate)
  if (found === null) throw new Error(`${recordedDate} is no date`)
  return found
}

export const tenOClock = day().midnight + 10 * 3_600_000

/** One-second bars are kept for some hours only: those of the last three are compared. */
const firstOf = (interval: Interval): number => (interval === "1s" ? day().midnight + 17 * 3_600_000 : day().midnight)

/** By symbol. */
export const undisturbedBars = async (interval: Interval): Promise<Record<string, ReadonlyArray<BarFacts>>> => {
  const { bars } = await Effect.runPromise(replayDay({ data: leanData, day: day(), symbols: [], interval }))
  const from = firstOf(interval)
  return Object.fromEntries(
    Array.from(bars, ([symbol, own]) => [symbol, own.filter(({ time }) => time >= from).map(facts)])
  )
}

/** The same as a gateway tells them. */
export const servedBars = async (
  client: MarketClient,
  interval: Interval
): Promise<Record<string, ReadonlyArray<BarFacts>>> => {
  const from = firstOf(interval)
  const to = day().nextMidnight
  const served: Record<string, ReadonlyArray<BarFacts>> = {}
  for (const symbol of recordedSymbols) {
    const bars: Array<BarFacts> = []
    for await (const page of client.allBars({ symbol, interval, from, to, limit: 2_000 })) {
      bars.unshift(...page.bars.map(facts))
    }
    served[symbol] = bars
  }
  return served
}
