import { describe, expect, it } from "vitest"
import { formatDate, formatExact, formatMoment } from "./moments.ts"

const now = Date.UTC(2026, 10, 28, 12)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describe("a moment", () => {
  it("is told by how long ago it was", () => {
    const told = (ago: number) => formatMoment(now - ago, now)
    expect([0, 59_000, -5_000].map(told)).toEqual(["just now", "just now", "just now"])
    expect([MINUTE, 59 * MINUTE, HOUR, 23 * HOUR].map(told)).toEqual([
      "1 minute ago",
      "59 minutes ago",
      "1 hour ago",
      "23 hours ago"
    ])
    expect([DAY, 47 * HOUR, 48 * HOUR, 60 * DAY].map(told)).toEqual([
      "yesterday",
      "yesterday",
      "2 days ago",
      "60 days ago"
    ])
    expect(told(100 * DAY)).toBe("20 Aug 2026")
  })
  it("is told by how soon it is", () => {
    const told = (away: number) => formatMoment(now + away, now)
    expect([45_000, 7 * DAY - 1_000, 30 * DAY - 1_000, DAY].map(told)).toEqual([
      "in a minute",
      "in 7 days",
      "in 30 days",
      "tomorrow"
    ])
    expect(told(365 * DAY)).toBe("on 28 Nov 2027")
  })
  it("is told to the second, with its zone", () => {
    expect(formatExact(now, "Asia/Kolkata")).toBe("Sat, 28 Nov 2026, 17:30:00 GMT+5:30")
    expect(formatDate(now, "UTC")).toBe("28 Nov 2026")
  })
})
