/** This browser's watch list: starred symbols, kept in its storage, the same in all its tabs. */
import { createMemo, createRoot, createSignal } from "solid-js"
import { readSymbols, writeSymbols } from "../symbol/stored.ts"
import { MOST, type Toggled, toggled } from "./list.ts"

const KEY = "lzstock.watchlist"

export const watchlist = createRoot(() => {
  const [symbols, setSymbols] = createSignal<ReadonlyArray<string>>(readSymbols(KEY, MOST) ?? [])
  const starred = createMemo(() => new Set(symbols()))
  let stored = true
  // told by the browser of what other tabs write; key null: all was cleared
  addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) setSymbols(readSymbols(KEY, MOST) ?? [])
  })
  return {
    symbols,
    has: (symbol: string): boolean => starred().has(symbol),
    toggle: (symbol: string): Toggled => {
      // what is stored counts: another tab may have written a moment ago
      const next = toggled((stored ? readSymbols(KEY, MOST) : null) ?? symbols(), symbol)
      stored = writeSymbols(KEY, next.symbols)
      setSymbols(next.symbols)
      return next
    }
  }
})
