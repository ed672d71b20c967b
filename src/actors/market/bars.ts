/**
 * Bars from trades. A `PriceBar` gathers the trades of one window in any order of arrival; `rollUp` makes coarse bars of
 * fine ones. Open and close go by exchange time (the key), then by arrival.
 */
import type { Bar, Interval } from "../../rpc/market.ts"
import { type Price, toDollars } from "../../rpc/ticks.ts"
import { dayAt, midnightOfNumber } from "./calendar.ts"
import { civilOf, dayNumber, weekdayOf } from "./civil.ts"
import { Moves } from "./conditions.ts"
import type { BaseInterval } from "./Feed.ts"

/** One bar being built, in inside units. Times are keys (`keyOf` in tradeFold.ts), so late trades find their place. */
export interface PriceBar {
  open: Price
  high: Price
  low: Price
  close: Price
  openKey: number
  closeKey: number
  /** Some trade has priced it: without that it is volume only, and no bar to show. */
  priced: boolean
  /** Its open and close come from trades in sequence, not for want of any. */
  sequenced: boolean
  volume: number
  trades: number
}

export const emptyPriceBar = (): PriceBar => ({
  open: 0,
  high: 0,
  low: 0,
  close: 0,
  openKey: 0,
  closeKey: 0,
  priced: false,
  sequenced: false,
  volume: 0,
  trades: 0
})

export const clearPriceBar = (bar: PriceBar): void => {
  bar.open = 0
  bar.high = 0
  bar.low = 0
  bar.close = 0
  bar.openKey = 0
  bar.closeKey = 0
  bar.priced = false
  bar.sequenced = false
  bar.volume = 0
  bar.trades = 0
}

/** Takes a trade into a bar. Arrival order matters only between trades of the same key. */
export const addTrade = (bar: PriceBar, key: number, price: Price, size: number, moves: number): void => {
  if ((moves & Moves.Volume) !== 0) {
    bar.volume += size
    bar.trades++
  }
  if ((moves & Moves.HighLow) === 0) return
  const inSequence = (moves & Moves.OpenClose) !== 0
  if (!bar.priced) {
    bar.priced = true
    bar.sequenced = inSequence
    bar.open = bar.high = bar.low = bar.close = price
    bar.openKey = bar.closeKey = key
    return
  }
  if (price > bar.high) bar.high = price
  else if (price < bar.low) bar.low = price
  if (inSequence === bar.sequenced) {
    if (key < bar.openKey) {
      bar.open = price
      bar.openKey = key
    }
    if (key >= bar.closeKey) {
      bar.close = price
      bar.closeKey = key
    }
  } else if (inSequence) {
    bar.sequenced = true
    bar.open = bar.close = price
    bar.openKey = bar.closeKey = key
  }
}

/** Takes a bar of other trades into a bar: as if its trades had been taken one by one, before those of the same key. */
export const addBar = (bar: PriceBar, other: PriceBar): void => {
  bar.volume += other.volume
  bar.trades += other.trades
  if (!other.priced) return
  if (!bar.priced) {
    const { volume, trades } = bar
    Object.assign(bar, other, { volume, trades })
    return
  }
  if (other.high > bar.high) bar.high = other.high
  if (other.low < bar.low) bar.low = other.low
  if (bar.sequenced && !other.sequenced) return
  const instead = other.sequenced && !bar.sequenced
  bar.sequenced = other.sequenced
  if (instead || other.openKey <= bar.openKey) {
    bar.open = other.open
    bar.openKey = other.openKey
  }
  if (instead || other.closeKey > bar.closeKey) {
    bar.close = other.close
    bar.closeKey = other.closeKey
  }
}

/** The public bar: dollars. `time` ms since the epoch; `moreVolume` and `moreTrades` are volume it takes over from others. */
export const publicBar = (
  bar: PriceBar,
  moreVolume: number,
  moreTrades: number,
  time: number,
  final: boolean,
  revision: number
): Bar => ({
  time,
  open: toDollars(bar.open),
  high: toDollars(bar.high),
  low: toDollars(bar.low),
  close: toDollars(bar.close),
  volume: bar.volume + moreVolume,
  trades: bar.trades + moreTrades,
  final,
  revision
})

/** The base bars an interval is rolled up from. */
export const baseOf = (interval: Interval): BaseInterval => {
  switch (interval) {
    case "1s":
    case "5s":
    case "15s":
      return "1s"
    case "1d":
    case "1w":
    case "1mo":
      return "1d"
    default:
      return "1m"
  }
}

