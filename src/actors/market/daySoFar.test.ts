/** A day told in sum up to a moment, then tick by tick: the same quote and day's bar as tick by tick from the start. */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Bar } from "../../rpc/market.ts"
import { type DaySoFar, type Tick, type Trade, TradeCondition } from "../../rpc/ticks.ts"
import { BarChanges } from "./BarChanges.ts"
import { isGone } from "./bars.ts"
import { dayOfDate } from "./calendar.ts"
import { checkpoint, restore } from "./tickerCheckpoint.ts"
import {
  closeBars,
  copyTickerState,
  foldBatch,
  formingBars,
  initialTickerState,
  quoteState,
  type TickerState
} from "./tickerState.ts"

const HOUR = 3_600_000
const MINUTE = 60_000
const midnight = dayOfDate("2013-10-07")?.midnight ?? Number.NaN
const open = midnight + 9.5 * HOUR
const close = midnight + 16 * HOUR
const night = midnight + 21 * HOUR

const fold = (state: TickerState, changes: BarChanges, ...ticks: ReadonlyArray<Tick>) =>
  ticks.length === 0 ? changes : foldBatch(state, { symbol: "T", ingestTime: 1, previousClose: null, ticks }, changes)

const trade = (id: number, time: number, price: number, size = 100, conditions: number = 0): Trade => ({
  _tag: "Trade",
  id,
  time,
  price,
  size,
  exchange: "Q",
  conditions
})

const morning: DaySoFar = {
  _tag: "DaySoFar",
  time: open + HOUR,
  open: 100_000,
  high: 120_000,
  low: 90_000,
  close: 110_000,
  last: 110_000,
  lastSize: 300,
  volume: 5_000,
  trades: 50,
  regularVolume: 4_000,
  regularTrades: 40
}
const empty: DaySoFar = {
  ...morning,
  ...{ open: 0, high: 0, low: 0, close: 0, last: 0, lastSize: 0, volume: 0, trades: 0 },
  ...{ regularVolume: 0, regularTrades: 0 }
}

/** What a quote says of its day. */
const day = (state: TickerState) => {
  const { high, last, lastSize, low, open, trades, volume } = quoteState(state)
  return { open, high, low, last, lastSize, volume, trades }
}
const bar1d = (changes: BarChanges): Partial<Bar> | undefined => {
  const bar = changes.bars("1d").find((bar) => !isGone(bar))
  if (bar === undefined) return undefined
  const { revision: _, ...rest } = bar
  return rest
}

/** The sum of what a state has folded: what a feed would tell that starts at `time`. */
const soFarOf = (state: TickerState, time: number): DaySoFar => ({
  _tag: "DaySoFar",
  time,
  open: state.day.open,
  high: state.day.high,
  low: state.day.low,
  close: state.day.close,
  last: state.last,
  lastSize: state.lastSize,
  volume: state.volume,
  trades: state.trades,
  regularVolume: state.day.volume,
  regularTrades: state.day.trades
})

