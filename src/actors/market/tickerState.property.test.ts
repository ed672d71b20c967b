/** The fold against a slow, plain model that keeps every trade and sorts: any order of arrival, any split, any restart. */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Bar } from "../../rpc/market.ts"
import { type Tick, TradeCondition, toDollars } from "../../rpc/ticks.ts"
import { BarChanges } from "./BarChanges.ts"
import { isGone, rollUp } from "./bars.ts"
import { dayOfDate } from "./calendar.ts"
import { Moves, movesOf } from "./conditions.ts"
import { checkpoint, restore, type TickerCheckpoint } from "./tickerCheckpoint.ts"
import {
  closeBars,
  copyTickerState,
  foldBatch,
  initialTickerState,
  quoteState,
  type TickerState
} from "./tickerState.ts"

const HOUR = 3_600_000
const midnight = dayOfDate("2013-10-07")?.midnight ?? 0
const OPEN = 9.5 * HOUR
const CLOSE = 16 * HOUR

/** A tick, or market time moving. */
type Step = Tick | { readonly _tag: "Time"; readonly time: number }

// ---- the model ---------------------------------------------------------------------------------------------------

interface Known {
  id: number
  at: number
  rank: number
  order: number
  price: number
  size: number
  moves: number
}

const placed = (at: number, conditions: number): { at: number; rank: number } => {
  if (conditions & TradeCondition.ClosingPrint && at >= CLOSE) return { at: CLOSE - 1, rank: 2 }
  if (conditions & TradeCondition.OpeningPrint && at >= OPEN && at < OPEN + 60_000) return { at: OPEN, rank: 0 }
  return { at, rank: 1 }
}

const survivors = (steps: ReadonlyArray<Step>): Array<Known> => {
  const trades: Array<Known> = []
  steps.forEach((step, order) => {
    if (step._tag === "Trade") {
      const { id, price, size, conditions } = step
      trades.push({ id, ...placed(step.time - midnight, conditions), order, price, size, moves: movesOf(conditions) })
    } else if (step._tag === "TradeCancel" || step._tag === "TradeCorrection") {
      const index = trades.findIndex((trade) => trade.id === step.id)
      const known = trades[index]
      if (known === undefined) return
      if (step._tag === "TradeCancel") {
        trades.splice(index, 1)
        return
      }
      const again = placed(known.at, step.conditions)
      const closing = known.rank === 2 && (step.conditions & TradeCondition.ClosingPrint) !== 0
      if (!closing && (again.at !== known.at || again.rank !== known.rank)) Object.assign(known, again, { order })
      Object.assign(known, { price: step.price, size: step.size, moves: movesOf(step.conditions) })
    }
  })
  return trades.sort((a, b) => a.at - b.at || a.rank - b.rank || a.order - b.order)
}

type Plain = Pick<Bar, "time" | "open" | "high" | "low" | "close" | "volume" | "trades">

const priceOf = (trades: ReadonlyArray<Known>): { o: number; h: number; l: number; c: number } | undefined => {
  const priced = trades.filter((trade) => trade.moves & Moves.HighLow)
  const sequenced = priced.filter((trade) => trade.moves & Moves.OpenClose)
  const ends = sequenced.length > 0 ? sequenced : priced
  const prices = priced.map((trade) => trade.price)
  const [first, last] = [ends[0], ends.at(-1)]
  if (first === undefined || last === undefined) return undefined
  return { o: first.price, h: Math.max(...prices), l: Math.min(...prices), c: last.price }
}

const modelBars = (trades: ReadonlyArray<Known>, width: number): Array<Plain> => {
  const bars: Array<Plain> = []
  for (const [from, to] of [[0, OPEN] as const, [OPEN, CLOSE] as const, [CLOSE, Number.POSITIVE_INFINITY] as const]) {
    const counted = trades.filter((trade) => trade.at >= from && trade.at < to && trade.moves & Moves.Volume)
    const windows = new Map<number, Array<Known>>()
    for (const trade of counted) {
      const start = trade.at - (trade.at % width)
      windows.set(start, [...(windows.get(start) ?? []), trade])
    }
    let waiting = { volume: 0, trades: 0 }
    let latest: { -readonly [K in keyof Plain]: Plain[K] } | undefined
    for (const [start, inside] of windows) {
      const volume = inside.reduce((sum, trade) => sum + trade.size, 0)
      const price = priceOf(inside)
      if (price !== undefined) {
        latest = {
          time: midnight + start,
          open: toDollars(price.o),
          high: toDollars(price.h),
          low: toDollars(price.l),
          close: toDollars(price.c),
          volume: volume + waiting.volume,
          trades: inside.length + waiting.trades
        }
        bars.push(latest)
        waiting = { volume: 0, trades: 0 }
      } else if (latest !== undefined) {
        latest.volume += volume
        latest.trades += inside.length
      } else waiting = { volume: waiting.volume + volume, trades: waiting.trades + inside.length }
    }
  }
  return bars
}

