/** One symbol of the simulation: its ticks from its first moment on, day after day. */
import type { DaySoFar, Price, Tick } from "../../../rpc/ticks.ts"
import { DayPlan } from "./DayPlan.ts"
import { daySoFar } from "./daySoFar.ts"
import { type TradingDay, tradingDay } from "./days.ts"
import { TickSource } from "./TickSource.ts"
import type { Profile } from "./universe.ts"

const MINUTE = 60_000
/** A first trade this soon after the start need not be preceded by older ones. */
const SOON = 1_000

export class SymbolFeed {
  readonly profile: Profile
  readonly symbol: string
  /** The first minute whose ticks this feed publishes, ms since epoch: history ends here. */
  readonly firstMinute: number
  /** The trading day of that minute. */
  readonly firstDay: TradingDay
  private readonly seed: number
  private readonly rate: number
  private source: TickSource

  /**
   * Starts with the minute that `start` is in; where that would leave it without a trade for a moment, with the last
   * minute before it that has one: so there is something to show from the start on.
   */
  constructor(seed: number, profile: Profile, rate: number, day: TradingDay, start: number) {
    this.profile = profile
    this.symbol = profile.listing.symbol
    this.seed = seed
    this.rate = rate
    const plan = new DayPlan(seed, profile, day, rate)
    let minute = Math.floor((start - day.preOpen) / MINUTE)
    if (new TickSource(plan, minute).nextTime > start + SOON) {
      do minute--
      while (minute > 0 && plan.minutePlan(minute) === undefined)
    }
    minute = Math.max(0, minute)
    this.firstDay = day
    this.firstMinute = day.preOpen + minute * MINUTE
    this.source = new TickSource(plan, minute)
  }

  /** What is before this feed's first tick, where anything is. Ask before taking any. */
  get soFar(): DaySoFar | undefined {
    return daySoFar(this.source.plan, this.firstMinute)
  }

  /** Time of the next tick, ms since epoch. */
  get nextTime(): number {
    while (this.source.nextTime === Number.POSITIVE_INFINITY) this.nextDay()
    return this.source.nextTime
  }

  get previousClose(): Price {
    return this.source.plan.previousClose
  }

  /** Ticks of one trading day up to and including `until`; about `max` of them at most. Empty when there are none yet. */
  take(until: number, max: number): Array<Tick> {
    const ticks: Array<Tick> = []
    this.source.take(until, max, ticks)
    return ticks
  }

  private nextDay(): void {
    const day = tradingDay(this.source.plan.day.index + 1)
    this.source = new TickSource(new DayPlan(this.seed, this.profile, day, this.rate), 0)
  }
}
