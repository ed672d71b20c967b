import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../../actors/kernel/Bus.ts"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { dayOfDate } from "../../../actors/market/calendar.ts"
import { Feed } from "../../../actors/market/Feed.ts"
import type { TickBatch } from "../../../rpc/ticks.ts"
import { feedLayer } from "../index.ts"
import { collect, ioTurn, ticksOf, tradesOf } from "../testing/collector.ts"
import { feedSuite, runUntil } from "../testing/Feed.suite.ts"
import { leanFolder } from "../testing/leanFolder.ts"
import { type ReplayOptions, replayLayer } from "./Replay.ts"

const infrastructure = Bus.layerInProcess.pipe(Layer.provideMerge(Gauges.layer))
const midnight = (date: string): number => dayOfDate(date)?.midnight ?? Number.NaN
const DATE = "2013-10-07"
const MIDNIGHT = midnight(DATE)
const HALF_PAST_NINE = 34_200_000

const trade = (second: number, price: number): string => `${HALF_PAST_NINE + second * 1_000},${price},100,P,0,0`
const tradesAt = (seconds: ReadonlyArray<number>, price = 1_000_000): string =>
  seconds.map((second) => trade(second, price)).join("\n")

const withFeed = <A, E>(options: ReplayOptions, body: (feed: typeof Feed.Service) => Effect.Effect<A, E, Bus>) =>
  Effect.scoped(Effect.flatMap(Feed, body)).pipe(
    Effect.provide(replayLayer(options).pipe(Layer.provideMerge(infrastructure)))
  )

const replayed = (options: ReplayOptions) =>
  withFeed(options, (feed) =>
    Effect.gen(function* () {
      const batches = yield* collect()
      yield* feed.run
      return { batches, status: yield* feed.status, listings: feed.listings }
    }).pipe(Effect.scoped)
  )

