import { describe, expect, it } from "vitest"
import type { Listing } from "../../../src/rpc/market.ts"
import { neighbours, withoutRecent, withRecent } from "./recent.ts"

const list = (symbol: string, sector: string): Listing => ({ symbol, name: symbol, exchange: "NYSE", sector })
const listings = [list("A", "x"), list("B", "y"), list("C", "x"), list("D", "x"), list("E", "x")]

describe("the symbols beside a chart", () => {
  it("are those looked at lately, newest first, each once", () => {
    expect(withRecent(["B", "A"], "A")).toEqual(["A", "B"])
    expect(
      withRecent(
        Array.from({ length: 20 }, (_, i) => `S${i}`),
        "A"
      )
    ).toHaveLength(12)
    expect(withoutRecent(["B", "A"], "B")).toEqual(["A"])
  })
  it("are filled up with the rest of the sector, never the symbol itself or one that is not listed", () => {
    expect(neighbours("C", ["C", "B", "GONE"], listings, 4)).toEqual(["B", "D", "E", "A"])
    expect(neighbours("C", ["B", "A", "D"], listings, 2)).toEqual(["B", "A"])
    expect(neighbours("B", [], listings, 4)).toEqual([])
  })
})
