/**
 * Where a node's ticks come from: those of the shards it owns, in order, and how far the feed has come. In one process that
 * is the bus (below); over many, a kept stream that a new owner reads again from what is settled (src/app/nats).
 */
import { Context, Effect, Layer, Schema, type Scope } from "effect"
import type { TickBatch } from "../../rpc/ticks.ts"
import { TICK_SHARDS, ticksTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Feed } from "./Feed.ts"

/** Some of what was handed over was lost with an actor: it must be read again from what is settled. */
export class Unsettled extends Schema.TaggedError<Unsettled>()("Unsettled", {
  shard: Schema.Int,
  message: Schema.String
}) {}

/** What a source hands ticks to: TickRouter. */
export interface TickSink {
  /** Order per symbol is kept by whoever waits for the Effect; undefined: taken at once. */
  readonly take: (batch: TickBatch) => Effect.Effect<void> | undefined
  /** What is handed over from here on begins at what is settled: at first, and each time the shard is read again. */
  readonly begins: (shard: number) => Effect.Effect<void>
  /** Succeeds once all that was handed over for the shard before has been folded. */
  readonly folded: (shard: number) => Effect.Effect<void>
  /** What was in the stream when this node took the shard has been folded: from here on its actors' states are current. */
  readonly caughtUp: (shard: number) => void
  /** Every tick of the shard up to this market time has been handed over. */
  readonly reached: (shard: number, publishedUpTo: number) => void
  /**
   * Succeeds once all that was handed over for the shard before is in durable checkpoints. Dies when that is not possible now,
   * as while the store is away: nothing is lost, it is asked for again later, and reading goes on meanwhile.
   */
  readonly settle: (shard: number) => Effect.Effect<void, Unsettled>
}

export class TickSource extends Context.Service<
  TickSource,
  {
    /** Feeds the sink until the Scope closes; once a node. */
    readonly feed: (sink: TickSink) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Ticks of the shard are missing, or were lost with an actor: reads it again from what is settled, at once. False where
     * nothing can be read again. May be called while that is under way already.
     */
    readonly readAgain: (shard: number) => boolean
    /** Market time up to which every tick of the shard has been handed over; −Infinity while nothing is known. */
    readonly publishedUpTo: (shard: number) => number
    /** What was in the stream when this node took the shard has been folded: what its actors say is current. */
    readonly isCaughtUp: (shard: number) => boolean
    readonly caughtUp: (shard: number) => Effect.Effect<void>
  }
>()("lzstock/actors/market/TickSource") {
  /** One process: everything on the bus, always caught up; nothing can be read again, so nothing need be settled. */
  static readonly layerBus: Layer.Layer<TickSource, never, Bus | Feed> = Layer.effect(
    TickSource,
    Effect.gen(function* () {
      const bus = yield* Bus
      const feed = yield* Feed
      return TickSource.of({
        feed: (sink) =>
          Effect.gen(function* () {
            const tell = Effect.sync(() => {
              const upTo = feed.publishedUpTo()
              for (let shard = 0; shard < TICK_SHARDS; shard++) sink.reached(shard, upTo)
            })
            yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("1 second"), tell)))
            for (let shard = 0; shard < TICK_SHARDS; shard++) yield* bus.subscribe(ticksTopic(shard), sink.take)
          }),
        readAgain: () => false,
        publishedUpTo: () => feed.publishedUpTo(),
        isCaughtUp: () => true,
        caughtUp: () => Effect.void
      })
    })
  )
}
