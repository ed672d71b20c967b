/**
 * Sizes and kinds of trades. They are drawn once, into tables that all symbols of about the same mean size share; a minute's
 * trades are a stretch of its table, so that the minute's volume is a difference of two sums: a day's volume up to any
 * moment costs no more than its minutes, however many trades they have.
 */
import { TradeCondition } from "../../../rpc/ticks.ts"
import type { DayPlan, MinutePlan } from "./DayPlan.ts"
import { mix, Random } from "./random.ts"
import type { Profile } from "./universe.ts"

const LENGTH = 4_096
/** Mean sizes are told apart in steps of this factor. */
const STEP = 1.1

export interface SizeTable {
  readonly sizes: Uint32Array
  /** In their place, where the trade must be a round lot. */
  readonly roundSizes: Uint32Array
  readonly conditions: Uint16Array
  /** Sum of the sizes before each place, and at last of all. */
  readonly sums: Float64Array
  readonly roundMean: number
}

const makeTable = (seed: number, oddShare: number, lots: number): SizeTable => {
  const random = new Random(seed)
  const table = {
    sizes: new Uint32Array(LENGTH),
    roundSizes: new Uint32Array(LENGTH),
    conditions: new Uint16Array(LENGTH),
    sums: new Float64Array(LENGTH + 1),
    roundMean: 0
  }
  for (let i = 0; i < LENGTH; i++) {
    const odd = random.next() < oddShare
    const amount = random.next()
    const special = random.next()
    const round = 100 * (1 + Math.floor(-Math.log(1 - amount) * lots))
    const size = odd ? 1 + Math.floor(amount * amount * 99) : round
    table.sizes[i] = size
    table.roundSizes[i] = round
    table.roundMean += round / LENGTH
    table.conditions[i] =
      (odd ? TradeCondition.OddLot : 0) |
      (special < 0.12 ? TradeCondition.IntermarketSweep : 0) |
      (special >= 0.12 && special < 0.123 ? TradeCondition.OutOfSequence : 0) |
      (special >= 0.123 && special < 0.124 ? TradeCondition.DerivedPrice : 0)
    table.sums[i + 1] = (table.sums[i] ?? 0) + size
  }
  return table
}

const tables = new Map<number, SizeTable>()

export const sizeTable = (meanSize: number): SizeTable => {
  const small = meanSize < 100
  const level = Math.round(Math.log(Math.max(0.05, (meanSize - 30) / 75 - 1)) / Math.log(STEP))
  const key = level * 2 + (small ? 1 : 0)
  let table = tables.get(key)
  if (table === undefined) {
    table = makeTable(mix(0x512e, key), small ? 0.75 : 0.4, STEP ** level)
    tables.set(key, table)
  }
  return table
}

const REGULAR_MINUTES = 390
const OPENING_SHARE = 0.006
const CLOSING_SHARE = 0.03
/** Of a minute's trades, those that make its open, high, low and close: round lots. */
const EXACT_TRADES = 4

/** The mean size of a trade between the auctions, that a symbol's daily volume asks for. */
export const meanSizeOf = (profile: Profile, minutes: number): number => profile.volume / (profile.rate * minutes * 60)

/** About the shares that the ticks of a day so busy sum up to in regular hours, at `rate` times the usual trades. */
export const plannedVolume = (profile: Profile, rate: number, busy: number): number => {
  const { roundMean, sums } = sizeTable(meanSizeOf(profile, REGULAR_MINUTES))
  const perMinute = profile.rate * 60 * rate * busy
  const exact = Math.min(EXACT_TRADES, perMinute)
  const between = exact * roundMean + ((perMinute - exact) * (sums[LENGTH] ?? 0)) / LENGTH
  return REGULAR_MINUTES * between + (OPENING_SHARE + CLOSING_SHARE) * profile.volume * busy
}

const roundLot = (shares: number): number => Math.max(100, Math.round(shares / 100) * 100)

