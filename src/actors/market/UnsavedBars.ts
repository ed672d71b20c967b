/** Finished bars on their way to the store: kept while it fails, bounded, the newest version of each. */
import type { Bar } from "../../rpc/market.ts"
import type { BaseInterval } from "./Feed.ts"

const intervals: ReadonlyArray<BaseInterval> = ["1s", "1m", "1d"]

export class UnsavedBars {
  readonly #most: number
  readonly #bars: { readonly [interval in BaseInterval]: Map<number, Bar> } = {
    "1s": new Map(),
    "1m": new Map(),
    "1d": new Map()
  }

  /** Keeps at most `most` bars per interval. */
  constructor(most: number) {
    this.#most = most
  }

  get isEmpty(): boolean {
    return this.#bars["1s"].size === 0 && this.#bars["1m"].size === 0 && this.#bars["1d"].size === 0
  }

  /** Half of its room is taken: who can wait should, before the oldest are forgotten. */
  get isCrowded(): boolean {
    return intervals.some((interval) => this.#bars[interval].size * 2 > this.#most)
  }

  /** Returns how many of the oldest had to be forgotten. */
  add(interval: BaseInterval, bars: Iterable<Bar>): number {
    const waiting = this.#bars[interval]
    for (const bar of bars) if (bar.final) waiting.set(bar.time, bar)
    let forgotten = 0
    for (const time of waiting.keys()) {
      if (waiting.size <= this.#most) break
      waiting.delete(time)
      forgotten++
    }
    return forgotten
  }

  clear(): void {
    for (const interval of intervals) this.#bars[interval].clear()
  }

  /** What waits of one interval, in no order to rely on. */
  of(interval: BaseInterval): Iterable<Bar> {
    return this.#bars[interval].values()
  }

  /** What waits, by interval. */
  batches(): ReadonlyArray<readonly [interval: BaseInterval, bars: ReadonlyArray<Bar>]> {
    return intervals.flatMap((interval) =>
      this.#bars[interval].size === 0 ? [] : [[interval, Array.from(this.#bars[interval].values())] as const]
    )
  }

  /** These versions are safe now. */
  done(interval: BaseInterval, bars: ReadonlyArray<Bar>): void {
    const waiting = this.#bars[interval]
    for (const bar of bars) if (waiting.get(bar.time) === bar) waiting.delete(bar.time)
  }
}
