import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { dayOfDate } from "../../actors/market/calendar.ts"
import type { Bar } from "../../rpc/market.ts"
import { csvHeader, csvLine } from "./csv.ts"
import { age, change, columns, count, duration, instantOfWallClock, newYorkDateTime, price } from "./format.ts"

/** A price as the platform has it: exact to 1/10,000 dollar. */
const dollars = fc.integer({ min: 1, max: 10_000_000_000 }).map((ticks) => ticks / 10_000)

const midnight = dayOfDate("2013-10-07")?.midnight ?? Number.NaN

describe("prices", () => {
  it("have two decimals, or as many as they need", () => {
    assert.deepStrictEqual([167.4, 167.41, 12.345, 0.0001, 1].map(price), [
      "167.40",
      "167.41",
      "12.345",
      "0.0001",
      "1.00"
    ])
  })

  it("read back as the number they were", () => {
    fc.assert(
      fc.property(dollars, (value) => {
        assert.strictEqual(Number(price(value)), value)
        assert.match(price(value), /^\d+\.\d{2,4}$/)
      })
    )
  })
})

describe("change", () => {
  it("has an arrow, a sign and a percentage", () => {
    assert.deepStrictEqual(change(167.41, 166.18), { direction: "up", amount: "▲ +1.23", percent: "+0.74%" })
    assert.deepStrictEqual(change(166.18, 167.41), { direction: "down", amount: "▼ -1.23", percent: "-0.73%" })
    assert.deepStrictEqual(change(5, 5), { direction: "flat", amount: "= 0.00", percent: "0.00%" })
  })

  it("is unknown without both prices", () => {
    assert.isNull(change(null, 5))
    assert.isNull(change(5, null))
  })

  it("arrow, sign and amount always agree", () => {
    fc.assert(
      fc.property(dollars, dollars, (last, previous) => {
        const told = change(last, previous)
        const difference = Math.round((last - previous) * 10_000)
        assert.strictEqual(told?.direction, difference > 0 ? "up" : difference < 0 ? "down" : "flat")
        assert.strictEqual(Math.round(Number(told?.amount.slice(2)) * 10_000), difference)
        assert.notMatch(told?.percent ?? "", /[+-][+-]/)
      })
    )
  })
})

describe("counts, ages, durations", () => {
  it("group thousands without changing the number", () => {
    fc.assert(
      fc.property(fc.nat(), (n) => {
        assert.strictEqual(Number(count(n).replaceAll(",", "")), n)
        assert.match(count(n), /^\d{1,3}(,\d{3})*$/)
      })
    )
  })

  it("read as people say them", () => {
    assert.deepStrictEqual([0, 59_999, 60_000, 7_200_000, 200_000_000].map(age), ["0s", "59s", "1m", "2h", "2d"])
    assert.deepStrictEqual([850, 4_200, 59_949, 59_950, 185_000, 3_720_000].map(duration), [
      "850 ms",
      "4.2 s",
      "59.9 s",
      "1 min 0 s",
      "3 min 5 s",
      "1 h 2 min"
    ])
  })

  it("times are New York's", () => {
    assert.strictEqual(newYorkDateTime(midnight + 34_200_000), "2013-10-07 09:30:00")
  })

  it("times are those on New York's clocks on the days they change too, and read back", () => {
    const clock = new Intl.DateTimeFormat("sv-SE", {
      timeZone: "America/New_York",
      dateStyle: "short",
      timeStyle: "medium"
    })
    for (const date of ["2024-03-10", "2024-11-03", "2024-11-04"]) {
      const day = dayOfDate(date)
      if (day === null) return assert.fail(date)
      for (let at = day.midnight; at < day.nextMidnight; at += 900_000) {
        const told = newYorkDateTime(at)
        assert.strictEqual(told, clock.format(at))
        const [hours = 0, minutes = 0] = told.slice(11).split(":").map(Number)
        const back = instantOfWallClock(day, (hours * 60 + minutes) * 60_000)
        assert.strictEqual(newYorkDateTime(back), told)
        // an hour that the clock shows twice is its first
        assert.include([at, at - 3_600_000], back)
      }
      assert.strictEqual(instantOfWallClock(day, 86_400_000), day.nextMidnight)
    }
  })
})

describe("columns", () => {
  it("line up: numbers right, words left", () => {
    const rows = [
      ["SYMBOL", "LAST"],
      ["A", "1.00"],
      ["BRK.B", "123.45"]
    ]
    assert.deepStrictEqual(columns(rows, [false, true]), ["SYMBOL    LAST", "A         1.00", "BRK.B   123.45"])
  })
})

describe("bars as CSV", () => {
  const bar = (time: number, open: number): Bar => ({
    time,
    open,
    high: open,
    low: open,
    close: open,
    volume: 3_197,
    trades: 9,
    final: true,
    revision: 0
  })

  it("ms since New York midnight and plain dollars, as the recorded files have it", () => {
    assert.strictEqual(csvLine(bar(midnight + 14_400_000, 167.41)), "14400000,167.41,167.41,167.41,167.41,3197\n")
    assert.strictEqual(csvLine(bar(midnight, 0.0001), "iso"), "2013-10-07,0.0001,0.0001,0.0001,0.0001,3197\n")
    assert.strictEqual(csvLine(bar(midnight + 1_000, 1), "iso"), "2013-10-07 00:00:01,1,1,1,1,3197\n")
    assert.strictEqual(csvLine(bar(midnight, 1), "epoch"), `${midnight},1,1,1,1,3197\n`)
    assert.strictEqual(csvHeader("ms"), "ms,open,high,low,close,volume\n")
  })

  it("every price comes back exact, and never as 1e-7", () => {
    fc.assert(
      fc.property(dollars, (value) => {
        const fields = csvLine(bar(midnight, value)).trim().split(",")
        assert.strictEqual(Number(fields[1]), value)
        assert.notInclude(fields[1], "e")
      })
    )
  })
})
