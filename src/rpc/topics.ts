/**
 * The data plane's topics: what crosses the bus, in process or over NATS. Types and names only.
 */
import type { Bar } from "./market.ts"
import type { TickBatch } from "./ticks.ts"

/** A bus topic: a subject name and, as a phantom, the type of its messages. */
export interface Topic<A> {
  readonly name: string
  /** Subscribed to only while somebody watches; a standing topic is subscribed to for as long as a node runs. */
  readonly watched: boolean
  readonly _A?: (_: A) => A
}

const standing = <A>(name: string): Topic<A> => ({ name, watched: false })
const watched = <A>(name: string): Topic<A> => ({ name, watched: true })

/** How many tick shards there are: fixed, so that a symbol's shard never moves. */
export const TICK_SHARDS = 64

/** FNV-1a over the symbol, modulo the shards. */
export const tickShard = (symbol: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < symbol.length; i++) hash = Math.imul(hash ^ symbol.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % TICK_SHARDS
}

/** Feed → owner of the shard: batches of ticks, in feed order per symbol. */
export const ticksTopic = (shard: number): Topic<TickBatch> => standing(`ticks.${shard}`)

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
export const quotesTopic = (symbol: string): Topic<QuoteUpdate> => watched(`quotes.${symbol}`)

/** Bars that changed: the forming ones, finished ones, and finished ones that a late or corrected trade revised. */
export interface BarsChanged {
  readonly symbol: string
  readonly interval: "1s" | "1m" | "1d"
  readonly bars: ReadonlyArray<Bar>
}

/** Ticker → bar store and live charts. */
export const barsTopic = (symbol: string): Topic<BarsChanged> => watched(`bars.${symbol}`)

/** Whether the feed is delivering; published on change. Symbols that merely do not trade stay "live". */
export interface FeedLiveness {
  readonly state: "live" | "feed-down"
  /** ms since epoch, wall clock. */
  readonly since: number
}
export const feedTopic: Topic<FeedLiveness> = standing("feed.liveness")
