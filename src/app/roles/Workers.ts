/** What runs once in a cluster: the feed. Of several such nodes one plays it, another takes over when that one goes. */
import { Context, Effect, Layer } from "effect"
import { canWait, Feed } from "../../actors/market/Feed.ts"
import { FeedActor } from "../../actors/market/FeedActor.ts"
import { ShardLedger } from "../../actors/market/ShardLedger.ts"
import { TICK_SHARDS } from "../../rpc/topics.ts"
import type { Settings } from "../Config.ts"
import { layerCompanySync, layerSymbolMaster } from "../companies/index.ts"
import { NatsBus } from "../nats/NatsBus.ts"
import { TickPublisher } from "../nats/ticks/TickPublisher.ts"
import { TickStream } from "../nats/ticks/TickStream.ts"
import { ShardLedgerSql } from "../postgres/ShardLedgerSql.ts"
import { layerFeed, layerListener, layerOperations } from "./parts.ts"
import { layerRunFeed } from "./runFeed.ts"
import { Farewell, serve } from "./serve.ts"
import { layerWires } from "./wires.ts"

/** Behind the tick shards in the ledger. */
const FEED_SHARD = TICK_SHARDS

/** The feed of the settings, its ticks into the stream for as long as the Scope is open. */
const playing = (settings: Settings) =>
  Effect.gen(function* () {
    const publisher = yield* TickPublisher
    const feed = Context.get(yield* Layer.build(Layer.fresh(layerFeed(settings))), Feed)
    const { label, publishedUpTo, runId } = feed
    // a claim of the ledger's, so that it grows over all nodes: what a former feed sends late is of no account
    const { term } = yield* (yield* ShardLedger).claim(FEED_SHARD)
    yield* publisher.begin({ run: runId, no: term, canWait: canWait(label), publishedUpTo })
    yield* Layer.build(Layer.provide(Layer.fresh(layerRunFeed), Layer.succeed(Feed, feed)))
    return feed
  })

/** A feed that cannot be made is told at the start, by whoever would have to play it. */
const checked = (settings: Settings) =>
  Layer.effectDiscard(Effect.scoped(Layer.build(Layer.fresh(layerFeed(settings)))))

export const layerWorkersNode = (settings: Settings) => {
  const bus = NatsBus.layerPublishing({ prefix: settings.cluster }).pipe(
    Layer.provideMerge(TickPublisher.layer()),
    Layer.provide(TickStream.layer({ prefix: settings.cluster }))
  )
  return Layer.mergeAll(
    FeedActor.layer(playing(settings)),
    Layer.provide(layerCompanySync(settings), layerSymbolMaster),
    layerOperations,
    Farewell.none
  ).pipe(
    Layer.provideMerge(checked(settings)),
    Layer.provideMerge(ShardLedgerSql.layer),
    Layer.provideMerge(layerListener(settings)),
    Layer.provideMerge(layerWires(settings, "workers", bus))
  )
}

/** Runs until SIGTERM or SIGINT; then another worker plays the feed. */
export const runWorkers = (settings: Settings) => serve(settings, layerWorkersNode(settings))
