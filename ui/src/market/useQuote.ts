/** The quote of one symbol as a signal, for places with few of them; the table's rows write to their nodes instead (Row). */
import { createEffect, createSignal, on, onCleanup } from "solid-js"
import { useMarket } from "./context.ts"
import type { Quote } from "./QuoteBook.ts"

/** It tells only what somebody asks `market.watchSet` for. */
export const useQuote = (symbol: () => string): (() => Quote | undefined) => {
  const market = useMarket()
  const [quote, setQuote] = createSignal<Quote | undefined>(undefined)
  createEffect(
    on(symbol, (name) => {
      setQuote(undefined)
      onCleanup(market.book.onPaint(name, (next) => setQuote(next)))
    })
  )
  return quote
}
