/** The port every source of market data fulfils. Adapters: src/app/feeds. */
import { Context, type Effect, Schema } from "effect"
import type { Bar, FeedLabel, FeedStatus, Listing } from "../../rpc/market.ts"

/** The feed cannot go on; `message` says what to do. */
export class FeedError extends Schema.TaggedError<FeedError>()("FeedError", {
  adapter: Schema.String,
  message: Schema.String
}) {}

export type BaseInterval = "1s" | "1m" | "1d"

/** A keyset page of bars: those with from ≤ time < to and time < before, the newest `limit` of them. */
export interface BarQuery {
  readonly symbol: string
  readonly interval: BaseInterval
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly before?: number | undefined
  readonly limit: number
}

/** Recorded and simulated ticks wait as long as they must, and none is lost; a live feed's do not. */
export const canWait = (label: FeedLabel): boolean => label === "SIMULATED" || label === "REPLAY"

export class Feed extends Context.Service<
  Feed,
  {
    readonly adapter: string
    readonly label: FeedLabel
    /** Names this playing: ticks of another one are not continued. The same recording is one, however often it is started. */
    readonly runId: string
    /** Whose bars these are, e.g. "simulated:42": bars of different sources are kept apart. */
    readonly source: string
    /** Every symbol this feed can tell about, in symbol order. */
    readonly listings: ReadonlyArray<Listing>
    readonly status: Effect.Effect<FeedStatus>
    /** The feed's market time now, ms since epoch; sync because the quote path asks often. */
    readonly marketTime: () => number
    /**
     * The market time, ms since epoch, up to and including which every tick has been published: never later than
     * `marketTime`, and at a high speed seconds behind it. What bars are closed by; late reports may still come.
     */
    readonly publishedUpTo: () => number
    /** Publishes batches on `ticks.<shard>` until the recording ends or it is interrupted. Waits when the bus makes it wait. */
    readonly run: Effect.Effect<void, FeedError>
    /** Bars from before this feed's own ticks, oldest first, at most `limit`; empty where it has none. */
    readonly history: (query: BarQuery) => Effect.Effect<ReadonlyArray<Bar>, FeedError>
  }
>()("lzstock/actors/market/Feed") {}
