import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { plainText } from "./plainText.ts"

describe("text of others", () => {
  it.each([
    ["Apple Inc.", "Apple Inc."],
    ["  Öl & Gas 🍏 ", "Öl & Gas 🍏"],
    ["a\u0000b", "a b"],
    ["a\r\n\tb\u0085", "a b"],
    ["half \ud83c", "half"],
    ["\u0000", ""]
  ])("%j", (text, plain) => {
    expect(plainText(text)).toBe(plain)
  })

  it("is what a database takes, whatever it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const plain = plainText(text)
        expect(plain.isWellFormed()).toBe(true)
        expect(plain).not.toMatch(/\p{Cc}/u)
        expect(plainText(plain)).toBe(plain)
      })
    )
  })
})