/** What kind of trade the next one is. One object reused: read it before drawing again. */
export interface Draw {
  size: number
  conditions: number
  /** Taken back, or its size put right, when the trade after it is made. */
  fate: "stands" | "cancelled" | "corrected"
  correctedSize: number
}

export class TradeSizes {
  readonly draw: Draw = { size: 0, conditions: 0, fate: "stands", correctedSize: 0 }
  private readonly table: SizeTable
  private readonly plan: MinutePlan
  private readonly from: number
  private readonly base: number
  private readonly openingSize: number
  private readonly closingSize: number
  private index = 0

  constructor(day: DayPlan, plan: MinutePlan) {
    const { profile, shape } = day
    this.table = day.sizes
    this.plan = plan
    this.from = mix(plan.seed, 1) % LENGTH
    this.base = day.isRegular(plan.minute) ? TradeCondition.Regular : TradeCondition.ExtendedHours
    this.openingSize = plan.minute === shape.open ? roundLot(profile.volume * day.busy * OPENING_SHARE) : 0
    this.closingSize = plan.minute === shape.close - 1 ? roundLot(profile.volume * day.busy * CLOSING_SHARE) : 0
  }

  next(): Draw {
    const { draw, index, plan, table } = this
    this.index++
    draw.fate = "stands"
    draw.conditions = this.base
    if (this.isExact(index)) {
      draw.size = this.exactSize(index)
      if (index === 0 && this.openingSize > 0) draw.conditions |= TradeCondition.OpeningPrint
      else if (index === plan.trades - 1 && this.closingSize > 0) draw.conditions |= TradeCondition.ClosingPrint
      return draw
    }
    const place = (this.from + index) % LENGTH
    draw.size = table.sizes[place] ?? 0
    draw.conditions |= table.conditions[place] ?? 0
    if (index === plan.amendedAt) {
      draw.fate = plan.amendment
      draw.correctedSize = correctedSize(draw.size)
    }
    return draw
  }

  /** What folding all the minute's trades counts; the size of the last one, which always stands. */
  totals(): { readonly volume: number; readonly trades: number; readonly lastSize: number } {
    const { plan, table } = this
    let { trades } = plan
    let volume = this.sumUntil(this.from + trades) - this.sumUntil(this.from) + this.exactly(0)
    if (trades > 1) volume += this.exactly(trades - 1)
    if (plan.highAt > 0) volume += this.exactly(plan.highAt) + this.exactly(plan.lowAt)
    if (plan.amendedAt > 0) {
      const size = table.sizes[(this.from + plan.amendedAt) % LENGTH] ?? 0
      volume -= size
      if (plan.amendment === "corrected") volume += correctedSize(size)
      else trades--
    }
    return { volume, trades, lastSize: this.exactSize(plan.trades - 1) }
  }

  /** The trades that make a minute's open, high, low and close: round lots, in sequence, for good. */
  private isExact(index: number): boolean {
    const { plan } = this
    return index === 0 || index === plan.trades - 1 || index === plan.highAt || index === plan.lowAt
  }

  /** What an exact trade's size adds to the table's. */
  private exactly(index: number): number {
    return this.exactSize(index) - (this.table.sizes[(this.from + index) % LENGTH] ?? 0)
  }

  private exactSize(index: number): number {
    if (index === 0 && this.openingSize > 0) return this.openingSize
    if (index === this.plan.trades - 1 && this.closingSize > 0) return this.closingSize
    return this.table.roundSizes[(this.from + index) % LENGTH] ?? 0
  }

  /** Sum of the sizes before a place, the table repeating itself for ever. */
  private sumUntil(place: number): number {
    const { sums } = this.table
    return Math.floor(place / LENGTH) * (sums[LENGTH] ?? 0) + (sums[place % LENGTH] ?? 0)
  }
}

const correctedSize = (size: number): number => (size < 100 ? Math.max(1, size >> 1) : size * 2)
