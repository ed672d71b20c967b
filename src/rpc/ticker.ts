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

export const Ticker = Entity.make("Ticker", [
  /** Current state and position; activates the actor. */
  Rpc.make("Snapshot", { success: TickerSnapshot, error: Unavailable }),
  /** The bars still forming, by base interval; null where nothing has traded in it. */
  Rpc.make("FormingBars", {
    success: Schema.Struct({ "1s": Schema.NullOr(Bar), "1m": Schema.NullOr(Bar), "1d": Schema.NullOr(Bar) }),
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
