import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../actors/kernel/Bus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Feed, FeedError } from "../../actors/market/Feed.ts"
import type { FeedStatus } from "../../rpc/market.ts"
import { feedTopic } from "../../rpc/topics.ts"
import { layerRunFeed, pauseAfter } from "./runFeed.ts"

/** A feed whose runs go as `lives` says, one after the other; `at` is what it says of itself meanwhile. */
const scripted = (lives: ReadonlyArray<Effect.Effect<void, FeedError>>) => {
  let runs = 0
  const at: { state: FeedStatus["state"]; publishedUpTo: number } = { state: "live", publishedUpTo: 0 }
  const feed = Feed.of({
    adapter: "scripted",
    runId: "scripted",
    source: "scripted",
    label: "SIMULATED",
    listings: [],
    status: Effect.sync(() => ({
      label: "SIMULATED",
      adapter: "scripted",
      state: at.state,
      detail: "",
      marketTime: at.publishedUpTo,
      speed: 1,
      symbols: 0,
      ticks: 0,
      malformed: 0
    })),
    marketTime: () => at.publishedUpTo,
    publishedUpTo: () => at.publishedUpTo,
    history: () => Effect.succeed([]),
    run: Effect.suspend(() => lives[runs++] ?? Effect.never)
  })
  return { layer: Layer.succeed(Feed, feed), runs: () => runs, at }
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
  it.effect("after failures and defects, with growing pauses", () =>
    Effect.gen(function* () {
      const feed = scripted([broken, Effect.die("bug"), broken])
      yield* observe(feed)
      const gauges = yield* Gauges
      yield* TestClock.adjust(499)
      assert.strictEqual(feed.runs(), 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(feed.runs(), 2)
      yield* TestClock.adjust(1_000)
      assert.strictEqual(feed.runs(), 3)
      yield* TestClock.adjust(2_000)
      assert.strictEqual(feed.runs(), 4)
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

  it.effect("a recording that ends before it was asked was live", () =>
    Effect.gen(function* () {
      const feed = scripted([Effect.void])
      feed.at.state = "ended"
      assert.deepStrictEqual(yield* observe(feed), ["live"])
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
})

describe("watchers are told", () => {
  it.effect("down once, however often it fails to start, and live when it delivers", () =>
    Effect.gen(function* () {
      const opening = Effect.andThen(Effect.sleep(150), broken)
      const feed = scripted([opening, opening, opening])
      feed.at.state = "starting"
      const heard = yield* observe(feed)
      const gauges = yield* Gauges
      assert.deepStrictEqual(heard, [])
      yield* TestClock.adjust(150)
      assert.deepStrictEqual(heard, ["feed-down"])
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(feed.runs(), 4)
      assert.deepStrictEqual(heard, ["feed-down"])
      assert.strictEqual(gauges.get("feed_up"), 0)
      feed.at.state = "live"
      feed.at.publishedUpTo = 1
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(heard, ["feed-down", "live"])
      assert.strictEqual(gauges.get("feed_up"), 1)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("live again only past the point where it broke", () =>
    Effect.gen(function* () {
      const feed = scripted([Effect.andThen(Effect.sleep(100), broken)])
      feed.at.publishedUpTo = 1_000
      const heard = yield* observe(feed)
      assert.deepStrictEqual(heard, ["live"])
      yield* TestClock.adjust(100)
      feed.at.publishedUpTo = 10
      yield* TestClock.adjust(500)
      assert.strictEqual(feed.runs(), 2)
      feed.at.publishedUpTo = 1_000
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(heard, ["live", "feed-down"])
      feed.at.publishedUpTo = 1_001
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(heard, ["live", "feed-down", "live"])
    }).pipe(Effect.scoped, Effect.provide(ground))
  )
})

describe("pauses", () => {
  it("are never longer than half a minute", () => {
    assert.deepStrictEqual([1, 2, 3, 7, 8, 1_000].map(pauseAfter), [500, 1_000, 2_000, 30_000, 30_000, 30_000])
  })
})
