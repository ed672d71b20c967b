import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Bus } from "../../actors/kernel/Bus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Feed } from "../../actors/market/Feed.ts"
import { type FeedConfig, feedLayer } from "./index.ts"
import { leanFolder } from "./testing/leanFolder.ts"

const built = (config: FeedConfig) =>
  Effect.provide(Feed, feedLayer(config).pipe(Layer.provide(Bus.layerInProcess.pipe(Layer.provide(Gauges.layer)))))

it.effect("chooses the feed and passes its options on", () =>
  Effect.gen(function* () {
    const simulated = yield* built({ feed: "simulated", symbols: 7, seed: 5, speed: 3, date: "2026-03-04" })
    assert.deepInclude(yield* simulated.status, { adapter: "simulated", label: "SIMULATED", symbols: 7, speed: 3 })
    assert.include((yield* simulated.status).detail, "seed 5")
    const data = yield* leanFolder({
      "tick/aaa/20131007_trade.zip": "1,1,1,P,0,0",
      "tick/bbb/20131007_trade.zip": "1,1,1,P,0,0"
    })
    const replay = yield* built({ feed: "replay", data, date: "2013-10-07", symbols: ["bbb"], speed: "max" })
    assert.deepInclude(yield* replay.status, { adapter: "replay", label: "REPLAY", symbols: 1, speed: 0 })
  }).pipe(Effect.scoped)
)

it.effect("refuses what belongs to the other feed", () =>
  Effect.gen(function* () {
    assert.include((yield* Effect.flip(built({ feed: "simulated", symbols: ["AAPL"] }))).message, "number of symbols")
    assert.include((yield* Effect.flip(built({ feed: "replay", date: "2013-10-07" }))).message, "data folder")
    assert.include((yield* Effect.flip(built({ feed: "replay", data: "x", symbols: 5 }))).message, "by name")
  })
)
