/**
 * One symbol's trading day, planned from the top down: first the prices at the minutes' ends, then for each minute how
 * many trades, between which prices, from which random streams. Ticks (TickSource) and historic bars both follow the
 * plan, so a bar computed here equals the bar folded from the ticks, and any minute can be had without those before it.
 */
import type { Price } from "../../../rpc/ticks.ts"
import { bridgeHigh, busyness, closes, toCents } from "./DailyPath.ts"
import type { TradingDay } from "./days.ts"
import { mix, Random } from "./random.ts"
import { type DayShape, dayShape } from "./shape.ts"
import { meanSizeOf, type SizeTable, sizeTable } from "./TradeSizes.ts"
import type { Profile } from "./universe.ts"

/** A minute with trades in it. Prices on the one-cent grid; low ≤ open, close ≤ high, and every trade lies between. */
export interface MinutePlan {
  readonly minute: number
  readonly seed: number
  readonly trades: number
  readonly open: Price
  readonly high: Price
  readonly low: Price
  readonly close: Price
  /** Which trades make the high and the low; −1 where the first or the last does. */
  readonly highAt: number
  readonly lowAt: number
  /** Which trade is cancelled or corrected later in the minute, −1 for none: never one that makes a price above. */
  readonly amendedAt: number
  readonly amendment: "cancelled" | "corrected"
}

const HALT_MINUTES = 5
const HALT_CHANCE = 1 / 500
const EXTENDED_SPREAD = 3
/** Per trade. */
const AMENDMENT_CHANCE = 1e-4
const NO_TURNS = { highAt: -1, lowAt: -1, amendedAt: -1, amendment: "cancelled" } as const

export class DayPlan {
  readonly profile: Profile
  readonly day: TradingDay
  readonly shape: DayShape
  readonly sizes: SizeTable
  readonly previousClose: Price
  readonly close: Price
  /** Its trades and auctions against an average day's. */
  readonly busy: number
  /** First minute halted, or −1. */
  readonly haltFrom: number
  readonly haltTo: number
  /** Log price at the start of each minute, and at the end of the last. */
  private readonly knots: Float64Array
  private readonly seed: number
  private readonly rate: number

  constructor(seed: number, profile: Profile, day: TradingDay, rate: number) {
    const [previousClose = 0, close = 0] = closes(seed, profile, day.index - 1, day.index)
    this.profile = profile
    this.day = day
    this.rate = rate
    this.shape = dayShape(day)
    this.sizes = sizeTable(meanSizeOf(profile, this.shape.close - this.shape.open))
    this.previousClose = previousClose
    this.close = close
    this.busy = busyness(seed, profile, day.index)
    this.seed = mix(mix(mix(seed, profile.key), 0xda7), day.number)
    const random = new Random(this.seed)
    this.knots = plannedKnots(random, profile, this.shape, Math.log(previousClose), Math.log(close))
    const regular = this.shape.close - this.shape.open
    const halted = random.next() < HALT_CHANCE
    this.haltFrom = halted ? this.shape.open + 10 + Math.floor(random.next() * (regular - 30)) : -1
    this.haltTo = halted ? this.haltFrom + HALT_MINUTES : -1
  }

  knot(minute: number): Price {
    return toCents(Math.exp(this.knots[minute] ?? 0) / 10_000)
  }

  isRegular(minute: number): boolean {
    return minute >= this.shape.open && minute < this.shape.close
  }

  /** Half of bid to ask in this minute, at this price. */
  halfSpread(minute: number, price: Price): number {
    return (price * this.profile.spread * (this.isRegular(minute) ? 1 : EXTENDED_SPREAD)) / 2
  }

  minutePlan(minute: number): MinutePlan | undefined {
    if (minute < 0 || minute >= this.shape.end) return undefined
    if (minute >= this.haltFrom && minute < this.haltTo) return undefined
    const seed = mix(this.seed, minute + 1)
    const random = new Random(seed)
    const mean = this.profile.rate * 60 * this.rate * this.busy * (this.shape.activity[minute] ?? 0)
    const auction = minute === this.shape.open || minute === this.shape.close - 1
    const trades = Math.max(auction ? 1 : 0, random.poisson(mean))
    if (trades === 0) return undefined
    const close = this.knot(minute + 1)
    const open = trades > 1 || minute === this.shape.open ? this.knot(minute) : close
    if (trades === 1) return { minute, seed, trades, open, high: open, low: open, close: open, ...NO_TURNS }
    const high = Math.max(open, close)
    const low = Math.min(open, close)
    if (trades < 4) return { minute, seed, trades, open, high, low, close, ...NO_TURNS }
    const from = this.knots[minute] ?? 0
    const to = this.knots[minute + 1] ?? 0
    const deviation = this.minuteDeviation(minute)
    const top = toCents(Math.exp(bridgeHigh(from, to, deviation, random.next())) / 10_000)
    const bottom = toCents(Math.exp(-bridgeHigh(-from, -to, deviation, random.next())) / 10_000)
    const highAt = 1 + Math.floor(random.next() * (trades - 2))
    const other = 1 + Math.floor(random.next() * (trades - 3))
    const lowAt = other >= highAt ? other + 1 : other
    const amended = random.next() < trades * AMENDMENT_CHANCE ? 1 + Math.floor(random.next() * (trades - 2)) : -1
    return {
      minute,
      seed,
      trades,
      open,
      high: Math.max(high, top),
      low: Math.min(low, bottom),
      close,
      highAt,
      lowAt,
      amendedAt: amended === highAt || amended === lowAt ? -1 : amended,
      amendment: random.next() < 0.5 ? "cancelled" : "corrected"
    }
  }

  /** Log standard deviation within one minute. */
  private minuteDeviation(minute: number): number {
    const daily = this.profile.volatility + 0.005
    return (daily * (this.isRegular(minute) ? 0.9 : 0.35)) / Math.sqrt(this.shape.close - this.shape.open)
  }
}

/** Bridges previous close → open → close, then a walk after it; busier minutes move more. */
const plannedKnots = (
  random: Random,
  profile: Profile,
  shape: DayShape,
  previousClose: number,
  close: number
): Float64Array => {
  const daily = profile.volatility + 0.005
  const open = previousClose + 0.35 * (close - previousClose) + 0.25 * daily * random.gaussian()
  const knots = new Float64Array(shape.end + 1)
  knots[0] = previousClose
  bridge(random, knots, shape.activity, 0, shape.open, open, 0.2 * daily)
  bridge(random, knots, shape.activity, shape.open, shape.close, close, 0.85 * daily)
  bridge(random, knots, shape.activity, shape.close, shape.end, close + 0.1 * daily * random.gaussian(), 0.1 * daily)
  return knots
}

const bridge = (
  random: Random,
  knots: Float64Array,
  activity: Float64Array,
  from: number,
  to: number,
  target: number,
  deviation: number
): void => {
  let total = 0
  for (let i = from; i < to; i++) total += activity[i] ?? 0
  const start = knots[from] ?? 0
  let walk = 0
  for (let i = from; i < to; i++) {
    walk += random.gaussian() * deviation * Math.sqrt((activity[i] ?? 0) / total)
    knots[i + 1] = walk
  }
  let done = 0
  for (let i = from; i < to; i++) {
    done += (activity[i] ?? 0) / total
    knots[i + 1] = start + (knots[i + 1] ?? 0) + done * (target - start - walk)
  }
  knots[to] = target
}
