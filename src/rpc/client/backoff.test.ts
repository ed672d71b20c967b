import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { CloseCode } from "../sessions.ts"
import {
  BACKOFF_CAP_MILLIS,
  COOL_DOWN_CAP_MILLIS,
  type Ended,
  freshBackoff,
  fullJitter,
  HEALTHY_MILLIS,
  nextWait
} from "./backoff.ts"

const lost = (more: Partial<Ended> = {}): Ended => ({
  reason: "connection lost",
  code: 1006,
  openMillis: 0,
  retryAfterMillis: null,
  ...more
})
const following = (losses: ReadonlyArray<Ended>, random: number) => {
  let state = freshBackoff
  let waitMillis = 0
  for (const ended of losses) ({ state, waitMillis } = nextWait(state, ended, random))
  return { state, waitMillis }
}

describe("back-off", () => {
  it("is full jitter: anywhere from 0 to a bound that doubles from 250 ms to 10 s", () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 100].map((attempt) => Math.ceil(fullJitter(attempt, 1 - Number.EPSILON) + 0.5))
    expect(bounds.map((bound) => Math.round(bound / 250) * 250)).toEqual([
      250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000
    ])
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (n, r) => {
          const wait = fullJitter(n, r)
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(wait).toBeLessThan(Math.min(BACKOFF_CAP_MILLIS, 250 * 2 ** (n - 1)))
        }
      )
    )
    expect(fullJitter(5, 0)).toBe(0)
  })

  it("starts over only after a healthy connection", () => {
    expect(following([lost(), lost(), lost({ openMillis: HEALTHY_MILLIS - 1 })], 0.5).state.attempt).toBe(3)
    expect(following([lost(), lost(), lost({ openMillis: HEALTHY_MILLIS })], 0.5).state.attempt).toBe(1)
  })

  it("stays away at least as long as a draining server asked", () => {
    expect(following([lost({ retryAfterMillis: 3_000 })], 0.5).waitMillis).toBe(3_000)
  })

  it.each([CloseCode.TryAgainLater, CloseCode.TooManyMessages])(
    "cools down after %i, longer each time, to a cap",
    (code) => {
      const refused = lost({ code })
      expect(following([refused], 0).waitMillis).toBe(5_000)
      expect(following([refused, refused], 0).waitMillis).toBe(10_000)
      expect(
        following(
          Array.from({ length: 20 }, () => refused),
          0.999
        ).waitMillis
      ).toBeLessThanOrEqual(COOL_DOWN_CAP_MILLIS)
      // an ordinary loss in between does not make it forget
      expect(following([refused, lost(), refused], 0).waitMillis).toBe(10_000)
    }
  )
})