describe("replay", () => {
  it.effect(
    "plays all symbols in time order, a second of market time and 512 ticks a batch at most, then has ended",
    () =>
      Effect.gen(function* () {
        const burst = Array.from({ length: 1_300 }, () => trade(7, 2_000_000)).join("\n")
        const dataDir = yield* leanFolder({
          "tick/aaa/20131007_trade.zip": tradesAt([0, 0.5, 3, 8]),
          "tick/bbb/20131007_trade.zip": `${tradesAt([0.2, 2])}\n${burst}\n${trade(9, 5)}\nnonsense`,
          "tick/ccc/20131008_trade.zip": tradesAt([1])
        })
        const { batches, listings, status } = yield* replayed({ dataDir, date: DATE, speed: "max" })
        assert.deepStrictEqual(
          listings.map((listing) => listing.symbol),
          ["AAA", "BBB"]
        )
        const starts = batches.map((batch) => Math.floor((batch.ticks[0]?.time ?? 0) / 1_000))
        assert.deepStrictEqual(
          starts,
          [...starts].sort((a, b) => a - b)
        )
        for (const { ticks } of batches) {
          assert.isAtMost(ticks.length, 512)
          assert.strictEqual(new Set(ticks.map((tick) => Math.floor(tick.time / 1_000))).size, 1)
        }
        assert.strictEqual(tradesOf(ticksOf(batches, "AAA")).length, 4)
        assert.strictEqual(tradesOf(ticksOf(batches, "BBB")).length, 1_303)
        assert.deepInclude(status, { state: "ended", ticks: 1_307, malformed: 1, speed: 0, label: "REPLAY" })
      }).pipe(Effect.scoped)
  )

  it.effect("keeps the pace it was asked for", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({ "tick/aaa/20131007_trade.zip": tradesAt([0, 1, 10, 60, 120]) })
      for (const speed of [1, 20]) {
        yield* TestClock.setTime(0)
        yield* withFeed({ dataDir, date: DATE, speed, start: "09:30" }, (feed) =>
          Effect.gen(function* () {
            const batches: Array<TickBatch & { readonly marketTime: number }> = []
            yield* collect((batch) => {
              batches.push({ ...batch, marketTime: feed.marketTime() })
              return undefined
            })
            const fiber = yield* Effect.forkChild(feed.run)
            yield* runUntil(() => batches.length === 5)
            yield* runUntil(() => fiber.pollUnsafe() !== undefined)
            const started = batches[0]?.ingestTime ?? 0
            for (const { ingestTime, marketTime, ticks } of batches) {
              const due = ((ticks[0]?.time ?? 0) - MIDNIGHT - HALF_PAST_NINE) / speed
              assert.isAtLeast(ingestTime - started, due)
              assert.isAtLeast(marketTime, ticks[0]?.time ?? 0)
            }
            const ended = feed.marketTime()
            yield* TestClock.adjust("1 minute")
            assert.strictEqual(feed.marketTime(), ended)
          }).pipe(Effect.scoped)
        )
      }
    }).pipe(Effect.scoped)
  )

  it.effect("plays at once what is before its start, and from there on at its speed", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({
        "tick/aaa/20131007_trade.zip": tradesAt([-19_800, -90, -30.001, -30, -29.5, 0, 60]),
        "tick/bbb/20131007_trade.zip": tradesAt([-7_200, 30])
      })
      const cases = [
        { start: undefined, atOnce: 4, startsAt: -30 },
        { start: "09:30:30", atOnce: 7, startsAt: 30 },
        { start: "4:00", atOnce: 0, startsAt: -19_800 }
      ]
      for (const { atOnce, start, startsAt } of cases) {
        yield* TestClock.setTime(0)
        yield* withFeed({ dataDir, date: DATE, speed: 40, start }, (feed) =>
          Effect.gen(function* () {
            const batches = yield* collect()
            const fiber = yield* Effect.forkChild(feed.run)
            const ticks = () => ticksOf(batches)
            while (ticks().length <= atOnce) yield* ioTurn
            for (let turn = 0; turn < 20; turn++) yield* ioTurn
            // the clock has not moved: the start's own tick is due, later ones are not
            assert.strictEqual(ticks().length, atOnce + 1)
            assert.strictEqual(feed.marketTime(), MIDNIGHT + HALF_PAST_NINE + startsAt * 1_000)
            assert.isTrue(ticks().every(({ time }) => time <= feed.marketTime()))
            yield* TestClock.adjust("500 millis")
            assert.strictEqual(feed.marketTime(), MIDNIGHT + HALF_PAST_NINE + (startsAt + 20) * 1_000)
            yield* runUntil(() => ticks().length === 9)
            yield* runUntil(() => fiber.pollUnsafe() !== undefined)
            const times = ticks().map((tick) => tick.time)
            assert.strictEqual(new Set(times).size, 9)
          }).pipe(Effect.scoped)
        )
      }
    }).pipe(Effect.scoped)
  )

  it.effect("ends at once when it starts after the last trade, and at full speed no start matters", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({ "tick/aaa/20131007_trade.zip": tradesAt([0, 10, 20]) })
      for (const options of [
        { speed: 1, start: "16:00" },
        { speed: "max", start: "09:30:10" },
        { speed: "max" }
      ] as const) {
        const { batches, status } = yield* replayed({ dataDir, date: DATE, ...options })
        assert.deepStrictEqual(
          ticksOf(batches).map((tick) => tick.time - MIDNIGHT - HALF_PAST_NINE),
          [0, 10_000, 20_000]
        )
        assert.strictEqual(status.state, "ended")
        assert.strictEqual(status.detail.includes("from"), options.speed === 1)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("adjusts earlier bars for splits, follows renames, and never shows the replayed day or later ones", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({
        "tick/new/20131007_trade.zip": tradesAt([0]),
        "map_files/entity.csv": "20130101,old,N\n20131001,old,N\n20501231,new,N\n",
        // 4:1 after 2013-10-02; another 2:1 long after the replayed day
        "factor_files/entity.csv": "20130101,0.9,0.125,1\n20131002,0.9,0.125,1\n20140601,1,0.5,1\n20501231,1,1,0\n",
        "daily/old.zip":
          "20130930 00:00,4000000,4400000,3960000,4200004,1000\n20131001 00:00,4100000,4100000,4100000,4100000,2000\n20131004 00:00,9,9,9,9,9",
        "daily/new.zip":
          "20130930 00:00,7,7,7,7,7\n20131002 00:00,4200000,4200000,4200000,4200000,500\nbroken\n20131004 00:00,1050000,1060000,1040000,1055000,8000\n20131007 00:00,1,1,1,1,1\n20131008 00:00,1,1,1,1,1",
        "minute/old/20131001_trade.zip":
          "34200000,4100000,4100000,4100000,4100000,40\n34260000,4200000,4200000,4200000,4200000,80",
        "minute/new/20131004_trade.zip": "34200000,1050000,1050000,1050000,1050000,10",
        "minute/new/20131007_trade.zip": "34200000,1,1,1,1,1"
      })
      yield* withFeed({ dataDir, date: DATE, speed: "max" }, (feed) =>
        Effect.gen(function* () {
          const days = yield* feed.history({ symbol: "NEW", interval: "1d", limit: 100 })
          assert.deepStrictEqual(
            days.map((bar) => [bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume]),
            [
              [midnight("2013-09-30"), 100, 110, 99, 105.0001, 4_000],
              [midnight("2013-10-01"), 102.5, 102.5, 102.5, 102.5, 8_000],
              [midnight("2013-10-02"), 105, 105, 105, 105, 2_000],
              [midnight("2013-10-04"), 105, 106, 104, 105.5, 8_000]
            ]
          )
          const minutes = yield* feed.history({ symbol: "NEW", interval: "1m", limit: 2 })
          assert.deepStrictEqual(
            minutes.map((bar) => [bar.time, bar.close, bar.volume]),
            [
              [midnight("2013-10-01") + 34_260_000, 105, 320],
              [midnight("2013-10-04") + 34_200_000, 105, 10]
            ]
          )
          assert.deepStrictEqual(yield* feed.history({ symbol: "NEW", interval: "1s", limit: 5 }), [])
          const batches = yield* collect()
          yield* feed.run
          assert.strictEqual(batches[0]?.previousClose, 1_055_000)
        }).pipe(Effect.scoped)
      )
    }).pipe(Effect.scoped)
  )

  it.effect("says in one line what it looked for and what there is", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({
        "tick/aaa/20131007_trade.zip": tradesAt([1]),
        "tick/bbb/20131008_trade.zip": tradesAt([1])
      })
      const cases: ReadonlyArray<readonly [ReplayOptions, ReadonlyArray<string>]> = [
        [{ dataDir: `${dataDir}/no`, date: DATE }, [`${dataDir}/no`, "tick/SYMBOL/YYYYMMDD_trade.zip"]],
        [{ dataDir, date: "2013-10-09" }, ["2013-10-09", "2013-10-07, 2013-10-08"]],
        [{ dataDir }, ["date", "2013-10-07, 2013-10-08"]],
        [{ dataDir, date: "yesterday" }, ["yesterday", "YYYY-MM-DD"]],
        [{ dataDir, date: DATE, symbols: ["bbb", "zzz"] }, ["BBB, ZZZ", "recorded that day: AAA"]],
        [{ dataDir, date: DATE, speed: 0 }, ["speed"]],
        [{ dataDir, date: DATE, start: "9.30" }, ["9.30", "HH:MM"]]
      ]
      for (const [options, words] of cases) {
        const failure = yield* Effect.flip(
          Effect.scoped(Layer.build(replayLayer(options).pipe(Layer.provide(infrastructure))))
        )
        assert.strictEqual(failure._tag, "FeedError")
        assert.notInclude(failure.message, "\n")
        for (const word of words) assert.include(failure.message, word)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("fails when a file cannot be opened at all", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({ "tick/aaa/20131007_trade.zip": Buffer.from("no zip") })
      const failure = yield* Effect.flip(replayed({ dataDir, date: DATE }))
      assert.include(failure.message, "20131007_trade.zip cannot be read")
    }).pipe(Effect.scoped)
  )

  it.effect("is not live before its files are open", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({ "tick/aaa/20131007_trade.zip": Buffer.from("no zip") })
      yield* withFeed({ dataDir, date: DATE }, (feed) =>
        Effect.gen(function* () {
          const states: Array<string> = []
          const fiber = yield* Effect.forkChild(Effect.exit(feed.run))
          while (fiber.pollUnsafe() === undefined) {
            states.push((yield* feed.status).state)
            yield* ioTurn
          }
          assert.deepStrictEqual([...new Set(states)], ["starting"])
          assert.strictEqual((yield* feed.status).state, "down")
        })
      )
    }).pipe(Effect.scoped)
  )

  it.effect("lets an interrupted replay go", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({ "tick/aaa/20131007_trade.zip": tradesAt([0, 3_600]) })
      yield* withFeed({ dataDir, date: DATE }, (feed) =>
        Effect.gen(function* () {
          const batches = yield* collect()
          const fiber = yield* Effect.forkChild(feed.run)
          yield* runUntil(() => batches.length === 1)
          yield* Fiber.interrupt(fiber)
          assert.strictEqual((yield* feed.status).state, "down")
        }).pipe(Effect.scoped)
      )
    }).pipe(Effect.scoped)
  )
})

