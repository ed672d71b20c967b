/** Ticks of one symbol in time order, made one at a time: from a DayPlan, minute by minute. Holds one minute's state. */
import { PRICE_SCALE, type Price, type Tick, TradeCondition } from "../../../rpc/ticks.ts"
import type { DayPlan, MinutePlan } from "./DayPlan.ts"
import { mix, Random } from "./random.ts"
import { TradeSizes } from "./TradeSizes.ts"

const MINUTE = 60_000
const CENT = PRICE_SCALE / 100
const NONE = Number.POSITIVE_INFINITY
/** Trade ids: minute of the day × this + place in the minute. */
const IDS_PER_MINUTE = 1_000_000

const exchanges = ["Q", "N", "P", "D", "Z", "K", "V", "B"] as const
const exchangeAt = (u: number): string => exchanges[Math.min(exchanges.length - 1, Math.floor(u * u * 9))] ?? "D"

const toGrid = (price: number): Price => Math.round(price / CENT) * CENT

export class TickSource {
  readonly plan: DayPlan
  /** Time of the next tick, ms since epoch; +∞ after the day's last. */
  nextTime = NONE
  private minute: number
  private current: MinutePlan | undefined
  private sizes: TradeSizes | undefined
  private path = new Random(0)
  private index = 0
  private price = 0
  private amend: Tick | undefined

  /** Starts with the first trade of that minute (counted from the pre-market's start) or of a later one. */
  constructor(plan: DayPlan, minute: number) {
    this.plan = plan
    this.minute = minute - 1
    this.nextMinute()
  }

  /** Appends the ticks up to and including `until`, stopping after at most about `max`. */
  take(until: number, max: number, out: Array<Tick>): void {
    while (this.nextTime <= until && out.length < max) this.step(out)
  }

  private step(out: Array<Tick>): void {
    const time = this.nextTime
    const { current, plan, sizes } = this
    if (this.minute === plan.haltFrom || this.minute === plan.haltTo) {
      if (current === undefined || (this.index === 0 && time === this.minuteStart())) {
        out.push({ _tag: "TradingStatus", time, halted: this.minute === plan.haltFrom })
        if (current === undefined) this.nextMinute()
        else this.nextTime = this.afterStart(time, current.trades)
        return
      }
    }
    if (current === undefined || sizes === undefined) {
      this.nextMinute()
      return
    }

    const path = this.path
    const draw = sizes.next()
    const last = this.index === current.trades - 1
    const side = path.next() < 0.5 ? -1 : 1
    // by the minute's own price: nothing may depend on the minutes before it
    const half = plan.halfSpread(this.minute, current.open)
    this.price = this.mid(current, path.next() + path.next() + path.next() + path.next() - 2)
    const exact = this.index === 0 || last || this.index === current.highAt || this.index === current.lowAt
    const price = exact
      ? this.price
      : Math.min(current.high, Math.max(current.low, toGrid(this.price + side * half * 0.8)))
    const late = (draw.conditions & TradeCondition.OutOfSequence) !== 0
    if (this.amend !== undefined) {
      out.push({ ...this.amend, time })
      this.amend = undefined
    }
    const id = this.minute * IDS_PER_MINUTE + this.index
    out.push({
      _tag: "Trade",
      id,
      // reported late, but never into a minute that is over
      time: late ? Math.max(this.minuteStart(), time - Math.floor(path.next() * 4_000)) : time,
      price,
      size: draw.size,
      exchange: exchangeAt(path.next()),
      conditions: draw.conditions
    })
    if (draw.fate === "cancelled") this.amend = { _tag: "TradeCancel", time, id }
    else if (draw.fate === "corrected") {
      const { conditions, correctedSize: size } = draw
      this.amend = { _tag: "TradeCorrection", time, id, price, size, conditions }
    }
    if (exact || path.next() < 0.4) this.book(out, time, half)
    this.index++
    if (last) this.nextMinute()
    else this.nextTime = this.after(time, current.trades - this.index)
  }

  /** The middle price at the current trade: a bridge from price to price through the minute's four exact ones. */
  private mid(current: MinutePlan, noise: number): number {
    const { index } = this
    if (index === 0) return current.open
    if (index === current.trades - 1) return current.close
    if (index === current.highAt) return current.high
    if (index === current.lowAt) return current.low
    let to = current.trades - 1
    let target = current.close
    if (current.highAt > index) {
      to = current.highAt
      target = current.high
    }
    if (current.lowAt > index && current.lowAt < to) {
      to = current.lowAt
      target = current.low
    }
    const left = to - index + 1
    const deviation = ((current.high - current.low) * 1.1) / Math.sqrt(current.trades)
    const next = this.price + (target - this.price) / left + deviation * noise * Math.sqrt((left - 1) / left)
    return Math.min(current.high, Math.max(current.low, next))
  }

  private book(out: Array<Tick>, time: number, half: number): void {
    const width = Math.max(CENT, toGrid(2 * half))
    const bid = Math.max(CENT, Math.floor((this.price - width / 2) / CENT) * CENT)
    const lots = this.path.next()
    out.push({
      _tag: "TopOfBook",
      time,
      bid,
      bidSize: 100 * (1 + Math.floor(lots * 12)),
      ask: bid + width,
      askSize: 100 * (1 + Math.floor((1 - lots) * 12))
    })
  }

  private minuteStart(): number {
    return this.plan.day.preOpen + this.minute * MINUTE
  }

  /** Moves to the next minute that has something in it. */
  private nextMinute(): void {
    const { plan } = this
    this.index = 0
    for (this.minute++; this.minute < plan.shape.end; this.minute++) {
      const start = this.minuteStart()
      const status = this.minute === plan.haltFrom || this.minute === plan.haltTo
      this.current = plan.minutePlan(this.minute)
      if (this.current !== undefined) {
        this.sizes = new TradeSizes(plan, this.current)
        this.path = new Random(mix(this.current.seed, 2))
        this.nextTime = status ? start : this.afterStart(start, this.current.trades)
        return
      }
      if (status) {
        this.nextTime = start
        return
      }
    }
    this.nextTime = NONE
  }

  /** A minute's first trade; the opening print is made within the open's first second. */
  private afterStart(start: number, left: number): number {
    if (this.minute === this.plan.shape.open) return start + 1 + Math.floor(this.path.next() * 900)
    return Math.max(start + 1, this.after(start, left))
  }

  /** The earliest of `left` times spread evenly over what remains of the minute. */
  private after(time: number, left: number): number {
    if (left === 1 && this.minute === this.plan.shape.close - 1) return this.minuteStart() + MINUTE - 1
    const remaining = this.minuteStart() + MINUTE - 1 - time
    return time + Math.floor(remaining * (1 - (1 - this.path.next()) ** (1 / left)))
  }
}
