/** Simulated bars from before the feed's own ticks: computed when asked for, from the same plans as the ticks. */
import { Effect } from "effect"
import { addTrade, emptyPriceBar, publicBar } from "../../../actors/market/bars.ts"
import { movesOf } from "../../../actors/market/conditions.ts"
import type { BarQuery, FeedError } from "../../../actors/market/Feed.ts"
import type { Bar } from "../../../rpc/market.ts"
import { PRICE_SCALE, type Price, type Tick, type Trade, toDollars } from "../../../rpc/ticks.ts"
import { bridgeHigh, busyness, closes, toCents } from "./DailyPath.ts"
import { DayPlan, type MinutePlan } from "./DayPlan.ts"
import { type TradingDay, tradingDay } from "./days.ts"
import { mix, Random } from "./random.ts"
import type { SymbolFeed } from "./SymbolFeed.ts"
import { TickSource } from "./TickSource.ts"
import { plannedVolume, TradeSizes } from "./TradeSizes.ts"
import type { Profile } from "./universe.ts"

const MINUTE = 60_000
/** How far back each kind of bar goes, in trading days. */
export const DAILY_DAYS = 1_600
export const MINUTE_DAYS = 10
/** Bars of a second: this many minutes before the feed's own ticks. */
export const SECOND_MINUTES = 120
/** Days of minute bars kept in memory. */
const KEPT_DAYS = 64

const bar = (time: number, prices: readonly [Price, Price, Price, Price], volume: number, trades: number): Bar => ({
  time,
  open: toDollars(prices[0]),
  high: toDollars(prices[1]),
  low: toDollars(prices[2]),
  close: toDollars(prices[3]),
  volume,
  trades,
  final: true,
  revision: 0
})

/** The bar that folding this minute's ticks gives. */
const minuteBar = (plan: DayPlan, minute: MinutePlan): Bar => {
  const { trades, volume } = new TradeSizes(plan, minute).totals()
  const time = plan.day.preOpen + minute.minute * MINUTE
  return bar(time, [minute.open, minute.high, minute.low, minute.close], volume, trades)
}

/** The minutes of a day that begin before `until`, oldest first. */
const minutesOf = (plan: DayPlan, until: number): ReadonlyArray<Bar> => {
  const bars: Array<Bar> = []
  for (let minute = 0; minute < plan.shape.end && plan.day.preOpen + minute * MINUTE < until; minute++) {
    const planned = plan.minutePlan(minute)
    if (planned !== undefined) bars.push(minuteBar(plan, planned))
  }
  return bars
}

/** The day's bar from its minutes of regular hours, as the market folds it; undefined before the first regular trade. */
const dayFromMinutes = (day: TradingDay, minutes: ReadonlyArray<Bar>, final: boolean): Bar | undefined => {
  let found: { -readonly [K in keyof Bar]: Bar[K] } | undefined
  let volume = 0
  let trades = 0
  for (const minute of minutes) {
    if (minute.time < day.open || minute.time >= day.close) continue
    volume += minute.volume
    trades += minute.trades
    found ??= { ...minute, time: day.midnight, final }
    found.high = Math.max(found.high, minute.high)
    found.low = Math.min(found.low, minute.low)
    found.close = minute.close
  }
  return found === undefined ? undefined : { ...found, volume, trades }
}

/** The seconds of one minute, folded from its ticks by the market's own rules. */
const secondsOf = (plan: DayPlan, minute: number): ReadonlyArray<Bar> => {
  if (plan.minutePlan(minute) === undefined) return []
  const start = plan.day.preOpen + minute * MINUTE
  const ticks: Array<Tick> = []
  new TickSource(plan, minute).take(start + MINUTE - 1, Number.POSITIVE_INFINITY, ticks)
  const trades = standing(ticks)
  const seconds = Array.from({ length: 60 }, emptyPriceBar)
  for (const trade of trades) {
    const second = seconds[Math.floor((trade.time - start) / 1_000)]
    if (second !== undefined) addTrade(second, trade.time, trade.price, trade.size, movesOf(trade.conditions))
  }
  const bars: Array<Bar> = []
  seconds.forEach((second, i) => {
    const last = bars[bars.length - 1]
    if (second.priced) bars.push(publicBar(second, 0, 0, start + i * 1_000, true, 0))
    else if (second.trades > 0 && last !== undefined) {
      // volume that nothing prices goes to the bar before it
      bars[bars.length - 1] = { ...last, volume: last.volume + second.volume, trades: last.trades + second.trades }
    }
  })
  return bars
}

/** The trades that count in the end: without the cancelled ones, corrected ones as corrected. */
const standing = (ticks: ReadonlyArray<Tick>): Iterable<Trade> => {
  const trades = new Map<number, Trade>()
  for (const tick of ticks) {
    if (tick._tag === "Trade") trades.set(tick.id, tick)
    else if (tick._tag === "TradeCancel") trades.delete(tick.id)
    else if (tick._tag === "TradeCorrection") {
      const { conditions, id, price, size } = tick
      const trade = trades.get(id)
      if (trade !== undefined) trades.set(id, { ...trade, price, size, conditions })
    }
  }
  return trades.values()
}

