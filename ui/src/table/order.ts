/** Which rows the table shows and in what order. Pure. */
import type { Listing, Update } from "../../../src/rpc/market.ts"
import { changeOf, changeRatioOf, rangePosition } from "../format/numbers.ts"

/** The part of a quote that rows are ordered by. */
export type Quoted = Pick<
  Update,
  "last" | "previousClose" | "bid" | "ask" | "volume" | "low" | "high" | "exchangeTime" | "halted"
>

export const sortKeys = ["symbol", "name", "last", "change", "percent", "bid", "ask", "volume", "range", "age"] as const
export type SortKey = (typeof sortKeys)[number]
export interface Sort {
  readonly key: SortKey
  readonly descending: boolean
}

/** Text sorts up first; figures sort down first, for the biggest is what one looks for. */
export const firstDirection = (key: SortKey): Sort => ({
  key,
  descending: key !== "symbol" && key !== "name" && key !== "age"
})

/** Clicking a header again turns the order round. */
export const nextSort = (current: Sort, key: SortKey): Sort =>
  current.key === key ? { key, descending: !current.descending } : firstDirection(key)

const figure: Record<Exclude<SortKey, "symbol" | "name">, (quote: Quoted) => number | null> = {
  last: (q) => q.last,
  change: (q) => changeOf(q.last, q.previousClose),
  percent: (q) => changeRatioOf(q.last, q.previousClose),
  bid: (q) => q.bid,
  ask: (q) => q.ask,
  volume: (q) => q.volume,
  range: (q) => rangePosition(q.low, q.high, q.last),
  age: (q) => (q.exchangeTime > 0 ? -q.exchangeTime : null)
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Sorted symbols. What has no value yet comes last in both directions; ties go by symbol, so the order never flickers. */
export const orderRows = (
  listings: ReadonlyArray<Listing>,
  quoteOf: (symbol: string) => Quoted | undefined,
  sort: Sort
): ReadonlyArray<Listing> => {
  const sign = sort.descending ? -1 : 1
  if (sort.key === "symbol" || sort.key === "name") {
    const key = sort.key
    return [...listings].sort((a, b) => sign * compareText(a[key], b[key]) || compareText(a.symbol, b.symbol))
  }
  const read = figure[sort.key]
  return listings
    .map((listing) => {
      const quote = quoteOf(listing.symbol)
      return { listing, value: quote === undefined ? null : read(quote) }
    })
    .sort((a, b) => {
      if (a.value === null || b.value === null) {
        if (a.value === b.value) return compareText(a.listing.symbol, b.listing.symbol)
        return a.value === null ? 1 : -1
      }
      return sign * (a.value - b.value) || compareText(a.listing.symbol, b.listing.symbol)
    })
    .map(({ listing }) => listing)
}

/** "BRK.B", "brk-b" and "BRK/B" are one symbol to whoever types it. */
const plain = (text: string): string => text.toLowerCase().replace(/[./\s-]+/g, "")

/** Text matches symbol (from its start) or name or sector (anywhere, each word); sector "" is all. Best matches first. */
export const filterRows = (listings: ReadonlyArray<Listing>, text: string, sector: string): ReadonlyArray<Listing> => {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
  const symbol = plain(text)
  return listings.filter((listing) => {
    if (sector !== "" && listing.sector !== sector) return false
    if (words.length === 0) return true
    if (symbol !== "" && plain(listing.symbol).startsWith(symbol)) return true
    const name = `${listing.name} ${listing.sector}`.toLowerCase()
    return words.every((word) => name.includes(word))
  })
}

export const sectorsOf = (listings: ReadonlyArray<Listing>): ReadonlyArray<string> =>
  [...new Set(listings.map((listing) => listing.sector))].filter((sector) => sector !== "").sort(compareText)

/** Rising and falling symbols and the day's extremes, for the strip above the table. */
export interface Breadth {
  readonly up: number
  readonly down: number
  readonly flat: number
  readonly best: string | null
  readonly worst: string | null
  readonly busiest: string | null
}

export const breadthOf = (
  listings: ReadonlyArray<Listing>,
  quoteOf: (symbol: string) => Quoted | undefined
): Breadth => {
  const count = { up: 0, down: 0, flat: 0 }
  const top = { best: Number.NEGATIVE_INFINITY, worst: Number.POSITIVE_INFINITY, busiest: 0 }
  const symbols: { best: string | null; worst: string | null; busiest: string | null } = {
    best: null,
    worst: null,
    busiest: null
  }
  for (const { symbol } of listings) {
    const quote = quoteOf(symbol)
    if (quote === undefined) continue
    const ratio = changeRatioOf(quote.last, quote.previousClose)
    if (ratio !== null) {
      count[ratio > 0 ? "up" : ratio < 0 ? "down" : "flat"] += 1
      if (ratio > top.best) {
        top.best = ratio
        symbols.best = symbol
      }
      if (ratio < top.worst) {
        top.worst = ratio
        symbols.worst = symbol
      }
    }
    const dollars = quote.last === null ? 0 : quote.last * quote.volume
    if (dollars > top.busiest) {
      top.busiest = dollars
      symbols.busiest = symbol
    }
  }
  return { ...count, ...symbols }
}
