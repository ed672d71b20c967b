/**
 * Today's course of a symbol as a few points, for sparklines. Asked of the server when a row first shows, a few requests
 * at a time, then carried on from the quotes that are painted anyway.
 */
import type { Bar } from "../../../src/rpc/market.ts"
import { newYorkDate } from "../format/time.ts"

const STEP = 300_000
/** One trading day with its extended hours, in five-minute steps. */
const MOST_POINTS = 192
const AT_ONCE = 3
/** Each of them rests this long after an answer: some thirty a second, well within what a server allows a session. */
const REST_MILLIS = 90
/** A price this far past the newest point follows a pause, or a tab that was hidden: the points between are asked for. */
const BEHIND = 3 * STEP
/** A symbol is not asked for again sooner than this. */
const ASK_AGAIN_AFTER = 30_000
/** A row that was away longer than this missed points: asked again. */
const REFRESH_AFTER = 600_000

export interface Spark {
  /** Closes, oldest first. */
  readonly points: Array<number>
  /** Start of the newest point's step, ms since epoch. */
  newest: number
}

/** Closes of the newest New York day in `bars`. */
export const sparkOf = (bars: ReadonlyArray<Bar>): Spark => {
  const last = bars.at(-1)
  if (last === undefined) return { points: [], newest: 0 }
  const day = newYorkDate(last.time)
  return { points: bars.filter((bar) => newYorkDate(bar.time) === day).map((bar) => bar.close), newest: last.time }
}

/** Whether points are missing between the line and a price traded at `time`. */
export const isBehind = (spark: Spark, time: number): boolean => spark.newest > 0 && time - spark.newest > BEHIND + STEP

/** Takes a traded price; true when the line changed. A new New York day starts a new line. */
export const extendSpark = (spark: Spark, price: number, time: number): boolean => {
  const step = time - (time % STEP)
  if (step > spark.newest) {
    if (spark.newest > 0 && newYorkDate(step) !== newYorkDate(spark.newest)) spark.points.length = 0
    spark.points.push(price)
    if (spark.points.length > MOST_POINTS) spark.points.shift()
    spark.newest = step
    return true
  }
  const end = spark.points.length - 1
  if (end < 0 || spark.points[end] === price) return false
  spark.points[end] = price
  return true
}

/** `fetchDay` answers with the newest five-minute bars of a symbol. `now` is any clock in ms, `later` a timer. */
export const makeSparks = (
  fetchDay: (symbol: string) => Promise<ReadonlyArray<Bar>>,
  now: () => number,
  later: (task: () => void, millis: number) => void
) => {
  const known = new Map<string, { readonly spark: Spark; readonly at: number }>()
  const listeners = new Map<string, (spark: Spark) => void>()
  const waiting = new Set<string>()
  const asked = new Set<string>()
  const askedAt = new Map<string, number>()
  let running = 0

  const next = () => {
    // the newest request first: it is the row the reader has just scrolled to
    const symbol = [...waiting].at(-1)
    if (symbol === undefined || running >= AT_ONCE) return
    waiting.delete(symbol)
    asked.add(symbol)
    askedAt.set(symbol, now())
    running += 1
    fetchDay(symbol)
      .then((bars) => {
        const spark = sparkOf(bars)
        known.set(symbol, { spark, at: now() })
        listeners.get(symbol)?.(spark)
      })
      // a sparkline is decoration: the row is complete without it, and asks again when it next shows
      .catch(() => {})
      .finally(() => asked.delete(symbol))
      .finally(() =>
        later(() => {
          running -= 1
          next()
        }, REST_MILLIS)
      )
    next()
  }

  const ask = (symbol: string, ready: (spark: Spark) => void): (() => void) => {
    listeners.set(symbol, ready)
    if (!asked.has(symbol)) waiting.add(symbol)
    next()
    return () => {
      // the row may show another symbol before the answer comes
      if (listeners.get(symbol) !== ready) return
      listeners.delete(symbol)
      waiting.delete(symbol)
    }
  }

  return {
    /** Tells `ready` the symbol's line: at once when it is known and fresh. Returns how to lose interest. */
    request: (symbol: string, ready: (spark: Spark) => void): (() => void) => {
      const found = known.get(symbol)
      if (found !== undefined) ready(found.spark)
      if (found !== undefined && now() - found.at < REFRESH_AFTER) return () => {}
      return ask(symbol, ready)
    },
    /** Asks again for a line that fell behind (`isBehind`); null when it was asked for a moment ago: extend it then. */
    again: (symbol: string, ready: (spark: Spark) => void): (() => void) | null =>
      waiting.has(symbol) ||
      asked.has(symbol) ||
      now() - (askedAt.get(symbol) ?? Number.NEGATIVE_INFINITY) < ASK_AGAIN_AFTER
        ? null
        : ask(symbol, ready)
  }
}
export type Sparks = ReturnType<typeof makeSparks>
