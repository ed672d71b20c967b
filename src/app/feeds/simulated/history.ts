/** Simulated bars from before the feed's own ticks: computed when asked for, from the same plans as the ticks. */
import { Effect } from "effect"
import type { BarQuery, FeedError } from "../../../actors/market/Feed.ts"
import type { Bar } from "../../../rpc/market.ts"
import { PRICE_SCALE, type Price, toDollars } from "../../../rpc/ticks.ts"
import { bridgeHigh, closes, toCents } from "./DailyPath.ts"
import { DayPlan, type MinutePlan, SizeStream } from "./DayPlan.ts"
import { type TradingDay, tradingDay } from "./days.ts"
import { mix, Random } from "./random.ts"
import type { SymbolFeed } from "./SymbolFeed.ts"
import type { Profile } from "./universe.ts"

const MINUTE = 60_000
/** How far back each kind of bar goes, in trading days. */
export const DAILY_DAYS = 1_600
export const MINUTE_DAYS = 10

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
export const minuteBar = (plan: DayPlan, minute: MinutePlan): Bar => {
  const sizes = new SizeStream(plan, minute)
  let volume = 0
  let trades = 0
  for (let i = 0; i < minute.trades; i++) {
    const { correctedSize, fate, size } = sizes.next()
    if (fate === "cancelled") continue
    volume += fate === "corrected" ? correctedSize : size
    trades++
  }
  const time = plan.day.preOpen + minute.minute * MINUTE
  return bar(time, [minute.open, minute.high, minute.low, minute.close], volume, trades)
}

/** The day's bar from its minutes: prices of the regular session, volume of all; undefined without a regular trade. */
const dayFromMinutes = (plan: DayPlan, until: number): Bar | undefined => {
  let volume = 0
  let trades = 0
  let prices: [number, number, number, number] | undefined
  for (let minute = 0; minute < plan.shape.end && plan.day.preOpen + minute * MINUTE < until; minute++) {
    const planned = plan.minutePlan(minute)
    if (planned === undefined) continue
    const counted = minuteBar(plan, planned)
    volume += counted.volume
    trades += counted.trades
    if (!plan.isRegular(minute)) continue
    if (prices === undefined) prices = [planned.open, planned.high, planned.low, planned.close]
    prices[1] = Math.max(prices[1], planned.high)
    prices[2] = Math.min(prices[2], planned.low)
    prices[3] = planned.close
  }
  if (prices === undefined) return undefined
  return { ...bar(plan.day.midnight, prices, volume, trades), final: until >= plan.day.postClose }
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
  const busy = Math.exp(0.3 * random.gaussian())
  const volume = Math.round(profile.volume * rate * busy)
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
export const simulatedHistory = (seed: number, rate: number, symbols: ReadonlyMap<string, SymbolFeed>) => {
  const dayBars = Effect.fnUntraced(function* (source: SymbolFeed, wanted: Wanted) {
    const { firstDay, firstMinute, profile } = source
    const out: Array<Bar> = []
    const prices = closes(seed, profile, firstDay.index - DAILY_DAYS - 1, firstDay.index)
    for (let back = 0; back <= DAILY_DAYS && out.length < wanted.limit; back++) {
      const day = tradingDay(firstDay.index - back)
      if (day.midnight < wanted.from) break
      if (day.midnight >= wanted.end) continue
      if (back <= MINUTE_DAYS) {
        const plan = new DayPlan(seed, profile, day, rate)
        const recent = dayFromMinutes(plan, back === 0 ? firstMinute : day.postClose)
        if (recent !== undefined) out.push(recent)
        yield* Effect.yieldNow
      } else {
        const [close = 0, before = 0] = [prices[DAILY_DAYS + 1 - back], prices[DAILY_DAYS - back]]
        out.push(dayFromCloses(seed, profile, day, before, close, rate))
      }
    }
    return out.reverse()
  })

  const minuteBars = Effect.fnUntraced(function* (source: SymbolFeed, wanted: Wanted) {
    const out: Array<Bar> = []
    const end = Math.min(wanted.end, source.firstMinute)
    for (let back = 0; back <= MINUTE_DAYS && out.length < wanted.limit; back++) {
      const day = tradingDay(source.firstDay.index - back)
      if (day.postClose <= wanted.from) break
      if (day.preOpen >= end) continue
      const plan = new DayPlan(seed, source.profile, day, rate)
      for (let minute = plan.shape.end - 1; minute >= 0 && out.length < wanted.limit; minute--) {
        const time = day.preOpen + minute * MINUTE
        if (time >= end) continue
        if (time < wanted.from) break
        const planned = plan.minutePlan(minute)
        if (planned !== undefined) out.push(minuteBar(plan, planned))
      }
      yield* Effect.yieldNow
    }
    return out.reverse()
  })

  return (query: BarQuery): Effect.Effect<ReadonlyArray<Bar>, FeedError> => {
    const source = symbols.get(query.symbol)
    const wanted: Wanted = {
      from: query.from ?? Number.NEGATIVE_INFINITY,
      end: Math.min(query.to ?? Number.POSITIVE_INFINITY, query.before ?? Number.POSITIVE_INFINITY),
      limit: query.limit
    }
    if (source === undefined || query.interval === "1s") return Effect.succeed([])
    return query.interval === "1d" ? dayBars(source, wanted) : minuteBars(source, wanted)
  }
}
