/** What connects a node to the others: NATS, PostgreSQL, Redis and the cluster's messaging, for every role but all-in-one. */
import { Effect, Layer, Redacted } from "effect"
import { QuoteCache } from "../../actors/kernel/QuoteCache.ts"
import { TimingWheel } from "../../actors/kernel/TimingWheel.ts"
import { MARKET_SHARDS, WORKER_SHARDS } from "../../rpc/topics.ts"
import type { Settings } from "../Config.ts"
import * as ManyNodes from "../cluster/ManyNodes.ts"
import { Nats } from "../nats/NatsConnection.ts"
import { Database } from "../postgres/Database.ts"
import { Migrations } from "../postgres/Migrations.ts"
import { RedisQuoteCache } from "../redis/RedisQuoteCache.ts"
import { nodeName } from "./parts.ts"

/** Given by Config for every role that asks (`needed`). */
const given = (url: Redacted.Redacted<string> | undefined): Redacted.Redacted<string> => url ?? Redacted.make("")

/** The database, with its schema brought up to date: whoever starts first does that, the others wait. */
export const layerDatabase = (settings: Settings) =>
  Layer.provideMerge(
    Migrations.layer,
    Database.layer({ url: settings.databaseUrl, folder: settings.dataDir })
  )

export const layerQuoteCache = (settings: Settings) =>
  settings.redisUrl === undefined
    ? QuoteCache.layerNone
    : RedisQuoteCache.layer({ url: settings.redisUrl, prefix: `${settings.cluster}:quotes:` })

export const layerNats = (settings: Settings) =>
  Nats.layer({ url: given(settings.natsUrl), name: `${settings.cluster} ${settings.role} ${nodeName(settings)}` })
