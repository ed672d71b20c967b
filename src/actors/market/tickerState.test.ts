import { assert, describe, it } from "@effect/vitest"
import type { Bar } from "../../rpc/market.ts"
import { type Tick, TradeCondition } from "../../rpc/ticks.ts"
import { BarChanges } from "./BarChanges.ts"
import { isGone } from "./bars.ts"
import { dayOfDate } from "./calendar.ts"
import type { BaseInterval } from "./Feed.ts"
import { closeBars, foldBatch, formingBars, initialTickerState, quoteState } from "./tickerState.ts"

const HOUR = 3_600_000
const MINUTE = 60_000
const midnight = (date: string): number => dayOfDate(date)?.midnight ?? Number.NaN
const monday = midnight("2013-10-07")
const open = monday + 9.5 * HOUR
const close = monday + 16 * HOUR

/** One symbol, told ticks one batch at a time; `bars` are all that were heard of. */
const ticker = (keptTrades?: number) => {
  const state = initialTickerState("T", 7, keptTrades)
  const changes = new BarChanges()
  let id = 0
  return {
    state,
    changes,
    quote: () => quoteState(state),
    fold: (...ticks: ReadonlyArray<Tick>) =>
      foldBatch(state, { symbol: "T", ingestTime: 42, previousClose: null, ticks }, changes),
    trade: (time: number, dollars: number, size = 100, conditions: number = TradeCondition.Regular): number => {
      const tick: Tick = { _tag: "Trade", id: ++id, time, price: dollars * 10_000, size, exchange: "N", conditions }
      foldBatch(state, { symbol: "T", ingestTime: 42, previousClose: null, ticks: [tick] }, changes)
      return id
    },
    bars: (interval: BaseInterval): Array<Bar> => changes.bars(interval).filter((bar) => !isGone(bar)),
    ohlcv: (interval: BaseInterval) =>
      changes
        .bars(interval)
        .filter((bar) => !isGone(bar))
        .map((bar) => [bar.open, bar.high, bar.low, bar.close, bar.volume])
  }
}

describe("bars", () => {
  it("form with each trade, and are final when a later trade or time ends them", () => {
    const t = ticker()
    t.trade(open + 100, 10)
    t.trade(open + 900, 11)
    assert.deepStrictEqual(t.bars("1s"), [
      { time: open, open: 10, high: 11, low: 10, close: 11, volume: 200, trades: 2, final: false, revision: 0 }
    ])
    assert.deepStrictEqual(formingBars(t.state)["1m"], t.bars("1m")[0])
    t.trade(open + 1_500, 12)
    assert.deepStrictEqual(
      t.bars("1s").map((bar) => bar.final),
      [true, false]
    )
    closeBars(t.state, open + MINUTE - 1, t.changes)
    assert.isFalse(t.bars("1m")[0]?.final)
    closeBars(t.state, open + MINUTE, t.changes)
    assert.isTrue(t.bars("1m")[0]?.final)
    assert.isNull(formingBars(t.state)["1m"])
    closeBars(t.state, monday + 20 * HOUR, t.changes)
    assert.isTrue(t.bars("1d")[0]?.final)
  })

  it("close by time though quotes keep coming", () => {
    const t = ticker()
    t.trade(open, 10)
    t.fold({ _tag: "TopOfBook", time: open + 2 * MINUTE, bid: 1, bidSize: 1, ask: 2, askSize: 1 })
    closeBars(t.state, open + MINUTE + 1, t.changes)
    assert.isTrue(t.bars("1m")[0]?.final)
  })

  it("are revised by late trades after they are final, and count it", () => {
    const t = ticker()
    t.trade(open + 1_000, 10)
    t.trade(open + 61_000, 20)
    t.trade(open + 500, 9)
    t.trade(open + 59_000, 12)
    const [first, second] = t.bars("1m")
    assert.deepStrictEqual(
      [first?.open, first?.high, first?.low, first?.close, first?.final, first?.revision],
      [9, 12, 9, 12, true, 2]
    )
    assert.strictEqual(second?.revision, 0)
    assert.strictEqual(t.state.counts.late, 2)
    assert.strictEqual(t.quote().last, 200_000)
  })

  it("give volume that nothing prices to the bar before, and to no bar of another session", () => {
    const t = ticker()
    t.trade(open - MINUTE, 10)
    t.trade(open, 77, 5, TradeCondition.VolumeOnly)
    t.trade(open + MINUTE, 11)
    t.trade(open + 2 * MINUTE, 77, 7, TradeCondition.OddLot)
    t.trade(open + 3 * MINUTE, 12)
    assert.deepStrictEqual(t.ohlcv("1m"), [
      [10, 10, 10, 10, 100],
      [11, 11, 11, 11, 112],
      [12, 12, 12, 12, 100]
    ])
    assert.strictEqual(t.bars("1m")[1]?.revision, 1)
  })

  it("vanish with their last trade, and say so", () => {
    const t = ticker()
    t.trade(open, 10)
    const id = t.trade(open + MINUTE, 12)
    t.trade(open + 2 * MINUTE, 14)
    t.fold({ _tag: "TradeCancel", time: open + 3 * MINUTE, id })
    const gone = t.changes.bars("1m").filter(isGone)
    assert.deepStrictEqual(
      gone.map((bar) => [bar.time, bar.volume, bar.final, bar.revision]),
      [[open + MINUTE, 0, true, 1]]
    )
    assert.deepStrictEqual(t.ohlcv("1d"), [[10, 14, 10, 14, 200]])
  })
})

