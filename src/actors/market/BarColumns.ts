/** Bars of one symbol and interval in one Float64Array, sorted by time: 64 bytes a bar instead of some 180 as objects. */
import type { Bar } from "../../rpc/market.ts"
import { isGone } from "./bars.ts"
import type { BarQuery } from "./Feed.ts"

/** Numbers a bar takes: time, open, high, low, close, volume, trades, revision × 2 + final. */
const STRIDE = 8
const FIRST_ROOM = 16

export class BarColumns {
  readonly #capacity: number
  #cells = new Float64Array(FIRST_ROOM * STRIDE)
  #length = 0
  /** Time of the newest bar evicted, or refused as older than a full series: up to here it may have holes. */
  evictedUpTo = Number.NEGATIVE_INFINITY

  /** Keeps at most `capacity` bars. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Upsert by time; a lower revision than the one kept is ignored. Returns how many old bars were evicted for it. */
  put(bar: Bar): number {
    let at = this.#lowerBound(bar.time)
    if (at < this.#length && this.#cells[at * STRIDE] === bar.time) {
      if (bar.revision >= Math.floor((this.#cells[at * STRIDE + 7] ?? 0) / 2)) this.#write(at, bar)
      return 0
    }
    let evicted = 0
    if (this.#length === this.#capacity) {
      // older than everything kept: it would be the next to go
      if (at === 0) {
        this.evictedUpTo = Math.max(this.evictedUpTo, bar.time)
        return 1
      }
      // an eighth at a time, so that a full series does not move on every bar
      evicted = Math.min(at, Math.max(1, this.#capacity >> 3))
      this.evictedUpTo = Math.max(this.evictedUpTo, this.#cells[(evicted - 1) * STRIDE] ?? 0)
      this.#cells.copyWithin(0, evicted * STRIDE, this.#length * STRIDE)
      this.#length -= evicted
      at -= evicted
    }
    this.#makeRoom()
    this.#cells.copyWithin((at + 1) * STRIDE, at * STRIDE, this.#length * STRIDE)
    this.#length++
    this.#write(at, bar)
    return evicted
  }

  /** The newest `limit` bars in the query's range, oldest first. Bars that lost every trade are kept, for their revision, but not shown. */
  page(query: Pick<BarQuery, "from" | "to" | "before" | "limit">): Array<Bar> {
    const until = Math.min(query.to ?? Number.POSITIVE_INFINITY, query.before ?? Number.POSITIVE_INFINITY)
    const end = this.#lowerBound(until)
    const start = this.#lowerBound(query.from ?? Number.NEGATIVE_INFINITY)
    const bars: Array<Bar> = []
    for (let at = end - 1; at >= start && bars.length < query.limit; at--) {
      const bar = this.#read(at)
      if (!isGone(bar)) bars.push(bar)
    }
    return bars.reverse()
  }

  /** Index of the first bar with time ≥ `time`. */
  #lowerBound(time: number): number {
    // bars mostly arrive in order: look at the end first
    if (this.#length === 0 || (this.#cells[(this.#length - 1) * STRIDE] ?? 0) < time) return this.#length
    let low = 0
    let high = this.#length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#cells[middle * STRIDE] ?? 0) < time) low = middle + 1
      else high = middle
    }
    return low
  }

  #makeRoom(): void {
    if ((this.#length + 1) * STRIDE <= this.#cells.length) return
    const grown = new Float64Array(Math.min(this.#length * 2, this.#capacity) * STRIDE)
    grown.set(this.#cells)
    this.#cells = grown
  }

  #write(at: number, bar: Bar): void {
    const cell = at * STRIDE
    this.#cells[cell] = bar.time
    this.#cells[cell + 1] = bar.open
    this.#cells[cell + 2] = bar.high
    this.#cells[cell + 3] = bar.low
    this.#cells[cell + 4] = bar.close
    this.#cells[cell + 5] = bar.volume
    this.#cells[cell + 6] = bar.trades
    this.#cells[cell + 7] = bar.revision * 2 + (bar.final ? 1 : 0)
  }

  #read(at: number): Bar {
    const cell = (offset: number) => this.#cells[at * STRIDE + offset] ?? 0
    const code = cell(7)
    return {
      time: cell(0),
      open: cell(1),
      high: cell(2),
      low: cell(3),
      close: cell(4),
      volume: cell(5),
      trades: cell(6),
      final: code % 2 === 1,
      revision: Math.floor(code / 2)
    }
  }
}
