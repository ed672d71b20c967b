import { describe, expect, it } from "vitest"
import { marketTimeAt, statusEvery } from "./clock.ts"

describe("market clock", () => {
  it("runs at the feed's speed from its last reading", () => {
    expect(marketTimeAt({ marketTime: 1_000_000, at: 50, speed: 60 }, 1_050)).toBe(1_060_000)
    expect(marketTimeAt({ marketTime: 1_000_000, at: 50, speed: 0 }, 9_050)).toBe(1_000_000)
    expect(marketTimeAt({ marketTime: 1_000_000, at: 50, speed: 1 }, 40)).toBe(1_000_000)
  })
  it("is read more often when it cannot be foretold", () => {
    expect(statusEvery(1)).toBeGreaterThan(statusEvery(0))
  })
})