describe("auctions", () => {
  it("the opening print of the first minute opens the session; a later one is a trade like others", () => {
    const t = ticker()
    t.trade(open + 10, 11)
    t.trade(open + 16_000, 10, 1_000, TradeCondition.OpeningPrint)
    t.trade(open + 16_500, 9, 1_000, TradeCondition.OpeningPrint)
    assert.deepStrictEqual(t.ohlcv("1m"), [[10, 11, 9, 11, 2_100]])
    assert.strictEqual(t.quote().open, 100_000)
    assert.deepStrictEqual(t.ohlcv("1s"), [[10, 11, 9, 11, 2_100]])

    const late = ticker()
    late.trade(open + 10, 11)
    late.trade(open + 73_000, 10, 1_000, TradeCondition.OpeningPrint)
    assert.deepStrictEqual(
      late.bars("1m").map((bar) => [bar.time, bar.open]),
      [
        [open, 11],
        [open + MINUTE, 10]
      ]
    )
    assert.strictEqual(late.quote().open, 110_000)
  })

  it("the closing print closes the last regular minute, however late", () => {
    const t = ticker()
    t.trade(close - 30_000, 10)
    t.trade(close + 1_000, 13)
    t.trade(close + 64_000, 12, 5_000, TradeCondition.ClosingPrint)
    assert.deepStrictEqual(t.ohlcv("1m"), [
      [10, 12, 10, 12, 5_100],
      [13, 13, 13, 13, 100]
    ])
    assert.deepStrictEqual(t.ohlcv("1d"), [[10, 12, 10, 12, 5_100]])
    const quote = t.quote()
    assert.deepStrictEqual([quote.last, quote.volume, quote.session], [130_000, 5_200, "post"])
    // not even by a late trade of the last millisecond
    t.trade(close - 1, 11)
    assert.deepStrictEqual(t.ohlcv("1d"), [[10, 12, 10, 12, 5_200]])
  })
})

