/**
 * The cluster over many processes: in the place of SingleNode.ts, and no actor knows. Effect Cluster decides who owns what,
 * by consistent hashing over the runners registered in PostgreSQL, whose locks have the last word; its calls
 * travel over NATS.
 *
 * A call in flight on a node that dies fails there and is sent again to the next owner, every 50 ms, until it is
 * answered: at least once, and for ever if nobody can. So handlers are idempotent and every call carries its own deadline where
 * it is made. A stream is opened anew on the next owner, from its beginning: its items carry epoch and seq.
 */
import { randomBytes } from "node:crypto"
import { Layer, Option } from "effect"
import { MessageStorage, RunnerAddress, type Sharding, ShardingConfig, SocketRunner } from "effect/cluster"
import { RpcSerialization } from "effect/rpc"
import type { SqlClient, SqlError } from "effect/sql"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import { MARKET_SHARDS, TICK_SHARDS, WORKER_SHARDS } from "../../rpc/topics.ts"
import type { Nats } from "../nats/NatsConnection.ts"
import { layerClientProtocol, layerSocketServer } from "./NatsRunners.ts"
import { quietEnd } from "./quietEnd.ts"
import { layerDetector, layerHealth, layerResponder } from "./RunnerLiveness.ts"
import * as ShardLocks from "./ShardLocks.ts"

export interface ManyNodesOptions {
  /** First token of every NATS subject of this cluster, e.g. "lzstock". */
  readonly prefix: string
  /** Absent: this node only calls, as gateways do. */
  readonly runner?: {
    /** A name for people, with `port`; nothing listens there. Each start of a process is a runner of its own. */
    readonly host: string
    readonly port: number
    /** Shard groups this node takes part in: MARKET_SHARDS, WORKER_SHARDS. */
    readonly groups: ReadonlyArray<string>
  }
  /** How long a frozen or cut off owner keeps its shards; 10,000 if absent. */
  readonly lockExpirationMillis?: number
  /** Calls that may wait in an entity's mailbox before MailboxFull; 4096 if absent. */
  readonly mailboxCapacity?: number
}

const config = ({ lockExpirationMillis = 10_000, mailboxCapacity = 4096, runner }: ManyNodesOptions) =>
  ShardingConfig.layer({
    runnerAddress: Option.map(Option.fromUndefinedOr(runner), ({ host, port }) =>
      RunnerAddress.make(`${host}-${randomBytes(4).toString("hex")}`, port)
    ),
    availableShardGroups: [MARKET_SHARDS, WORKER_SHARDS],
    assignedShardGroups: runner?.groups ?? [],
    shardsPerGroup: TICK_SHARDS,
    shardLockExpiration: lockExpirationMillis,
    // who only calls holds no locks: no session of it to be ended when idle
    shardLockDisableAdvisory: runner === undefined,
    shardLockRefreshInterval: Math.floor(lockExpirationMillis / 3),
    refreshAssignmentsInterval: 250,
    // also the pause of the loop that takes and releases shards
    entityMessagePollInterval: 250,
    sendRetryInterval: 50,
    entityTerminationTimeout: "5 seconds",
    entityMailboxCapacity: mailboxCapacity,
    // an entity per symbol and per portfolio: the number of instruments is the bound
    maxResidentEntities: "unbounded",
    simulateRemoteSerialization: false,
    preemptiveShutdown: true
  })

/**
 * `Sharding` for entities, their clients and singletons. The SqlClient is PostgreSQL's, with three connections at least.
 * Closing its Scope hands every shard over before it returns.
 */
export const layer = (
  options: ManyNodesOptions
): Layer.Layer<Sharding.Sharding, SqlError.SqlError, Nats | Gauges | SqlClient.SqlClient> => {
  const { prefix, runner } = options
  const shared = Layer.mergeAll(MessageStorage.layerNoop, ShardLocks.layer, RpcSerialization.layerSchemaBinary())
  const node =
    runner === undefined
      ? SocketRunner.layerClientOnly.pipe(Layer.provide(layerClientProtocol(prefix)))
      : layerDetector(prefix).pipe(
          Layer.provideMerge(SocketRunner.layer),
          Layer.provide([layerClientProtocol(prefix), layerSocketServer(prefix), layerResponder(prefix)]),
          Layer.provide(layerHealth(prefix))
        )
  return quietEnd(node.pipe(Layer.provide(shared), Layer.provide(config(options))))
}
