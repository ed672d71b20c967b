/** The running feed as other nodes see it: one entity, on a node of the role "workers". Control plane only. */
import { Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Bar, FeedLabel, FeedStatus, Listing, Unavailable } from "./market.ts"
import { WORKER_SHARDS } from "./topics.ts"

/** There is one feed in a cluster; this is its name. */
export const FEED_ID = "main"

export const MarketFeed = Entity.make("MarketFeed", [
  /** What does not change while it plays. Starts it where it does not run yet. */
  Rpc.make("Describe", {
    success: Schema.Struct({
      adapter: Schema.String,
      label: FeedLabel,
      runId: Schema.String,
      source: Schema.String,
      listings: Schema.Array(Listing)
    }),
    error: Unavailable
  }),
  Rpc.make("Status", { success: FeedStatus, error: Unavailable }),
  /** Bars from before the feed's own ticks; see BarQuery in actors/market/Feed.ts. */
  Rpc.make("History", {
    payload: {
      symbol: Schema.String,
      interval: Schema.Literals(["1s", "1m", "1d"]),
      from: Schema.optional(Schema.Int),
      to: Schema.optional(Schema.Int),
      before: Schema.optional(Schema.Int),
      limit: Schema.Int
    },
    success: Schema.Array(Bar),
    error: Unavailable
  })
]).annotate(ClusterSchema.ShardGroup, () => WORKER_SHARDS)
