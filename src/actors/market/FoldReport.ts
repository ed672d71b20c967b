/** What a ticker's fold counts, told to Gauges as it grows. Counts outlive the actor in checkpoints; a node counts what it folded. */
import type { Gauges } from "../kernel/Gauges.ts"
import type { FoldCounts } from "./tickerState.ts"

/** Written once: labels are made for no tick. */
const kinds: ReadonlyArray<readonly [count: Exclude<keyof FoldCounts, "ticks">, labels: string]> = [
  ["late", 'kind="late"'],
  ["cancelled", 'kind="cancelled"'],
  ["corrected", 'kind="corrected"'],
  ["unknownIds", 'kind="unknown-id"'],
  ["malformed", 'kind="malformed"'],
  ["beforeToday", 'kind="before-today"'],
  ["beyondKept", 'kind="beyond-kept"'],
  ["toldAgain", 'kind="told-again"'],
  ["repeated", 'kind="repeated"'],
  ["missed", 'kind="missed"']
]

export class FoldReport {
  readonly #gauges: typeof Gauges.Service
  #told: FoldCounts

  /** `told`: what the state it begins with had counted. */
  constructor(gauges: typeof Gauges.Service, told: FoldCounts) {
    this.#gauges = gauges
    this.#told = { ...told }
  }

  /** The state was replaced by one that had counted this. */
  restart(told: FoldCounts): void {
    this.#told = { ...told }
  }

  /** After each turn. What a state lost by a crash had counted is not told again, nor taken back. */
  tell(counts: FoldCounts): void {
    const told = this.#told
    if (counts.ticks === told.ticks) return
    if (counts.ticks > told.ticks) this.#gauges.add("ticks_folded_total", counts.ticks - told.ticks)
    told.ticks = counts.ticks
    for (const [count, labels] of kinds) {
      const more = counts[count] - told[count]
      if (more === 0) continue
      if (more > 0) this.#gauges.add("ticks_noted_total", more, labels)
      told[count] = counts[count]
    }
  }
}
