import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { shardsReady, unstoredOnly } from "../../../test/support/marketNode.ts"
import { owner } from "../../../test/support/owner.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import type { Bar, BarsPage, Interval } from "../../rpc/market.ts"
import { BarHistory, type HistoryQuery } from "./BarHistory.ts"
import { BarStore, memoryCapacity } from "./BarStore.ts"
import { barEnd, barStart, baseOf, rollUp } from "./bars.ts"
import { dayOfDate } from "./calendar.ts"
import type { BaseInterval } from "./Feed.ts"

const bar = (time: number, close = 10, fields: Partial<Bar> = {}): Bar => ({
  time,
  open: close - 1,
  high: close + 1,
  low: close - 2,
  close,
  volume: 100,
  trades: 3,
  final: true,
  revision: 0,
  ...fields
})

const midnight = (date: string): number => dayOfDate(date)?.midnight ?? Number.NaN

/** Every page from the newest on, oldest bar first in the end. */
const allPages = (query: HistoryQuery) =>
  Effect.gen(function* () {
    const history = yield* BarHistory
    const pages: Array<ReadonlyArray<Bar>> = []
    let cursor: HistoryQuery | undefined = query
    while (cursor !== undefined) {
      const page: BarsPage = yield* history.page(cursor)
      pages.unshift(page.bars)
      cursor = page.before === null ? undefined : { ...query, before: page.before }
    }
    return pages
  })

/** All of a bar but whether it is final: the newest of a page knows that by market time alone. */
const position = ({ final: _, ...rest }: Bar) => rest

const intervals: ReadonlyArray<Interval> = ["1s", "5s", "15s", "1m", "5m", "15m", "30m", "1h", "1d", "1w", "1mo"]

/** Base bars at random slots: irregular, with holes, over day, week, month and clock-change boundaries. */
const slotTimes = (base: BaseInterval, slots: ReadonlyArray<number>): ReadonlyArray<number> => {
  if (base === "1d") {
    const times: Array<number> = []
    let day = midnight("2013-10-07")
    for (let slot = 0; slot <= 200; slot++) {
      if (slots.includes(slot)) times.push(day)
      day = barEnd("1d", day)
    }
    return times
  }
  const start = midnight("2013-11-03") - 30 * (base === "1s" ? 1_000 : 60_000)
  return slots.map((slot) => start + slot * (base === "1s" ? 1_000 : 60_000))
}

/** Everything stored is of the past. */
const endOfTime = 8.64e15

