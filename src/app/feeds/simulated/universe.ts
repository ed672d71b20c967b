/**
 * What is traded in the simulation: real US-listed companies and ETFs (companies.csv: symbol, name, exchange, sector,
 * a price and an average daily volume, believable ones of autumn 2024), then as many made-up ones as asked for.
 */
import { readFileSync } from "node:fs"
import type { Listing } from "../../../rpc/market.ts"
import { keyOf, mix, Random } from "./random.ts"

/** How one symbol behaves. Prices in dollars. */
export interface Profile {
  readonly listing: Listing
  /** Tells its random streams from every other symbol's. */
  readonly key: number
  readonly price: number
  /** Shares on an average day. */
  readonly volume: number
  /** Trades a second, averaged over the regular session, at rate 1. */
  readonly rate: number
  /** Standard deviation of a day's own log return, the market's part left out. */
  readonly volatility: number
  /** How much it moves with the market. */
  readonly beta: number
  /** Bid to ask, as a part of the price. */
  readonly spread: number
}

const sectorVolatility: Record<string, number> = {
  "Information Technology": 0.016,
  "Communication Services": 0.015,
  "Consumer Discretionary": 0.016,
  "Consumer Staples": 0.009,
  "Health Care": 0.013,
  Financials: 0.012,
  Industrials: 0.012,
  Energy: 0.014,
  Materials: 0.013,
  "Real Estate": 0.011,
  Utilities: 0.009,
  ETF: 0.003
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))

const profile = (listing: Listing, price: number, volume: number): Profile => {
  const key = keyOf(listing.symbol)
  const random = new Random(mix(key, 1))
  const turnover = price * volume
  // 12 billion dollars a day trade about 30 times a second; the quietest about once a minute
  const rate = clamp(30 * (turnover / 12e9) ** 0.75, 1 / 60, 40)
  const small = clamp((9.5 - Math.log10(turnover)) / 3, 0, 1)
  const fund = listing.sector === "ETF"
  return {
    listing,
    key,
    price,
    volume,
    rate,
    volatility:
      (sectorVolatility[listing.sector] ?? 0.014) * (1 + small * (fund ? 0.4 : 1)) * (0.85 + 0.3 * random.next()),
    beta: fund ? 1 : 0.5 + random.next(),
    spread: clamp(0.00025 / rate ** 0.5, 0.00001, 0.002)
  }
}

const bundled = (): Array<Profile> =>
  readFileSync(new URL("./companies.csv", import.meta.url), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [symbol = "", name = "", exchange = "", sector = "", price, volume] = line.split(",")
      return profile({ symbol, name, exchange, sector }, Number(price), Number(volume))
    })

const sectors = Object.keys(sectorVolatility).filter((sector) => sector !== "ETF")

const synthetic = (number: number): Profile => {
  const digits = String(number).padStart(4, "0")
  const symbol = `SYN${digits}`
  const random = new Random(keyOf(symbol))
  const sector = sectors[number % sectors.length] ?? "Industrials"
  const price = Math.round(Math.exp(3.4 + 0.9 * random.gaussian()) * 100) / 100
  const turnover = Math.exp(16 + 1.1 * random.gaussian())
  return profile(
    { symbol, name: `Synthetic ${digits}`, exchange: "SIM", sector },
    Math.max(3, price),
    Math.round(turnover / price)
  )
}

/** The whole bundle by default; fewer = the busiest ones; more = filled up with synthetic symbols. In symbol order. */
export const universe = (count?: number): ReadonlyArray<Profile> => {
  const real = bundled()
  const chosen =
    count === undefined
      ? real
      : [...real].sort((a, b) => b.price * b.volume - a.price * a.volume).slice(0, Math.max(0, count))
  for (let i = 1; count !== undefined && chosen.length < count; i++) chosen.push(synthetic(i))
  return chosen.sort((a, b) => (a.listing.symbol < b.listing.symbol ? -1 : 1))
}