const fixedMillis: Readonly<Partial<Record<Interval, number>>> = {
  "1s": 1_000,
  "5s": 5_000,
  "15s": 15_000,
  "1m": 60_000,
  "5m": 300_000,
  "15m": 900_000,
  "30m": 1_800_000,
  "1h": 3_600_000
}

/**
 * Start of the bar an instant falls in. Days, weeks (from Monday) and months start at New York midnight; an hour at the
 * full hour, which is New York's too, so the first regular hour is 09:00–10:00 and holds what traded before the open.
 */
export const barStart = (interval: Interval, ms: number): number => {
  const millis = fixedMillis[interval]
  if (millis !== undefined) return Math.floor(ms / millis) * millis
  const day = dayAt(ms)
  if (interval === "1d") return day.midnight
  if (interval === "1w") return midnightOfNumber(day.number - ((weekdayOf(day.number) + 6) % 7))
  const { year, month } = civilOf(day.number)
  return midnightOfNumber(dayNumber(year, month, 1))
}

/** End of the bar that starts at `start`, exclusive. */
export const barEnd = (interval: Interval, start: number): number => {
  const millis = fixedMillis[interval]
  if (millis !== undefined) return start + millis
  const day = dayAt(start)
  if (interval === "1d") return day.nextMidnight
  if (interval === "1w") return midnightOfNumber(day.number + 7)
  const { year, month } = civilOf(day.number)
  return midnightOfNumber(month === 12 ? dayNumber(year + 1, 1, 1) : dayNumber(year, month + 1, 1))
}

/** A bar nothing prices any more, since its trade at `price` was cancelled: announced once, so that keepers drop it. */
export const goneBar = (price: Price, time: number, final: boolean, revision: number): Bar => {
  const dollars = toDollars(price)
  return { time, open: dollars, high: dollars, low: dollars, close: dollars, volume: 0, trades: 0, final, revision }
}

/** Whether this announces that the bar is no more. Recorded bars have no trades either, where the recording does not tell them. */
export const isGone = (bar: Bar): boolean => bar.trades === 0 && bar.volume === 0

/** Both lists, oldest first; at the same time the second list's bar counts; without those that are gone. */
export const mergeBars = (under: ReadonlyArray<Bar>, over: ReadonlyArray<Bar>): ReadonlyArray<Bar> => {
  const byStart = new Map<number, Bar>()
  for (const bar of under) byStart.set(bar.time, bar)
  for (const bar of over) byStart.set(bar.time, bar)
  return Array.from(byStart.values())
    .filter((bar) => !isGone(bar))
    .sort((a, b) => a.time - b.time)
}

/**
 * Coarse bars of finer ones, oldest first in, oldest first out. A daily or coarser bar takes of intraday bars only those
 * of regular hours, as published daily bars do. A rolled-up bar is final when a bar after it exists, when its last part is
 * final and reaches its end, or when `marketTime` has passed its end; its revision counts those of its parts. Its trades
 * are not known (0) where those of a part are not.
 */
export const rollUp = (
  bars: ReadonlyArray<Bar>,
  interval: Interval,
  marketTime = Number.NEGATIVE_INFINITY
): Array<Bar> => {
  const out: Array<Bar> = []
  const base = baseOf(interval)
  let end = Number.NEGATIVE_INFINITY
  let current: { -readonly [K in keyof Bar]: Bar[K] } | undefined
  for (const bar of bars) {
    if (isGone(bar) || (base === "1d" && !inRegularHours(bar.time))) continue
    if (current !== undefined && bar.time < end) {
      if (bar.high > current.high) current.high = bar.high
      if (bar.low < current.low) current.low = bar.low
      current.close = bar.close
      current.volume += bar.volume
      current.trades = current.trades === 0 || bar.trades === 0 ? 0 : current.trades + bar.trades
      current.revision += bar.revision
    } else {
      if (current !== undefined) current.final = true
      const time = barStart(interval, bar.time)
      end = barEnd(interval, time)
      current = { ...bar, time }
      out.push(current)
    }
    current.final = bar.final && (barEnd(base, bar.time) >= end || marketTime >= end)
  }
  return out
}

/** Daily bars start at midnight: they are days already. */
const inRegularHours = (time: number): boolean => {
  const day = dayAt(time)
  return time === day.midnight || (time >= day.open && time < day.close)
}