describe("the quote", () => {
  it("takes open, high and low from regular hours, last and volume from all", () => {
    const t = ticker()
    t.trade(open - HOUR, 20)
    assert.deepStrictEqual([t.quote().open, t.quote().last, t.quote().session], [0, 200_000, "pre"])
    t.trade(open, 10)
    t.trade(close + 1, 5, 50)
    const quote = t.quote()
    assert.deepStrictEqual(
      [quote.open, quote.high, quote.low, quote.last, quote.lastSize, quote.volume, quote.trades],
      [100_000, 100_000, 100_000, 50_000, 50, 250, 3]
    )
    assert.deepStrictEqual([quote.epoch, quote.seq, quote.exchangeTime, quote.ingestTime], [7, 3, close + 1, 42])
  })

  it("goes back to what stood before when trades are cancelled", () => {
    const t = ticker()
    t.trade(open, 10)
    const high = t.trade(open + 1, 15)
    const last = t.trade(open + 2, 12)
    t.fold({ _tag: "TradeCancel", time: open + 3, id: high }, { _tag: "TradeCancel", time: open + 3, id: last })
    const quote = t.quote()
    assert.deepStrictEqual([quote.high, quote.last, quote.volume, quote.trades], [100_000, 100_000, 100, 1])
    assert.strictEqual(quote.seq, 5)
  })

  it("is corrected with its trades", () => {
    const t = ticker()
    const id = t.trade(open, 10)
    t.fold({ _tag: "TradeCorrection", time: open + 9, id, price: 110_000, size: 30, conditions: 0 })
    assert.deepStrictEqual(t.ohlcv("1m"), [[11, 11, 11, 11, 30]])
    const quote = t.quote()
    assert.deepStrictEqual([quote.last, quote.lastSize, quote.open, quote.volume], [110_000, 30, 110_000, 30])
    t.fold({ _tag: "TradeCorrection", time: open + 9, id, price: 1, size: 30, conditions: TradeCondition.Suspicious })
    assert.deepStrictEqual([t.quote().last, t.quote().open, t.quote().volume], [0, 0, 0])
  })

  it("shows the newest book and halt, not what arrives after them but is older", () => {
    const t = ticker()
    t.fold(
      { _tag: "TopOfBook", time: open + 5, bid: 99, bidSize: 1, ask: 101, askSize: 2 },
      { _tag: "TopOfBook", time: open + 4, bid: 1, bidSize: 9, ask: 2, askSize: 9 },
      { _tag: "TradingStatus", time: open + 7, halted: true },
      { _tag: "TradingStatus", time: open + 6, halted: false }
    )
    const quote = t.quote()
    assert.deepStrictEqual(
      [quote.bid, quote.bidSize, quote.ask, quote.askSize, quote.halted, quote.last],
      [99, 1, 101, 2, true, 0]
    )
  })

  it("counts what it leaves out", () => {
    const t = ticker()
    t.trade(open, 10)
    t.trade(open, Number.NaN)
    t.trade(open, -1)
    t.trade(Number.NaN, 10)
    t.trade(monday - HOUR, 10)
    t.fold({ _tag: "TradeCancel", time: open, id: 99 })
    assert.deepStrictEqual(t.state.counts, {
      ticks: 6,
      late: 0,
      cancelled: 0,
      corrected: 0,
      unknownIds: 1,
      malformed: 3,
      beforeToday: 1,
      beyondKept: 0,
      toldAgain: 0,
      repeated: 0,
      missed: 0
    })
    assert.deepStrictEqual([t.quote().volume, t.quote().seq], [100, 6])
  })
})

describe("days", () => {
  it("start afresh with the first tick of a trading day, from yesterday's close", () => {
    const t = ticker()
    t.trade(open, 10)
    t.trade(close + 10, 11, 500, TradeCondition.ClosingPrint)
    t.trade(close + HOUR, 14)
    t.fold({ _tag: "TopOfBook", time: close + HOUR, bid: 99, bidSize: 1, ask: 101, askSize: 2 })
    t.trade(midnight("2013-10-08") + 5 * HOUR, 13)
    const quote = t.quote()
    assert.deepStrictEqual(
      [quote.previousClose, quote.open, quote.last, quote.volume, quote.bid, quote.session],
      [110_000, 0, 130_000, 100, 0, "pre"]
    )
    assert.deepStrictEqual(
      t.bars("1d").map((bar) => [bar.time, bar.close, bar.final]),
      [[monday, 11, true]]
    )
    assert.isTrue(
      t
        .bars("1m")
        .slice(0, -1)
        .every((bar) => bar.final)
    )
  })

  it("start with time alone, and sessions change with it; each moves the position by one", () => {
    const t = ticker()
    t.trade(midnight("2013-10-11") + 15 * HOUR, 10)
    const friday = midnight("2013-10-11")
    const seqAt = (time: number) => {
      closeBars(t.state, time, t.changes)
      return t.quote().seq
    }
    assert.strictEqual(seqAt(friday + 15.5 * HOUR), 1)
    assert.strictEqual(seqAt(friday + 16 * HOUR), 2)
    assert.strictEqual(t.quote().session, "post")
    assert.strictEqual(seqAt(friday + 20 * HOUR), 3)
    // Saturday is still Friday's
    assert.strictEqual(seqAt(midnight("2013-10-12") + 12 * HOUR), 3)
    assert.strictEqual(t.quote().volume, 100)
    assert.strictEqual(seqAt(midnight("2013-10-14")), 4)
    const quote = t.quote()
    assert.deepStrictEqual([quote.volume, quote.last, quote.previousClose, quote.seq], [0, 100_000, 100_000, 4])
  })

  it("have sessions for a symbol that never traded, and nothing else", () => {
    const t = ticker()
    closeBars(t.state, open, t.changes)
    assert.deepInclude(t.quote(), { session: "regular", seq: 1, exchangeTime: 0, last: 0 })
    closeBars(t.state, open + HOUR, t.changes)
    assert.strictEqual(t.quote().seq, 1)
    closeBars(t.state, close, t.changes)
    assert.deepInclude(t.quote(), { session: "post", seq: 2 })
    assert.isTrue(t.changes.isEmpty)
    // an older tick, reported late, is its first all the same
    t.trade(open, 10)
    assert.deepInclude(t.quote(), { session: "post", last: 100_000, exchangeTime: open })
  })

  it("pass without making late what nothing was told of", () => {
    const t = ticker()
    t.trade(open, 10)
    closeBars(t.state, open + 10 * MINUTE, t.changes)
    t.trade(open + 5 * MINUTE, 11)
    const [, late] = t.bars("1m")
    assert.deepInclude(late, { time: open + 5 * MINUTE, final: false, revision: 0 })
    closeBars(t.state, open + 10 * MINUTE, t.changes)
    assert.deepInclude(t.bars("1m")[1], { final: true, revision: 0 })
  })

  it("take the previous close the feed knows", () => {
    const t = ticker()
    foldBatch(t.state, {
      symbol: "T",
      ingestTime: 1,
      previousClose: 123_400,
      ticks: [{ _tag: "TradingStatus", time: open, halted: false }]
    })
    assert.strictEqual(t.quote().previousClose, 123_400)
  })
})

