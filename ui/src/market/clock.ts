/** Market time between two Status answers: the feed's own clock, carried on at its speed. Pure. */
import type { MarketStatus } from "../../../src/rpc/market.ts"

export interface ClockReading {
  /** Market time when the answer came, ms since epoch. */
  readonly marketTime: number
  /** Local monotonic time when it came, ms. */
  readonly at: number
  /** Multiple of real time; 0 when it cannot be foretold (as fast as possible) or stands still. */
  readonly speed: number
}

export const readClock = (status: MarketStatus, at: number): ClockReading => ({
  marketTime: status.feed.marketTime,
  at,
  speed: status.feed.state === "live" ? status.feed.speed : 0
})

export const marketTimeAt = (reading: ClockReading, now: number): number =>
  Math.round(reading.marketTime + Math.max(0, now - reading.at) * reading.speed)

/** How often to ask for the status, ms: a fast or unforeseeable clock is asked more often. */
export const statusEvery = (speed: number): number => (speed === 1 ? 5_000 : 2_000)
