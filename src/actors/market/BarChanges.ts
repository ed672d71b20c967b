/** The bars that changed since somebody last asked, each in its newest state: filled by the fold, read by the actor. */
import type { Bar } from "../../rpc/market.ts"
import type { BaseInterval } from "./Feed.ts"

const byTime = (a: Bar, b: Bar): number => a.time - b.time

export class BarChanges {
  /** By the bar's time; only the newest state of each is kept. */
  readonly "1s" = new Map<number, Bar>()
  readonly "1m" = new Map<number, Bar>()
  readonly "1d" = new Map<number, Bar>()

  get isEmpty(): boolean {
    return this["1s"].size === 0 && this["1m"].size === 0 && this["1d"].size === 0
  }

  /** Oldest first. A bar of which nothing is left is gone: all its trades were cancelled (see `isGone`). */
  bars(interval: BaseInterval): Array<Bar> {
    return Array.from(this[interval].values()).sort(byTime)
  }

  /** Intervals with changed bars, and those. */
  entries(): Array<[BaseInterval, Array<Bar>]> {
    const found: Array<[BaseInterval, Array<Bar>]> = []
    if (this["1s"].size > 0) found.push(["1s", this.bars("1s")])
    if (this["1m"].size > 0) found.push(["1m", this.bars("1m")])
    if (this["1d"].size > 0) found.push(["1d", this.bars("1d")])
    return found
  }

  clear(): void {
    this["1s"].clear()
    this["1m"].clear()
    this["1d"].clear()
  }
}
