import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../../actors/kernel/Bus.ts"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { dayOfDate } from "../../../actors/market/calendar.ts"
import { Feed } from "../../../actors/market/Feed.ts"
import { feedLayer } from "../index.ts"
import { collect, ioTurn, ticksOf, tradesOf } from "../testing/collector.ts"
import { feedSuite } from "../testing/Feed.suite.ts"
import { defaultStart, MarketClock } from "./MarketClock.ts"
import { type SimulatedOptions, simulatedLayer } from "./Simulated.ts"

const at = (date: string, hours: number): number => (dayOfDate(date)?.midnight ?? Number.NaN) + hours * 3_600_000
/** A Wednesday, New York. */
const NOON = at("2026-03-04", 12)

feedSuite("simulated", { layer: feedLayer({ feed: "simulated", symbols: 60 }), wall: NOON, symbol: "AAPL" })

const infrastructure = Bus.layerInProcess.pipe(Layer.provideMerge(Gauges.layer))

/** Everything published in the first `seconds` of a feed built at `wall`. */
const published = (options: SimulatedOptions, wall: number, seconds: number) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(wall)
    return yield* Effect.gen(function* () {
      const feed = yield* Feed
      const batches = yield* collect()
      const fiber = yield* Effect.forkChild(feed.run)
      const marketStart = feed.marketTime()
      // each symbol's first batch needs no time
      for (let turns = 0; turns < 10 + feed.listings.length; turns++) yield* ioTurn
      yield* TestClock.adjust(`${seconds} seconds`)
      const marketEnd = feed.marketTime()
      yield* Fiber.interrupt(fiber)
      return { batches, marketStart, marketEnd }
    }).pipe(Effect.scoped, Effect.provide(simulatedLayer(options).pipe(Layer.provideMerge(infrastructure))))
  })

