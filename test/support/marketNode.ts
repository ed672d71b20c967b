/** One node's market: everything real but the feed. Time stands still until the test moves it. */
import { Effect, Layer, Logger, References } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import { BarHistory } from "../../src/actors/market/BarHistory.ts"
import { BarStore } from "../../src/actors/market/BarStore.ts"
import { Checkpoints } from "../../src/actors/market/Checkpoints.ts"
import type { BaseInterval } from "../../src/actors/market/Feed.ts"
import { ShardLedger } from "../../src/actors/market/ShardLedger.ts"
import { TickerActors } from "../../src/actors/market/TickerActor.ts"
import { FoldFault, TickerSettings } from "../../src/actors/market/TickerSettings.ts"
import type { TickSource } from "../../src/actors/market/TickSource.ts"
import * as SingleNode from "../../src/app/cluster/SingleNode.ts"
import { Ticker, type UnstoredBars } from "../../src/rpc/ticker.ts"
import type { TickBatch } from "../../src/rpc/ticks.ts"
import { tickShard, ticksTopic } from "../../src/rpc/topics.ts"
import type { ScriptedFeed } from "./ScriptedFeed.ts"
import { settle } from "./sessionNode.ts"

export interface MarketNodeOptions {
  readonly settings?: Partial<TickerSettings>
  /** Throws to make a fold crash. */
  readonly fault?: (symbol: string, batch: TickBatch) => void
  /** Put between the actors and the in-memory bar store. */
  readonly barStore?: Layer.Layer<BarStore, never, BarStore>
  /** In place of the in-memory ones. */
  readonly stores?: Layer.Layer<BarStore | Checkpoints | ShardLedger>
  /** In place of the bus. */
  readonly tickSource?: Layer.Layer<TickSource>
  /** Put between the actors and the in-process bus. */
  readonly bus?: Layer.Layer<Bus, never, Bus>
  /** Hears what is logged at level Error; else nothing is logged. */
  readonly logged?: (message: unknown) => void
}

const stores = Layer.mergeAll(
  BarStore.layerMemory,
  Checkpoints.layerMemory,
  ShardLedger.layerMemory,
  QuoteCache.layerNone,
  Bus.layerInProcess
).pipe(Layer.provideMerge(Gauges.layer))

export const marketNode = (feed: ScriptedFeed, options: MarketNodeOptions = {}) =>
  Layer.unwrap(
    Effect.map(TickerSettings, (defaults) =>
      BarHistory.layer.pipe(
        Layer.provideMerge(TickerActors.layer),
        Layer.provideMerge(options.tickSource ?? Layer.empty),
        Layer.provideMerge(SingleNode.layerSurroundings),
        Layer.provideMerge(options.barStore ?? Layer.empty),
        Layer.provideMerge(options.stores ?? Layer.empty),
        Layer.provideMerge(options.bus ?? Layer.empty),
        Layer.provideMerge(Layer.mergeAll(stores, SingleNode.layer, feed.layer)),
        Layer.provide(
          Layer.mergeAll(
            Layer.succeed(TickerSettings, { ...defaults, ...options.settings }),
            Layer.succeed(FoldFault, options.fault ?? (() => {})),
            Layer.succeed(References.MinimumLogLevel, options.logged === undefined ? "None" : "Error"),
            options.logged === undefined ? Layer.empty : listener(options.logged)
          )
        )
      )
    )
  )

const listener = (logged: (message: unknown) => void) =>
  Logger.layer([Logger.make<unknown, void>(({ message }) => logged(message))])

export const oneNodeCluster = SingleNode.layer

/** The cluster hands out its shards, a few turns after it is built. */
export const shardsReady = Effect.andThen(settle, Effect.andThen(TestClock.adjust("1 second"), settle))

/** A node whose ticker actors only ever say `unstored`, for what asks them and nothing else. */
export const unstoredOnly = (
  feed: ScriptedFeed,
  unstored: (interval: BaseInterval) => Partial<UnstoredBars> = () => ({}),
  bus?: Layer.Layer<Bus, never, Bus>
) =>
  BarHistory.layer.pipe(
    Layer.provideMerge(bus ?? Layer.empty),
    Layer.provideMerge(
      Ticker.toLayer(
        Effect.succeed(
          Ticker.of({
            Snapshot: () => Effect.die(new Error("not scripted")),
            Activate: () => Effect.void,
            UnstoredBars: ({ payload }) =>
              Effect.sync(() => ({ bars: [], marketTime: 0, ...unstored(payload.interval) })),
            Hold: () => Effect.die(new Error("not scripted"))
          })
        )
      )
    ),
    Layer.provideMerge(Layer.mergeAll(stores, SingleNode.layer, feed.layer))
  )

export const publish = Effect.fnUntraced(function* (batch: TickBatch) {
  const bus = yield* Bus
  yield* bus.publish(ticksTopic(tickShard(batch.symbol)), batch)
})
