/**
 * Closing prices day by day: a log-normal walk with a common market part, pulled back towards the bundled price, so that
 * no year of simulation leaves a company at an absurd price. Random access: any day is computed from the anchor day.
 */
import { PRICE_SCALE, type Price } from "../../../rpc/ticks.ts"
import { mix, Random } from "./random.ts"
import type { Profile } from "./universe.ts"

/** The bundled prices are of about this day; day numbers count trading days from it. */
export const ANCHOR_DATE = "2024-10-15"

const PULL = 0.004
const GROWTH_BEFORE = 0.0003
const GROWTH_AFTER = 0.0001
const MARKET_VOLATILITY = 0.008

const MARKET = 0x5eed
const BUSY = 0xb05e
const CENT = PRICE_SCALE / 100
/** Below this a price would have hardly any ticks to move in. */
const LOWEST = PRICE_SCALE

/** Dollars → a price on the one-cent grid. */
export const toCents = (dollars: number): Price => Math.max(LOWEST, Math.round(dollars * 100) * CENT)

/** Log return of one symbol on one day. */
export const dayReturn = (seed: number, profile: Profile, day: number): number => {
  const market = new Random(mix(mix(seed, MARKET), day)).gaussian()
  const own = new Random(mix(mix(seed, profile.key), day)).gaussian()
  return profile.beta * MARKET_VOLATILITY * market + profile.volatility * own
}

/** How busy a symbol's day is against its average: log-normal, partly with the whole market, 0.6 to 1.8. */
export const busyness = (seed: number, profile: Profile, day: number): number => {
  const market = new Random(mix(mix(mix(seed, MARKET), BUSY), day)).gaussian()
  const own = new Random(mix(mix(mix(seed, profile.key), BUSY), day)).gaussian()
  return Math.min(1.8, Math.max(0.6, Math.exp(0.16 * market + 0.24 * own)))
}

/** Closes of the trading days first..last, by day number (0 = anchor). */
export const closes = (seed: number, profile: Profile, first: number, last: number): Array<Price> => {
  const out = new Array<Price>(last - first + 1).fill(0)
  const put = (day: number, offset: number) => {
    if (day < first || day > last) return
    const growth = day < 0 ? GROWTH_BEFORE * day : GROWTH_AFTER * day
    out[day - first] = toCents(profile.price * Math.exp(growth + offset))
  }
  put(0, 0)
  for (let day = 1, offset = 0; day <= last; day++) {
    offset = (1 - PULL) * offset + dayReturn(seed, profile, day)
    put(day, offset)
  }
  for (let day = -1, offset = 0; day >= first; day--) {
    offset = (1 - PULL) * offset - dayReturn(seed, profile, day + 1)
    put(day, offset)
  }
  return out
}

/** Highest point of a Brownian bridge between two ends, `u` uniform; give the negated ends for the lowest. */
export const bridgeHigh = (from: number, to: number, deviation: number, u: number): number =>
  (from + to + Math.sqrt((to - from) ** 2 - 2 * deviation ** 2 * Math.log(1 - u))) / 2