/** An older day, from its closes alone. */
const dayFromCloses = (
  seed: number,
  profile: Profile,
  day: TradingDay,
  before: Price,
  close: Price,
  rate: number
): Bar => {
  const random = new Random(mix(mix(mix(seed, profile.key), 0xda11), day.number))
  const deviation = 0.8 * (profile.volatility + 0.005)
  const from = Math.log(before) + 0.35 * Math.log(close / before) + 0.25 * deviation * random.gaussian()
  const to = Math.log(close)
  const open = toCents(Math.exp(from) / PRICE_SCALE)
  const high = toCents(Math.exp(bridgeHigh(from, to, deviation, random.next())) / PRICE_SCALE)
  const low = toCents(Math.exp(-bridgeHigh(-from, -to, deviation, random.next())) / PRICE_SCALE)
  const busy = busyness(seed, profile, day.index)
  const volume = Math.round(plannedVolume(profile, rate, busy))
  const trades = Math.max(1, Math.round(profile.rate * rate * busy * 23_400))
  return bar(day.midnight, [open, Math.max(open, close, high), Math.min(open, close, low), close], volume, trades)
}

interface Wanted {
  readonly from: number
  /** Exclusive. */
  readonly end: number
  readonly limit: number
}

/** `simulatedHistory(...)` answers Feed.history. */
export const simulatedHistory = (seed: number, rate: number, symbols: Pick<ReadonlyMap<string, SymbolFeed>, "get">) => {
  const kept = new Map<string, ReadonlyArray<Bar>>()

  /** A day's minutes before the feed's own ticks. They never change, so the latest asked for are kept. */
  const minutes = Effect.fnUntraced(function* (source: SymbolFeed, day: TradingDay) {
    const key = `${source.symbol} ${day.index}`
    const known = kept.get(key)
    if (known !== undefined) return known
    const bars = minutesOf(new DayPlan(seed, source.profile, day, rate), source.firstMinute)
    const oldest = kept.keys().next().value
    if (kept.size >= KEPT_DAYS && oldest !== undefined) kept.delete(oldest)
    kept.set(key, bars)
    // up to some 15 ms of work for the busiest symbol
    yield* Effect.yieldNow
    return bars
  })

  const dayBars = Effect.fnUntraced(function* (source: SymbolFeed, wanted: Wanted) {
    const { firstDay, profile } = source
    const out: Array<Bar> = []
    const prices = closes(seed, profile, firstDay.index - DAILY_DAYS - 1, firstDay.index)
    for (let back = 0; back <= DAILY_DAYS && out.length < wanted.limit; back++) {
      const day = tradingDay(firstDay.index - back)
      if (day.midnight < wanted.from) break
      if (day.midnight >= wanted.end) continue
      if (back <= MINUTE_DAYS) {
        const recent = dayFromMinutes(day, yield* minutes(source, day), back > 0)
        if (recent !== undefined) out.push(recent)
      } else {
        const [close = 0, before = 0] = [prices[DAILY_DAYS + 1 - back], prices[DAILY_DAYS - back]]
        out.push(dayFromCloses(seed, profile, day, before, close, rate))
      }
    }
    return out.reverse()
  })

  const minuteBars = Effect.fnUntraced(function* (source: SymbolFeed, wanted: Wanted) {
    const days: Array<ReadonlyArray<Bar>> = []
    let count = 0
    for (let back = 0; back <= MINUTE_DAYS && count < wanted.limit; back++) {
      const day = tradingDay(source.firstDay.index - back)
      if (day.postClose <= wanted.from) break
      if (day.preOpen >= wanted.end) continue
      const bars = (yield* minutes(source, day)).filter((bar) => bar.time >= wanted.from && bar.time < wanted.end)
      days.push(bars)
      count += bars.length
    }
    return days.reverse().flat().slice(-wanted.limit)
  })

  const secondBars = Effect.fnUntraced(function* (source: SymbolFeed, wanted: Wanted) {
    const plan = new DayPlan(seed, source.profile, source.firstDay, rate)
    const minutesBack: Array<ReadonlyArray<Bar>> = []
    const last = Math.round((source.firstMinute - plan.day.preOpen) / MINUTE) - 1
    let count = 0
    for (let minute = last; minute >= 0 && minute > last - SECOND_MINUTES && count < wanted.limit; minute--) {
      const start = plan.day.preOpen + minute * MINUTE
      if (start + MINUTE <= wanted.from) break
      if (start >= wanted.end) continue
      const bars = secondsOf(plan, minute).filter((bar) => bar.time >= wanted.from && bar.time < wanted.end)
      minutesBack.push(bars)
      count += bars.length
      yield* Effect.yieldNow
    }
    return minutesBack.reverse().flat().slice(-wanted.limit)
  })

  return (query: BarQuery): Effect.Effect<ReadonlyArray<Bar>, FeedError> => {
    const source = symbols.get(query.symbol)
    if (source === undefined || query.limit <= 0) return Effect.succeed([])
    const wanted: Wanted = {
      from: query.from ?? Number.NEGATIVE_INFINITY,
      end: Math.min(query.to ?? Number.POSITIVE_INFINITY, query.before ?? Number.POSITIVE_INFINITY),
      limit: query.limit
    }
    if (query.interval === "1d") return dayBars(source, wanted)
    return query.interval === "1m" ? minuteBars(source, wanted) : secondBars(source, wanted)
  }
}
