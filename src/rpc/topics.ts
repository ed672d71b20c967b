/**
 * The data plane's topics: what crosses the bus, in process or over NATS. Names, reach and types; the bytes are topicCodecs.ts's.
 */
import type { DomainEvent } from "./events.ts"
import type { Bar } from "./market.ts"
import type { TickBatch } from "./ticks.ts"
import {
  barsCodec,
  companiesCodec,
  eventCodec,
  feedClockCodec,
  livenessCodec,
  ownedShardsCodec,
  quoteCodec,
  revokedCodec,
  tickBatchCodec
} from "./topicCodecs.ts"

/** How a topic's messages look between processes. */
export interface Codec<A> {
  readonly encode: (message: A) => Uint8Array
  /** Throws on anything that is no such message, whoever sent it. */
  readonly decode: (bytes: Uint8Array) => A
}

/** A bus topic: a subject name, who hears it, and how its messages look on a wire. */
export interface Topic<A> {
  readonly name: string
  /** Subscribed to only while somebody watches; a standing topic is subscribed to for as long as a node runs. */
  readonly watched: boolean
  /**
   * node: this process only. cluster: every node that subscribes, at most once. log: kept in order until its owner has settled
   * it, so that a new owner reads it again (TickSource).
   */
  readonly reach: "node" | "cluster" | "log"
  readonly codec: Codec<A>
}

/** How many tick shards there are; a tick shard is a shard of the cluster too, so a symbol's ticks and its actor go together. */
export const TICK_SHARDS = 64

/** Shard group of the ticker actors: nodes of the role "market". */
export const MARKET_SHARDS = "market"
/** Shard group of what runs once in the cluster: the feed. Nodes of the role "workers". */
export const WORKER_SHARDS = "workers"

/** 0 … TICK_SHARDS − 1; the cluster's own hash of an entity id (a test holds them together), so it never moves. */
export const tickShard = (symbol: string): number => {
  let hash = 5381
  for (let i = symbol.length - 1; i >= 0; i--) hash = (hash * 33) ^ symbol.charCodeAt(i)
  hash = (hash & 0xbfffffff) | ((hash >>> 1) & 0x40000000)
  return Math.abs(hash % TICK_SHARDS)
}

/** Feed → owner of the shard: batches of ticks, in feed order per symbol. */
export const ticksTopic = (shard: number): Topic<TickBatch> => ({
  name: `ticks.${shard}`,
  watched: false,
  reach: "log",
  codec: tickBatchCodec
})

/**
 * A ticker's new state, encoded once by its owner; everyone downstream copies these bytes.
 * seq counts ticks folded within an epoch: the first message of an epoch may have any seq ≥ 0, each later one a
 * greater seq. A new epoch (greater) means the actor started anew; watchers must resynchronise.
 */
export interface QuoteUpdate {
  readonly symbol: string
  readonly epoch: number
  readonly seq: number
  /** Exchange time of the newest tick in it, ms since epoch. */
  readonly exchangeTime: number
  /** When its newest tick reached us, ms since epoch. */
  readonly ingestTime: number
  /** ASCII: the quote's JSON members after the tag, `"s":"AAPL","e":…,…` with no brace (wire.ts). */
  readonly body: Uint8Array
}

/** Ticker → gateways that have a watcher of the symbol. */
export const quotesTopic = (symbol: string): Topic<QuoteUpdate> => ({
  name: `quotes.${symbol}`,
  watched: true,
  reach: "cluster",
  codec: quoteCodec
})

/** Bars that changed: the forming ones, finished ones, and finished ones that a late or corrected trade revised. */
export interface BarsChanged {
  readonly symbol: string
  readonly interval: "1s" | "1m" | "1d"
  readonly bars: ReadonlyArray<Bar>
}

/** Ticker → bar store and live charts. */
export const barsTopic = (symbol: string): Topic<BarsChanged> => ({
  name: `bars.${symbol}`,
  watched: true,
  reach: "cluster",
  codec: barsCodec
})

/** Whether the feed is delivering; published on change. Symbols that merely do not trade stay "live". */
export interface FeedLiveness {
  readonly state: "live" | "feed-down"
  /** ms since epoch, wall clock. */
  readonly since: number
}
/** What this node knows of it: said by whoever runs the feed here, or listens to its clock. */
export const feedTopic: Topic<FeedLiveness> = {
  name: "feed.liveness",
  watched: false,
  reach: "node",
  codec: livenessCodec
}

/** Which tick shards a node owns and serves: said twice a second, so that the silence of an owner is noticed by all who watch. */
export interface OwnedShards {
  /** 0 … TICK_SHARDS − 1 */
  readonly shards: ReadonlyArray<number>
}
export const ownedShardsTopic: Topic<OwnedShards> = {
  name: "market.owned",
  watched: false,
  reach: "cluster",
  codec: ownedShardsCodec
}

/** Where the running feed stands: said a few times a second by the node that runs it, heard by all others. */
export interface FeedClock {
  readonly state: "starting" | "live" | "ended" | "down"
  /** ms since epoch. */
  readonly marketTime: number
  /** Market time up to and including which every tick has been published. */
  readonly publishedUpTo: number
  /** Market seconds per second; 0 = as fast as it goes. */
  readonly speed: number
  /** FeedStatus.ticks and .malformed. */
  readonly ticks: number
  readonly malformed: number
}
export const feedClockTopic: Topic<FeedClock> = {
  name: "feed.clock",
  watched: false,
  reach: "cluster",
  codec: feedClockCodec
}

/** The symbol master has changed up to that version: said by whoever changed it, heard by all who answer from it. */
export interface CompaniesChanged {
  readonly version: number
}
export const companiesChangedTopic: Topic<CompaniesChanged> = {
  name: "companies.changed",
  watched: false,
  reach: "cluster",
  codec: companiesCodec
}

/** Somebody asks for a sync: the worker looks at what the symbol master says about that. */
export const companySyncTopic: Topic<CompaniesChanged> = {
  name: "companies.sync",
  watched: false,
  reach: "cluster",
  codec: companiesCodec
}

/** Events of the contexts in one process; over many they are in a stream instead (EventLog). */
export const eventsTopic: Topic<DomainEvent> = {
  name: "events",
  watched: false,
  reach: "node",
  codec: eventCodec
}

/** Sign-ins and tokens of an investor have ended: whoever has sockets that stand on them closes these. */
export interface Revoked {
  readonly investor: string
  /** ms since epoch: what has begun since stays. */
  readonly at: number
  /** Their ids, or all of a kind. */
  readonly what: ReadonlyArray<string> | "browsers" | "everything"
  /** An Ending, for those who were there. A node of another version may say none, or one that this does not know. */
  readonly why?: string
}
export const revokedTopic: Topic<Revoked> = {
  name: "investors.revoked",
  watched: false,
  reach: "cluster",
  codec: revokedCodec
}
/** The same, said on the node where it happened: what is heard there does not wait for NATS. */
export const revokedHereTopic: Topic<Revoked> = { ...revokedTopic, name: "investors.revoked-here", reach: "node" }
