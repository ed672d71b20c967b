import { describe, expect, it } from "vitest"
import type { Listing } from "../../../src/rpc/market.ts"
import { breadthOf, filterRows, firstDirection, nextSort, orderRows, type Quoted, sectorsOf } from "./order.ts"

const list = (symbol: string, name: string, sector: string): Listing => ({ symbol, name, sector, exchange: "NYSE" })
const listings = [
  list("MSFT", "Microsoft", "Technology"),
  list("AAPL", "Apple", "Technology"),
  list("BRK.B", "Berkshire Hathaway", "Financials"),
  list("ZZZ", "Never traded", "Other")
]
const quote = (last: number | null, previousClose: number | null, volume: number): Quoted => ({
  last,
  previousClose,
  volume,
  bid: last,
  ask: last,
  low: 0,
  high: 200,
  exchangeTime: volume,
  halted: false
})
const quotes: Record<string, Quoted> = {
  MSFT: quote(100, 99, 500),
  AAPL: quote(50, 55, 900),
  "BRK.B": quote(90, 90, 100)
}
const quoteOf = (symbol: string) => quotes[symbol]
const order = (key: Parameters<typeof firstDirection>[0], descending?: boolean) =>
  orderRows(listings, quoteOf, { ...firstDirection(key), ...(descending === undefined ? {} : { descending }) }).map(
    (row) => row.symbol
  )

describe("row order", () => {
  it("sorts text upwards and figures downwards at first", () => {
    expect(order("symbol")).toEqual(["AAPL", "BRK.B", "MSFT", "ZZZ"])
    expect(order("percent")).toEqual(["MSFT", "BRK.B", "AAPL", "ZZZ"])
    expect(order("volume")).toEqual(["AAPL", "MSFT", "BRK.B", "ZZZ"])
    expect(order("age")).toEqual(["AAPL", "MSFT", "BRK.B", "ZZZ"])
  })
  it("keeps what has no value last in both directions", () => {
    expect(order("change", true).at(-1)).toBe("ZZZ")
    expect(order("change", false).at(-1)).toBe("ZZZ")
  })
  it("turns round on the second click, and starts anew on another column", () => {
    const first = firstDirection("volume")
    expect(nextSort(first, "volume")).toEqual({ key: "volume", descending: false })
    expect(nextSort(first, "symbol")).toEqual({ key: "symbol", descending: false })
  })
})

describe("filter", () => {
  const found = (text: string, sector = "") => filterRows(listings, text, sector).map((row) => row.symbol)
  it("finds a symbol however its class is written", () => {
    for (const text of ["BRK.B", "brk-b", "BRK/B", "brkb"]) expect(found(text)).toEqual(["BRK.B"])
  })
  it("finds names by any word, and sectors", () => {
    expect(found("hath berk")).toEqual(["BRK.B"])
    expect(found("techno")).toEqual(["MSFT", "AAPL"])
    expect(found("", "Financials")).toEqual(["BRK.B"])
    expect(found("apple", "Financials")).toEqual([])
    expect(found("  ")).toHaveLength(4)
  })
  it("lists each sector once", () => {
    expect(sectorsOf(listings)).toEqual(["Financials", "Other", "Technology"])
  })
})

describe("breadth", () => {
  it("counts risers and fallers and names the extremes, leaving out what never traded", () => {
    expect(breadthOf(listings, quoteOf)).toEqual({
      up: 1,
      down: 1,
      flat: 1,
      best: "MSFT",
      worst: "AAPL",
      busiest: "MSFT"
    })
    expect(breadthOf([], quoteOf)).toMatchObject({ up: 0, best: null, busiest: null })
  })
})
