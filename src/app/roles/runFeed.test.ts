import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../actors/kernel/Bus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Feed, FeedError } from "../../actors/market/Feed.ts"
import { feedTopic } from "../../rpc/topics.ts"
import { layerRunFeed, pauseAfter } from "./runFeed.ts"

/** A feed whose runs go as `lives` says, one after the other. */
const scripted = (lives: ReadonlyArray<Effect.Effect<void, FeedError>>) => {
  let runs = 0
  const feed = Feed.of({
    adapter: "scripted",
    label: "SIMULATED",
    listings: [],
    status: Effect.die("not asked"),
    marketTime: () => 0,
    history: () => Effect.succeed([]),
    run: Effect.suspend(() => lives[runs++] ?? Effect.never)
  })
  return { layer: Layer.succeed(Feed, feed), runs: () => runs }
}

const broken = Effect.fail(new FeedError({ adapter: "scripted", message: "line cut" }))
const ground = Layer.provideMerge(Bus.layerInProcess, Gauges.layer)

const observe = (feed: ReturnType<typeof scripted>) =>
  Effect.gen(function* () {
    const bus = yield* Bus
    const heard: Array<string> = []
    yield* bus.subscribe(feedTopic, ({ state }) => {
      heard.push(state)
    })
    yield* Layer.build(Layer.provide(layerRunFeed, feed.layer))
    yield* TestClock.adjust(0)
    return heard
  })

describe("the feed is kept running", () => {
  it.effect("after failures and defects, with growing pauses, and watchers are told each time", () =>
    Effect.gen(function* () {
      const feed = scripted([broken, Effect.die("bug"), broken])
      const heard = yield* observe(feed)
      const gauges = yield* Gauges
      assert.deepStrictEqual(heard, ["live", "feed-down"])
      assert.strictEqual(gauges.get("feed_up"), 0)
      yield* TestClock.adjust(499)
      assert.strictEqual(feed.runs(), 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(feed.runs(), 2)
      yield* TestClock.adjust(1_000)
      assert.strictEqual(feed.runs(), 3)
      yield* TestClock.adjust(2_000)
      assert.strictEqual(feed.runs(), 4)
      assert.deepStrictEqual(heard, ["live", "feed-down", "live", "feed-down", "live", "feed-down", "live"])
      assert.strictEqual(gauges.get("feed_up"), 1)
      assert.strictEqual(gauges.get("feed_failures_total"), 3)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("a failure after a healthy run is the first again", () =>
    Effect.gen(function* () {
      const healthy = Effect.andThen(Effect.sleep("2 minutes"), broken)
      const feed = scripted([broken, broken, healthy])
      yield* observe(feed)
      yield* TestClock.adjust(500 + 1_000)
      assert.strictEqual(feed.runs(), 3)
      yield* TestClock.adjust("2 minutes")
      yield* TestClock.adjust(500)
      assert.strictEqual(feed.runs(), 4)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("a recording that ends is not started again and is not down", () =>
    Effect.gen(function* () {
      const feed = scripted([Effect.void])
      const heard = yield* observe(feed)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(feed.runs(), 1)
      assert.deepStrictEqual(heard, ["live"])
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("stops with the node, without a word of failure", () =>
    Effect.gen(function* () {
      let stopped = false
      const feed = scripted([
        Effect.onInterrupt(Effect.never, () =>
          Effect.sync(() => {
            stopped = true
          })
        )
      ])
      const heard = yield* Effect.scoped(observe(feed))
      assert.isTrue(stopped)
      assert.deepStrictEqual(heard, ["live"])
    }).pipe(Effect.provide(ground))
  )

  it("never waits more than half a minute", () => {
    assert.deepStrictEqual([1, 2, 3, 7, 8, 1_000].map(pauseAfter), [500, 1_000, 2_000, 30_000, 30_000, 30_000])
  })
})
