import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { marketNode, publish, shardsReady } from "../../../test/support/marketNode.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { batch, bodyOf, isOrdered, listen, stateOf, ten, trade } from "../../../test/support/tickerProbe.ts"
import { Ticker } from "../../rpc/ticker.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { barsTopic, quotesTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarHistory } from "./BarHistory.ts"
import { BarStore } from "./BarStore.ts"
import { Checkpoints } from "./Checkpoints.ts"
import { LocalTickers } from "./LocalTickers.ts"

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
      const forming = yield* client("AAPL").FormingBars()
      assert.deepInclude(forming["1m"], {
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

  it.effect(
    "finished bars reach the store; those of a symbol that fell silent become final as market time passes",
    () => {
      const feed = new ScriptedFeed(["AAPL"])
      return Effect.gen(function* () {
        yield* shardsReady
        const store = yield* BarStore
        const bus = yield* Bus
        const told: Array<string> = []
        yield* bus.subscribe(barsTopic("AAPL"), ({ bars, interval }) => {
          for (const bar of bars) told.push(`${interval} ${bar.time - ten} ${bar.final}`)
        })
        feed.marketTime = ten
        yield* publish(batch("AAPL", trade(ten, 10), trade(ten + 1_500, 11)))
        yield* settle
        const stored = (interval: "1s" | "1m") =>
          Effect.map(store.page({ symbol: "AAPL", interval, limit: 9 }), (bars) => bars.map((b) => b.time - ten))
        assert.deepStrictEqual(yield* stored("1s"), [0])
        assert.deepStrictEqual(yield* stored("1m"), [])
        told.length = 0
        // not before the grace for late trades is over
        feed.marketTime = ten + 60_000
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.deepStrictEqual(yield* stored("1m"), [])
        feed.marketTime = ten + 60_500
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.deepStrictEqual(yield* stored("1s"), [0, 1_000])
        assert.deepStrictEqual(yield* stored("1m"), [0])
        assert.include(told, "1m 0 true")
        const client = yield* Ticker.client
        assert.isNull((yield* client("AAPL").FormingBars())["1m"])
      }).pipe(Effect.scoped, Effect.provide(marketNode(feed)))
    }
  )

  it.effect("a bar is not final while ticks of its time are still to be published, wherever the clock is", () => {
    const feed = new ScriptedFeed(["AAPL"])
    feed.marketTime = ten
    return Effect.gen(function* () {
      yield* shardsReady
      const store = yield* BarStore
      const history = yield* BarHistory
      const stored = Effect.map(store.page({ symbol: "AAPL", interval: "1m", limit: 9 }), (bars) =>
        bars.map((bar) => [bar.volume, bar.revision])
      )
      // at 600×: the clock is half a minute ahead of what was published
      feed.publishedUpTo = ten + 55_000
      yield* publish(batch("AAPL", trade(ten + 55_000, 10)))
      yield* settle
      feed.marketTime = ten + 85_000
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stored, [])
      const five = yield* history.page({ symbol: "AAPL", interval: "5m" })
      assert.isFalse(five.bars[0]?.final)
      yield* publish(batch("AAPL", trade(ten + 58_000, 11)))
      feed.publishedUpTo = feed.marketTime
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.deepStrictEqual(yield* stored, [[200, 0]])
      feed.marketTime = ten + 330_000
      feed.publishedUpTo = ten + 290_000
      const isFinal = Effect.map(history.page({ symbol: "AAPL", interval: "5m" }), ({ bars }) => bars[0]?.final)
      assert.isFalse(yield* isFinal)
      feed.publishedUpTo = feed.marketTime
      assert.isTrue(yield* isFinal)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed)))
  })

  it.effect("passive when idle, with nothing lost: the next tick or snapshot brings bars and statistics back", () => {
    const feed = new ScriptedFeed(["AAPL", "MSFT"])
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      yield* publish(batch("AAPL", trade(ten, 10), trade(ten + 1, 14), trade(ten + 2, 12)))
      yield* settle
      const before = yield* client("AAPL").Snapshot()
      const forming = yield* client("AAPL").FormingBars()
      yield* TestClock.adjust("40 seconds")
      yield* settle
      assert.strictEqual(gauges.get("actors_active", kind), 0)
      assert.strictEqual((yield* LocalTickers).count(), 0)

      const after = yield* client("AAPL").Snapshot()
      assert.deepStrictEqual(stateOf(after), stateOf(before))
      assert.deepStrictEqual(yield* client("AAPL").FormingBars(), forming)
      assert.isAbove(after.epoch, before.epoch)

      yield* TestClock.adjust("40 seconds")
      yield* settle
      assert.strictEqual(gauges.get("actors_active", kind), 0)
      yield* publish(batch("AAPL", trade(ten + 3, 9)))
      yield* settle
      const back = yield* client("AAPL").Snapshot()
      assert.deepInclude(bodyOf(back), { p: 9, h: 14, l: 9, v: 400, n: 4 })
      assert.isAbove(back.epoch, after.epoch)
    }).pipe(Effect.provide(marketNode(feed, { settings: { maxIdleMillis: 10_000 } })))
  })

  it.effect("woken on another day it says that day's numbers at once, yesterday's bars final", () => {
    const feed = new ScriptedFeed(["AAPL", "MSFT"])
    const day = 24 * 3_600_000
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      const history = yield* BarHistory
      feed.marketTime = ten
      yield* publish(batch("AAPL", trade(ten, 10), trade(ten + 1, 14)))
      yield* settle
      yield* TestClock.adjust("40 seconds")
      yield* settle
      assert.strictEqual(gauges.get("actors_active", kind), 0)
      feed.marketTime = ten + day
      const quote = bodyOf(yield* client("AAPL").Snapshot())
      assert.deepInclude(quote, { v: 0, n: 0, o: null, h: null, p: 14, c: 14, ss: "regular" })
      assert.deepStrictEqual(yield* client("AAPL").FormingBars(), { "1s": null, "1m": null, "1d": null })
      yield* settle
      for (const interval of ["1m", "1d"] as const) {
        const { bars } = yield* history.page({ symbol: "AAPL", interval })
        assert.deepStrictEqual(
          bars.map((bar) => [bar.volume, bar.final]),
          [[200, true]]
        )
      }
      // and one that never traded knows its session, though no tick ever told it the time
      assert.deepInclude(bodyOf(yield* client("MSFT").Snapshot()), { ss: "regular", t: 0, p: null })
    }).pipe(Effect.provide(marketNode(feed, { settings: { maxIdleMillis: 10_000 } })))
  })

  it.effect("not passive while ticks flow, nor while held", () => {
    const feed = new ScriptedFeed(["AAPL", "MSFT"])
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      const hold = yield* Effect.forkChild(Stream.runDrain(client("MSFT").Hold()))
      yield* publish(batch("AAPL", trade(ten, 10)))
      yield* settle
      const epoch = (yield* client("AAPL").Snapshot()).epoch
      for (let i = 1; i <= 60; i++) {
        yield* publish(batch("AAPL", trade(ten + i, 10)))
        yield* TestClock.adjust("1 second")
        yield* settle
      }
      assert.strictEqual(gauges.get("actors_active", kind), 2)
      assert.strictEqual((yield* client("AAPL").Snapshot()).epoch, epoch)
      yield* Fiber.interrupt(hold)
      yield* TestClock.adjust("40 seconds")
      yield* settle
      assert.strictEqual(gauges.get("actors_active", kind), 0)
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
