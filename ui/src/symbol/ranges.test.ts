import { describe, expect, it } from "vitest"
import { newYorkClock, newYorkDate } from "../format/time.ts"
import { intervalFor, intervalsFor, rangeNames, rangeStart } from "./ranges.ts"

const at = Date.UTC(2024, 2, 31, 15, 12)

describe("range buttons", () => {
  it("start at New York midnight, by the calendar", () => {
    const starts = rangeNames.map((range) => {
      const start = rangeStart(range, at)
      if (start === null) return null
      expect(newYorkClock(start)).toBe("00:00:00")
      return newYorkDate(start)
    })
    expect(starts).toEqual(["2024-03-31", "2024-03-25", "2024-02-29", "2024-01-01", "2023-03-31", "2019-03-31", null])
  })
  it("go by New York's date late in the evening", () => {
    const start = rangeStart("1D", Date.UTC(2013, 9, 8, 2, 0))
    expect(start === null ? null : newYorkDate(start)).toBe("2013-10-07")
  })
  it("draw in their own interval unless a sensible one is chosen", () => {
    expect(rangeNames.map((range) => intervalFor(range, null))).toEqual(["1m", "5m", "30m", "1d", "1d", "1w", "1mo"])
    expect(intervalFor("1D", "5s")).toBe("5s")
    expect(intervalFor("5Y", "5s")).toBe("1w")
    for (const range of rangeNames) expect(intervalsFor(range)).toContain(intervalFor(range, null))
  })
})
