import { describe, expect, it } from "vitest"
import {
  arrowOf,
  changeOf,
  changeRatioOf,
  directionOf,
  formatChange,
  formatCompact,
  formatPercent,
  formatPrice,
  formatWhole,
  rangePosition
} from "./numbers.ts"

describe("prices", () => {
  it("has two decimals from a dollar up, four below, a dash when unknown", () => {
    expect(formatPrice(1234.5)).toBe("1,234.50")
    expect(formatPrice(0.0312)).toBe("0.0312")
    expect(formatPrice(0)).toBe("0.00")
    expect(formatPrice(null)).toBe("–")
  })
})

describe("changes", () => {
  it("subtracts in ten-thousandths, not in floating point", () => {
    expect(changeOf(0.3, 0.1)).toBe(0.2)
    expect(changeOf(167.43, 167.42)).toBe(0.01)
    expect(changeOf(null, 1)).toBeNull()
    expect(changeOf(1, null)).toBeNull()
  })
  it("carries a sign and an arrow, never colour alone", () => {
    expect(formatChange(1.25, 100)).toBe("+1.25")
    expect(formatChange(-0.0312, 0.5)).toBe("−0.0312")
    expect(formatChange(0, 100)).toBe("0.00")
    expect([1, -1, 0, null].map((x) => arrowOf(directionOf(x)))).toEqual(["▲", "▼", "■", "■"])
  })
  it("is a share of the previous close, and nothing without one", () => {
    expect(formatPercent(changeRatioOf(101.23, 100))).toBe("+1.23%")
    expect(formatPercent(changeRatioOf(90, 100))).toBe("−10.00%")
    expect(changeRatioOf(1, 0)).toBeNull()
    expect(formatPercent(null)).toBe("–")
  })
  it("shows no sign on what rounds to zero", () => {
    expect(formatPercent(0.00001)).toBe("0.00%")
    expect(formatPercent(-0.00001)).toBe("0.00%")
  })
})

describe("volumes", () => {
  it("is at most five characters and rolls over to the next unit", () => {
    const samples: ReadonlyArray<readonly [number, string]> = [
      [0, "0"],
      [987, "987"],
      [1_000, "1.00K"],
      [12_345, "12.3K"],
      [999_499, "999K"],
      [999_500, "1.00M"],
      [4_560_000, "4.56M"],
      [99_960_000, "100M"],
      [999_600_000, "1.00B"],
      [1_020_000_000, "1.02B"]
    ]
    for (const [count, text] of samples) {
      expect(formatCompact(count)).toBe(text)
      expect(text.length).toBeLessThanOrEqual(5)
    }
    expect(formatCompact(null)).toBe("–")
    expect(formatWhole(1234567)).toBe("1,234,567")
  })
})

describe("day range", () => {
  it("places last between low and high, clamped, and says nothing without a range", () => {
    expect(rangePosition(10, 20, 15)).toBe(0.5)
    expect(rangePosition(10, 20, 21)).toBe(1)
    expect(rangePosition(10, 10, 10)).toBeNull()
    expect(rangePosition(null, 20, 15)).toBeNull()
  })
})
