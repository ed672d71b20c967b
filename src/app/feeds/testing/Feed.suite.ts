/** What every Feed must do, whatever is behind it. Each adapter's tests run this. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../../actors/kernel/Bus.ts"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { Feed, type FeedError } from "../../../actors/market/Feed.ts"
import { type Bar, symbolPattern } from "../../../rpc/market.ts"
import { PRICE_SCALE, type Tick, type TickBatch, TradeCondition } from "../../../rpc/ticks.ts"
import { tickShard } from "../../../rpc/topics.ts"
import { collect, ioTurn, ticksOf, tradesOf } from "./collector.ts"

export interface FeedSubject {
  readonly layer: Layer.Layer<Feed, FeedError, Bus>
  /** Wall time the feed is built at, ms. */
  readonly wall: number
  /** A symbol with daily history, minutes too. */
  readonly symbol: string
}

const infrastructure = Bus.layerInProcess.pipe(Layer.provideMerge(Gauges.layer))

/** Moves the test's clock on in small steps until something has come true. */
export const runUntil = Effect.fnUntraced(function* (done: () => boolean, steps = 20_000) {
  for (let step = 0; !done(); step++) {
    if (step > steps) return yield* Effect.die(new Error("it never came true"))
    yield* TestClock.adjust("50 millis")
    yield* ioTurn
  }
})

const faultsOf = (batch: TickBatch, marketTime: number): ReadonlyArray<string> => {
  const fault = (tick: Tick): string | undefined => {
    if (tick.time > marketTime) return `${batch.symbol}: a tick from the future`
    if (tick._tag !== "Trade") return undefined
    return Number.isInteger(tick.price) && tick.price > 0 && tick.size > 0 && tick.exchange !== ""
      ? undefined
      : `${batch.symbol}: a trade of ${tick.size} at ${tick.price}`
  }
  const faults = batch.ticks.flatMap((tick) => fault(tick) ?? [])
  return batch.ticks.length === 0 || batch.ticks.length > 520 ? [...faults, `${batch.ticks.length} ticks`] : faults
}

/** Whether a tick of it belongs to a time that had wholly been published. */
const isBehind = (batch: TickBatch, publishedUpTo: number): boolean =>
  batch.ticks.some(
    (tick) =>
      tick.time <= publishedUpTo &&
      tick._tag !== "DaySoFar" &&
      !(tick._tag === "Trade" && tick.conditions & TradeCondition.OutOfSequence)
  )

