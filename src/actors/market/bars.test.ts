import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Bar, Interval } from "../../rpc/market.ts"
import { addTrade, barEnd, barStart, baseOf, emptyPriceBar, goneBar, rollUp } from "./bars.ts"
import { dayOfDate } from "./calendar.ts"
import { Moves } from "./conditions.ts"

const HOUR = 3_600_000
const midnight = (date: string): number => dayOfDate(date)?.midnight ?? Number.NaN
const ALL = Moves.Volume | Moves.HighLow | Moves.OpenClose | Moves.Last

const bar = (time: number, [open, high, low, close]: readonly [number, number, number, number], volume = 100): Bar => ({
  time,
  open,
  high,
  low,
  close,
  volume,
  trades: 1,
  final: true,
  revision: 0
})

describe("a bar of trades", () => {
  it("has the same prices and volume in any order of arrival", () => {
    const trades = fc.uniqueArray(
      fc.record({ key: fc.nat(100), price: fc.integer({ min: 1, max: 20 }), size: fc.nat(9) }),
      {
        selector: (trade) => trade.key,
        minLength: 1
      }
    )
    fc.assert(
      fc.property(trades, fc.infiniteStream(fc.nat()), (list, order) => {
        const [straight, shuffled] = [emptyPriceBar(), emptyPriceBar()]
        const sorted = list.toSorted((a, b) => a.key - b.key)
        for (const { key, price, size } of sorted) addTrade(straight, key, price, size, ALL)
        const mixed = list.map((trade) => ({ trade, at: order.next().value })).sort((a, b) => a.at - b.at)
        for (const { trade } of mixed) addTrade(shuffled, trade.key, trade.price, trade.size, ALL)
        assert.deepStrictEqual(shuffled, straight)
        assert.deepStrictEqual(
          [straight.open, straight.close, straight.high, straight.low],
          [
            sorted[0]?.price,
            sorted.at(-1)?.price,
            Math.max(...list.map((t) => t.price)),
            Math.min(...list.map((t) => t.price))
          ]
        )
      })
    )
  })

  it("takes open and close from trades out of sequence only while it has no others", () => {
    const built = emptyPriceBar()
    const outOfSequence = Moves.Volume | Moves.HighLow
    addTrade(built, 1, 90, 10, outOfSequence)
    assert.deepStrictEqual([built.open, built.close], [90, 90])
    addTrade(built, 2, 100, 10, ALL)
    addTrade(built, 3, 110, 10, outOfSequence)
    addTrade(built, 4, 999, 10, Moves.Volume)
    assert.deepStrictEqual([built.open, built.high, built.low, built.close, built.volume], [100, 110, 90, 100, 40])
  })
})

describe("where bars start and end", () => {
  const at = midnight("2024-03-13") + 11 * HOUR + 7 * 60_000 + 31_500

  it("in New York time: days, weeks from Monday, months", () => {
    const starts: ReadonlyArray<readonly [Interval, number, number]> = [
      ["1s", at - 500, at + 500],
      ["15s", at - 1_500, at + 13_500],
      ["5m", midnight("2024-03-13") + 11 * HOUR + 5 * 60_000, midnight("2024-03-13") + 11 * HOUR + 10 * 60_000],
      ["1h", midnight("2024-03-13") + 11 * HOUR, midnight("2024-03-13") + 12 * HOUR],
      ["1d", midnight("2024-03-13"), midnight("2024-03-14")],
      ["1w", midnight("2024-03-11"), midnight("2024-03-18")],
      ["1mo", midnight("2024-03-01"), midnight("2024-04-01")]
    ]
    for (const [interval, start, end] of starts) {
      assert.deepStrictEqual([barStart(interval, at), barEnd(interval, barStart(interval, at))], [start, end], interval)
    }
    // the month has the hour the clocks took
    assert.strictEqual(barEnd("1mo", midnight("2024-03-01")) - midnight("2024-03-01"), (31 * 24 - 1) * HOUR)
    assert.strictEqual(barEnd("1mo", midnight("2024-12-01")), midnight("2025-01-01"))
  })
})

