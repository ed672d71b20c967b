/** A ticker's state as every watcher gets it: encoded at most once per position (F1). */
import type { QuoteUpdate } from "../../rpc/topics.ts"
import { encodeQuoteBody } from "../../rpc/wire.ts"
import type { Gauges } from "../kernel/Gauges.ts"
import { quoteState, type TickerState } from "./tickerState.ts"

export class QuoteEncoder {
  readonly #gauges: typeof Gauges.Service
  #newest: QuoteUpdate | undefined

  constructor(gauges: typeof Gauges.Service) {
    this.#gauges = gauges
  }

  encode(state: TickerState): QuoteUpdate {
    const newest = this.#newest
    if (newest !== undefined && newest.seq === state.seq && newest.epoch === state.epoch) return newest
    const quote = quoteState(state)
    this.#gauges.add("quote_encodings_total", 1)
    this.#newest = {
      symbol: state.symbol,
      epoch: state.epoch,
      seq: state.seq,
      exchangeTime: quote.exchangeTime,
      ingestTime: quote.ingestTime,
      body: encodeQuoteBody(quote)
    }
    return this.#newest
  }
}
