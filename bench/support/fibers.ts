/** Effect fibers alive in this process, counted as the server's own metrics do. */
import { Effect, Metric } from "effect"

let running = 0
export const fibersActive = (): number => running

/** Provide at the root of the program. */
export const countFibers = Effect.provideService(Metric.FiberRuntimeMetrics, {
  recordFiberStart: () => {
    running += 1
  },
  recordFiberEnd: () => {
    running -= 1
  }
})
