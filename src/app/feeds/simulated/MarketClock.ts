/**
 * The simulation's market time. In the NYSE's regular session it is the wall clock; else it starts at 10:30 New York of
 * the newest trading day. From there it runs at `speed`, and jumps from each post-market's end to the next pre-market's
 * start, so that there is always something to see.
 */
import { phaseAt } from "../../../actors/market/calendar.ts"
import { type TradingDay, tradingDay, tradingDayOf } from "./days.ts"

/** 10:30 */
export const MID_MORNING = 10.5 * 3_600_000
/** A pause longer than this is the process having been suspended, not a day to be caught up with. */
const LONGEST_STEP = 5_000

/** The newest trading day that has reached this time of day, ms since its midnight. */
export const newestDayAt = (wall: number, sinceMidnight = MID_MORNING): TradingDay => {
  const day = tradingDayOf(wall)
  return day.midnight + sinceMidnight <= wall ? day : tradingDay(day.index - 1)
}

export const defaultStart = (wall: number): number =>
  phaseAt(wall) === "regular" ? wall : newestDayAt(wall).midnight + MID_MORNING

export class MarketClock {
  day: TradingDay
  private anchorWall: number
  private anchorMarket: number
  private readonly speed: number

  constructor(wall: number, market: number, speed: number) {
    this.anchorWall = wall
    this.anchorMarket = market
    this.speed = speed
    this.day = tradingDayOf(market)
  }

  /** Market time at a wall time, at or after the latest `advance`. */
  at(wall: number): number {
    return this.skipClosed(this.anchorMarket + Math.max(0, wall - this.anchorWall) * this.speed, this.day)[0]
  }

  /** Moves on to this wall time, holding still over a suspension. Answers the market time. */
  advance(wall: number): number {
    const step = Math.min(LONGEST_STEP, Math.max(0, wall - this.anchorWall))
    return this.jump(wall, this.anchorMarket + step * this.speed)
  }

  /** Sets market time, also for a simulation that runs as fast as it can. */
  jump(wall: number, market: number): number {
    const [time, day] = this.skipClosed(market, this.day)
    this.anchorWall = wall
    this.anchorMarket = time
    this.day = day
    return time
  }

  private skipClosed(market: number, day: TradingDay): readonly [number, TradingDay] {
    let time = Math.floor(market)
    let current = day
    while (time >= current.postClose) {
      const next = tradingDay(current.index + 1)
      time = next.preOpen + (time - current.postClose)
      current = next
    }
    return [time, current]
  }
}
