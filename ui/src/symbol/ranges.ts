/** Which bars a range button asks for. Pure. */
import type { Interval } from "../../../src/rpc/market.ts"
import { fromNewYorkWall, newYorkMidnight, newYorkWall } from "../format/time.ts"

export const rangeNames = ["1D", "1W", "1M", "YTD", "1Y", "5Y", "Max"] as const
export type RangeName = (typeof rangeNames)[number]

export const intervals: ReadonlyArray<{ readonly value: Interval; readonly label: string; readonly millis: number }> = [
  { value: "1s", label: "1 second", millis: 1_000 },
  { value: "5s", label: "5 seconds", millis: 5_000 },
  { value: "15s", label: "15 seconds", millis: 15_000 },
  { value: "1m", label: "1 minute", millis: 60_000 },
  { value: "5m", label: "5 minutes", millis: 300_000 },
  { value: "15m", label: "15 minutes", millis: 900_000 },
  { value: "30m", label: "30 minutes", millis: 1_800_000 },
  { value: "1h", label: "1 hour", millis: 3_600_000 },
  { value: "1d", label: "1 day", millis: 86_400_000 },
  { value: "1w", label: "1 week", millis: 7 * 86_400_000 },
  { value: "1mo", label: "1 month", millis: 30 * 86_400_000 }
]

export const intervalMillis = (interval: Interval): number =>
  intervals.find((known) => known.value === interval)?.millis ?? 60_000

/** Bars of a day or longer carry dates; shorter ones carry times of day. */
export const isDaily = (interval: Interval): boolean => interval === "1d" || interval === "1w" || interval === "1mo"

/** The interval a range is drawn in unless the reader chooses another: some hundreds of bars each. */
const defaultInterval: Record<RangeName, Interval> = {
  "1D": "1m",
  "1W": "5m",
  "1M": "30m",
  YTD: "1d",
  "1Y": "1d",
  "5Y": "1w",
  Max: "1mo"
}

/** What an interval may be combined with without asking for tens of thousands of bars or for a handful. */
const sensible: Record<RangeName, ReadonlyArray<Interval>> = {
  "1D": ["1s", "5s", "15s", "1m", "5m", "15m", "30m", "1h"],
  "1W": ["1m", "5m", "15m", "30m", "1h", "1d"],
  "1M": ["15m", "30m", "1h", "1d"],
  YTD: ["1h", "1d", "1w"],
  "1Y": ["1h", "1d", "1w", "1mo"],
  "5Y": ["1d", "1w", "1mo"],
  Max: ["1d", "1w", "1mo"]
}

export const intervalsFor = (range: RangeName): ReadonlyArray<Interval> => sensible[range]

export const intervalFor = (range: RangeName, chosen: Interval | null): Interval =>
  chosen !== null && sensible[range].includes(chosen) ? chosen : defaultInterval[range]

/**
 * First instant the range shows, ms since epoch; null for all there is. `now` is market time. Ranges go back by the New
 * York calendar: 1M from 31 March is 28 (or 29) February.
 */
export const rangeStart = (range: RangeName, now: number): number | null => {
  const midnight = newYorkWall(newYorkMidnight(now))
  const date = new Date(midnight)
  const back = (years: number, months: number): number => {
    const first = Date.UTC(date.getUTCFullYear() - years, date.getUTCMonth() - months, 1)
    const month = new Date(first)
    const days = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate()
    return fromNewYorkWall(first + (Math.min(date.getUTCDate(), days) - 1) * 86_400_000)
  }
  switch (range) {
    case "1D":
      return fromNewYorkWall(midnight)
    case "1W":
      return fromNewYorkWall(midnight - 6 * 86_400_000)
    case "1M":
      return back(0, 1)
    case "YTD":
      return fromNewYorkWall(Date.UTC(date.getUTCFullYear(), 0, 1))
    case "1Y":
      return back(1, 0)
    case "5Y":
      return back(5, 0)
    case "Max":
      return null
  }
}
