/**
 * A latency histogram the hot path can afford: fixed bounds, one array increment a sample. `/metrics` reads it.
 */
import { Context, Layer } from "effect"

/** Upper bounds in ms; the last bucket is +Inf. */
export const LATENCY_BOUNDS_MILLIS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] as const

export interface LatencySnapshot {
  readonly bounds: ReadonlyArray<number>
  /** Not cumulative; one longer than `bounds`. */
  readonly counts: ReadonlyArray<number>
  readonly sum: number
  readonly count: number
}

/** From the tick's arrival at this platform (ingest time) to its write to a session's socket. */
export class DeliveryLatency extends Context.Service<
  DeliveryLatency,
  {
    readonly record: (millis: number) => void
    readonly snapshot: () => LatencySnapshot
  }
>()("lzstock/actors/kernel/DeliveryLatency") {
  static readonly layer: Layer.Layer<DeliveryLatency> = Layer.sync(DeliveryLatency, () => {
    const counts = new Float64Array(LATENCY_BOUNDS_MILLIS.length + 1)
    let sum = 0
    let count = 0
    return DeliveryLatency.of({
      record: (millis) => {
        const value = Math.max(millis, 0)
        let bucket = 0
        while (bucket < LATENCY_BOUNDS_MILLIS.length && value > (LATENCY_BOUNDS_MILLIS[bucket] ?? 0)) bucket++
        counts[bucket] = (counts[bucket] ?? 0) + 1
        sum += value
        count++
      },
      snapshot: () => ({ bounds: LATENCY_BOUNDS_MILLIS, counts: Array.from(counts), sum, count })
    })
  })
}