it("keeps a bounded number of trades: beyond it old bars stand, the day stays exact", () => {
  const t = ticker(4_096)
  const ticks: Array<Tick> = []
  for (let id = 0; id < 20_000; id++) {
    const price = id === 50 ? 900_000 : 100_000 + (id % 100)
    ticks.push({ _tag: "Trade", id, time: open + id * 100, price, size: 1, exchange: "N", conditions: 0 })
  }
  t.fold(...ticks)
  assert.isAtMost(t.state.log.length, 4_096)
  t.fold(
    { _tag: "TradeCancel", time: open + 2_000_000, id: 50 },
    { _tag: "TradeCancel", time: open + 2_000_000, id: 19_999 },
    { _tag: "Trade", id: 20_001, time: open + 10, price: 50_000, size: 1, exchange: "N", conditions: 0 }
  )
  const { counts } = t.state
  assert.deepStrictEqual([counts.unknownIds, counts.cancelled, counts.beyondKept], [1, 1, 1])
  const quote = t.quote()
  assert.deepStrictEqual([quote.open, quote.high, quote.low, quote.volume], [100_000, 900_000, 50_000, 20_000])
  // a recomputed day still knows what was dropped
  t.fold({ _tag: "TradeCorrection", time: open + 2_000_000, id: 19_998, price: 950_000, size: 1, conditions: 0 })
  assert.deepStrictEqual(
    [t.quote().open, t.quote().high, t.quote().low, t.quote().volume],
    [100_000, 950_000, 50_000, 20_000]
  )
  assert.strictEqual(t.bars("1m")[0]?.low, 10)
})

describe("a burst of corrections", () => {
  it("goes through the day once, not once for each", () => {
    const t = ticker()
    const count = 20_000
    // nearly an hour, all still kept
    const ids = Array.from({ length: count }, (_, i) => t.trade(open + i * 170, 100 + (i % 50) / 100))
    assert.strictEqual(t.state.log.length, count)
    let steps = 0
    const next = t.state.log.next.bind(t.state.log)
    t.state.log.next = (place) => {
      steps++
      return next(place)
    }
    const corrected = ids.filter((_, i) => i % 40 === 0)
    const time = open + HOUR
    t.fold(
      ...corrected.map((id, i): Tick => {
        const price = i === 7 ? 2_000_000 : 1_000_000
        return { _tag: "TradeCorrection", time, id, price, size: 100, conditions: 0 }
      })
    )
    assert.strictEqual(t.state.counts.corrected, corrected.length)
    assert.strictEqual(t.quote().high, 2_000_000)
    assert.deepInclude(t.bars("1d")[0], { high: 200, volume: count * 100 })
    // each goes through its minute a few times
    assert.isBelow(steps, count + corrected.length * 2_000)
    t.fold({ _tag: "TradeCancel", time, id: corrected[7] ?? 0 }, { _tag: "TradeCancel", time, id: corrected[8] ?? 0 })
    assert.deepInclude(t.bars("1d")[0], { high: 100.49, volume: (count - 2) * 100 })
  })
})