describe("simulated", () => {
  it.effect("publishes the same ticks twice for one seed, others for another", () =>
    Effect.gen(function* () {
      const once = yield* published({ symbols: 30, seed: 1 }, NOON, 5)
      const twice = yield* published({ symbols: 30, seed: 1 }, NOON, 5)
      const other = yield* published({ symbols: 30, seed: 2 }, NOON, 5)
      assert.isAbove(ticksOf(once.batches).length, 500)
      assert.deepStrictEqual(twice.batches, once.batches)
      assert.notDeepEqual(ticksOf(other.batches), ticksOf(once.batches))
    })
  )

  it.effect("shows something of every symbol at once", () =>
    Effect.gen(function* () {
      const { batches } = yield* published({ symbols: 2_000 }, NOON, 2)
      const priced = new Set(batches.filter((batch) => tradesOf(batch.ticks).length > 0).map((batch) => batch.symbol))
      assert.strictEqual(priced.size, 2_000)
      const booked = new Set(batches.flatMap((b) => (b.ticks.some((t) => t._tag === "TopOfBook") ? [b.symbol] : [])))
      assert.strictEqual(booked.size, 2_000)
    })
  )

  it.effect("tells every symbol its day so far, first of all and once", () =>
    Effect.gen(function* () {
      const { batches } = yield* published({ symbols: 300 }, NOON, 3)
      const told = batches.filter((batch) => batch.ticks.some((tick) => tick._tag === "DaySoFar"))
      assert.deepStrictEqual(told, batches.slice(0, 300))
      assert.strictEqual(new Set(told.map((batch) => batch.symbol)).size, 300)
      for (const { ticks } of told) {
        const [soFar] = ticks
        if (soFar?._tag !== "DaySoFar") throw new Error("it is not the first tick")
        assert.isTrue(soFar.time <= NOON && soFar.time % 60_000 === 0 && soFar.open > 0 && soFar.trades > 0)
      }
      const early = yield* published({ symbols: 3, date: "2026-03-04" }, at("2026-03-04", 3), 1)
      assert.strictEqual(ticksOf(early.batches).filter((tick) => tick._tag === "DaySoFar").length, 3)
    })
  )

  it.effect("spreads its batches over time, about ten a second for a busy symbol", () =>
    Effect.gen(function* () {
      const { batches } = yield* published({ symbols: 40, rate: 5 }, NOON, 10)
      const spy = batches.filter((batch) => batch.symbol === "SPY" && batch.ingestTime > NOON)
      assert.isTrue(spy.length > 80 && spy.length <= 101, String(spy.length))
      const phases = new Set(batches.map((batch) => batch.ingestTime % 100))
      assert.strictEqual(phases.size, 10)
    })
  )

  it.effect("runs market time at its speed, with the ticks of that time", () =>
    Effect.gen(function* () {
      const slow = yield* published({ symbols: 10, date: "2026-03-04" }, NOON, 2)
      const fast = yield* published({ symbols: 10, date: "2026-03-04", speed: 30 }, NOON, 2)
      assert.strictEqual(slow.marketStart, at("2026-03-04", 10.5))
      assert.strictEqual(slow.marketEnd - slow.marketStart, 2_000)
      assert.strictEqual(fast.marketEnd - fast.marketStart, 60_000)
      const early = tradesOf(ticksOf(slow.batches, "AAPL"))
      assert.deepStrictEqual(tradesOf(ticksOf(fast.batches, "AAPL")).slice(0, early.length), early)
    })
  )

  it.effect("starts at the time of day it is told, of the newest day that has reached it", () =>
    Effect.gen(function* () {
      const starts: Array<number> = []
      for (const options of [{ start: "11:59:30" }, { start: "15:55" }, { start: "4:00", date: "2026-03-02" }]) {
        starts.push((yield* published({ symbols: 3, ...options }, NOON, 1)).marketStart)
      }
      assert.deepStrictEqual(starts, [NOON - 30_000, at("2026-03-03", 15) + 55 * 60_000, at("2026-03-02", 4)])
    })
  )

  it.effect("goes on with the next trading day after the post close", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(NOON)
      yield* Effect.gen(function* () {
        const feed = yield* Feed
        const monday = yield* Deferred.make<void>()
        const batches = yield* collect((batch) =>
          batch.ticks.some((tick) => tick.time > at("2026-03-09", 4))
            ? Effect.asVoid(Deferred.succeed(monday, undefined))
            : undefined
        )
        const fiber = yield* Effect.forkChild(feed.run)
        yield* Deferred.await(monday)
        yield* Fiber.interrupt(fiber)
        const closed = ticksOf(batches).filter(
          (tick) => tick.time >= at("2026-03-06", 20) && tick.time < at("2026-03-09", 4)
        )
        assert.deepStrictEqual(closed, [])
        for (const symbol of feed.listings.map((listing) => listing.symbol)) {
          const closes = batches.filter((batch) => batch.symbol === symbol).map((batch) => batch.previousClose)
          assert.isAtMost(new Set(closes).size, 2)
        }
        assert.isAtLeast(new Set(batches.map((batch) => batch.previousClose)).size, 4)
      }).pipe(
        Effect.scoped,
        Effect.provide(
          simulatedLayer({ symbols: 3, rate: 0.01, speed: "max", date: "2026-03-06" }).pipe(
            Layer.provideMerge(infrastructure)
          )
        )
      )
    })
  )

  it.effect("refuses options that make no sense, with one line", () =>
    Effect.gen(function* () {
      for (const [options, word] of [
        [{ rate: 0 }, "rate"],
        [{ speed: -1 }, "speed"],
        [{ symbols: 1.5 }, "symbols"],
        [{ date: "2026-03-07" }, "2026-03-07"],
        [{ start: "24:00" }, "24:00"],
        [{ date: "2026-03-04", start: "03:59" }, "from 04:00"],
        [{ date: "2026-11-27", start: "17:00" }, "2026-11-27"]
      ] as const) {
        const failure = yield* Effect.flip(
          Layer.build(simulatedLayer(options).pipe(Layer.provide(infrastructure))).pipe(Effect.scoped)
        )
        assert.include(failure.message, word)
        assert.notInclude(failure.message, "\n")
      }
    })
  )
})

describe("market clock", () => {
  it("starts now in regular hours, else at 10:30 of the newest trading day that has reached it", () => {
    assert.strictEqual(defaultStart(NOON), NOON)
    assert.strictEqual(defaultStart(at("2026-03-04", 21)), at("2026-03-04", 10.5))
    assert.strictEqual(defaultStart(at("2026-03-04", 5)), at("2026-03-03", 10.5))
    assert.strictEqual(defaultStart(at("2026-03-08", 12)), at("2026-03-06", 10.5))
    assert.strictEqual(defaultStart(at("2026-11-26", 12)), at("2026-11-25", 10.5))
  })

  it("jumps over the night, the weekend and a holiday", () => {
    const clock = new MarketClock(0, at("2026-11-25", 19), 3_600)
    assert.strictEqual(clock.at(999), at("2026-11-25", 19) + 999 * 3_600)
    // Thanksgiving is closed, the day after closes its post-market at 17:00, then a weekend
    assert.strictEqual(clock.at(1_000), at("2026-11-27", 4))
    assert.strictEqual(clock.at(15_000), at("2026-11-30", 5))
    assert.strictEqual(clock.advance(1_000), at("2026-11-27", 4))
    assert.strictEqual(clock.at(2_000), at("2026-11-27", 5))
  })

  it("holds still while the process was suspended", () => {
    const clock = new MarketClock(0, NOON, 1)
    assert.strictEqual(clock.advance(100), NOON + 100)
    const after = clock.advance(8 * 3_600_000)
    assert.isAtMost(after, NOON + 100 + 5_000)
    assert.strictEqual(clock.advance(8 * 3_600_000 + 10), after + 10)
  })
})
