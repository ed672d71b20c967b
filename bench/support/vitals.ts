/** What a process used over a span: CPU, event-loop delay, garbage collection, memory. */
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks"

export interface Vitals {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Event-loop delay in ms: how late a 5 ms timer came. */
  readonly loopP50: number
  readonly loopP99: number
  readonly loopMax: number
  readonly gcCount: number
  /** Milliseconds in all, and the longest one. */
  readonly gcMillis: number
  readonly gcMax: number
  readonly rss: number
  readonly heapUsed: number
}

const RESOLUTION_MILLIS = 5

/** Starts measuring; the returned function ends it. */
export const startVitals = (): (() => Vitals) => {
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS })
  let gcCount = 0
  let gcMillis = 0
  let gcMax = 0
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gcCount++
      gcMillis += duration
      gcMax = Math.max(gcMax, duration)
    }
  })
  observer.observe({ entryTypes: ["gc"] })
  loop.enable()
  const started = performance.now()
  const cpu = process.cpuUsage()
  return () => {
    const { system, user } = process.cpuUsage(cpu)
    const seconds = (performance.now() - started) / 1_000
    loop.disable()
    observer.disconnect()
    const late = (nanos: number) => Math.max(0, nanos / 1e6 - RESOLUTION_MILLIS)
    const { heapUsed, rss } = process.memoryUsage()
    return {
      seconds,
      cpuSeconds: (user + system) / 1e6,
      loopP50: late(loop.percentile(50)),
      loopP99: late(loop.percentile(99)),
      loopMax: late(loop.max),
      gcCount,
      gcMillis,
      gcMax,
      rss,
      heapUsed
    }
  }
}

export interface Memory {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
}

/** After full collections, in a process started with --expose-gc. */
export const settledMemory = (): Memory => {
  for (let turn = 0; turn < 4; turn++) globalThis.gc?.()
  const { external, heapUsed, rss } = process.memoryUsage()
  return { rss, heapUsed, external }
}
