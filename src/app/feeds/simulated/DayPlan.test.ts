import { existsSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { gunzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { addTrade, emptyPriceBar, publicBar } from "../../../actors/market/bars.ts"
import { dayOfDate } from "../../../actors/market/calendar.ts"
import { movesOf } from "../../../actors/market/conditions.ts"
import type { Bar } from "../../../rpc/market.ts"
import { symbolPattern } from "../../../rpc/market.ts"
import { PRICE_SCALE, type Tick, TradeCondition } from "../../../rpc/ticks.ts"
import { tradesOf } from "../testing/collector.ts"
import { closes } from "./DailyPath.ts"
import { DayPlan } from "./DayPlan.ts"
import { tradingDayOf } from "./days.ts"
import { DAILY_DAYS, simulatedHistory } from "./history.ts"
import { SymbolFeed } from "./SymbolFeed.ts"
import { TickSource } from "./TickSource.ts"
import { type Profile, universe } from "./universe.ts"

const DAY = "2026-03-04"
const midnight = (date: string): number => dayOfDate(date)?.midnight ?? Number.NaN
const at = (date: string, hours: number): number => midnight(date) + hours * 3_600_000
const day = (date: string) => tradingDayOf(at(date, 12))
const profiles = universe()
const named = (symbol: string): Profile => {
  const found = profiles.find((profile) => profile.listing.symbol === symbol)
  if (found === undefined) throw new Error(`${symbol} is not bundled`)
  return found
}

const feedAt = (symbol: string, start: number, seed = 42) =>
  new SymbolFeed(seed, named(symbol), 1, tradingDayOf(start), start)
const ticksUntil = (feed: SymbolFeed, until: number, step = 100): Array<Tick> => {
  const ticks: Array<Tick> = []
  for (let now = feed.firstMinute; now <= until; now += step) {
    while (feed.nextTime <= now) ticks.push(...feed.take(now, 512))
  }
  return ticks
}
const wholeDay = (plan: DayPlan): Array<Tick> => {
  const ticks: Array<Tick> = []
  new TickSource(plan, 0).take(Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, ticks)
  return ticks
}

describe("universe", () => {
  const testData = process.env.LZSTOCK_TEST_DATA ?? resolve(import.meta.dirname, "../../../../../shared/data")
  const tickers = resolve(testData, "sec/company_tickers.json.gz")
  if (!existsSync(tickers)) console.warn(`skipped: no list of the SEC's tickers at ${tickers}`)

  it("bundles real companies of all eleven sectors, and the main funds", () => {
    const count = new Map<string, number>()
    for (const { listing } of profiles) count.set(listing.sector, (count.get(listing.sector) ?? 0) + 1)
    const funds = count.get("ETF") ?? 0
    assert.strictEqual(count.size, 12)
    assert.isAtLeast(profiles.length - funds, 550)
    for (const [sector, companies] of count) assert.isAtLeast(companies, 30, sector)
  })

  it("has well-formed, distinct symbols in order, names, exchanges, prices and volumes", () => {
    const symbols = profiles.map((profile) => profile.listing.symbol)
    assert.deepStrictEqual(symbols, [...new Set(symbols)].sort())
    for (const { listing, price, rate, volume } of profiles) {
      assert.match(listing.symbol, symbolPattern)
      assert.isTrue(listing.name.length > 0 && listing.exchange.length > 0, listing.symbol)
      assert.isTrue(price > 1 && price < 15_000 && volume >= 10_000 && rate >= 1 / 60 && rate <= 40, listing.symbol)
    }
  })

  it.skipIf(!existsSync(tickers))("names only companies that the SEC lists", () => {
    const listed = JSON.parse(gunzipSync(readFileSync(tickers)).toString()) as Record<string, { ticker: string }>
    const known = new Set(Object.values(listed).map((company) => company.ticker))
    const strangers = profiles
      .filter(({ listing }) => listing.sector !== "ETF" && !known.has(listing.symbol.replace(".", "-")))
      .map(({ listing }) => listing.symbol)
    assert.deepStrictEqual(strangers, [])
  })

  it("grows with clearly synthetic symbols, shrinks to the busiest", () => {
    const many = universe(2_000)
    assert.strictEqual(new Set(many.map(({ listing }) => listing.symbol)).size, 2_000)
    for (const { listing } of many) {
      if (profiles.some((profile) => profile.listing.symbol === listing.symbol)) continue
      assert.match(listing.name, /^Synthetic \d+$/)
      assert.strictEqual(listing.exchange, "SIM")
    }
    const few = universe(5).map(({ listing }) => listing.symbol)
    assert.strictEqual(few.length, 5)
    assert.include(few, "SPY")
  })
})

describe("ticks", () => {
  it("are the same for the same seed, whatever the moment of the start and the pace of asking", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("AAPL", "SPY", "NVR", "PLUG", "MSGS"),
        fc.integer({ min: 0, max: 900 * 60 }),
        fc.integer({ min: 0, max: 900 }),
        fc.constantFrom(37, 100, 5_000),
        (symbol, seconds, apart, step) => {
          const start = at(DAY, 4) + seconds * 1_000
          const late = feedAt(symbol, start + apart * 1_000)
          const until = start + (apart + 60) * 1_000
          const early = feedAt(symbol, start)
          const overlap = ticksUntil(early, until, step).slice()
          const since = overlap.findIndex((tick) => tick.time >= late.firstMinute)
          const expected = since < 0 ? [] : overlap.slice(since)
          const lateTicks = ticksUntil(late, until)
          // the early one may begin later than the late one's look-back: compare what both have
          const begin = early.firstMinute
          const both = lateTicks.filter((tick) => tick.time >= begin)
          // they stop asking at different moments: up to there they are the same
          const common = Math.min(both.length, expected.length)
          assert.deepStrictEqual(both.slice(0, common), expected.slice(0, common))
          const rest = [...both.slice(common), ...expected.slice(common)]
          const isLate = (tick: Tick) => tick._tag === "Trade" && (tick.conditions & TradeCondition.OutOfSequence) !== 0
          assert.isTrue(rest.every((tick) => tick.time > until - step || isLate(tick)))
        }
      ),
      { numRuns: 40 }
    )
  })

  it("differ with the seed, the day and the symbol", () => {
    const first = (plan: DayPlan) => wholeDay(plan).slice(0, 20)
    const base = first(new DayPlan(42, named("KO"), day(DAY), 1))
    assert.deepStrictEqual(base, first(new DayPlan(42, named("KO"), day(DAY), 1)))
    assert.notDeepEqual(base, first(new DayPlan(43, named("KO"), day(DAY), 1)))
    assert.notDeepEqual(base, first(new DayPlan(42, named("KO"), day("2026-03-05"), 1)))
    assert.notDeepEqual(base, first(new DayPlan(42, named("MSFT"), day(DAY), 1)))
  })

  it("come in time order, on the cent, within the book's reach, ids distinct, amendments name earlier trades", () => {
    const ticks = wholeDay(new DayPlan(7, named("AMD"), day(DAY), 0.5))
    const ids = new Set<number>()
    let time = 0
    /** What is wrong with a tick; an assertion each would take ten times as long as the ticks. */
    const fault = (tick: Tick): string | undefined => {
      if (tick._tag === "Trade") {
        if (ids.has(tick.id)) return "id repeated"
        ids.add(tick.id)
        if (tick.price % (PRICE_SCALE / 100) !== 0) return "not on the cent"
        if (!(tick.size > 0)) return "no size"
        if (((tick.conditions & TradeCondition.OddLot) !== 0) !== tick.size < 100) return "odd lot wrong"
        if (tick.conditions & TradeCondition.OutOfSequence) return undefined
      }
      if (tick.time < time) return "goes back in time"
      time = tick.time
      if (tick._tag === "TopOfBook" && !(tick.bid > 0 && tick.ask > tick.bid && tick.bidSize > 0)) return "crossed"
      if ((tick._tag === "TradeCancel" || tick._tag === "TradeCorrection") && !ids.has(tick.id)) return "amends nothing"
      return undefined
    }
    const faults = ticks.flatMap((tick) => fault(tick) ?? [])
    assert.deepStrictEqual(faults, [])
    const kinds = new Set(ticks.map((tick) => tick._tag))
    for (const kind of ["Trade", "TopOfBook", "TradeCancel", "TradeCorrection"] as const) assert.isTrue(kinds.has(kind))
    assert.isTrue(tradesOf(ticks).some((trade) => trade.conditions & TradeCondition.OutOfSequence))
  })

  it("trade most at the open and the close, little at noon, a trickle before and after", () => {
    const plan = new DayPlan(3, named("KO"), day(DAY), 1)
    const trades = tradesOf(wholeDay(plan))
    const perMinute = (from: number, to: number) =>
      trades.filter((trade) => trade.time >= at(DAY, from) && trade.time < at(DAY, to)).length / ((to - from) * 60)
    const noon = perMinute(12, 14)
    assert.isAbove(perMinute(9.5, 10), 1.5 * noon)
    assert.isAbove(perMinute(15.5, 16), 1.3 * noon)
    assert.isBelow(perMinute(4, 9), 0.1 * noon)
    assert.isBelow(perMinute(17, 20), 0.1 * noon)
    assert.isAbove(perMinute(4, 9), 0)
  })

  it("go from tens a second to about one a minute, and with the rate", () => {
    const planned = (profile: Profile, rate: number) => {
      const plan = new DayPlan(1, profile, day(DAY), rate)
      return Array.from({ length: 390 }, (_, i) => plan.minutePlan(330 + i)?.trades ?? 0).reduce((a, b) => a + b)
    }
    const trades = (symbol: string, rate: number) => planned(named(symbol), rate)
    assert.isAbove(trades("SPY", 1) / 23_400, 10)
    assert.isAbove(trades("AAPL", 1) / 23_400, 10)
    const quiet = universe(3_000).reduce((a, b) => (a.rate < b.rate ? a : b))
    const few = planned(quiet, 1) / 390
    assert.isTrue(few > 0.3 && few < 3, String(few))
    const ratio = trades("KO", 3) / trades("KO", 1)
    assert.isTrue(ratio > 2.8 && ratio < 3.2, String(ratio))
  })

  it("stop during a halt and say when it begins and ends", () => {
    const halted = Array.from({ length: 4_000 }, (_, seed) => new DayPlan(seed, named("GME"), day(DAY), 1)).find(
      (plan) => plan.haltFrom >= 0
    )
    if (halted === undefined) throw new Error("no seed of 4,000 halts GME that day")
    const ticks = wholeDay(halted)
    const [from = -1, to = -1] = ticks.flatMap((tick, i) => (tick._tag === "TradingStatus" ? [i] : []))
    assert.deepInclude(ticks[from], { halted: true, time: halted.day.preOpen + halted.haltFrom * 60_000 })
    assert.deepInclude(ticks[to], { halted: false, time: halted.day.preOpen + halted.haltTo * 60_000 })
    assert.strictEqual(to, from + 1)
  })
})

