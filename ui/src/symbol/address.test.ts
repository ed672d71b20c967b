import { describe, expect, it } from "vitest"
import { decodePart, symbolOfPath, symbolPath } from "./address.ts"

describe("a symbol's address", () => {
  it("has no dot and leads back to the symbol", () => {
    for (const symbol of ["AAPL", "BRK.B", "BF.B"]) {
      const path = symbolPath(symbol)
      expect(path).not.toContain(".")
      expect(symbolOfPath(path.slice(3))).toBe(symbol)
    }
  })
  it("takes every way of writing a share class", () => {
    for (const text of ["BRK.B", "brk-b", " Brk/b"]) expect(symbolOfPath(text)).toBe("BRK.B")
    expect(symbolOfPath("nosuch")).toBe("NOSUCH")
  })
  it("is read also where it is badly encoded", () => {
    expect(decodePart("BRK%2EB")).toBe("BRK.B")
    expect(decodePart("100%")).toBe("100%")
  })
})
