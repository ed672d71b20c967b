/** What connects a node to the others: NATS, PostgreSQL, Redis and the cluster's messaging, for every role but all-in-one. */
import { Layer, Redacted } from "effect"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import { QuoteCache } from "../../actors/kernel/QuoteCache.ts"
import { TimingWheel } from "../../actors/kernel/TimingWheel.ts"
import { MARKET_SHARDS, WORKER_SHARDS } from "../../rpc/topics.ts"
import type { Settings } from "../Config.ts"
import * as ManyNodes from "../cluster/ManyNodes.ts"
import { Nats } from "../nats/NatsConnection.ts"
import { RedisConnection, type RedisUrlInvalid } from "../redis/RedisConnection.ts"
import { RedisQuoteCache } from "../redis/RedisQuoteCache.ts"
import { layerGround, nodeName } from "./parts.ts"
import { layerDatabase } from "./stores.ts"

/** With this process's connection to Redis, where there is one: what a role has above stands on it too (identity.ts). */
const layerQuoteCache = (settings: Settings): Layer.Layer<QuoteCache, RedisUrlInvalid, Gauges> =>
  settings.redisUrl === undefined
    ? QuoteCache.layerNone
    : RedisQuoteCache.layer({ prefix: `${settings.cluster}:quotes:` }).pipe(
        Layer.provideMerge(RedisConnection.layer({ url: settings.redisUrl }))
      )

const layerNats = (settings: Settings) =>
  Nats.layer({
    // Config has seen to it that every role with this layer is given one
    url: settings.natsUrl ?? Redacted.make(""),
    name: `${settings.cluster} ${settings.role} ${nodeName(settings)}`
  })

/** Shard groups a role's nodes take part in; none: it only calls. */
const groups = { gateway: [], market: [MARKET_SHARDS], workers: [WORKER_SHARDS] } as const

const layerCluster = (settings: Settings, role: keyof typeof groups) =>
  ManyNodes.layer({
    prefix: settings.cluster,
    lockExpirationMillis: settings.lockSeconds * 1_000,
    ...(groups[role].length === 0 ? {} : { runner: { host: nodeName(settings), port: 1, groups: groups[role] } })
  })

/** From the ground up to the cluster: what every role over many processes stands on. `bus`: how this role says what it says. */
export const layerWires = <B, E>(
  settings: Settings,
  role: keyof typeof groups,
  bus: Layer.Layer<B, E, Gauges | Nats>
) =>
  layerCluster(settings, role).pipe(
    Layer.provideMerge(Layer.mergeAll(bus, layerQuoteCache(settings), TimingWheel.layer)),
    Layer.provideMerge(Layer.mergeAll(layerNats(settings), layerDatabase(settings))),
    Layer.provideMerge(layerGround)
  )
