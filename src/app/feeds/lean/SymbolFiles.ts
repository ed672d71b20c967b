/** The recorded files of one symbol as one source: trades and, where recorded, quotes, in time order. */
import type { Tick } from "../../../rpc/ticks.ts"
import type { Source } from "./Merge.ts"
import type { TickFile } from "./TickFile.ts"

export class SymbolFiles implements Source {
  readonly symbol: string
  private readonly trades: TickFile
  private readonly quotes: TickFile | undefined

  constructor(trades: TickFile, quotes: TickFile | undefined) {
    this.symbol = trades.symbol
    this.trades = trades
    this.quotes = quotes
  }

  get nextTime(): number {
    return Math.min(this.trades.nextTime, this.quotes?.nextTime ?? Number.POSITIVE_INFINITY)
  }

  /**
   * Moves ticks with time < `until` to `out`, until it holds `max` or there are none left (undefined); or answers with
   * the file that has to be filled before going on. Trades come before the quotes of their millisecond.
   */
  take(until: number, max: number, out: Array<Tick>): TickFile | undefined {
    const { quotes, trades } = this
    while (this.nextTime < until && out.length < max) {
      if (quotes === undefined || trades.nextTime <= quotes.nextTime) {
        const end = quotes === undefined ? until : Math.min(until, quotes.nextTime + 1)
        if (trades.take(end, max, out)) return trades
      } else if (quotes.take(Math.min(until, trades.nextTime), max, out)) return quotes
    }
    return undefined
  }
}
