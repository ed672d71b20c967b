/** What folds ticks that come over the bus or NATS: the market role's layers, stores in memory or PostgreSQL, a feed the bench plays. */
import { Layer, Redacted, References } from "effect"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import { BarStore } from "../../src/actors/market/BarStore.ts"
import { Checkpoints } from "../../src/actors/market/Checkpoints.ts"
import { ShardLedger } from "../../src/actors/market/ShardLedger.ts"
import { ShardTerms } from "../../src/actors/market/ShardTerms.ts"
import { TickerActors } from "../../src/actors/market/TickerActor.ts"
import * as ManyNodes from "../../src/app/cluster/ManyNodes.ts"
import * as SingleNode from "../../src/app/cluster/SingleNode.ts"
import { DeadLetters } from "../../src/app/nats/deadletters/DeadLetters.ts"
import { NatsBus } from "../../src/app/nats/NatsBus.ts"
import { Nats } from "../../src/app/nats/NatsConnection.ts"
import { NatsTickSource } from "../../src/app/nats/ticks/NatsTickSource.ts"
import { TickPublisher } from "../../src/app/nats/ticks/TickPublisher.ts"
import { TickStream } from "../../src/app/nats/ticks/TickStream.ts"
import { BarStoreSql } from "../../src/app/postgres/BarStoreSql.ts"
import { CheckpointsSql } from "../../src/app/postgres/CheckpointsSql.ts"
import { Database } from "../../src/app/postgres/Database.ts"
import { Migrations } from "../../src/app/postgres/Migrations.ts"
import { ShardLedgerSql } from "../../src/app/postgres/ShardLedgerSql.ts"
import { MARKET_SHARDS } from "../../src/rpc/topics.ts"
import { layerFeed } from "./morning.ts"

export interface Wires {
  readonly natsUrl: string
  /** Of every subject; also names the feed's run and the bars' source, so that nothing stored before is continued. */
  readonly prefix: string
}

/** Warnings would be printed into the report. */
export const quiet = Layer.succeed(References.MinimumLogLevel, "Error")

export const layerNats = ({ natsUrl, prefix }: Wires, name: string) =>
  Nats.layer({ url: Redacted.make(natsUrl), name: `${prefix} ${name}` }).pipe(
    Layer.provideMerge(Gauges.layer),
    Layer.orDie
  )

export const layerDatabase = (url: string) =>
  Migrations.layer.pipe(
    Layer.provideMerge(Database.layer({ url: Redacted.make(url), folder: "" })),
    Layer.provideMerge(Gauges.layer),
    Layer.orDie
  )

export const layerPublisher = (wires: Wires) =>
  TickPublisher.layer().pipe(
    Layer.provide(TickStream.layer({ prefix: wires.prefix })),
    Layer.provideMerge(layerNats(wires, "publisher")),
    Layer.provideMerge(quiet)
  )

const storesInMemory = Layer.mergeAll(BarStore.layerMemory, Checkpoints.layerMemory, ShardLedger.layerMemory)

/** One process, nothing stored: ticks and quotes over its own bus. */
export const layerOneProcess = (symbols: ReadonlyArray<string>, marketTime: () => number) =>
  TickerActors.layer.pipe(
    Layer.provideMerge(SingleNode.layerSurroundings),
    Layer.provideMerge(
      Layer.mergeAll(storesInMemory, QuoteCache.layerNone, Bus.layerInProcess).pipe(Layer.provideMerge(Gauges.layer))
    ),
    Layer.provideMerge(Layer.mergeAll(SingleNode.layer, layerFeed(symbols, marketTime), quiet))
  )

/** The ticks of every shard, over NATS, to ticker actors that say their quotes on NATS. */
const layerActors = (wires: Wires) => {
  const { prefix } = wires
  const ticks = NatsTickSource.layer().pipe(
    Layer.provide(TickStream.layer({ prefix })),
    Layer.provideMerge(DeadLetters.layerParkedBatches),
    Layer.provideMerge(DeadLetters.layer({ prefix }))
  )
  return TickerActors.layer.pipe(
    Layer.provideMerge(ticks),
    Layer.provideMerge(Layer.mergeAll(NatsBus.layer({ prefix }), QuoteCache.layerNone))
  )
}

/** Only messaging and folding: one owner of everything, nothing stored. */
export const layerInMemory = (wires: Wires, symbols: ReadonlyArray<string>, marketTime: () => number) =>
  layerActors(wires).pipe(
    Layer.provideMerge(ShardTerms.layer),
    Layer.provideMerge(storesInMemory),
    Layer.provideMerge(
      Layer.mergeAll(SingleNode.layer, layerFeed(symbols, marketTime), layerNats(wires, "market"), quiet)
    )
  )

/** As the market role is: shard locks, terms, checkpoints and bars in PostgreSQL. */
export const layerInPostgres = (
  wires: Wires,
  databaseUrl: string,
  symbols: ReadonlyArray<string>,
  marketTime: () => number
) => {
  const ground = Layer.provideMerge(layerNats(wires, "market"), layerDatabase(databaseUrl))
  const runner = { host: "bench", port: 1, groups: [MARKET_SHARDS] }
  return layerActors(wires).pipe(
    Layer.provideMerge(Layer.mergeAll(BarStoreSql.layer({ source: wires.prefix }), CheckpointsSql.layer)),
    Layer.provideMerge(ShardTerms.layer),
    Layer.provideMerge(ShardLedgerSql.layer),
    Layer.provideMerge(
      Layer.mergeAll(ManyNodes.layer({ prefix: wires.prefix, runner }), layerFeed(symbols, marketTime))
    ),
    Layer.provideMerge(ground),
    Layer.provideMerge(quiet),
    Layer.orDie
  )
}
