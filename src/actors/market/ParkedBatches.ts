/** Batches no fold could take: kept with the reason, so that someone can look, while their symbol goes on without them. */
import { Clock, Context, Effect, Layer } from "effect"
import type { TickBatch } from "../../rpc/ticks.ts"
import { Gauges } from "../kernel/Gauges.ts"

export interface ParkedBatch {
  readonly batch: TickBatch
  /** The crash in one line. */
  readonly reason: string
  /** ms since epoch. */
  readonly time: number
}

/** The newest this many are kept; `parked_batches_total` counts them all. */
export const PARKED_KEPT = 256

export class ParkedBatches extends Context.Service<
  ParkedBatches,
  {
    readonly park: (batch: TickBatch, reason: unknown) => void
    /** Oldest first. */
    readonly list: () => ReadonlyArray<ParkedBatch>
  }
>()("lzstock/actors/market/ParkedBatches") {
  static readonly layer: Layer.Layer<ParkedBatches, never, Gauges> = Layer.effect(
    ParkedBatches,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const clock = yield* Clock.Clock
      const parked: Array<ParkedBatch> = []
      return ParkedBatches.of({
        park: (batch, reason) => {
          gauges.add("parked_batches_total", 1)
          parked.push({ batch, reason: String(reason).slice(0, 500), time: clock.currentTimeMillisUnsafe() })
          if (parked.length > PARKED_KEPT) parked.shift()
        },
        list: () => parked.slice()
      })
    })
  )
}