describe("rollUp", () => {
  const open = midnight("2013-10-07") + 9.5 * HOUR

  it("keeps extremes and volume, opens with the first and closes with the last", () => {
    const minutes = [
      bar(open, [10, 12, 9, 11]),
      bar(open + 120_000, [11, 15, 11, 14]),
      bar(open + 300_000, [14, 14, 13, 13])
    ]
    assert.deepStrictEqual(rollUp(minutes, "5m"), [
      { ...bar(open, [10, 15, 9, 14], 200), trades: 2 },
      { ...bar(open + 300_000, [14, 14, 13, 13]), final: false }
    ])
  })

  it("is final with its last part, with time, or with a successor", () => {
    const minutes = [bar(open + 240_000, [1, 1, 1, 1])]
    const final = (bars: ReadonlyArray<Bar>, now?: number) => rollUp(bars, "5m", now).map((one) => one.final)
    assert.deepStrictEqual(final(minutes), [true])
    assert.deepStrictEqual(final([bar(open, [1, 1, 1, 1])]), [false])
    assert.deepStrictEqual(final([bar(open, [1, 1, 1, 1])], open + 300_000), [true])
    assert.deepStrictEqual(final([{ ...bar(open, [1, 1, 1, 1]), final: false }], open + 300_000), [false])
    assert.deepStrictEqual(final([bar(open, [1, 1, 1, 1]), bar(open + 300_000, [1, 1, 1, 1])]), [true, false])
  })

  it("makes days of regular hours alone, and weeks and months of days", () => {
    const minutes = [
      bar(open - 60_000, [90, 99, 90, 99]),
      bar(open, [10, 12, 9, 11]),
      bar(open + 6.5 * HOUR - 60_000, [11, 11, 8, 10]),
      bar(open + 6.5 * HOUR, [1, 1, 1, 1])
    ]
    const [day] = rollUp(minutes, "1d")
    assert.deepStrictEqual(
      [day?.time, day?.open, day?.high, day?.low, day?.close, day?.volume],
      [midnight("2013-10-07"), 10, 12, 8, 10, 200]
    )
    const days = ["2013-09-30", "2013-10-01", "2013-10-07", "2013-10-31"].map((date) =>
      bar(midnight(date), [1, 2, 1, 2])
    )
    assert.deepStrictEqual(
      rollUp(days, "1w").map((week) => [week.time, week.volume]),
      [
        [midnight("2013-09-30"), 200],
        [midnight("2013-10-07"), 100],
        [midnight("2013-10-28"), 100]
      ]
    )
    assert.deepStrictEqual(
      rollUp(days, "1mo").map((month) => [month.time, month.volume]),
      [
        [midnight("2013-09-01"), 100],
        [midnight("2013-10-01"), 300]
      ]
    )
  })

  it("leaves out bars that are gone, and in two steps gives what one gives", () => {
    assert.deepStrictEqual(rollUp([goneBar(10_000, open, true, 1)], "5m"), [])
    const minutes = fc.uniqueArray(
      fc.record({ n: fc.nat(389), price: fc.integer({ min: 1, max: 50 }), volume: fc.nat(500) }),
      {
        selector: ({ n }) => n
      }
    )
    fc.assert(
      fc.property(minutes, (list) => {
        const bars = list
          .toSorted((a, b) => a.n - b.n)
          .map(({ n, price, volume }) => bar(open + n * 60_000, [price, price + 2, price - 1, price + 1], volume))
        const values = (rolled: ReadonlyArray<Bar>) => rolled.map(({ final: _, ...rest }) => rest)
        assert.deepStrictEqual(values(rollUp(rollUp(bars, "5m"), "30m")), values(rollUp(bars, "30m")))
        const total = rollUp(bars, "1d")[0]?.volume ?? 0
        assert.strictEqual(
          total,
          bars.reduce((sum, one) => sum + one.volume, 0)
        )
      })
    )
  })

  it("knows which base each interval needs", () => {
    assert.deepStrictEqual(
      (["1s", "5s", "15s", "1m", "5m", "15m", "30m", "1h", "1d", "1w", "1mo"] as const).map(baseOf),
      ["1s", "1s", "1s", "1m", "1m", "1m", "1m", "1m", "1d", "1d", "1d"]
    )
  })
})
