/** Nodes of one cluster within a test's process, each with its own connections and layers, and an entity to ask who owns it. */
import { PgClient } from "@effect/sql-pg"
import { Context, Deferred, Effect, Exit, Layer, Logger, Redacted, Schema, Scope, Stream } from "effect"
import { ClusterSchema, Entity, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import * as ManyNodes from "../../src/app/cluster/ManyNodes.ts"
import { Nats } from "../../src/app/nats/NatsConnection.ts"
import { MARKET_SHARDS } from "../../src/rpc/topics.ts"

/** Which start of which actor on which node has answered. */
export const Owner = Schema.Struct({ node: Schema.String, start: Schema.Int })
export type Owner = typeof Owner.Type

export const Probe = Entity.make("Probe", [
  Rpc.make("Owner", { success: Owner }),
  /** Answers when the node's gate opens, and keeps the mailbox waiting until then. */
  Rpc.make("Wait", { success: Schema.Int }),
  /** The owner now and then nothing more. */
  Rpc.make("Watch", { success: Owner, stream: true }).annotate(ClusterSchema.InterruptOnTermination, true)
]).annotate(ClusterSchema.ShardGroup, () => MARKET_SHARDS)

let starts = 0

const probes = (node: string, gate: Effect.Effect<void>) =>
  Probe.toLayer(
    Effect.sync(() => {
      const owner: Owner = { node, start: ++starts }
      return Probe.of({
        Owner: () => Effect.succeed(owner),
        Wait: () => Effect.as(gate, 1),
        Watch: () => Rpc.fork(Stream.concat(Stream.make(owner), Stream.never))
      })
    }),
    { disableFatalDefects: true }
  )

export interface NodeOptions {
  readonly name: string
  readonly databaseUrl: string
  readonly natsUrl: string
  readonly prefix: string
  /** A gateway: calls only. */
  readonly callsOnly?: boolean
  readonly lockExpirationMillis?: number
  readonly mailboxCapacity?: number
  readonly quiet?: boolean
}

export const nodeLayer = (options: NodeOptions, gate: Effect.Effect<void> = Effect.never) => {
  const { callsOnly = false, databaseUrl, name, natsUrl, prefix, quiet = true } = options
  const cluster = ManyNodes.layer({
    prefix,
    ...(callsOnly ? {} : { runner: { host: name, port: 1, groups: [MARKET_SHARDS] } }),
    ...(options.lockExpirationMillis === undefined ? {} : { lockExpirationMillis: options.lockExpirationMillis }),
    ...(options.mailboxCapacity === undefined ? {} : { mailboxCapacity: options.mailboxCapacity })
  })
  return (callsOnly ? Layer.empty : probes(name, gate)).pipe(
    Layer.provideMerge(cluster),
    Layer.provideMerge(
      Layer.mergeAll(
        Nats.layer({ url: Redacted.make(natsUrl), name }),
        PgClient.layer({ url: Redacted.make(databaseUrl), maxConnections: 4 })
      )
    ),
    Layer.provideMerge(Gauges.layer),
    Layer.provide(quiet ? Logger.layer([]) : Layer.empty)
  )
}

export type Probing = Effect.Success<typeof Probe.client>

export interface ClusterNode {
  readonly name: string
  readonly probe: Probing
  readonly nats: Nats["Service"]
  readonly gauges: Gauges["Service"]
  readonly sharding: Sharding.Sharding["Service"]
  /** Lets every Wait on this node answer. */
  readonly openGate: Effect.Effect<void>
  /** In good order, as on SIGTERM. */
  readonly stop: Effect.Effect<void>
}

/** Runs until `stop` or the Scope closes. */
export const startNode = Effect.fnUntraced(function* (options: NodeOptions) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (own) => Scope.close(own, Exit.void))
  const gate = yield* Deferred.make<void>()
  // nothing shared with the other nodes: a memo map of its own
  const context = yield* Layer.buildWithMemoMap(
    nodeLayer(options, Deferred.await(gate)),
    Layer.makeMemoMapUnsafe(),
    scope
  )
  const node: ClusterNode = {
    name: options.name,
    probe: yield* Effect.provideContext(Probe.client, context).pipe(Scope.provide(scope)),
    nats: Context.get(context, Nats),
    gauges: Context.get(context, Gauges),
    sharding: Context.get(context, Sharding.Sharding),
    openGate: Effect.asVoid(Deferred.succeed(gate, undefined)),
    stop: Scope.close(scope, Exit.void)
  }
  return node
})
