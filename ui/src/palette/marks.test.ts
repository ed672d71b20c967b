import { describe, expect, it } from "vitest"
import { partsOf } from "./marks.ts"

const shown = (text: string, ranges: ReadonlyArray<readonly [number, number]>) =>
  partsOf(text, ranges)
    .map((part) => (part.marked ? `[${part.text}]` : part.text))
    .join("")

describe("marked text", () => {
  it("is whole, with the covered parts marked", () => {
    expect(shown("Apple", [[0, 4]])).toBe("[Appl]e")
    expect(
      shown("Coca-Cola Company", [
        [0, 4],
        [5, 9]
      ])
    ).toBe("[Coca]-[Cola] Company")
    expect(shown("Apple", [])).toBe("Apple")
    expect(partsOf("", [[0, 3]])).toEqual([])
  })
  it("bears ranges out of order, overlapping, and beyond its ends", () => {
    expect(
      shown("Apple", [
        [3, 5],
        [0, 2]
      ])
    ).toBe("[Ap]p[le]")
    expect(
      shown("Apple", [
        [0, 3],
        [2, 4]
      ])
    ).toBe("[App][l]e")
    expect(
      shown("Apple", [
        [-4, 1],
        [4, 99],
        [7, 9],
        [3, 3]
      ])
    ).toBe("[A]ppl[e]")
  })
  it("counts as JavaScript does, so that a sign of two units is not torn", () => {
    expect(shown("𝗔cme", [[0, 2]])).toBe("[𝗔]cme")
  })
})
