/** What every server under test answers to the bench. */
import { type Memory, startVitals, type Vitals } from "../support/vitals.ts"

export interface Open {
  /** By name and label set; empty where a server keeps none. */
  readonly gauges: Readonly<Record<string, number>>
  readonly fibers: number
  /** Timers, sockets and the like that keep the process busy, one entry each. */
  readonly handles: ReadonlyArray<string>
}

export interface BenchServer {
  readonly port: (_: null) => number
  /** Publishes so many updates a second, over all symbols in turn. */
  readonly feed: (perSecond: number) => void
  readonly hush: (_: null) => void
  readonly begin: (_: null) => void
  readonly end: (_: null) => { readonly vitals: Vitals; readonly writes: number }
  /** After full collections. */
  readonly memory: (_: null) => Memory
  readonly open: (_: null) => Open
}

/** `writes`: socket writes of updates so far. */
export const measuring = (writes: () => number): Pick<BenchServer, "begin" | "end"> => {
  let stop: (() => Vitals) | undefined
  let before = 0
  return {
    begin: () => {
      before = writes()
      stop = startVitals()
    },
    end: () => {
      if (stop === undefined) throw new Error("begin first")
      return { vitals: stop(), writes: writes() - before }
    }
  }
}
