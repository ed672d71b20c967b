/** Computed trading days against the dates of the published daily bars: every one real, none missing. */
import { existsSync, readdirSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { dayOfDate, nextTradingDay } from "../../src/actors/market/calendar.ts"
import { readZipCsv } from "../../src/app/feeds/lean/zipCsv.ts"

const data = process.env.LZSTOCK_TEST_DATA ?? path.resolve(import.meta.dirname, "../../../shared/data")
const daily = path.join(data, "market/lean/daily")
const files = existsSync(daily) ? readdirSync(daily).filter((name) => name.endsWith(".zip")) : []
if (files.length === 0) console.warn(`oracle of the calendar skipped: no daily bars under ${daily}`)

const datesOf = (file: string) =>
  Effect.map(readZipCsv(path.join(daily, file)), (csv) =>
    csv
      .trim()
      .split(/\r?\n/)
      .map((line) => line.slice(0, 8))
  )

describe.skipIf(files.length === 0)("published daily bars", () => {
  it.effect.each(files)("%s: every date is a trading day", (file) =>
    Effect.gen(function* () {
      const closed = (yield* datesOf(file)).filter((date) => dayOfDate(date)?.trading !== true)
      assert.deepStrictEqual(closed, [])
    })
  )

  it.effect.skipIf(!files.includes("spy.zip"))("spy.zip: every computed trading day in its range is there", () =>
    Effect.gen(function* () {
      const dates = yield* datesOf("spy.zip")
      const published = new Set(dates)
      const last = dates.at(-1) ?? ""
      const missing: Array<string> = []
      let day = dayOfDate(dates[0] ?? "")
      let days = 0
      while (day !== null && day.date.replaceAll("-", "") <= last) {
        days++
        if (!published.has(day.date.replaceAll("-", ""))) missing.push(day.date)
        day = nextTradingDay(day)
      }
      assert.deepStrictEqual(missing, [])
      assert.isAbove(days, 5_000)
    })
  )
})
