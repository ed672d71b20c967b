/** A tick source that hands over what a test tells it, when it tells it. */
import { Effect, Latch, Layer } from "effect"
import { type TickSink, TickSource } from "../../src/actors/market/TickSource.ts"
import type { TickBatch } from "../../src/rpc/ticks.ts"

export class ScriptedTickSource {
  /** What the node's router is given. */
  sink: TickSink | undefined
  readonly caughtUp = Latch.makeUnsafe(true)
  publishedUpTo = Number.NEGATIVE_INFINITY
  /** Shards that were asked for again. */
  readonly askedAgain: Array<number> = []
  canReadAgain = false

  hand(batch: TickBatch): Effect.Effect<void> {
    return Effect.suspend(() => this.sink?.take(batch) ?? Effect.void)
  }

  /** What is handed over from here on begins at what is settled. */
  begins(shard: number): Effect.Effect<void> {
    return Effect.suspend(() => this.sink?.begins(shard) ?? Effect.void)
  }

  settle(shard: number): ReturnType<TickSink["settle"]> {
    return Effect.suspend(() => this.sink?.settle(shard) ?? Effect.void)
  }

  readonly layer: Layer.Layer<TickSource> = Layer.sync(TickSource, () =>
    TickSource.of({
      feed: (sink) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            this.sink = sink
          }),
          () =>
            Effect.sync(() => {
              this.sink = undefined
            })
        ),
      readAgain: (shard) => {
        this.askedAgain.push(shard)
        return this.canReadAgain
      },
      publishedUpTo: () => this.publishedUpTo,
      isCaughtUp: () => this.caughtUp.isOpen(),
      caughtUp: () => this.caughtUp.await
    })
  )
}
