/** A ticker actor and the bar store it writes to: full, refusing, away, or about to have what pages show. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Latch, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { marketNode, publish, shardsReady } from "../../../test/support/marketNode.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { batch, bodyOf, recovered, ten, trade } from "../../../test/support/tickerProbe.ts"
import { Ticker } from "../../rpc/ticker.ts"
import { ownedShardsTopic, quotesTopic, tickShard } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarHistory } from "./BarHistory.ts"
import { BarStore } from "./BarStore.ts"
import { StaleOwner } from "./ShardLedger.ts"
import type { ShardTerm } from "./ShardTerms.ts"

/** The in-memory bar store, but for what happens before each write. */
const beforePut = (what: (owner: ShardTerm) => Effect.Effect<void, StaleOwner>) =>
  Layer.effect(
    BarStore,
    Effect.map(BarStore, (store) =>
      BarStore.of({
        ...store,
        put: (...args) =>
          Effect.andThen(
            Effect.suspend(() => what(args[0])),
            store.put(...args)
          )
      })
    )
  )

const turn = Effect.promise(() => new Promise<void>((done) => setImmediate(done)))

describe("a ticker actor and its bar store", () => {
  it.effect("a recorded day that would lose bars waits for the store, and does not pass for current meanwhile", () => {
    const feed = new ScriptedFeed(["AAPL"])
    let down = true
    const flaky = beforePut(() => (down ? Effect.die(new Error("disk full")) : Effect.void))
    return Effect.gen(function* () {
      yield* shardsReady
      const bus = yield* Bus
      const client = yield* Ticker.client
      const store = yield* BarStore
      let served: ReadonlyArray<number> = []
      yield* bus.subscribe(ownedShardsTopic, ({ shards }) => {
        served = shards
      })
      const said = Effect.andThen(TestClock.adjust("1 second"), settle)
      yield* publish(batch("AAPL", trade(ten, 10)))
      yield* settle
      yield* said
      assert.include(served, tickShard("AAPL"))
      for (let second = 1; second <= 8; second++) {
        yield* publish(batch("AAPL", trade(ten + second * 1_000, 10 + second)))
        yield* settle
      }
      yield* said
      assert.include(served, tickShard("AAPL"), "a store that is full for a moment is nothing to tell")
      for (let wait = 0; wait < 3; wait++) yield* said
      assert.notInclude(served, tickShard("AAPL"))
      down = false
      yield* recovered
      assert.include(served, tickShard("AAPL"))
      assert.strictEqual((yield* client("AAPL").Snapshot()).seq, 9)
      const seconds = yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 })
      assert.strictEqual(seconds.length, 8)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed, { barStore: flaky, settings: { unsavedBars: 6 } })))
  })

  it.effect("a full store whose write is refused lets its actor go on, under its next term", () => {
    const feed = new ScriptedFeed(["AAPL"])
    const answered = Latch.makeUnsafe(false)
    let refusals = 0
    const refuseOnce = beforePut((owner) =>
      Effect.andThen(
        answered.await,
        Effect.suspend(() => (refusals++ === 0 ? Effect.fail(StaleOwner.of(owner.shard, owner.term)) : Effect.void))
      )
    )
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      const store = yield* BarStore
      for (let second = 0; second <= 8; second++) {
        yield* publish(batch("AAPL", trade(ten + second * 1_000, 10 + second)))
        yield* settle
      }
      assert.isBelow(gauges.get("ticks_folded_total"), 9, "it waits for room")
      yield* answered.open
      for (let second = 0; second < 10; second++) yield* Effect.andThen(TestClock.adjust("1 second"), settle)
      assert.strictEqual(gauges.get("stale_owner_writes_refused_total"), 1)
      assert.strictEqual(gauges.get("shard_claims_total"), 2)
      assert.strictEqual(bodyOf(yield* client("AAPL").Snapshot()).n, 9)
      const seconds = yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 })
      assert.strictEqual(seconds.length, 8)
    }).pipe(Effect.provide(marketNode(feed, { barStore: refuseOnce, settings: { unsavedBars: 6 } })))
  })

  it.effect.each(["comes back", "stays away"])("an actor that waits for room stops in time: the store %s", (store) => {
    const feed = new ScriptedFeed(["AAPL"])
    const roomy = Latch.makeUnsafe(false)
    const stopMillis = 500
    const settings = { unsavedBars: 20, stopMillis }
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const node = yield* Layer.buildWithScope(
        marketNode(feed, { barStore: beforePut(() => roomy.await), settings }),
        scope
      )
      const gauges = Context.get(node, Gauges)
      yield* Effect.gen(function* () {
        yield* shardsReady
        for (let second = 0; second <= 23; second++) {
          yield* publish(batch("AAPL", trade(ten + second * 1_000, 10 + second)))
          yield* settle
        }
      }).pipe(Effect.provide(node))
      assert.isBelow(gauges.get("ticks_folded_total"), 24, "it waits for room")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* settle
      if (store === "comes back") yield* roomy.open
      else yield* TestClock.adjust(stopMillis)
      yield* settle
      // the cluster gives its entities time of its own
      for (let i = 0; i < 5 && closing.pollUnsafe() === undefined; i++) {
        yield* Effect.andThen(TestClock.adjust("1 second"), settle)
      }
      yield* Fiber.join(closing)
      const isWhole = store === "comes back"
      assert.strictEqual(gauges.get("ticker_unclean_stops_total"), isWhole ? 0 : 1)
      assert.strictEqual(gauges.get("bars_forgotten_total"), 0)
      const seconds = yield* Context.get(node, BarStore).page({ symbol: "AAPL", interval: "1s", limit: 99 })
      assert.strictEqual(seconds.length, isWhole ? 23 : 0)
    })
  })

  it.effect("pages have every bar at every moment: forming, on its way to the store, or there", () => {
    const feed = new ScriptedFeed(["AAPL"])
    const roomy = Latch.makeUnsafe(false)
    return Effect.gen(function* () {
      yield* shardsReady
      const history = yield* BarHistory
      const store = yield* BarStore
      const client = yield* Ticker.client
      feed.marketTime = ten + 60_000
      const page = Effect.map(history.page({ symbol: "AAPL", interval: "1s" }), ({ bars }) =>
        bars.map(({ close, final }) => [close, final])
      )
      const bus = yield* Bus
      // somebody hears the quotes, and takes his time: a turn is not over in one step
      yield* bus.subscribe(quotesTopic("AAPL"), () => settle)
      const said: Array<ReadonlyArray<number>> = []
      const asking = Effect.map(client("AAPL").UnstoredBars({ interval: "1s" }), ({ bars }) => {
        said.push(bars.map(({ close }) => close))
      })
      const asked = yield* Effect.forkChild(Effect.forever(Effect.andThen(asking, turn)))
      for (let second = 0; second <= 3; second++) {
        yield* publish(batch("AAPL", trade(ten + second * 1_000, 10 + second)))
        yield* Effect.andThen(settle, settle)
      }
      yield* Fiber.interrupt(asked)
      // whatever the moment, no bar that was there is missing
      assert.deepStrictEqual(Array.from(new Set(said.map(String))), ["", "10", "10,11", "10,11,12", "10,11,12,13"])
      const expected = [
        [10, true],
        [11, true],
        [12, true],
        [13, false]
      ]
      assert.deepStrictEqual(yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 }), [])
      assert.deepStrictEqual(yield* page, expected)
      yield* roomy.open
      yield* settle
      assert.strictEqual((yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 })).length, 3)
      assert.strictEqual((yield* client("AAPL").UnstoredBars({ interval: "1s" })).bars.length, 1)
      assert.deepStrictEqual(yield* page, expected)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed, { barStore: beforePut(() => roomy.await) })))
  })

  it.effect("a store that fails costs no quote, and gets its bars when it is back", () => {
    const feed = new ScriptedFeed(["AAPL"])
    let down = true
    const flaky = beforePut(() => (down ? Effect.die(new Error("disk full")) : Effect.void))
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const store = yield* BarStore
      const client = yield* Ticker.client
      for (let i = 0; i < 8; i++) {
        yield* publish(batch("AAPL", trade(ten + i * 9_000, 10 + i)))
        yield* settle
      }
      assert.strictEqual((yield* client("AAPL").Snapshot()).seq, 8)
      assert.strictEqual(gauges.get("actor_restarts_total", 'kind="ticker"'), 0)
      assert.isAbove(gauges.get("bar_store_failures_total"), 0)
      down = false
      yield* publish(batch("AAPL", trade(ten + 90_000, 20)))
      // it tries again by itself
      yield* recovered
      const seconds = yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 })
      assert.strictEqual(seconds.length, 8)
    }).pipe(Effect.provide(marketNode(feed, { barStore: flaky })))
  })
})
