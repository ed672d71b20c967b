import { describe, expect, it } from "vitest"
import {
  formatAge,
  formatCountdown,
  formatLatency,
  fromNewYorkWall,
  newYorkClock,
  newYorkDate,
  newYorkDay,
  newYorkMidnight,
  newYorkOffset,
  newYorkWall
} from "./time.ts"

const HOUR = 3_600_000

describe("New York time", () => {
  it("is −4 h in summer and −5 h in winter, changing at 2 a.m. on the day", () => {
    expect(newYorkOffset(Date.UTC(2013, 9, 7, 14))).toBe(-4 * HOUR)
    expect(newYorkOffset(Date.UTC(2013, 11, 2, 14))).toBe(-5 * HOUR)
    expect(newYorkOffset(Date.UTC(2024, 2, 10, 6, 59))).toBe(-5 * HOUR)
    expect(newYorkOffset(Date.UTC(2024, 2, 10, 7, 0))).toBe(-4 * HOUR)
  })
  it("reads the opening bell of 2013-10-07", () => {
    const open = Date.UTC(2013, 9, 7, 13, 30)
    expect(newYorkClock(open)).toBe("09:30:00")
    expect(newYorkDate(open)).toBe("2013-10-07")
    expect(newYorkDay(open)).toBe("Mon 7 Oct")
    expect(newYorkDate(Date.UTC(2013, 9, 8, 3, 59))).toBe("2013-10-07")
  })
  it("finds midnight, and inverts the wall clock, on days that change the offset too", () => {
    for (const day of [Date.UTC(2013, 9, 7, 18), Date.UTC(2024, 2, 10, 18), Date.UTC(2024, 10, 3, 18)]) {
      const midnight = newYorkMidnight(day)
      expect(newYorkClock(midnight)).toBe("00:00:00")
      expect(newYorkDate(midnight)).toBe(newYorkDate(day))
      expect(fromNewYorkWall(newYorkWall(day))).toBe(day)
    }
  })
})

describe("ages and countdowns", () => {
  it("grows coarser with age, and skew is not the future", () => {
    expect([-50, 999, 12_400, 240_000, 3 * HOUR, 9 * 24 * HOUR].map(formatAge)).toEqual([
      "now",
      "now",
      "12s",
      "4m",
      "3h",
      "9d"
    ])
  })
  it("counts down exactly when near", () => {
    expect([-5, 7_100, 725_000, 3 * HOUR + 12 * 60_000, 52 * HOUR].map(formatCountdown)).toEqual([
      "0s",
      "8s",
      "12m 05s",
      "3h 12m",
      "2d 4h"
    ])
  })
  it("gives latencies in milliseconds", () => {
    expect(formatLatency(3.4)).toBe("3 ms")
    expect(formatLatency(12_000)).toBe("12s")
  })
})
