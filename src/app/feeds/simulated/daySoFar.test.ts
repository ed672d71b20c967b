/** What a simulation that starts in mid-day tells of the day before its first tick, against folding that day's ticks. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { BarChanges } from "../../../actors/market/BarChanges.ts"
import { isGone, rollUp } from "../../../actors/market/bars.ts"
import { dayOfDate } from "../../../actors/market/calendar.ts"
import {
  closeBars,
  foldBatch,
  initialTickerState,
  quoteState,
  type TickerState
} from "../../../actors/market/tickerState.ts"
import { PRICE_SCALE, type Tick } from "../../../rpc/ticks.ts"
import { DayPlan } from "./DayPlan.ts"
import { tradingDayOf } from "./days.ts"
import { simulatedHistory } from "./history.ts"
import { SymbolFeed } from "./SymbolFeed.ts"
import { TickSource } from "./TickSource.ts"
import { type Profile, universe } from "./universe.ts"

const midnight = dayOfDate("2026-03-04")?.midnight ?? Number.NaN
const at = (hours: number): number => midnight + hours * 3_600_000
const day = tradingDayOf(midnight)
const MINUTE = 60_000

const profiles = universe()
const named = (symbol: string): Profile => {
  const found = profiles.find((profile) => profile.listing.symbol === symbol)
  if (found === undefined) throw new Error(`${symbol} is not bundled`)
  return found
}

const ticksFrom = (profile: Profile, from: number, seed: number, until = Number.MAX_SAFE_INTEGER): Array<Tick> => {
  const ticks: Array<Tick> = []
  const first = Math.round((from - day.preOpen) / MINUTE)
  new TickSource(new DayPlan(seed, profile, day, 1), first).take(until, Number.POSITIVE_INFINITY, ticks)
  return ticks
}
const folded = (ticks: ReadonlyArray<Tick>): { readonly state: TickerState; readonly changes: BarChanges } => {
  const state = initialTickerState("T")
  const changes = new BarChanges()
  for (let i = 0; i < ticks.length; i += 200) {
    foldBatch(state, { symbol: "T", ingestTime: 0, previousClose: null, ticks: ticks.slice(i, i + 200) }, changes)
  }
  return { state, changes }
}
const statistics = (state: TickerState) => {
  const { high, last, lastSize, low, open, trades, volume } = quoteState(state)
  return { open, high, low, last, lastSize, volume, trades }
}

describe("the simulated day so far", () => {
  it("and the ticks after it fold to what the whole day's ticks fold to, whenever the feed starts", () => {
    const quiet = profiles.filter((profile) => profile.rate < 1).map((profile) => profile.listing.symbol)
    fc.assert(
      fc.property(
        fc.constantFrom("KO", "PLUG", "AMD", ...quiet.slice(0, 6)),
        fc.integer({ min: 4 * 60, max: 20 * 60 - 1 }),
        fc.integer({ min: 1, max: 50 }),
        (symbol, minute, seed) => {
          const start = midnight + minute * MINUTE + 17_000
          const profile = named(symbol)
          const feed = new SymbolFeed(seed, profile, 1, day, start)
          const { firstMinute, soFar } = feed
          const live = ticksFrom(profile, firstMinute, seed)
          const all = ticksFrom(profile, day.preOpen, seed)
          const whole = folded(all)
          // the first tick is a whole minute's first: no bar is half history's and half ours
          assert.strictEqual(live.length, all.filter((tick) => tick.time >= firstMinute).length)
          const part = folded(soFar === undefined ? live : [...live.slice(0, 9), soFar, ...live.slice(9)])
          assert.deepStrictEqual(statistics(part.state), statistics(whole.state))
          for (const one of [part, whole]) closeBars(one.state, at(21), one.changes)
          const bars = ({ changes }: typeof part) =>
            changes.bars("1d").map((bar) => (isGone(bar) ? null : { ...bar, revision: 0 }))
          assert.deepStrictEqual(bars(part), bars(whole))
        }
      ),
      { numRuns: 12 }
    )
  })

  it.effect.each(["SPY", "AAPL", "IBM", "NVR", "MSGS"])("%s: is what its own minute bars of today say", (symbol) =>
    Effect.gen(function* () {
      for (const hours of [4.5, 8, 9.5, 10.5, 12.01, 15.92, 16.5, 19.9]) {
        const feed = new SymbolFeed(42, named(symbol), 1, day, at(hours))
        const history = simulatedHistory(42, 1, new Map([[symbol, feed]]))
        const minutes = yield* history({ symbol, interval: "1m", from: midnight, limit: 5_000 })
        const { soFar } = feed
        assert.strictEqual(soFar?.time ?? feed.firstMinute, feed.firstMinute)
        const last = minutes.at(-1)
        assert.deepStrictEqual(
          [soFar?.volume ?? 0, soFar?.trades ?? 0, soFar?.last ?? 0],
          [
            minutes.reduce((sum, bar) => sum + bar.volume, 0),
            minutes.reduce((sum, bar) => sum + bar.trades, 0),
            Math.round((last?.close ?? 0) * PRICE_SCALE)
          ]
        )
        const [rolled] = rollUp(minutes, "1d")
        const inside = [rolled?.open, rolled?.high, rolled?.low, rolled?.close].map((dollars = 0) =>
          Math.round(dollars * PRICE_SCALE)
        )
        assert.deepStrictEqual(
          [soFar?.open ?? 0, soFar?.high ?? 0, soFar?.low ?? 0, soFar?.close ?? 0],
          inside,
          `${symbol} at ${hours}`
        )
        assert.deepStrictEqual(
          [soFar?.regularVolume ?? 0, soFar?.regularTrades ?? 0],
          [rolled?.volume ?? 0, rolled?.trades ?? 0]
        )
        // and what history says of the day as a whole
        const days = yield* history({ symbol, interval: "1d", from: midnight, limit: 1 })
        const plain = (bar: (typeof days)[number] | undefined) => bar && { ...bar, final: false }
        assert.deepStrictEqual(plain(days[0]), plain(rolled))
      }
    })
  )
})

describe("amendments", () => {
  it("come now and then, and each does what the market's rules say", () => {
    const counts = { late: 0, cancelled: 0, corrected: 0, revised: 0 }
    for (const symbol of ["AAPL", "AMD", "KO", "XLK"]) {
      const { changes, state } = folded(ticksFrom(named(symbol), at(10), 42, at(10.5)))
      assert.deepInclude(state.counts, { unknownIds: 0, malformed: 0, beforeToday: 0, beyondKept: 0 })
      counts.late += state.counts.late
      counts.cancelled += state.counts.cancelled
      counts.corrected += state.counts.corrected
      counts.revised += changes.bars("1s").filter((bar) => bar.revision > 0).length
    }
    console.info(`half an hour of four symbols: ${JSON.stringify(counts)}`)
    for (const [kind, count] of Object.entries(counts)) assert.isAbove(count, 0, kind)
  })
})
