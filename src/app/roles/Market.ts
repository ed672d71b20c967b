/** Ticker actors: a share of the symbols, folded from the kept tick stream. As many as needed; symbols move by themselves. */
import { Layer } from "effect"
import { RemoteFeed } from "../../actors/market/RemoteFeed.ts"
import { ShardTerms } from "../../actors/market/ShardTerms.ts"
import { TickerActors } from "../../actors/market/TickerActor.ts"
import type { Settings } from "../Config.ts"
import { DeadLetters } from "../nats/deadletters/DeadLetters.ts"
import { NatsBus } from "../nats/NatsBus.ts"
import { NatsTickSource } from "../nats/ticks/NatsTickSource.ts"
import { TickStream } from "../nats/ticks/TickStream.ts"
import { CheckpointsSql } from "../postgres/CheckpointsSql.ts"
import { ShardLedgerSql } from "../postgres/ShardLedgerSql.ts"
import { layerListener, layerOperations } from "./parts.ts"
import { Farewell, serve } from "./serve.ts"
import { layerBarStore } from "./stores.ts"
import { layerWires } from "./wires.ts"

export const layerMarketNode = (settings: Settings) => {
  const stores = Layer.mergeAll(layerBarStore, CheckpointsSql.layer).pipe(
    Layer.provideMerge(ShardTerms.layer),
    Layer.provideMerge(ShardLedgerSql.layer)
  )
  const ticks = NatsTickSource.layer().pipe(
    Layer.provide(TickStream.layer({ prefix: settings.cluster })),
    Layer.provideMerge(DeadLetters.layerParkedBatches),
    Layer.provideMerge(DeadLetters.layer({ prefix: settings.cluster }))
  )
  return Layer.mergeAll(TickerActors.layer, layerOperations, Farewell.none).pipe(
    Layer.provideMerge(ticks),
    Layer.provideMerge(stores),
    Layer.provideMerge(RemoteFeed.layer),
    Layer.provideMerge(layerListener(settings)),
    Layer.provideMerge(layerWires(settings, "market", NatsBus.layer({ prefix: settings.cluster })))
  )
}

/** Runs until SIGTERM or SIGINT; then its actors leave their checkpoints and its shards go to other nodes. */
export const runMarket = (settings: Settings) => serve(settings, layerMarketNode(settings))