describe("the day so far", () => {
  it("opens the day, stretches its range and adds its volume, before or after the live ticks", () => {
    for (const first of [true, false]) {
      const state = initialTickerState("T")
      const live = [trade(1, morning.time, 105_000, 200), trade(2, morning.time + 1, 125_000, 50)]
      const changes = fold(state, new BarChanges(), ...(first ? [morning, ...live] : [...live, morning]))
      assert.deepStrictEqual(day(state), {
        ...{ open: 100_000, high: 125_000, low: 90_000, last: 125_000, lastSize: 50, volume: 5_250, trades: 52 }
      })
      const forming = formingBars(state)
      const expected = { open: 10, high: 12.5, low: 9, close: 12.5, volume: 4_250, trades: 42, final: false }
      assert.deepInclude(forming["1d"], { time: midnight, ...expected })
      assert.deepStrictEqual(changes.bars("1d"), [forming["1d"]])
      // it is no part of a minute
      assert.deepInclude(forming["1m"], { open: 10.5, high: 12.5, low: 10.5, volume: 250, trades: 2 })
      assert.strictEqual(changes.bars("1m").length, 1)
      assert.strictEqual(state.seq, 3)
    }
  })

  it("alone is a quote and a day's bar; the next day starts without it and from its close", () => {
    const state = initialTickerState("T")
    const changes = fold(state, new BarChanges(), morning)
    assert.deepInclude(day(state), { last: 110_000, lastSize: 300, volume: 5_000 })
    assert.deepInclude(formingBars(state)["1d"], { open: 10, close: 11, volume: 4_000 })
    assert.isNull(formingBars(state)["1m"])
    assert.strictEqual(quoteState(state).exchangeTime, morning.time)
    closeBars(state, night, changes)
    assert.deepInclude(bar1d(changes), { final: true, close: 11 })
    const tuesday = midnight + 24 * HOUR
    fold(state, changes, trade(1, tuesday + 10 * HOUR, 200_000))
    assert.strictEqual(quoteState(state).previousClose, 110_000)
    assert.deepInclude(day(state), { open: 200_000, low: 200_000, volume: 100 })
    fold(state, changes, { ...morning, time: tuesday + 10 * HOUR })
    assert.deepInclude(day(state), { open: 100_000, volume: 5_100 })
  })

  it("is taken once a day; nonsense and other days are left out; all are counted", () => {
    const state = initialTickerState("T")
    const changes = fold(state, new BarChanges(), trade(1, morning.time, 105_000), morning)
    const before = day(state)
    fold(
      state,
      changes,
      morning,
      { ...morning, volume: 1 },
      { ...morning, time: midnight - HOUR },
      { ...morning, low: 115_000 },
      { ...morning, volume: Number.NaN },
      { ...morning, regularVolume: 6_000 },
      { ...morning, time: Number.NaN }
    )
    assert.deepStrictEqual(day(state), before)
    assert.deepInclude(state.counts, { toldAgain: 1, malformed: 5, beforeToday: 1 })
    assert.strictEqual(state.seq, 9)
  })

  it("before the open has volume and no range", () => {
    const state = initialTickerState("T")
    const pre = { ...empty, time: open - HOUR, last: 99_000, lastSize: 10, volume: 700, trades: 7 }
    const changes = fold(state, new BarChanges(), pre)
    assert.deepStrictEqual(day(state), {
      ...{ open: 0, high: 0, low: 0, last: 99_000, lastSize: 10, volume: 700, trades: 7 }
    })
    assert.isTrue(changes.isEmpty)
    fold(state, changes, trade(1, open, 100_000))
    assert.deepInclude(formingBars(state)["1d"], { open: 10, low: 10, volume: 100 })
  })

  it("stays when all live trades are cancelled, also among dropped ones", () => {
    const state = initialTickerState("T", 0, 4_096)
    const changes = fold(state, new BarChanges(), trade(1, morning.time, 130_000), morning)
    fold(state, changes, { _tag: "TradeCancel", time: morning.time + 1, id: 1 })
    const { lastSize, ...rest } = day(state)
    assert.deepStrictEqual(
      { ...rest, lastSize },
      {
        ...{ open: 100_000, high: 120_000, low: 90_000, last: 110_000, volume: 5_000, trades: 50 },
        lastSize: 300
      }
    )
    const many = Array.from({ length: 20_000 }, (_, i) => trade(i + 2, morning.time + i * 10, 100_000 + (i % 7), 1))
    fold(state, changes, ...many)
    assert.isAtMost(state.log.length, 4_096)
    fold(state, changes, trade(30_000, morning.time + 200_000, 200_000, 1))
    fold(state, changes, { _tag: "TradeCancel", time: morning.time + 200_001, id: 30_000 })
    assert.deepInclude(day(state), { open: 100_000, high: 120_000, low: 90_000, volume: 25_000 })
    assert.deepInclude(formingBars(state)["1d"], { high: 12, low: 9, volume: 24_000, trades: 20_040 })
  })
})

