/**
 * The cluster in one process: a single runner that owns every shard, nothing stored, nothing on a network. Going to many
 * nodes replaces this layer and no other.
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

const config: Partial<ShardingConfig.ShardingConfig["Service"]> = {
  // names this runner in its own tables; nothing listens there
  runnerAddress: Option.some(RunnerAddress.make("local", 1)),
  // an entity per symbol and per portfolio: the number of instruments is the bound
  maxResidentEntities: "unbounded",
  // messages stay in this process: nothing to encode
  simulateRemoteSerialization: false,
  entityTerminationTimeout: "5 seconds"
}

/** One runner, alone: `Sharding` for Ticker.client, Entity.toLayer and singletons. */
export const layer: Layer.Layer<Sharding.Sharding> = Sharding.layer.pipe(
  Layer.provide(Runners.layerNoop),
  Layer.provide([MessageStorage.layerNoop, RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
  Layer.provide(ShardingConfig.layer(config))
)
