/** Names of remembered symbols: the feed's listing says it, or the company directory is asked, once each. */
import { createSignal, onCleanup } from "solid-js"
import type { Market } from "../market/market.ts"
import { type Known, knownOfProfile } from "./items.ts"

export const makeKnown = (market: Market) => {
  const [told, setTold] = createSignal<ReadonlyMap<string, Known>>(new Map())
  const asked = new Set<string>()
  let closed = false
  onCleanup(() => {
    closed = true
  })
  return {
    of: (symbol: string): Known | undefined => {
      const listing = market.listingOf(symbol)
      return listing === undefined ? told().get(symbol) : { ...listing, listed: true, fate: null }
    },
    ask: async (symbols: ReadonlyArray<string>): Promise<void> => {
      for (const symbol of symbols) {
        if (closed) return
        if (asked.has(symbol)) continue
        asked.add(symbol)
        try {
          const known = knownOfProfile(await market.client.company(symbol))
          setTold((map) => new Map(map).set(symbol, known))
        } catch {
          // the symbol alone is shown then
        }
      }
    }
  }
}
