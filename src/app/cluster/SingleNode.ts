/**
 * The cluster in one process: a single runner that owns every shard, nothing stored, nothing on a network. Going to many
 * nodes replaces these layers (ManyNodes.ts) and no others.
 */
import { Layer, Option } from "effect"
import {
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  RunnerStorage,
  Runners,
  Sharding,
  ShardingConfig
} from "effect/cluster"
import type { Bus } from "../../actors/kernel/Bus.ts"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import type { Feed } from "../../actors/market/Feed.ts"
import { ParkedBatches } from "../../actors/market/ParkedBatches.ts"
import type { ShardLedger } from "../../actors/market/ShardLedger.ts"
import { ShardTerms } from "../../actors/market/ShardTerms.ts"
import { TickSource } from "../../actors/market/TickSource.ts"
import { MARKET_SHARDS, TICK_SHARDS, WORKER_SHARDS } from "../../rpc/topics.ts"
import { quietEnd } from "./quietEnd.ts"

const config: Partial<ShardingConfig.ShardingConfig["Service"]> = {
  // names this runner in its own tables; nothing listens there
  runnerAddress: Option.some(RunnerAddress.make("local", 1)),
  shardsPerGroup: TICK_SHARDS,
  availableShardGroups: [MARKET_SHARDS, WORKER_SHARDS],
  assignedShardGroups: [MARKET_SHARDS, WORKER_SHARDS],
  // an entity per symbol and per portfolio: the number of instruments is the bound
  maxResidentEntities: "unbounded",
  // messages stay in this process: nothing to encode
  simulateRemoteSerialization: false,
  entityTerminationTimeout: "5 seconds"
}

/** One runner, alone: `Sharding` for Ticker.client, Entity.toLayer and singletons. */
export const layer: Layer.Layer<Sharding.Sharding> = quietEnd(
  Sharding.layer.pipe(
    Layer.provide(Runners.layerNoop),
    Layer.provide([MessageStorage.layerNoop, RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
    Layer.provide(ShardingConfig.layer(config))
  )
)

/** What ticker actors need of their surroundings, where every tick comes over the bus of this process. */
export const layerSurroundings: Layer.Layer<
  ParkedBatches | ShardTerms | TickSource,
  never,
  Bus | Feed | Gauges | ShardLedger | Sharding.Sharding
> = Layer.mergeAll(ParkedBatches.layer, ShardTerms.layer, TickSource.layerBus)