// ---- running the fold --------------------------------------------------------------------------------------------

const feed = (state: TickerState, steps: ReadonlyArray<Step>, changes: BarChanges): void => {
  let ticks: Array<Tick> = []
  const flush = () => {
    if (ticks.length > 0) foldBatch(state, { symbol: "T", ingestTime: 1, previousClose: null, ticks }, changes)
    ticks = []
  }
  for (const step of steps) {
    if (step._tag === "Time") {
      flush()
      closeBars(state, step.time, changes)
    } else ticks.push(step)
  }
  flush()
}

const endOfDay = midnight + 23 * HOUR

/** All steps in one go, then the end of the day. */
const run = (steps: ReadonlyArray<Step>): { state: TickerState; changes: BarChanges } => {
  const state = initialTickerState("T")
  const changes = new BarChanges()
  feed(state, steps, changes)
  closeBars(state, endOfDay, changes)
  return { state, changes }
}

const alive = (changes: BarChanges, interval: "1s" | "1m" | "1d"): Array<Bar> =>
  changes.bars(interval).filter((bar) => !isGone(bar))
const plain = ({ time, open, high, low, close, volume, trades }: Bar): Plain => ({
  time,
  open,
  high,
  low,
  close,
  volume,
  trades
})

// ---- what arrives ------------------------------------------------------------------------------------------------

const conditions = fc.constantFrom(
  TradeCondition.Regular,
  TradeCondition.Regular,
  TradeCondition.Regular,
  TradeCondition.OddLot,
  TradeCondition.VolumeOnly,
  TradeCondition.OutOfSequence,
  TradeCondition.ExtendedHours,
  TradeCondition.NotLast,
  TradeCondition.OpeningPrint,
  TradeCondition.ClosingPrint,
  TradeCondition.Suspicious
)
/** Around the ends of sessions, where windows and sessions change, dense enough for ties. */
const at = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(
        fc.constantFrom(OPEN - 2_000, OPEN, OPEN + 58_000, OPEN + 119_000, CLOSE - 61_000, CLOSE - 1_000, CLOSE),
        fc.nat(8)
      )
      .map(([base, n]) => base + n * 500)
  },
  // ties with the closing print
  { weight: 1, arbitrary: fc.constant(CLOSE - 1) }
)
const price = fc.integer({ min: 9_990, max: 10_010 }).map((cents) => cents * 100)
const size = fc.integer({ min: 1, max: 900 })
const trade = fc.record({ at, price, size, conditions })
const change = fc.record({ id: fc.nat(40), price, size, conditions, cancel: fc.boolean() })

const steps: fc.Arbitrary<Array<Step>> = fc
  .record({
    entries: fc.array(
      fc.oneof(
        { weight: 8, arbitrary: trade.map((t) => ({ trade: t })) },
        { weight: 3, arbitrary: change.map((c) => ({ change: c })) },
        { weight: 1, arbitrary: at.map((t) => ({ passed: t })) }
      ),
      { maxLength: 60 }
    ),
    sorted: fc.boolean()
  })
  .map(({ entries, sorted }) => {
    let id = 0
    let newest = 0
    const times = entries.flatMap((entry) => ("trade" in entry ? [entry.trade.at] : []))
    if (sorted) times.sort((a, b) => a - b)
    let next = 0
    return entries.map((entry): Step => {
      if ("trade" in entry) {
        const time = midnight + (times[next++] ?? 0)
        newest = Math.max(newest, time)
        const { price, size, conditions } = entry.trade
        return { _tag: "Trade", id: id++, time, price, size, exchange: "Q", conditions }
      }
      if ("passed" in entry) return { _tag: "Time", time: midnight + entry.passed }
      const { id: named, price, size, conditions, cancel } = entry.change
      const time = Math.max(newest, midnight + OPEN)
      return cancel
        ? { _tag: "TradeCancel", time, id: named }
        : { _tag: "TradeCorrection", time, id: named, price, size, conditions }
    })
  })

const examples = { numRuns: 400 }

