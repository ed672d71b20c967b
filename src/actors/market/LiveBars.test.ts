import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { LosingBus } from "../../../test/support/LosingBus.ts"
import { marketNode, shardsReady, unstoredOnly } from "../../../test/support/marketNode.ts"
import { owner } from "../../../test/support/owner.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { ScriptedTickSource } from "../../../test/support/ScriptedTickSource.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import type { Bar, Interval } from "../../rpc/market.ts"
import { barsTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarHistory } from "./BarHistory.ts"
import { BarStore } from "./BarStore.ts"

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

const minute = 60_000

/** One more watcher, and what it is told. */
const watch = Effect.fnUntraced(function* (interval: Interval) {
  const history = yield* BarHistory
  const seen: Array<Bar> = []
  const fiber = yield* Effect.forkChild(
    Stream.runForEach(history.live({ symbol: "A", interval }), (one) => Effect.sync(() => void seen.push(one)))
  )
  yield* settle
  return { seen, fiber }
})

const say = (...bars: ReadonlyArray<Bar>) =>
  Effect.flatMap(Bus, (bus) =>
    Effect.andThen(bus.publish(barsTopic("A"), { symbol: "A", interval: "1m", bars }), settle)
  )

const open = Effect.map(Gauges, (gauges) => [gauges.get("live_bars_active"), gauges.get("topic_subscriptions_active")])

