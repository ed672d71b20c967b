/**
 * Minute bars rebuilt from recorded trades through the fold, against the vendor's published ones: every symbol-day of the
 * data folder that has both. What matches, and what does not, is printed.
 */
import { existsSync, readdirSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { BarChanges } from "../../src/actors/market/BarChanges.ts"
import { isGone } from "../../src/actors/market/bars.ts"
import { dayOfDate } from "../../src/actors/market/calendar.ts"
import { closeBars, foldBatch, initialTickerState } from "../../src/actors/market/tickerState.ts"
import { ParkedLines } from "../../src/app/feeds/lean/ParkedLines.ts"
import { openTickFile } from "../../src/app/feeds/lean/TickFile.ts"
import { readZipCsv } from "../../src/app/feeds/lean/zipCsv.ts"
import type { Bar } from "../../src/rpc/market.ts"
import { PRICE_SCALE, type Tick } from "../../src/rpc/ticks.ts"

const data = process.env.LZSTOCK_TEST_DATA ?? path.resolve(import.meta.dirname, "../../../shared/data")
const lean = path.join(data, "market/lean")
const names = (folder: string): ReadonlyArray<string> => (existsSync(folder) ? readdirSync(folder).sort() : [])
const recorded = names(path.join(lean, "tick")).flatMap((symbol) =>
  names(path.join(lean, "tick", symbol))
    .filter((file) => file.endsWith("_trade.zip") && existsSync(path.join(lean, "minute", symbol, file)))
    .map((file) => ({ symbol, file, date: file.slice(0, 8) }))
)
if (recorded.length === 0) console.warn(`oracle of minute bars skipped: no recorded trades under ${lean}`)

/** Trades to a batch: enough to be quick, few enough that a minute sees many. */
const BATCH = 50

const rebuild = (symbol: string, file: string, midnight: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const trades = yield* openTickFile(symbol, file, "trade", midnight, new ParkedLines())
      const state = initialTickerState(symbol)
      const changes = new BarChanges()
      let ticks: Array<Tick> = []
      const fold = () => {
        if (ticks.length > 0) foldBatch(state, { symbol, ingestTime: 0, previousClose: null, ticks }, changes)
        ticks = []
      }
      while (trades.nextTime < Number.POSITIVE_INFINITY) {
        const more = trades.take(Number.POSITIVE_INFINITY, BATCH, ticks)
        if (ticks.length >= BATCH) fold()
        if (more) yield* trades.fill
      }
      fold()
      closeBars(state, midnight + 23 * 3_600_000, changes)
      return changes
    })
  )

const parse = (csv: string): ReadonlyArray<ReadonlyArray<string>> =>
  csv
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(","))

const inside = (bar: Bar): ReadonlyArray<number> =>
  [bar.open, bar.high, bar.low, bar.close].map((dollars) => Math.round(dollars * PRICE_SCALE)).concat(bar.volume)

describe.skipIf(recorded.length === 0)("published minute bars", () => {
  for (const { symbol, file, date } of recorded) {
    it.effect(`${symbol} ${date}: ≥ 99.7 % of minutes by price, ≥ 99.4 % by volume`, () =>
      Effect.gen(function* () {
        const midnight = dayOfDate(date)?.midnight ?? Number.NaN
        const changes = yield* rebuild(symbol, path.join(lean, "tick", symbol, file), midnight)
        const rebuilt = new Map(changes.bars("1m").map((bar) => [bar.time - midnight, bar]))
        const published = parse(yield* readZipCsv(path.join(lean, "minute", symbol, file)))

        const matches = [0, 0, 0, 0, 0]
        let missing = 0
        const times = new Set<number>()
        for (const [time = "", ...values] of published) {
          times.add(Number(time))
          const bar = rebuilt.get(Number(time))
          if (bar === undefined || isGone(bar)) {
            missing++
            continue
          }
          for (const [i, value] of inside(bar).entries()) {
            if (value === Number(values[i])) matches[i] = (matches[i] ?? 0) + 1
          }
        }
        const unpublished = Array.from(rebuilt.keys()).filter((time) => !times.has(time)).length
        const [open = 0, high = 0, low = 0, close = 0, volume = 0] = matches.map((n) => (100 * n) / published.length)
        console.info(
          `${symbol} ${date}: ${published.length} minutes; open ${open.toFixed(2)} high ${high.toFixed(2)} low ${low.toFixed(2)}` +
            ` close ${close.toFixed(2)} volume ${volume.toFixed(2)} %; ${missing} not rebuilt, ${unpublished} not published`
        )
        for (const price of [open, high, low, close]) assert.isAtLeast(price, 99.7)
        assert.isAtLeast(volume, 99.4)
        assert.isAtMost(missing + unpublished, published.length * 0.003)

        // open and close of the day are the auctions', as in the published daily bars
        const daily = path.join(lean, "daily", `${symbol}.zip`)
        if (!existsSync(daily)) return
        const row = parse(yield* readZipCsv(daily)).find(([day = ""]) => day.startsWith(date))
        const day = changes.bars("1d").at(-1)
        if (row === undefined || day === undefined) return
        const [dayOpen, , , dayClose] = inside(day)
        assert.deepStrictEqual([dayOpen, dayClose], [Number(row[1]), Number(row[4])])
      })
    )
  }
})
