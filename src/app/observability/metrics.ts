/** All of `/metrics`: our gauges and counters, delivery latency, the process, and what Effect's own modules record. */
import { Effect } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { Gauges, type Sample } from "../../actors/kernel/Gauges.ts"
import { DeliveryLatency } from "../../actors/kernel/Latency.ts"
import { catalogue, describe } from "./catalogue.ts"
import { ProcessMetrics } from "./ProcessMetrics.ts"
import { type Family, histogram, renderFamily } from "./prometheus.ts"

/** Samples grouped by name, those of the catalogue first and never missing. */
export const gaugeFamilies = (samples: ReadonlyArray<Sample>): ReadonlyArray<Family> => {
  const byName = new Map<string, Map<string, number>>()
  for (const [name, { always = [] }] of Object.entries(catalogue)) {
    byName.set(name, new Map(always.map((labels) => [labels, 0])))
  }
  for (const { labels, name, value } of samples) {
    const points = byName.get(name) ?? new Map<string, number>()
    byName.set(name, points.set(labels, value))
  }
  return Array.from(byName, ([name, points]) => ({
    name,
    ...describe(name),
    points: Array.from(points, ([labels, value]) => ({ labels, value }))
  })).filter((family) => family.points.length > 0)
}

/** An effect that yields the whole text, for each scrape anew. */
export const renderMetrics = Effect.gen(function* () {
  const gauges = yield* Gauges
  const latency = yield* DeliveryLatency
  const ownProcess = yield* ProcessMetrics
  return Effect.map(PrometheusMetrics.format(), (effectMetrics) => {
    const { bounds, count, counts, sum } = latency.snapshot()
    const delivery = histogram(
      "delivery_latency_seconds",
      "Age of an update when it was written to a session's socket: send time minus ingest time.",
      bounds.map((millis) => millis / 1000),
      counts,
      count,
      sum / 1000
    )
    const own = [...gaugeFamilies(gauges.samples()), delivery, ...ownProcess.families()]
    return own.map(renderFamily).join("") + effectMetrics
  })
})
