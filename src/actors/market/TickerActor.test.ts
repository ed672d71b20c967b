import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { marketNode, publish, shardsReady } from "../../../test/support/marketNode.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { batch, bodyOf, isOrdered, listen, ten, trade } from "../../../test/support/tickerProbe.ts"
import { Ticker } from "../../rpc/ticker.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { quotesTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { Checkpoints } from "./Checkpoints.ts"

const kind = 'kind="ticker"'

describe("ticker actors", () => {
  it.effect("a batch on the bus becomes a quote, bars, and a snapshot at the published position", () => {
    const feed = new ScriptedFeed(["AAPL"])
    return Effect.gen(function* () {
      yield* shardsReady
      const client = yield* Ticker.client
      const gauges = yield* Gauges
      const heard = yield* listen("AAPL")
      yield* publish(batch("AAPL", trade(ten, 10), trade(ten + 10, 12), trade(ten + 20, 11, 300)))
      yield* settle
      assert.strictEqual(heard.at(-1)?.seq, 3)
      const snapshot = yield* client("AAPL").Snapshot()
      assert.strictEqual(snapshot.seq, 3)
      assert.strictEqual(snapshot.epoch, heard.at(-1)?.epoch)
      const body = bodyOf(snapshot)
      assert.deepInclude(body, { s: "AAPL", p: 11, h: 12, l: 10, v: 500, n: 3, t: ten + 20, i: 1_000, q: 3 })
      const { bars } = yield* client("AAPL").UnstoredBars({ interval: "1m" })
      assert.strictEqual(bars.length, 1)
      assert.deepInclude(bars[0], {
        time: ten,
        open: 10,
        high: 12,
        low: 10,
        close: 11,
        volume: 500,
        final: false
      })
      assert.strictEqual(gauges.get("actors_active", kind), 1)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed)))
  })

  it.effect(
    "batches that come while the actor starts are folded in order, none lost, however small the mailbox",
    () => {
      const feed = new ScriptedFeed(["AAPL"])
      const folded: Array<number> = []
      const fault = (_: string, { ingestTime }: TickBatch) => void folded.push(ingestTime)
      return Effect.gen(function* () {
        // before the cluster has handed out its shards
        const numbers = Array.from({ length: 100 }, (_, i) => i)
        const publisher = yield* Effect.forkChild(
          Effect.forEach(
            numbers,
            (i) => Effect.andThen(publish({ ...batch("AAPL", trade(ten, 10 + i)), ingestTime: i }), Effect.yieldNow),
            { discard: true }
          )
        )
        yield* shardsReady
        yield* Fiber.join(publisher)
        yield* settle
        assert.deepStrictEqual(folded, numbers)
        const client = yield* Ticker.client
        assert.deepInclude(bodyOf(yield* client("AAPL").Snapshot()), { q: 100, n: 100, p: 109, v: 10_000 })
      }).pipe(Effect.provide(marketNode(feed, { fault, settings: { mailboxBatches: 4 } })))
    }
  )

  it.effect("what waits in the mailbox is published once, seq moving by every tick", () => {
    const feed = new ScriptedFeed(["AAPL"])
    return Effect.gen(function* () {
      yield* shardsReady
      yield* publish(batch("AAPL", trade(ten, 10)))
      yield* settle
      const heard = yield* listen("AAPL")
      // published without letting the actor run in between
      const bus = yield* Bus
      for (let i = 1; i <= 20; i++) yield* publish(batch("AAPL", trade(ten + i, 10 + i), trade(ten + i, 10 + i)))
      yield* settle
      assert.isTrue(isOrdered(heard))
      assert.strictEqual(heard.at(-1)?.seq, 41)
      assert.isBelow(heard.length, 20)
      assert.isTrue(bus.hasSubscribers(quotesTopic("AAPL")))
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed)))
  })

  it.effect("a quote is encoded once a publication, and not at all for nobody", () => {
    const feed = new ScriptedFeed(["AAPL"])
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      for (let i = 0; i < 5; i++) {
        yield* publish(batch("AAPL", trade(ten + i, 10)))
        yield* settle
      }
      assert.strictEqual(gauges.get("quote_encodings_total"), 0)
      const heard = yield* listen("AAPL")
      // two watchers' worth of subscribers and a snapshot after each: still one encoding
      const bus = yield* Bus
      yield* bus.subscribe(quotesTopic("AAPL"), () => {})
      for (let i = 0; i < 5; i++) {
        yield* publish(batch("AAPL", trade(ten + 10 + i, 10)))
        yield* settle
        yield* client("AAPL").Snapshot()
      }
      assert.strictEqual(heard.length, 5)
      assert.strictEqual(gauges.get("quote_encodings_total"), 5)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed)))
  })

  it.effect("counts what it folded, and what of it was not plain news, once, over its sleep too", () => {
    const feed = new ScriptedFeed(["AAPL"])
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const first = trade(ten + 5_000, 10)
      const noted = (...kinds: ReadonlyArray<string>) =>
        kinds.map((one) => gauges.get("ticks_noted_total", `kind="${one}"`))
      yield* publish(batch("AAPL", first, trade(ten, 11), trade(Number.NaN, 11), trade(ten - 86_400_000, 11)))
      yield* settle
      assert.strictEqual(gauges.get("ticks_folded_total"), 4)
      assert.deepStrictEqual(noted("late", "malformed", "before-today", "cancelled"), [1, 1, 1, 0])
      yield* TestClock.adjust("40 seconds")
      yield* settle
      assert.strictEqual(gauges.get("actors_active", kind), 0)
      const cancel = { _tag: "TradeCancel", time: ten + 6_000, id: first.id } as const
      yield* publish({ ...batch("AAPL"), ticks: [cancel, cancel] })
      yield* settle
      assert.strictEqual(gauges.get("ticks_folded_total"), 6)
      assert.deepStrictEqual(noted("late", "cancelled", "unknown-id"), [1, 1, 1])
    }).pipe(Effect.provide(marketNode(feed, { settings: { maxIdleMillis: 10_000 } })))
  })

  it.effect("a full mailbox makes the publisher wait; then everything is folded, in order", () => {
    const feed = new ScriptedFeed(["AAPL"])
    return Effect.gen(function* () {
      yield* shardsReady
      const bus = yield* Bus
      const gate = yield* Deferred.make<void>()
      yield* publish(batch("AAPL", trade(ten, 10)))
      yield* settle
      // a subscriber that does not accept: the actor waits in its publication
      yield* bus.subscribe(quotesTopic("AAPL"), () => Deferred.await(gate))
      let accepted = 0
      const publisher = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 50 }, (_, i) => i + 1),
          (i) => Effect.map(publish(batch("AAPL", trade(ten + i, 10 + i))), () => accepted++),
          { discard: true }
        )
      )
      yield* settle
      assert.isUndefined(publisher.pollUnsafe())
      // at most one mailbox in the actor's hands and one waiting
      assert.isAtMost(accepted, 16)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(publisher)
      yield* settle
      const client = yield* Ticker.client
      assert.deepInclude(bodyOf(yield* client("AAPL").Snapshot()), { q: 51, n: 51, p: 60 })
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed, { settings: { mailboxBatches: 8 } })))
  })

  it.effect("a live feed waits a while only: then its batch is dropped, counted, and told by a new epoch", () => {
    const feed = new ScriptedFeed(["AAPL"])
    feed.label = "REAL-TIME"
    return Effect.gen(function* () {
      yield* shardsReady
      const bus = yield* Bus
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      const gate = yield* Deferred.make<void>()
      yield* publish(batch("AAPL", trade(ten, 10)))
      yield* settle
      const { epoch } = yield* client("AAPL").Snapshot()
      yield* bus.subscribe(quotesTopic("AAPL"), () => Deferred.await(gate))
      const publisher = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 6 }, (_, i) => i + 1),
          (i) => publish(batch("AAPL", trade(ten + i, 10 + i), trade(ten + i, 10 + i))),
          { discard: true }
        )
      )
      yield* settle
      assert.isUndefined(publisher.pollUnsafe())
      for (let i = 0; i < 6; i++) {
        yield* TestClock.adjust("2 seconds")
        yield* settle
      }
      yield* Fiber.join(publisher)
      const dropped = gauges.get("ticks_dropped_total", 'reason="overflow"')
      assert.isAbove(dropped, 0)
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      const after = yield* client("AAPL").Snapshot()
      assert.isAbove(after.epoch, epoch)
      assert.strictEqual(bodyOf(after).n, 13 - dropped)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed, { settings: { mailboxBatches: 2 } })))
  })

  it.effect("a node that stops folds what its mailboxes hold, leaves checkpoints, and all gauges return to 0", () => {
    const feed = new ScriptedFeed(["A", "B", "C"])
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const node = yield* Layer.buildWithScope(marketNode(feed), scope)
      const gauges = Context.get(node, Gauges)
      yield* Effect.gen(function* () {
        yield* shardsReady
        for (const symbol of feed.symbols) yield* publish(batch(symbol, trade(ten, 10)))
        yield* settle
        for (const symbol of feed.symbols) yield* publish(batch(symbol, trade(ten + 1, 11)))
      }).pipe(Effect.provide(node))
      assert.strictEqual(gauges.get("actors_active", kind), 3)
      assert.isAbove(gauges.get("standing_subscriptions_active"), 0)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(gauges.get("actors_active", kind), 0)
      assert.strictEqual(gauges.get("standing_subscriptions_active"), 0)
      const saved = yield* Context.get(node, Checkpoints).load("B")
      assert.deepInclude(saved, { trades: 2, last: 110_000 })
    })
  })

  it.effect("two thousand symbols", () => {
    const symbols = Array.from({ length: 2_000 }, (_, i) => `S${i}`)
    const feed = new ScriptedFeed(symbols)
    return Effect.gen(function* () {
      yield* shardsReady
      for (let round = 0; round < 3; round++) {
        for (const symbol of symbols) yield* publish(batch(symbol, trade(ten + round, 10)))
        yield* settle
      }
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      assert.strictEqual(gauges.get("actors_active", kind), 2_000)
      for (const symbol of symbols) assert.strictEqual((yield* client(symbol).Snapshot()).seq, 3)
    }).pipe(Effect.provide(marketNode(feed)))
  })
})