describe("prices", () => {
  it("move without jumps: within a minute, from minute to minute, from yesterday's close to today's open", () => {
    for (const symbol of ["XLK", "KO", "PLUG"]) {
      const plan = new DayPlan(42, named(symbol), day(DAY), 1)
      let last = plan.previousClose
      let farthest = 0
      for (const trade of tradesOf(wholeDay(plan))) {
        farthest = Math.max(farthest, Math.abs(trade.price / last - 1))
        last = trade.price
      }
      assert.isBelow(farthest, 0.03, symbol)
      const [close = 0] = closes(42, named(symbol), day(DAY).index - 1, day(DAY).index - 1)
      assert.strictEqual(plan.previousClose, close)
    }
  })

  it("end the regular session at the daily close, which is the next day's previous close", () => {
    for (const symbol of ["KO", "NVR", "MSGS", "XLK"]) {
      const today = new DayPlan(5, named(symbol), day(DAY), 1)
      const regular = tradesOf(wholeDay(today)).filter((trade) => trade.time < today.day.close)
      const last = regular[regular.length - 1]
      assert.strictEqual(last?.price, today.close)
      assert.isTrue(((last?.conditions ?? 0) & TradeCondition.ClosingPrint) !== 0)
      assert.strictEqual(new DayPlan(5, named(symbol), day("2026-03-05"), 1).previousClose, today.close)
    }
  })

  it("stay believable for years", () => {
    for (const profile of profiles) {
      const [now = 0] = closes(42, profile, 500, 500)
      const ratio = now / PRICE_SCALE / profile.price
      assert.isTrue(ratio > 0.2 && ratio < 5, `${profile.listing.symbol} ${ratio}`)
    }
  })

  it("know early closes", () => {
    const plan = new DayPlan(42, named("SPY"), day("2026-11-27"), 0.1)
    const trades = tradesOf(wholeDay(plan))
    assert.isBelow(trades[trades.length - 1]?.time ?? 0, at("2026-11-27", 17))
    const closing = trades.filter((trade) => trade.conditions & TradeCondition.ClosingPrint)
    assert.deepStrictEqual(
      closing.map((trade) => Math.floor((trade.time - midnight("2026-11-27")) / 60_000)),
      [12 * 60 + 59]
    )
  })
})