const conditions = fc.constantFrom(
  TradeCondition.Regular,
  TradeCondition.Regular,
  TradeCondition.OddLot,
  TradeCondition.OutOfSequence,
  TradeCondition.ExtendedHours,
  TradeCondition.NotLast,
  TradeCondition.OpeningPrint,
  TradeCondition.ClosingPrint,
  TradeCondition.Suspicious
)
const price = fc.integer({ min: 9_990, max: 10_010 }).map((cents) => cents * 100)
const size = fc.integer({ min: 1, max: 900 })
const at = fc
  .tuple(fc.constantFrom(open - HOUR, open, open + MINUTE, open + HOUR, close - 500, close), fc.nat(8))
  .map(([base, n]) => base + n * 300)
const entry = fc.oneof(
  { weight: 5, arbitrary: fc.record({ at, price, size, conditions }) },
  { weight: 1, arbitrary: fc.record({ amends: fc.nat(20), price, size, conditions, cancel: fc.boolean() }) }
)

/** What arrives, and from when on the feed tells it tick by tick. */
const script = fc
  .record({
    entries: fc.array(entry, { maxLength: 40 }),
    sorted: fc.boolean(),
    start: fc.constantFrom(open - HOUR, open, open + MINUTE, open + HOUR + 900, close, close + 1_000)
  })
  .map(({ entries, sorted, start }) => {
    const times = entries.flatMap((one) => ("at" in one ? [one.at] : []))
    if (sorted) times.sort((a, b) => a - b)
    const before: Array<Tick> = []
    const after: Array<Tick> = []
    let next = 0
    for (const one of entries) {
      const { conditions, price, size } = one
      if ("at" in one) {
        const time = times[next] ?? 0
        const half = time < start ? before : after
        // a closing print reported after the close ends regular hours: only what is told tick by tick can say so
        const kind = half === after && start > close ? conditions & ~TradeCondition.ClosingPrint : conditions
        half.push(trade(next++, time, price, size, kind))
        continue
      }
      const known = [...before, ...after].find((tick) => tick._tag === "Trade" && tick.id === one.amends)
      if (known === undefined) continue
      const half = known.time < start ? before : after
      half.push(
        one.cancel
          ? { _tag: "TradeCancel", time: known.time, id: one.amends }
          : { _tag: "TradeCorrection", time: known.time, id: one.amends, price, size, conditions: 0 }
      )
    }
    return { before, after, start }
  })

describe("the day so far, of any trades", () => {
  it("and the ticks after it give the quote and day's bar of all ticks, wherever among them it is told", () => {
    fc.assert(
      fc.property(script, fc.nat(40), fc.constantFrom("whole", "copied", "restored"), (told, where, how) => {
        const { after, before, start } = told
        const whole = initialTickerState("T")
        const wholeChanges = fold(whole, new BarChanges(), ...before)
        // a bar of trades out of sequence alone takes its ends from later ones; a sum cannot say that it is one
        fc.pre(!whole.day.priced || whole.day.sequenced)
        const soFar = soFarOf(whole, start)
        fold(whole, wholeChanges, ...after)
        closeBars(whole, night, wholeChanges)

        const cut = Math.min(where, after.length)
        let part = initialTickerState("T")
        const changes = fold(part, new BarChanges(), ...after.slice(0, cut), soFar)
        if (how === "copied") part = copyTickerState(part)
        if (how === "restored") part = restore(JSON.parse(JSON.stringify(checkpoint(part))))
        fold(part, changes, ...after.slice(cut), soFar)
        closeBars(part, night, changes)
        assert.deepStrictEqual(day(part), day(whole))
        assert.deepStrictEqual(bar1d(changes), bar1d(wholeChanges))
        assert.strictEqual(part.counts.toldAgain, 1)
      }),
      { numRuns: 1_500 }
    )
  })
})