export const feedSuite = (name: string, subject: FeedSubject): void => {
  const check = (
    title: string,
    body: (feed: typeof Feed.Service) => Effect.Effect<void, FeedError, Bus | Scope.Scope>
  ) =>
    it.effect(title, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(subject.wall)
        yield* Effect.scoped(Effect.flatMap(Feed, body)).pipe(
          Effect.provide(subject.layer.pipe(Layer.provideMerge(infrastructure)))
        )
      })
    )

  describe(`${name} as a Feed`, () => {
    check("lists well-formed symbols in order, each with a name", (feed) =>
      Effect.sync(() => {
        const symbols = feed.listings.map((listing) => listing.symbol)
        assert.isAbove(symbols.length, 0)
        assert.deepStrictEqual(symbols, [...new Set(symbols)].sort())
        assert.deepStrictEqual(
          feed.listings.filter((listing) => !symbolPattern.test(listing.symbol) || listing.name === ""),
          []
        )
      })
    )

    check("says what it is before, while and after it runs", (feed) =>
      Effect.gen(function* () {
        const before = yield* feed.status
        assert.deepInclude(before, { state: "starting", ticks: 0, adapter: feed.adapter, label: feed.label })
        assert.strictEqual(before.symbols, feed.listings.length)
        const batches = yield* collect()
        const fiber = yield* Effect.forkChild(feed.run)
        yield* runUntil(() => ticksOf(batches).length > 20)
        const during = yield* feed.status
        assert.strictEqual(during.state, "live")
        assert.isAtLeast(during.ticks, 20)
        assert.isAtLeast(during.marketTime, before.marketTime)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual((yield* feed.status).state, "down")
      })
    )

    check("publishes listed symbols on their shards: ordered, stamped, never from the future", (feed) =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        const faults: Array<string> = []
        const batches = yield* collect((batch) => {
          faults.push(...faultsOf(batch, feed.marketTime()))
          if (isBehind(batch, feed.publishedUpTo())) faults.push("it said that this had been published")
          if (feed.publishedUpTo() > feed.marketTime()) faults.push("it has published the future")
          if (batch.ingestTime !== clock.currentTimeMillisUnsafe()) faults.push("ingest time is not now")
          return undefined
        })
        const fiber = yield* Effect.forkChild(feed.run)
        const before = feed.publishedUpTo()
        yield* runUntil(() => ticksOf(batches).length > 3_000)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(faults, [])
        assert.isAbove(feed.publishedUpTo(), before)
        assert.strictEqual((yield* feed.status).ticks, ticksOf(batches).length)
        const listed = new Set(feed.listings.map((listing) => listing.symbol))
        for (const { shard, symbol } of batches) {
          assert.isTrue(listed.has(symbol))
          assert.strictEqual(shard, tickShard(symbol))
        }
        for (const symbol of new Set(batches.map((batch) => batch.symbol))) {
          const ticks = ticksOf(batches, symbol)
          const trades = tradesOf(ticks)
          assert.strictEqual(new Set(trades.map((trade) => trade.id)).size, trades.length)
          const inSequence = ticks
            .filter((tick) => tick._tag !== "DaySoFar")
            .filter((tick) => tick._tag !== "Trade" || !(tick.conditions & TradeCondition.OutOfSequence))
            .map((tick) => tick.time)
          // told once, of what is before all other ticks
          const soFar = ticks.filter((tick) => tick._tag === "DaySoFar")
          assert.isAtMost(soFar.length, 1)
          assert.isTrue(soFar.every(({ time }) => time <= Math.min(...ticks.map((tick) => tick.time))))
          assert.deepStrictEqual(
            inSequence,
            [...inSequence].sort((a, b) => a - b)
          )
        }
      })
    )

    check("waits while the bus makes it wait", (feed) =>
      Effect.gen(function* () {
        const open = yield* Deferred.make<void>()
        const batches = yield* collect(() => Deferred.await(open))
        const fiber = yield* Effect.forkChild(feed.run)
        yield* runUntil(() => batches.length > 0)
        for (let i = 0; i < 100; i++) yield* runUntil(() => true).pipe(Effect.andThen(TestClock.adjust("50 millis")))
        assert.strictEqual(batches.length, 1)
        yield* Deferred.succeed(open, undefined)
        yield* runUntil(() => batches.length > 10)
        yield* Fiber.interrupt(fiber)
      })
    )

    check("is silent once interrupted", (feed) =>
      Effect.gen(function* () {
        const batches = yield* collect()
        const fiber = yield* Effect.forkChild(feed.run)
        yield* runUntil(() => batches.length > 3)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.interrupt(fiber).pipe(Effect.andThen(Fiber.await(fiber)))))
        const count = batches.length
        for (let i = 0; i < 50; i++) yield* TestClock.adjust("100 millis").pipe(Effect.andThen(ioTurn))
        assert.strictEqual(batches.length, count)
      })
    )

    check("tells history in pages that fit together and end before its own ticks", (feed) =>
      Effect.gen(function* () {
        const { symbol } = subject
        const batches = yield* collect()
        const fiber = yield* Effect.forkChild(feed.run)
        yield* runUntil(() => tradesOf(ticksOf(batches, symbol)).length > 0)
        yield* Fiber.interrupt(fiber)
        const first = ticksOf(batches, symbol)[0]?.time ?? 0
        for (const interval of ["1d", "1m"] as const) {
          const all = yield* feed.history({ symbol, interval, limit: 450 })
          assert.strictEqual(all.length, 450, interval)
          const pages: Array<Bar> = []
          for (let before: number | undefined; pages.length < all.length; before = pages[0]?.time) {
            const page = yield* feed.history({ symbol, interval, limit: 150, before })
            assert.strictEqual(page.length, 150)
            pages.unshift(...page)
          }
          assert.deepStrictEqual(pages, all)
          const times = all.map((bar) => bar.time)
          assert.deepStrictEqual(
            times,
            [...new Set(times)].sort((a, b) => a - b)
          )
          assert.isBelow(times[449] ?? 0, first)
          const [from = 0, to = 0] = [times[100], times[200]]
          assert.deepStrictEqual(yield* feed.history({ symbol, interval, from, to, limit: 1_000 }), all.slice(100, 200))
          assert.deepStrictEqual(yield* feed.history({ symbol, interval, from, to, limit: 7 }), all.slice(193, 200))
          const wrong = all.filter((bar) => {
            const { close, high, low, open, volume } = bar
            return !(low > 0 && low <= Math.min(open, close) && high >= Math.max(open, close) && volume >= 0)
          })
          assert.deepStrictEqual(wrong, [])
        }
        assert.deepStrictEqual(yield* feed.history({ symbol: "NOSUCH", interval: "1d", limit: 10 }), [])
        const days = yield* feed.history({ symbol, interval: "1d", limit: 2 })
        const yesterday = days.filter((bar) => bar.final).at(-1)
        const previousClose = batches.find((batch) => batch.symbol === symbol)?.previousClose
        assert.strictEqual(previousClose, Math.round((yesterday?.close ?? 0) * PRICE_SCALE))
      })
    )
  })
}