/** What the market's own rules make of the ticks. */
const folded = (ticks: ReadonlyArray<Tick>, width: number): Array<Bar> => {
  const trades = new Map(tradesOf(ticks).map((trade) => [trade.id, trade]))
  for (const tick of ticks) {
    const trade = tick._tag === "TradeCancel" || tick._tag === "TradeCorrection" ? trades.get(tick.id) : undefined
    if (trade === undefined) continue
    if (tick._tag === "TradeCorrection") trades.set(trade.id, { ...trade, price: tick.price, size: tick.size })
    else trades.delete(trade.id)
  }
  const bars = new Map<number, ReturnType<typeof emptyPriceBar>>()
  for (const trade of trades.values()) {
    const start = trade.time - (trade.time % width)
    const bar = bars.get(start) ?? emptyPriceBar()
    bars.set(start, bar)
    addTrade(bar, trade.time, trade.price, trade.size, movesOf(trade.conditions))
  }
  return [...bars].sort(([a], [b]) => a - b).map(([start, bar]) => publicBar(bar, 0, 0, start, true, 0))
}

describe("history", () => {
  const start = at(DAY, 11.02)
  const historyOf = (symbol: string) => {
    const feed = feedAt(symbol, start)
    return { feed, history: simulatedHistory(42, 1, new Map([[symbol, feed]])) }
  }

  it.effect.each(["XLK", "KO", "NVR", "MSGS"])("%s: minute bars are what the ticks fold to", (symbol) =>
    Effect.gen(function* () {
      const { feed, history } = historyOf(symbol)
      const bars = yield* history({ symbol, interval: "1m", from: day(DAY).preOpen, limit: 5_000 })
      const earlier = wholeDay(new DayPlan(42, named(symbol), day(DAY), 1)).filter(
        (tick) => tick.time < feed.firstMinute
      )
      assert.deepStrictEqual(bars, folded(earlier, 60_000))
      const yesterday = day("2026-03-03")
      const before = yield* history({
        symbol,
        interval: "1m",
        from: yesterday.preOpen,
        to: yesterday.postClose,
        limit: 5_000
      })
      assert.deepStrictEqual(before, folded(wholeDay(new DayPlan(42, named(symbol), yesterday, 1)), 60_000))
    })
  )

  it.effect("second bars are what the ticks fold to, and end where the live ticks begin", () =>
    Effect.gen(function* () {
      const { feed, history } = historyOf("AAPL")
      const bars = yield* history({ symbol: "AAPL", interval: "1s", limit: 300 })
      assert.strictEqual(bars.length, 300)
      const from = bars[0]?.time ?? 0
      const ticks = wholeDay(new DayPlan(42, named("AAPL"), day(DAY), 1))
      const expected = folded(
        ticks.filter((tick) => tick.time >= from - 60_000 && tick.time < feed.firstMinute),
        1_000
      ).filter((bar) => bar.time >= from && bar.open > 0)
      const prices = (list: ReadonlyArray<Bar>) =>
        list.map(({ close, high, low, open, time }) => [time, open, high, low, close])
      assert.deepStrictEqual(prices(bars), prices(expected))
      const volume = (list: ReadonlyArray<Bar>) => list.reduce((sum, bar) => sum + bar.volume, 0)
      const minutes = yield* history({ symbol: "AAPL", interval: "1m", from: feed.firstMinute - 60_000, limit: 1 })
      const lastMinute = bars.filter((bar) => bar.time >= feed.firstMinute - 60_000)
      assert.strictEqual(volume(lastMinute), volume(minutes))
    })
  )

  it.effect("the live path goes on where the minutes end", () =>
    Effect.gen(function* () {
      const { feed, history } = historyOf("AAPL")
      const [last] = yield* history({ symbol: "AAPL", interval: "1m", limit: 1 })
      const [first] = tradesOf(ticksUntil(feed, start + 1_000))
      assert.strictEqual((last?.time ?? 0) + 60_000, feed.firstMinute)
      assert.strictEqual(first?.price, Math.round((last?.close ?? 0) * PRICE_SCALE))
    })
  )

  it.effect.each(["SPY", "KO", "IBM"])(
    "%s: no two days are equally busy, of the last ten as of the older ones",
    (symbol) =>
      Effect.gen(function* () {
        const { history } = historyOf(symbol)
        const days = (yield* history({ symbol, interval: "1d", limit: 41 })).slice(0, -1)
        const mean = (part: ReadonlyArray<Bar>) => part.reduce((sum, one) => sum + one.volume, 0) / part.length
        const [older, recent] = [days.slice(0, 30), days.slice(-10)]
        for (const part of [older, recent]) {
          const volumes = part.map((one) => one.volume / mean(part))
          assert.isAbove(Math.max(...volumes) / Math.min(...volumes), 1.5)
          assert.isTrue(
            volumes.every((one) => one > 0.4 && one < 2.5),
            String(volumes)
          )
        }
        // no seam where the detailed days begin
        assert.isTrue(mean(older) / mean(recent) > 0.7 && mean(older) / mean(recent) < 1.4)
      })
  )

  it.effect("has more than six years of days, today's up to the start, each chained to the next", () =>
    Effect.gen(function* () {
      const { feed, history } = historyOf("IBM")
      const bars = yield* history({ symbol: "IBM", interval: "1d", limit: 5_000 })
      assert.strictEqual(bars.length, DAILY_DAYS + 1)
      assert.isBelow(bars[0]?.time ?? 0, at("2020-03-04", 0))
      const today = bars[bars.length - 1]
      assert.deepInclude(today, { time: midnight(DAY), final: false })
      assert.isTrue(bars.slice(0, -1).every((bar) => bar.final))
      const expected = closes(42, named("IBM"), day(DAY).index - DAILY_DAYS, day(DAY).index - 1)
      assert.deepStrictEqual(
        bars.slice(0, -1).map((bar) => Math.round(bar.close * PRICE_SCALE)),
        expected
      )
      const minutes = yield* history({ symbol: "IBM", interval: "1m", from: midnight(DAY), limit: 5_000 })
      const regular = minutes.filter((bar) => bar.time >= day(DAY).open)
      assert.isBelow(regular.length, minutes.length)
      assert.strictEqual(
        today?.volume,
        regular.reduce((sum, bar) => sum + bar.volume, 0)
      )
      assert.strictEqual(today?.close, minutes[minutes.length - 1]?.close)
      assert.strictEqual(feed.previousClose, expected[expected.length - 1])
    })
  )
})
