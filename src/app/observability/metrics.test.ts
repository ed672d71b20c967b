import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { parsePrometheus } from "../../../test/support/prometheus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { DeliveryLatency } from "../../actors/kernel/Latency.ts"
import { renderMetrics } from "./metrics.ts"
import { ProcessMetrics } from "./ProcessMetrics.ts"

const services = Layer.mergeAll(Gauges.layer, DeliveryLatency.layer, ProcessMetrics.layer)
const scrape = Effect.flatMap(Effect.flatten(renderMetrics), (text) => Effect.sync(() => parsePrometheus(text)))

describe("/metrics", () => {
  it.effect("is well-formed and shows the gauges of a node where nothing has happened", () =>
    Effect.gen(function* () {
      const families = yield* scrape
      const value = (name: string, labels = "") => families.get(name)?.samples.get(`${name}{${labels}}`)
      assert.strictEqual(value("sessions_active"), 0)
      assert.strictEqual(value("topic_subscriptions_active"), 0)
      assert.strictEqual(value("actors_active", 'kind="ticker"'), 0)
      assert.strictEqual(value("actors_active", 'kind="session"'), 0)
      assert.strictEqual(families.get("sessions_active")?.type, "gauge")
      assert.strictEqual(families.get("actor_restarts_total")?.type, "counter")
      for (const name of [
        "process_start_time_seconds",
        "nodejs_heap_size_used_bytes",
        "nodejs_eventloop_delay_p99_seconds"
      ]) {
        assert.isTrue(Number.isFinite(value(name)), name)
      }
    }).pipe(Effect.provide(services))
  )

  it.effect("follows what the actors count, with their labels", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      gauges.add("sessions_active", 2)
      gauges.add("actors_active", 3, 'kind="portfolio"')
      gauges.add("ticks_folded_total", 7)
      const families = yield* scrape
      assert.strictEqual(families.get("sessions_active")?.samples.get("sessions_active{}"), 2)
      assert.strictEqual(families.get("actors_active")?.samples.get('actors_active{kind="portfolio"}'), 3)
      assert.strictEqual(families.get("ticks_folded_total")?.type, "counter")
    }).pipe(Effect.provide(services))
  )

  it.effect("shows delivery latency as a cumulative histogram in seconds", () =>
    Effect.gen(function* () {
      const latency = yield* DeliveryLatency
      for (const millis of [1, 4, 4, 60_000]) latency.record(millis)
      const family = (yield* scrape).get("delivery_latency_seconds")
      const value = (sample: string) => family?.samples.get(`delivery_latency_seconds${sample}`)
      assert.strictEqual(family?.type, "histogram")
      assert.strictEqual(value('_bucket{le="0.001"}'), 1)
      assert.strictEqual(value('_bucket{le="0.005"}'), 3)
      assert.strictEqual(value('_bucket{le="5"}'), 3)
      assert.strictEqual(value('_bucket{le="+Inf"}'), 4)
      assert.strictEqual(value("_count{}"), 4)
      assert.closeTo(value("_sum{}") ?? 0, 60.009, 1e-9)
    }).pipe(Effect.provide(services))
  )

  it.effect("includes what Effect's own modules record", () =>
    Effect.gen(function* () {
      yield* Metric.update(Metric.counter("a_library_counter", { description: "From a library" }), 5)
      const family = (yield* scrape).get("a_library_counter")
      assert.strictEqual(family?.samples.get("a_library_counter{}"), 5)
    }).pipe(Effect.provide(services))
  )
})
