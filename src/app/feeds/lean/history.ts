/** Recorded bars from before the replayed day: daily/TICKER.zip and minute/TICKER/YYYYMMDD_trade.zip, split-adjusted. */
import { join } from "node:path"
import { Effect } from "effect"
import { dayOfDate } from "../../../actors/market/calendar.ts"
import type { BarQuery } from "../../../actors/market/Feed.ts"
import type { Bar } from "../../../rpc/market.ts"
import { PRICE_SCALE, type Price } from "../../../rpc/ticks.ts"
import { type Adjustment, adjustmentOf } from "./Adjust.ts"
import { namesIn } from "./Catalog.ts"
import { readZipCsv } from "./zipCsv.ts"

/** How many symbols' daily bars are kept in memory. */
const KEPT_SYMBOLS = 64

interface Known {
  readonly adjustment: Adjustment
  readonly daily: ReadonlyArray<Bar>
}

/** Dollars on the platform's scale, so that an adjusted price is one that could be written down. */
const dollars = (price: number): number => Math.round(price) / PRICE_SCALE

/** `row`: open, high, low, close ×10,000, volume. Undefined when it is no bar. */
const barOf = (time: number, row: ReadonlyArray<string>, split: number): Bar | undefined => {
  const [open = Number.NaN, high = Number.NaN, low = Number.NaN, close = Number.NaN, volume = Number.NaN] =
    row.map(Number)
  if (!(low > 0 && low <= high && open > 0 && close > 0 && volume >= 0)) return undefined
  return {
    time,
    open: dollars(open * split),
    high: dollars(high * split),
    low: dollars(low * split),
    close: dollars(close * split),
    volume: Math.round(volume / split),
    // the recording does not say
    trades: 0,
    final: true,
    revision: 0
  }
}

export interface ReplayHistory {
  /** The close of the newest recorded day before the replayed one; null when none is recorded. */
  readonly previousClose: (symbol: string) => Effect.Effect<Price | null>
  readonly page: (query: BarQuery) => Effect.Effect<ReadonlyArray<Bar>>
}

export const replayHistory = (dataDir: string, stamp: string): ReplayHistory => {
  const kept = new Map<string, Known>()

  /** A file that is absent or broken has no bars; the replay itself does not depend on it. */
  const rowsOf = (path: string): Effect.Effect<ReadonlyArray<string>> =>
    readZipCsv(path).pipe(
      Effect.map((text) => text.split("\n")),
      Effect.catch((broken) => Effect.as(Effect.logDebug("No recorded bars", { path, reason: broken.message }), []))
    )

  const readDaily = Effect.fnUntraced(function* (adjustment: Adjustment) {
    const bars: Array<Bar> = []
    for (const { ticker, from, to } of adjustment.names) {
      for (const row of yield* rowsOf(join(dataDir, "daily", `${ticker.toLowerCase()}.zip`))) {
        const day = row.slice(0, 8)
        if (day < from || day > to || day >= stamp) continue
        const time = dayOfDate(day)?.midnight
        const bar = time === undefined ? undefined : barOf(time, row.split(",").slice(1), adjustment.splitOn(day))
        if (bar !== undefined) bars.push(bar)
      }
    }
    return bars
  })

  const known = Effect.fnUntraced(function* (symbol: string) {
    const before = kept.get(symbol)
    if (before !== undefined) return before
    const adjustment = yield* adjustmentOf(dataDir, symbol, stamp)
    const entry: Known = { adjustment, daily: yield* readDaily(adjustment) }
    const oldest = kept.keys().next().value
    if (kept.size >= KEPT_SYMBOLS && oldest !== undefined) kept.delete(oldest)
    kept.set(symbol, entry)
    return entry
  })

  const dailyPage = Effect.fnUntraced(function* (query: BarQuery, from: number, end: number) {
    const { daily } = yield* known(query.symbol)
    const matching = daily.filter((bar) => bar.time >= from && bar.time < end)
    return matching.slice(Math.max(0, matching.length - query.limit))
  })

  const minutePage = Effect.fnUntraced(function* (query: BarQuery, from: number, end: number) {
    const { adjustment } = yield* known(query.symbol)
    const pages: Array<ReadonlyArray<Bar>> = []
    let count = 0
    for (const { ticker, from: first, to } of [...adjustment.names].reverse()) {
      const folder = join(dataDir, "minute", ticker.toLowerCase())
      for (const file of [...(yield* namesIn(folder))].reverse()) {
        const day = file.slice(0, 8)
        if (!file.endsWith("_trade.zip") || day < first || day > to || day >= stamp) continue
        const { midnight, nextMidnight } = dayOfDate(day) ?? { midnight: end, nextMidnight: end }
        if (midnight >= end) continue
        if (nextMidnight <= from || count >= query.limit) return pages.reverse().flat().slice(-query.limit)
        const bars: Array<Bar> = []
        for (const row of yield* rowsOf(join(folder, file))) {
          const [ms = "", ...prices] = row.split(",")
          const time = midnight + Number(ms)
          const bar = ms !== "" && time >= from && time < end ? barOf(time, prices, adjustment.splitOn(day)) : undefined
          if (bar !== undefined) bars.push(bar)
        }
        pages.push(bars)
        count += bars.length
      }
    }
    return pages.reverse().flat().slice(-query.limit)
  })

  return {
    previousClose: (symbol) =>
      Effect.map(known(symbol), ({ daily }) => {
        const last = daily[daily.length - 1]
        return last === undefined ? null : Math.round(last.close * PRICE_SCALE)
      }),
    page: (query) => {
      const from = query.from ?? Number.NEGATIVE_INFINITY
      const end = Math.min(query.to ?? Number.POSITIVE_INFINITY, query.before ?? Number.POSITIVE_INFINITY)
      if (query.limit <= 0 || query.interval === "1s") return Effect.succeed([])
      return query.interval === "1d" ? dailyPage(query, from, end) : minutePage(query, from, end)
    }
  }
}
