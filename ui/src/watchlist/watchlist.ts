/** The investor's watch list: starred symbols, kept in this browser's storage, the same in all its tabs. */
import { createMemo, createRoot, createSignal, untrack } from "solid-js"
import { ownKey } from "../account/owner.ts"
import { readSymbols, writeSymbols } from "../symbol/stored.ts"
import { MOST, type Toggled, toggled } from "./list.ts"

/** Of the one whose page this is: another investor's is another list, in memory too. */
const makeList = (key: string | null) => {
  const read = () => (key === null ? null : readSymbols(key, MOST))
  const [symbols, setSymbols] = createSignal<ReadonlyArray<string>>(read() ?? [])
  let stored = true
  return {
    key,
    symbols,
    reload: () => setSymbols(read() ?? []),
    toggle: (symbol: string): Toggled => {
      // what is stored counts: another tab may have written a moment ago
      const next = toggled((stored ? read() : null) ?? symbols(), symbol)
      stored = key !== null && writeSymbols(key, next.symbols)
      setSymbols(next.symbols)
      return next
    }
  }
}

export const watchlist = createRoot(() => {
  const list = createMemo(() => makeList(ownKey("watchlist")))
  const symbols = () => list().symbols()
  const starred = createMemo(() => new Set(symbols()))
  // told by the browser of what other tabs write; key null: all was cleared
  addEventListener("storage", (event) => {
    const { key, reload } = untrack(list)
    if (event.key === key || event.key === null) reload()
  })
  return {
    symbols,
    has: (symbol: string): boolean => starred().has(symbol),
    toggle: (symbol: string): Toggled => untrack(list).toggle(symbol)
  }
})
