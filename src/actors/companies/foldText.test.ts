import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { foldText, MAX_TEXT, rangeOf, wordsOf } from "./foldText.ts"

describe("folded text", () => {
  it.each([
    ["BRK.B", ["brk", "b"]],
    ["brk/b", ["brk", "b"]],
    ["AT&T INC.", ["at", "t", "inc"]],
    ["McDonald's", ["mcdonalds"]],
    ["McDonald’s", ["mcdonalds"]],
    ["L'Oréal", ["loreal"]],
    ["COCA-COLA  CO", ["coca", "cola", "co"]],
    ["Straße ﬁne Ⅳ", ["strasse", "fine", "iv"]],
    ["ＡＢＣ", ["abc"]],
    ["任天堂 7974", ["任天堂", "7974"]],
    ["🍏 apple\u0000\u202e x", ["apple", "x"]],
    [".*[a-z]+(?:x)", ["a", "z", "x"]],
    ["", []]
  ])("%j", (text, words) => {
    expect(wordsOf(foldText(text))).toEqual(words)
  })

  it("is whole and ordered for any text, and says where each character came from", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const folded = foldText(text)
        expect(folded.origin).toHaveLength(folded.text.length)
        expect(wordsOf(folded).join("")).toBe(folded.text)
        expect(folded.origin.toSorted((a, b) => a - b)).toEqual(folded.origin)
        expect(folded.text).not.toMatch(/[\0\s]/)
        // what is folded already stays as it is
        expect(foldText(folded.text.slice(0, MAX_TEXT)).text).toBe(folded.text.slice(0, MAX_TEXT))
      })
    )
  })

  it("leaves every character there is as it is once it is folded", () => {
    const unlike: Array<string> = []
    for (let code = 0; code <= 0x10ffff; code++) {
      const { text } = foldText(String.fromCodePoint(code))
      if (foldText(text).text !== text) unlike.push(code.toString(16))
    }
    expect(unlike).toEqual([])
  })

  it("looks at the beginning only of what is too long to be a name", () => {
    expect(foldText("a".repeat(10_000)).text).toHaveLength(MAX_TEXT)
  })

  it("finds the original of a part", () => {
    const name = "The Coca-Cola Company"
    const folded = foldText(name)
    const [start, end] = rangeOf(folded, name, folded.text.indexOf("cocacola"), "cocacola".length)
    expect(name.slice(start, end)).toBe("Coca-Cola")
  })
})