describe("live bars", () => {
  it.effect("the last bar at once, then changes, rolled up, at most four times a second", () => {
    const feed = new ScriptedFeed(["A"])
    feed.history.set("A 1m", [bar(0, 10), bar(minute, 11)])
    return Effect.gen(function* () {
      yield* shardsReady
      const { fiber, seen } = yield* watch("5m")
      assert.deepStrictEqual(seen, [bar(0, 11, { open: 9, high: 12, low: 8, volume: 200, trades: 6, final: false })])
      yield* say(bar(2 * minute, 20, { final: false }))
      assert.strictEqual(seen.length, 2)
      assert.strictEqual(seen.at(-1)?.close, 20)
      for (let i = 1; i <= 10; i++) yield* say(bar(2 * minute, 20 + i, { final: false }))
      assert.strictEqual(seen.length, 2)
      yield* TestClock.adjust(250)
      yield* settle
      assert.strictEqual(seen.length, 3)
      assert.strictEqual(seen.at(-1)?.close, 30)
      assert.strictEqual(seen.at(-1)?.volume, 300)
      yield* Fiber.interrupt(fiber)
      assert.isFalse((yield* Bus).hasSubscribers(barsTopic("A")))
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("a finished bar is told whole, and a revised older one again", () => {
    const feed = new ScriptedFeed(["A"])
    feed.history.set("A 1m", [bar(0, 10), bar(minute, 11)])
    return Effect.gen(function* () {
      yield* shardsReady
      const { seen } = yield* watch("5m")
      seen.length = 0
      yield* say(bar(4 * minute, 12), bar(5 * minute, 40, { final: false }))
      assert.deepStrictEqual(
        seen.map((b) => [b.time, b.close, b.volume, b.final]),
        [
          [0, 12, 300, true],
          [5 * minute, 40, 100, false]
        ]
      )
      seen.length = 0
      yield* TestClock.adjust(250)
      yield* say(bar(minute, 11, { volume: 50, revision: 1 }))
      // the store does not hold minute 4 here: the feed's history and the revision do
      assert.deepStrictEqual(
        seen.map((b) => [b.time, b.volume, b.revision]),
        [[0, 150, 1]]
      )
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("of one symbol and interval are worked out once, however many watch; nothing stays", () => {
    const feed = new ScriptedFeed(["A"])
    feed.history.set("A 1m", [bar(0, 10), bar(minute, 11)])
    return Effect.gen(function* () {
      yield* shardsReady
      const first = yield* watch("5m")
      const reads = feed.historyReads
      yield* say(bar(2 * minute, 20, { final: false }))
      const others = [yield* watch("5m"), yield* watch("5m")]
      assert.strictEqual(feed.historyReads, reads)
      // a late one begins with the last that was told
      for (const { seen } of others) assert.deepStrictEqual(seen, first.seen.slice(-1))
      yield* watch("1m").pipe(Effect.flatMap(({ fiber }) => Fiber.interrupt(fiber)))
      assert.deepStrictEqual(yield* open, [1, 1])
      yield* TestClock.adjust(250)
      yield* say(bar(2 * minute, 21, { final: false }))
      for (const { seen } of [first, ...others]) assert.strictEqual(seen.at(-1)?.close, 21)
      yield* Fiber.interrupt(first.fiber)
      assert.deepStrictEqual(yield* open, [1, 1])
      yield* TestClock.adjust(250)
      yield* say(bar(2 * minute, 22, { final: false }))
      for (const { seen } of others) assert.strictEqual(seen.at(-1)?.close, 22)
      for (const { fiber } of others) yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* open, [0, 0])
      const again = yield* watch("5m")
      assert.isAbove(feed.historyReads, reads)
      yield* Fiber.interrupt(again.fiber)
      assert.deepStrictEqual(yield* open, [0, 0])
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("of a quiet symbol: the bar that is over is told final, once, when a newer one begins", () => {
    const feed = new ScriptedFeed(["A"])
    return Effect.gen(function* () {
      yield* shardsReady
      const { seen } = yield* watch("5m")
      assert.deepStrictEqual(seen, [])
      yield* say(bar(minute, 10, { final: false }))
      yield* TestClock.adjust(250)
      yield* say(bar(minute, 10))
      assert.deepStrictEqual(
        seen.map((one) => one.final),
        [false, false]
      )
      yield* TestClock.adjust("6 minutes")
      seen.length = 0
      yield* say(bar(7 * minute, 12, { final: false }))
      assert.deepStrictEqual(
        seen.map((one) => [one.time, one.close, one.final]),
        [
          [0, 10, true],
          [5 * minute, 12, false]
        ]
      )
      // told final by time, it is not told again
      yield* TestClock.adjust(250)
      feed.marketTime = 11 * minute
      yield* say(bar(7 * minute, 13))
      assert.deepInclude(seen.at(-1), { time: 5 * minute, final: true })
      seen.length = 0
      yield* TestClock.adjust(250)
      yield* say(bar(12 * minute, 14, { final: false }))
      assert.deepStrictEqual(
        seen.map((one) => one.time),
        [10 * minute]
      )
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("that cannot be read fail all who watch them; who comes next begins anew", () => {
    const feed = new ScriptedFeed(["A"])
    feed.history.set("A 1m", [bar(0, 10), bar(5 * minute, 11)])
    return Effect.gen(function* () {
      yield* shardsReady
      const watchers = [yield* watch("5m"), yield* watch("5m")]
      feed.historyFails = true
      yield* say(bar(0, 9, { revision: 1 }))
      for (const { fiber } of watchers) {
        const error = yield* Effect.flip(Fiber.join(fiber))
        assert.strictEqual(error._tag, "Unavailable")
      }
      feed.historyFails = false
      const { fiber, seen } = yield* watch("5m")
      assert.strictEqual(seen[0]?.close, 11)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* open, [0, 0])
    }).pipe(Effect.provide(unstoredOnly(feed)))
  })

  it.effect("what a broken connection kept from them is told once it is back, over a bar's end too", () => {
    const feed = new ScriptedFeed(["A"])
    feed.history.set("A 1m", [bar(0, 10)])
    const bus = new LosingBus()
    return Effect.gen(function* () {
      yield* shardsReady
      const { fiber, seen } = yield* watch("1m")
      seen.length = 0
      feed.history.set("A 1m", [bar(0, 12), bar(minute, 13), bar(2 * minute, 14)])
      bus.mend()
      yield* TestClock.adjust(250)
      yield* settle
      assert.deepStrictEqual(
        seen.map(({ close, final, time }) => [time, close, final]),
        [
          [0, 12, true],
          [minute, 13, true],
          [2 * minute, 14, true]
        ]
      )
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(bus.listening, 0)
    }).pipe(Effect.provide(unstoredOnly(feed, undefined, bus.layer)))
  })

  it.effect("a revised bar is told whole once the symbol has an owner, and its watchers stay", () => {
    const feed = new ScriptedFeed(["A"])
    feed.marketTime = 10 * minute
    const source = new ScriptedTickSource()
    return Effect.gen(function* () {
      yield* shardsReady
      const store = yield* BarStore
      yield* store.put(
        owner(),
        "A",
        "1m",
        [0, 1, 2, 6].map((n) => bar(n * minute))
      )
      const { fiber, seen } = yield* watch("5m")
      yield* TestClock.adjust(250)
      seen.length = 0
      source.caughtUp.closeUnsafe()
      yield* say(bar(minute, 10, { volume: 500, revision: 1 }))
      for (let second = 0; second < 20; second++) yield* Effect.andThen(TestClock.adjust("1 second"), settle)
      assert.deepStrictEqual(seen, [])
      assert.isUndefined(fiber.pollUnsafe())
      source.caughtUp.openUnsafe()
      for (let second = 0; second < 5; second++) yield* Effect.andThen(TestClock.adjust("1 second"), settle)
      assert.deepStrictEqual(
        seen.map(({ final, time, volume }) => ({ final, time, volume })),
        [{ final: true, time: 0, volume: 700 }]
      )
    }).pipe(Effect.provide(marketNode(feed, { tickSource: source.layer })))
  })
})