describe("tickerState, against a plain model", () => {
  it("bars, quote and day are those of the trades that stand, in any order of arrival", () => {
    fc.assert(
      fc.property(steps, (script) => {
        const { state, changes } = run(script)
        const trades = survivors(script)
        assert.deepStrictEqual(alive(changes, "1s").map(plain), modelBars(trades, 1_000))
        assert.deepStrictEqual(alive(changes, "1m").map(plain), modelBars(trades, 60_000))

        const counted = trades.filter((t) => t.moves & Moves.Volume)
        const regular = counted.filter((t) => t.at >= OPEN && t.at < CLOSE)
        const day = priceOf(regular)
        const last = counted.findLast((t) => t.moves & Moves.Last)
        const quote = quoteState(state)
        assert.deepStrictEqual(
          [quote.volume, quote.trades, quote.last, quote.lastSize, quote.open, quote.high, quote.low],
          [
            counted.reduce((sum, t) => sum + t.size, 0),
            counted.length,
            last?.price ?? 0,
            last?.size ?? 0,
            day?.o ?? 0,
            day?.h ?? 0,
            day?.l ?? 0
          ]
        )
        // the day bar is its regular minutes, rolled up; a minute does not tell that its only price was out of sequence
        if (regular.every((t) => t.moves & Moves.OpenClose || !(t.moves & Moves.HighLow))) {
          assert.deepStrictEqual(alive(changes, "1d").map(plain), rollUp(alive(changes, "1m"), "1d").map(plain))
        }
      }),
      examples
    )
  })

  it("folds the same whatever the split into batches", () => {
    fc.assert(
      fc.property(steps, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (script, cuts) => {
        const whole = run(script)
        const state = initialTickerState("T")
        const changes = new BarChanges()
        for (let from = 0, n = 0; from < script.length; n++) {
          const to = from + (cuts[n % cuts.length] ?? 1)
          feed(state, script.slice(from, to), changes)
          from = to
        }
        closeBars(state, endOfDay, changes)
        assert.deepStrictEqual(quoteState(state), quoteState(whole.state))
        assert.deepStrictEqual(state.counts, whole.state.counts)
        for (const interval of ["1s", "1m", "1d"] as const) {
          // what formed and vanished within one batch is never heard of: bars that stand are the same, revisions too
          assert.deepStrictEqual(alive(changes, interval), alive(whole.changes, interval))
        }
      }),
      examples
    )
  })

  it("goes on exactly from a checkpoint through JSON, or from a copy, taken anywhere", () => {
    fc.assert(
      fc.property(steps, fc.nat(60), fc.boolean(), (script, cut, byCopy) => {
        const whole = initialTickerState("T")
        const changes = new BarChanges()
        feed(whole, script.slice(0, cut), changes)
        const carried = new BarChanges()
        const json: TickerCheckpoint = JSON.parse(JSON.stringify(checkpoint(whole)))
        const other = byCopy ? copyTickerState(whole) : restore(json)
        changes.clear()
        feed(whole, script.slice(cut), changes)
        closeBars(whole, endOfDay, changes)
        // the first is finished and changed all it shares; the other must not have noticed
        assert.deepStrictEqual(JSON.parse(JSON.stringify(checkpoint(other))), json)
        feed(other, script.slice(cut), carried)
        closeBars(other, endOfDay, carried)
        assert.deepStrictEqual(checkpoint(other), checkpoint(whole))
        assert.deepStrictEqual(carried.entries(), changes.entries())
      }),
      examples
    )
  })

  it("a cancelled trade leaves the bars as if it had never been", () => {
    fc.assert(
      fc.property(steps, trade, fc.nat(60), fc.nat(60), (script, extra, from, later) => {
        const id = 9_999
        const time = midnight + extra.at
        const intruder: Tick = {
          _tag: "Trade",
          id,
          time,
          price: extra.price,
          size: extra.size,
          exchange: "Q",
          conditions: extra.conditions
        }
        const cut = Math.min(from, script.length)
        const until = Math.min(cut + later, script.length)
        const cancelled: Array<Step> = [
          ...script.slice(0, cut),
          intruder,
          ...script.slice(cut, until),
          { _tag: "TradeCancel", time, id },
          ...script.slice(until)
        ]
        const [clean, other] = [run(script), run(cancelled)]
        for (const interval of ["1s", "1m", "1d"] as const) {
          assert.deepStrictEqual(alive(other.changes, interval).map(plain), alive(clean.changes, interval).map(plain))
        }
        const [a, b] = [quoteState(clean.state), quoteState(other.state)]
        assert.deepStrictEqual([b.last, b.open, b.high, b.low, b.volume], [a.last, a.open, a.high, a.low, a.volume])
      }),
      examples
    )
  })
})