describe("BarHistory.page", () => {
  it.effect("pages of any size put together are the whole, once each, and no bar is split", () =>
    Effect.gen(function* () {
      const run = Effect.runPromiseWith(yield* Effect.context<never>())
      const cases = fc.record({
        interval: fc.constantFrom(...intervals),
        slots: fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { maxLength: 120 }),
        limit: fc.integer({ min: 1, max: 40 }),
        // where the feed's history ends and the store begins, and how far the two overlap
        seam: fc.integer({ min: 0, max: 120 }),
        overlap: fc.integer({ min: 0, max: 5 }),
        range: fc.option(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 200 })))
      })
      const property = fc.asyncProperty(cases, ({ interval, limit, overlap, range, seam, slots }) => {
        const base = baseOf(interval)
        const times = slotTimes(
          base,
          slots.toSorted((a, b) => a - b)
        )
        const bars = times.map((time, i) => bar(time, 10 + i, { final: i < times.length - 1 }))
        const last = bars.slice(-1)
        const feed = new ScriptedFeed(["A"])
        feed.marketTime = endOfTime
        feed.publishedUpTo = 0
        feed.history.set(
          `A ${base}`,
          bars
            .slice(0, -1)
            .slice(0, seam + overlap)
            .map((b, i) => (i < seam ? b : { ...b, volume: 1 }))
        )
        return Effect.gen(function* () {
          yield* shardsReady
          const store = yield* BarStore
          yield* store.put(owner(), "A", base, bars.slice(seam, -1))
          const from = range === null ? undefined : times[range[0] % Math.max(1, times.length)]
          const to =
            from === undefined || range === null ? undefined : from + range[1] * (base === "1s" ? 1_000 : 60_000)
          const pages = yield* allPages({ symbol: "A", interval, limit, from, to })
          // bars are whole: the first is the first that starts in the range
          const whole = rollUp(bars, interval).filter((b) => b.time >= (from ?? -Infinity) && b.time < (to ?? Infinity))
          assert.deepStrictEqual(pages.flat().map(position), whole.map(position))
          for (const page of pages.slice(1)) assert.strictEqual(page.length, limit)
        }).pipe(Effect.provide(unstoredOnly(feed, () => ({ bars: last }))), run)
      })
      yield* Effect.promise(() => fc.assert(property, { numRuns: 60 }))
    })
  )

  it.effect("weeks and months are whole whatever the page, over the change of clocks", () => {
    const feed = new ScriptedFeed(["A"])
    const days: Array<Bar> = []
    for (let day = midnight("2013-10-01"); day < midnight("2014-02-01"); day = barEnd("1d", day)) days.push(bar(day))
    feed.history.set("A 1d", days)
    feed.marketTime = midnight("2014-02-01")
    return Effect.gen(function* () {
      yield* shardsReady
      const months = (yield* allPages({ symbol: "A", interval: "1mo", limit: 1 })).flat()
      assert.deepStrictEqual(
        months.map((m) => [m.time, m.volume / 100]),
        [
          [midnight("2013-10-01"), 31],
          [midnight("2013-11-01"), 30],
          [midnight("2013-12-01"), 31],
          [midnight("2014-01-01"), 31]
        ]
      )
      assert.isTrue(months.every((m) => m.final))
      const weeks = (yield* allPages({ symbol: "A", interval: "1w", limit: 2 })).flat()
      assert.strictEqual(weeks[0]?.volume, 600)
      assert.isTrue(weeks.slice(1, -1).every((w) => w.volume === 700 && barStart("1w", w.time) === w.time))
      // asked for from the middle of a month: the next whole one is the first
      const history = yield* BarHistory
      const page = yield* history.page({ symbol: "A", interval: "1mo", from: midnight("2013-11-15") })
      assert.deepStrictEqual(
        page.bars.map((m) => [m.time, m.volume / 100]),
        [
          [midnight("2013-12-01"), 31],
          [midnight("2014-01-01"), 31]
        ]
      )
      assert.isNull(page.before)
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("a page whose base bars take many reads, the first ending within a bar", () => {
    const feed = new ScriptedFeed(["A"])
    const first = midnight("2013-10-07")
    const minutes = Array.from({ length: 20_000 }, (_, i) => bar(first + i * 60_000))
    feed.history.set("A 1m", minutes)
    feed.marketTime = first + 20_000 * 60_000
    return Effect.gen(function* () {
      yield* shardsReady
      const pages = yield* allPages({ symbol: "A", interval: "1h", limit: 84 })
      assert.deepStrictEqual(
        pages.map((page) => page.length),
        [82, 84, 84, 84]
      )
      assert.deepStrictEqual(pages.flat().map(position), rollUp(minutes, "1h").map(position))
      assert.isAbove(feed.historyReads, pages.length)
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("ends where bars were evicted: nothing older is joined across the hole, no bar is half", () => {
    const feed = new ScriptedFeed(["A"])
    feed.marketTime = endOfTime
    feed.publishedUpTo = 0
    const minute = 60_000
    const start = midnight("2013-10-07")
    feed.history.set(
      "A 1m",
      Array.from({ length: 100 }, (_, i) => bar(start - (100 - i) * minute))
    )
    return Effect.gen(function* () {
      yield* shardsReady
      const store = yield* BarStore
      const full = memoryCapacity["1m"]
      const own = Array.from({ length: full }, (_, i) => bar(start + i * minute))
      yield* store.put(owner(), "A", "1m", own)
      const before = (yield* allPages({ symbol: "A", interval: "1m", limit: 1_000 })).flat()
      assert.strictEqual(before.length, full + 100)
      yield* store.put(owner(), "A", "1m", [bar(start + full * minute)])
      const gone = (full >> 3) * minute
      const pages = yield* allPages({ symbol: "A", interval: "1m", limit: 1_000 })
      assert.strictEqual(pages[0]?.[0]?.time, start + gone)
      assert.strictEqual(pages.flat().length, full - (full >> 3) + 1)
      const [hour] = (yield* allPages({ symbol: "A", interval: "1h", limit: 50 })).flat()
      assert.strictEqual(hour?.time, start + Math.ceil(gone / 3_600_000) * 3_600_000)
      assert.strictEqual(hour?.volume, 6_000)
      const history = yield* BarHistory
      const beyond = yield* history.page({ symbol: "A", interval: "1m", to: start + minute })
      assert.deepStrictEqual([beyond.bars, beyond.before], [[], null])
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("what is forming ends the page; a version of ours counts over the feed's", () => {
    const feed = new ScriptedFeed(["A"])
    feed.marketTime = endOfTime
    feed.publishedUpTo = 0
    feed.history.set("A 1m", [bar(0, 1), bar(60_000, 2)])
    return Effect.gen(function* () {
      yield* shardsReady
      const store = yield* BarStore
      const history = yield* BarHistory
      yield* store.put(owner(), "A", "1m", [bar(60_000, 5)])
      const page = yield* history.page({ symbol: "A", interval: "1m" })
      assert.deepStrictEqual(page.bars, [bar(0, 1), bar(60_000, 5), bar(120_000, 7, { final: false })])
      assert.strictEqual(page.label, "REPLAY")
      const until = yield* history.page({ symbol: "A", interval: "1m", to: 120_000 })
      assert.deepStrictEqual(
        until.bars.map((b) => b.time),
        [0, 60_000]
      )
    }).pipe(Effect.provide(unstoredOnly(feed, () => ({ bars: [bar(120_000, 7, { final: false })] }))))
  })

  it.effect("refuses what cannot be, and says which field", () =>
    Effect.gen(function* () {
      yield* shardsReady
      const history = yield* BarHistory
      const refused = (query: Partial<HistoryQuery>) =>
        Effect.flip(history.page({ symbol: "A", interval: "1m", ...query }))
      const unknown = yield* refused({ symbol: "ZZ" })
      assert.strictEqual(unknown._tag, "UnknownSymbol")
      for (const [field, query] of [
        ["to", { from: 10, to: 10 }],
        ["limit", { limit: 0 }],
        ["limit", { limit: 5_001 }],
        ["before", { before: 1.5 }],
        ["from", { from: 1e18 }],
        ["to", { interval: "1mo", to: 8.64e15 }],
        ["before", { interval: "1mo", before: -8.64e15 }]
      ] as const) {
        const error = yield* refused(query)
        assert.strictEqual(error._tag === "InvalidRequest" ? error.field : error._tag, field)
      }
      // what is not refused can be asked of a store: its bounds are numbers
      for (const interval of ["1s", "1d", "1w", "1mo"] as const) {
        for (const time of [8.6e15, -8.6e15]) {
          assert.deepStrictEqual((yield* history.page({ symbol: "A", interval, from: time })).bars, [])
          assert.isFinite(barEnd(interval, barStart(interval, time)))
        }
      }
    }).pipe(Effect.provide(unstoredOnly(new ScriptedFeed(["A"]))))
  )

  it.effect("shows nothing that was stored of a time the market has not reached: a recording played again", () => {
    const feed = new ScriptedFeed(["A"])
    return Effect.gen(function* () {
      yield* shardsReady
      const store = yield* BarStore
      yield* store.put(
        owner(),
        "A",
        "1m",
        [0, 1, 2, 3].map((i) => bar(i * 60_000))
      )
      const history = yield* BarHistory
      const times = Effect.map(history.page({ symbol: "A", interval: "1m" }), ({ bars }) =>
        bars.map(({ time }) => time)
      )
      feed.marketTime = 2 * 60_000
      assert.deepStrictEqual(yield* times, [0, 60_000, 120_000])
      feed.marketTime = 3 * 60_000 - 1
      assert.deepStrictEqual(yield* times, [0, 60_000, 120_000])
      feed.marketTime = 3 * 60_000
      assert.deepStrictEqual(yield* times, [0, 60_000, 120_000, 180_000])
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("goes on behind a bar that is gone, also while the store does not know of it", () => {
    const feed = new ScriptedFeed(["A"])
    feed.marketTime = endOfTime
    const gone = bar(7 * 60_000, 10, { volume: 0, trades: 0, revision: 1 })
    return Effect.gen(function* () {
      yield* shardsReady
      const store = yield* BarStore
      const minutes = Array.from({ length: 20 }, (_, i) => i)
      yield* store.put(
        owner(),
        "A",
        "1m",
        minutes.map((i) => bar(i * 60_000))
      )
      const pages = yield* allPages({ symbol: "A", interval: "1m", limit: 5, before: 10 * 60_000 })
      assert.deepStrictEqual(
        pages.map((page) => page.map(({ time }) => time / 60_000)),
        [
          [0, 1, 2, 3],
          [4, 5, 6, 8, 9]
        ]
      )
    }).pipe(Effect.provide(unstoredOnly(feed, () => ({ bars: [gone] }))))
  })

  it.effect("shows what a symbol has come to, though its feed began again on another node and is behind it", () => {
    const feed = new ScriptedFeed(["A"])
    return Effect.gen(function* () {
      yield* shardsReady
      const store = yield* BarStore
      const bars = [0, 1, 2].map((i) => bar(i * 60_000))
      yield* store.put(owner(), "A", "1m", bars)
      const history = yield* BarHistory
      feed.marketTime = 1
      assert.deepStrictEqual((yield* history.page({ symbol: "A", interval: "1m" })).bars, bars)
    }).pipe(Effect.provide(unstoredOnly(feed, () => ({ marketTime: 2 * 60_000 }))))
  })
})
