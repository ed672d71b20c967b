/** A server started in mid-day: quote, day's bar and minute bars tell one story, of the whole day. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, References } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import { BarHistory } from "../../src/actors/market/BarHistory.ts"
import { BarStore } from "../../src/actors/market/BarStore.ts"
import { rollUp } from "../../src/actors/market/bars.ts"
import { Checkpoints } from "../../src/actors/market/Checkpoints.ts"
import { dayOfDate } from "../../src/actors/market/calendar.ts"
import { Feed } from "../../src/actors/market/Feed.ts"
import { ShardLedger } from "../../src/actors/market/ShardLedger.ts"
import { TickerActors } from "../../src/actors/market/TickerActor.ts"
import * as SingleNode from "../../src/app/cluster/SingleNode.ts"
import { simulatedLayer } from "../../src/app/feeds/simulated/Simulated.ts"
import { Ticker } from "../../src/rpc/ticker.ts"
import { shardsReady } from "../support/marketNode.ts"
import { settle } from "../support/sessionNode.ts"
import { bodyOf } from "../support/tickerProbe.ts"

const today = dayOfDate("2026-03-04")
const midnight = today?.midnight ?? Number.NaN

const node = BarHistory.layer.pipe(
  Layer.provideMerge(TickerActors.layer),
  Layer.provideMerge(SingleNode.layerSurroundings),
  Layer.provideMerge(
    Layer.mergeAll(
      simulatedLayer({ symbols: 12 }),
      SingleNode.layer,
      BarStore.layerMemory,
      Checkpoints.layerMemory,
      ShardLedger.layerMemory,
      QuoteCache.layerNone
    )
  ),
  Layer.provideMerge(Bus.layerInProcess),
  Layer.provideMerge(Gauges.layer),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

describe("a simulation started in mid-day", () => {
  it.effect("shows the same day in its quote, its day's bar and its minute bars", () =>
    Effect.gen(function* () {
      // in the middle of a minute
      yield* TestClock.setTime(midnight + 14.5 * 3_600_000 + 37_000)
      yield* Effect.gen(function* () {
        const feed = yield* Feed
        const history = yield* BarHistory
        const ticker = yield* Ticker.client
        yield* shardsReady
        const fiber = yield* Effect.forkChild(feed.run)
        yield* settle
        for (let second = 0; second < 150; second++) {
          yield* TestClock.adjust("1 second")
          yield* settle
        }
        yield* Fiber.interrupt(fiber)
        yield* settle
        for (const { symbol } of feed.listings) {
          const quote = bodyOf(yield* ticker(symbol).Snapshot())
          const { bars: days } = yield* history.page({ symbol, interval: "1d", limit: 2 })
          const { bars: minutes } = yield* history.page({ symbol, interval: "1m", from: midnight, limit: 5_000 })
          const [yesterday, day] = days
          const [rolled] = rollUp(minutes, "1d")
          const { revision: _, ...expected } = rolled ?? { revision: 0 }
          assert.deepInclude(day, { ...expected, time: midnight, final: false }, symbol)
          assert.deepInclude(quote, { o: day?.open, h: day?.high, l: day?.low, p: day?.close, c: yesterday?.close })
          assert.strictEqual(
            quote.v,
            minutes.reduce((sum, bar) => sum + bar.volume, 0)
          )
          assert.strictEqual(
            quote.n,
            minutes.reduce((sum, bar) => sum + bar.trades, 0)
          )
          // every minute from the open on, none of them twice or in half
          const regular = minutes.filter((bar) => bar.time >= (today?.open ?? 0)).map((bar) => bar.time)
          assert.deepStrictEqual(
            regular,
            Array.from({ length: regular.length }, (_, i) => (today?.open ?? 0) + i * 60_000)
          )
          assert.strictEqual(regular.length, 304)
        }
      }).pipe(Effect.scoped, Effect.provide(node))
    })
  )
})
