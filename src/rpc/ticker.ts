/** The ticker actor as other rooms see it: an entity per symbol, one owner in the cluster. Control plane only. */
import { Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Bar, Unavailable } from "./market.ts"
import { MARKET_SHARDS } from "./topics.ts"

/** State of one symbol with its position; `body` is ready for the wire (wire.ts). Same shape as QuoteUpdate (topics.ts). */
export const TickerSnapshot = Schema.Struct({
  symbol: Schema.String,
  epoch: Schema.Int,
  seq: Schema.Int,
  exchangeTime: Schema.Int,
  ingestTime: Schema.Int,
  body: Schema.Uint8Array
})
export type TickerSnapshot = typeof TickerSnapshot.Type

/**
 * Bars that the bar store need not have yet: finished ones on their way to it, and the one still forming. Whoever asks the store
 * afterwards misses none. A bar without a trade is gone (actors/market/bars.ts, `isGone`).
 */
export const UnstoredBars = Schema.Struct({
  bars: Schema.Array(Bar),
  /** How far the symbol has come in the feed's present playing, ms since epoch; 0 before its first tick. */
  marketTime: Schema.Int
})
export type UnstoredBars = typeof UnstoredBars.Type

export const Ticker = Entity.make("Ticker", [
  /** Current state and position; activates the actor. */
  Rpc.make("Snapshot", { success: TickerSnapshot, error: Unavailable }),
  Rpc.make("UnstoredBars", {
    payload: { interval: Schema.Literals(["1s", "1m", "1d"]) },
    success: UnstoredBars,
    error: Unavailable
  }),
  /** Starts the actor if it is passive and counts as activity: what the node that feeds it sends now and then. */
  Rpc.make("Activate", { error: Unavailable }),
  /** Keeps the actor alive until interrupted: held by nodes that watch it. */
  Rpc.make("Hold", { success: Schema.Never, error: Unavailable, stream: true }).annotate(
    ClusterSchema.InterruptOnTermination,
    true
  )
]).annotate(ClusterSchema.ShardGroup, () => MARKET_SHARDS)