const testData = process.env.LZSTOCK_TEST_DATA ?? resolve(import.meta.dirname, "../../../../../shared/data")
const recorded = resolve(testData, "market/lean")
const absent = !existsSync(recorded)
if (absent) console.warn(`skipped: no recorded days at ${recorded}`)
else {
  feedSuite("replay of a recorded day at 600×", {
    layer: feedLayer({ feed: "replay", data: recorded, date: "2013-10-08", speed: 600 }),
    wall: 1_700_000_000_000,
    symbol: "SPY"
  })
}

describe("recorded days", () => {
  const counts = {
    "2013-10-07": { AIG: 25_351, BAC: 88_172, IBM: 24_293, SPY: 250_601 },
    "2013-10-08": { AIG: 43_342, BAC: 125_872, IBM: 33_381, SPY: 451_545 }
  }
  for (const [date, expected] of Object.entries(counts)) {
    it.effect.skipIf(absent)(`${date}: every trade of four symbols`, () =>
      Effect.gen(function* () {
        const { batches, status } = yield* replayed({ dataDir: recorded, date, speed: "max" })
        assert.strictEqual(status.malformed, 0)
        for (const [symbol, count] of Object.entries(expected)) {
          const times = tradesOf(ticksOf(batches, symbol)).map((one) => one.time)
          assert.strictEqual(times.length, count)
          assert.isTrue(times.every((time, i) => i === 0 || time >= (times[i - 1] ?? 0)))
        }
        if (date === DATE) {
          const [first] = tradesOf(ticksOf(batches, "SPY"))
          assert.deepInclude(first, { id: 1, time: MIDNIGHT + 14_400_464, price: 1_674_100, size: 100, exchange: "P" })
          const books = ticksOf(batches, "AIG").filter((tick) => tick._tag === "TopOfBook")
          assert.isAbove(books.length, 100_000)
          assert.strictEqual(batches.find((batch) => batch.symbol === "SPY")?.previousClose, 1_688_900)
        }
      })
    )
  }
})
