import { createContext, useContext } from "solid-js"
import type { Market } from "./market.ts"

export const MarketContext = createContext<Market>()

/** The page's market; every component is below the provider in main.tsx. */
export const useMarket = (): Market => {
  const market = useContext(MarketContext)
  if (market === undefined) throw new Error("useMarket outside MarketContext")
  return market
}
