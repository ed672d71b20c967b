import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { marketNode, publish, shardsReady } from "../../../test/support/marketNode.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { batch, bodyOf, stateOf, ten, trade, unstoredBars } from "../../../test/support/tickerProbe.ts"
import { Ticker } from "../../rpc/ticker.ts"
import { barsTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarHistory } from "./BarHistory.ts"
import { BarStore } from "./BarStore.ts"
import { LocalTickers } from "./LocalTickers.ts"

const kind = 'kind="ticker"'

describe("ticker actors and the passing of time", () => {
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
        assert.deepStrictEqual((yield* client("AAPL").UnstoredBars({ interval: "1m" })).bars, [])
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
      assert.isTrue((yield* unstoredBars("AAPL")).every(({ bars }) => bars.every(({ final }) => final)))
      yield* settle
      assert.deepStrictEqual(
        (yield* unstoredBars("AAPL")).flatMap(({ bars }) => bars),
        []
      )
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

  it.effect("passive when idle, with nothing lost: the next tick or snapshot brings bars and statistics back", () => {
    const feed = new ScriptedFeed(["AAPL", "MSFT"])
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      yield* publish(batch("AAPL", trade(ten, 10), trade(ten + 1, 14), trade(ten + 2, 12)))
      yield* settle
      const before = yield* client("AAPL").Snapshot()
      const unstored = yield* unstoredBars("AAPL")
      yield* TestClock.adjust("40 seconds")
      yield* settle
      assert.strictEqual(gauges.get("actors_active", kind), 0)
      assert.deepStrictEqual(Array.from((yield* LocalTickers).all()), [])

      const after = yield* client("AAPL").Snapshot()
      assert.deepStrictEqual(stateOf(after), stateOf(before))
      assert.deepStrictEqual(yield* unstoredBars("AAPL"), unstored)
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
})
