/**
 * The ticker actors of a node: the `Ticker` entity (rpc/ticker.ts) of every symbol whose shard is here, and what feeds
 * them. One actor's life is in TickerLife; this file only ties it to the cluster.
 */
import { Effect, Layer } from "effect"
import { Entity, type Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Ticker } from "../../rpc/ticker.ts"
import type { Bus } from "../kernel/Bus.ts"
import type { Gauges } from "../kernel/Gauges.ts"
import type { QuoteCache } from "../kernel/QuoteCache.ts"
import type { BarStore } from "./BarStore.ts"
import type { Checkpoints } from "./Checkpoints.ts"
import type { Feed } from "./Feed.ts"
import { LocalTickers } from "./LocalTickers.ts"
import type { ParkedBatches } from "./ParkedBatches.ts"
import type { ShardTerms } from "./ShardTerms.ts"
import { makeTickerLife } from "./TickerLife.ts"
import { TickerSettings } from "./TickerSettings.ts"
import { TickRouter } from "./TickRouter.ts"
import type { TickSource } from "./TickSource.ts"

const actor = Effect.gen(function* () {
  const { entityId } = yield* Entity.CurrentAddress
  const locals = yield* LocalTickers
  const life = yield* locals.register(entityId, makeTickerLife(entityId))
  return Ticker.of({
    // forked: a call that waits for a restart must not hold up the others
    Snapshot: () => Rpc.fork(life.snapshot),
    UnstoredBars: ({ payload }) => Rpc.fork(life.unstoredBars(payload.interval)),
    Activate: () => Rpc.fork(life.activate),
    Hold: () => Rpc.fork(life.hold)
  })
})

const entity = Layer.unwrap(
  Effect.map(TickerSettings, (settings) =>
    Ticker.toLayer(actor, {
      maxIdleTime: settings.maxIdleMillis,
      // the actor is supervised by itself: the cluster must not replay what crashed it
      disableFatalDefects: true
    })
  )
)

export const TickerActors: {
  readonly layer: Layer.Layer<
    LocalTickers,
    never,
    | Bus
    | BarStore
    | Checkpoints
    | Feed
    | Gauges
    | ParkedBatches
    | QuoteCache
    | ShardTerms
    | Sharding.Sharding
    | TickSource
  >
} = {
  layer: Layer.provideMerge(Layer.provideMerge(TickRouter.layer, entity), LocalTickers.layer)
}
