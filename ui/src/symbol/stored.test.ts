import { describe, expect, it } from "vitest"
import { parseSymbols } from "./stored.ts"

describe("a stored list of symbols", () => {
  it("is read as symbols, each once, in its order", () => {
    expect(parseSymbols('["MSFT","brk-b","BRK/B","AAPL"]', 10)).toEqual(["MSFT", "BRK.B", "AAPL"])
    expect(parseSymbols('["A","B","C"]', 2)).toEqual(["A", "B"])
  })
  it("is empty or shorter where something else stands there", () => {
    for (const text of [null, "", "{", "null", "7", '{"0":"AAPL"}']) expect(parseSymbols(text, 10)).toEqual([])
    expect(parseSymbols('["AAPL",1,null,["X"],"<b>","","A B"]', 10)).toEqual(["AAPL"])
    expect(parseSymbols(JSON.stringify(["A".repeat(10_000)]), 10)).toEqual([])
  })
})
