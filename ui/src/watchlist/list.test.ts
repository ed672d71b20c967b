import { describe, expect, it } from "vitest"
import { describeToggled, toggled } from "./list.ts"

describe("a watch list", () => {
  it("takes a symbol at its end, and lets it go again", () => {
    const added = toggled(["MSFT"], "AAPL")
    expect(added).toEqual({ symbols: ["MSFT", "AAPL"], outcome: "added" })
    expect(toggled(added.symbols, "MSFT")).toEqual({ symbols: ["AAPL"], outcome: "removed" })
  })
  it("refuses one too many, but lets one go when it is full", () => {
    expect(toggled(["A", "B"], "C", 2)).toEqual({ symbols: ["A", "B"], outcome: "full" })
    expect(toggled(["A", "B"], "B", 2).symbols).toEqual(["A"])
  })
  it("says what happened", () => {
    expect(describeToggled("AAPL", toggled([], "AAPL"))).toBe("AAPL added to the watch list, 1 symbol")
    expect(describeToggled("AAPL", toggled(["AAPL"], "AAPL"))).toBe("AAPL removed from the watch list, 0 symbols")
    expect(describeToggled("C", toggled(["A", "B"], "C", 2))).toMatch(/full: 2 symbols.*add C/)
  })
})
