/**
 * The process itself: event-loop delay, garbage collection, memory, CPU, fibers. Names follow the usual Node exporters,
 * so that existing dashboards fit.
 */
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks"
import { Context, Effect, Layer, Metric } from "effect"
import { type Family, label } from "./prometheus.ts"

/** Event-loop figures cover the last whole window of this length: independent of who scrapes, and how often. */
export const LOOP_WINDOW_MILLIS = 10_000

const gcKinds: Readonly<Record<number, string>> = { 1: "minor", 4: "major", 8: "incremental", 16: "weakcb" }

export class ProcessMetrics extends Context.Service<
  ProcessMetrics,
  { readonly families: () => ReadonlyArray<Family> }
>()("lzstock/app/observability/ProcessMetrics") {
  static readonly layer: Layer.Layer<ProcessMetrics> = Layer.effect(
    ProcessMetrics,
    Effect.gen(function* () {
      const loop = yield* eventLoopDelay
      const gc = yield* garbageCollection
      return ProcessMetrics.of({ families: () => [...loop(), ...gc(), ...memoryAndCpu(), fibers()] })
    })
  )
}

const one = (name: string, type: "counter" | "gauge", help: string, value: number): Family => ({
  name,
  type,
  help,
  points: [{ value }]
})

const eventLoopDelay = Effect.gen(function* () {
  const resolution = 10
  const delay = monitorEventLoopDelay({ resolution })
  // Node reports the whole interval between its samples; what exceeds the sampling interval is the delay
  const seconds = (nanos: number) => Math.max(0, nanos / 1e6 - resolution) / 1000
  let shown: { readonly p50: number; readonly p99: number; readonly max: number } | undefined
  const read = () => ({
    p50: seconds(delay.percentile(50)),
    p99: seconds(delay.percentile(99)),
    max: seconds(delay.max)
  })
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      delay.enable()
      return setInterval(() => {
        shown = read()
        delay.reset()
      }, LOOP_WINDOW_MILLIS).unref()
    }),
    (timer) =>
      Effect.sync(() => {
        clearInterval(timer)
        delay.disable()
      })
  )
  return (): ReadonlyArray<Family> => {
    const { max, p50, p99 } = shown ?? read()
    const about = "Event-loop delay over the last 10 s window, seconds"
    return [
      one("nodejs_eventloop_delay_p50_seconds", "gauge", `${about}: median.`, p50),
      one("nodejs_eventloop_delay_p99_seconds", "gauge", `${about}: 99th percentile.`, p99),
      one("nodejs_eventloop_delay_max_seconds", "gauge", `${about}: longest.`, max)
    ]
  }
})

const garbageCollection = Effect.gen(function* () {
  const totals = new Map<string, { pauses: number; seconds: number }>(
    Object.values(gcKinds).map((kind) => [kind, { pauses: 0, seconds: 0 }])
  )
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const detail: unknown = "detail" in entry ? entry.detail : undefined
      const kind = typeof detail === "object" && detail !== null && "kind" in detail ? Number(detail.kind) : 0
      const total = totals.get(gcKinds[kind] ?? "")
      if (total === undefined) continue
      total.pauses += 1
      total.seconds += entry.duration / 1000
    }
  })
  yield* Effect.acquireRelease(
    Effect.sync(() => observer.observe({ entryTypes: ["gc"] })),
    () => Effect.sync(() => observer.disconnect())
  )
  return (): ReadonlyArray<Family> => {
    const points = (value: (total: { readonly pauses: number; readonly seconds: number }) => number) =>
      Array.from(totals, ([kind, total]) => ({ labels: label("kind", kind), value: value(total) }))
    return [
      {
        name: "nodejs_gc_pauses_total",
        type: "counter",
        help: "Garbage collections by kind.",
        points: points((total) => total.pauses)
      },
      {
        name: "nodejs_gc_pause_seconds_total",
        type: "counter",
        help: "Time spent in garbage collection by kind, seconds.",
        points: points((total) => total.seconds)
      }
    ]
  }
})

const processStart = Date.now() / 1000 - process.uptime()

const memoryAndCpu = (): ReadonlyArray<Family> => {
  const memory = process.memoryUsage()
  const cpu = process.cpuUsage()
  return [
    one("process_start_time_seconds", "gauge", "Start of the process, seconds since the Unix epoch.", processStart),
    one("process_cpu_seconds_total", "counter", "CPU time used, seconds.", (cpu.user + cpu.system) / 1e6),
    one("process_resident_memory_bytes", "gauge", "Resident memory.", memory.rss),
    one("nodejs_heap_size_used_bytes", "gauge", "JavaScript heap in use.", memory.heapUsed),
    one("nodejs_heap_size_total_bytes", "gauge", "JavaScript heap reserved.", memory.heapTotal),
    one(
      "nodejs_external_memory_bytes",
      "gauge",
      "Memory of buffers and other objects outside the heap.",
      memory.external
    )
  ]
}

// ---- fibers --------------------------------------------------------------------------------------------------------

let running = 0
const fibers = () => one("effect_fibers_active", "gauge", "Effect fibers alive.", running)

/** Provide at the root of the program, so that every fiber started under it is counted. */
export const countFibers = Effect.provideService(Metric.FiberRuntimeMetrics, {
  recordFiberStart: () => {
    running += 1
  },
  recordFiberEnd: () => {
    running -= 1
  }
})
