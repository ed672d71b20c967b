import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import {
  type CalendarDay,
  dayAt,
  dayOfDate,
  newYorkMidnight,
  nextPhaseChange,
  nextTradingDay,
  phaseAt,
  previousTradingDay,
  sessionAt,
  tradingDayAt
} from "./calendar.ts"

const HOUR = 3_600_000
const MINUTE = 60_000

const day = (date: string): CalendarDay => {
  const found = dayOfDate(date)
  if (found === null) throw new Error(`no such date: ${date}`)
  return found
}
const dates = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

const newYork = new Intl.DateTimeFormat("en-CA", {
  timeZone: "America/New_York",
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit"
})

describe("New York days", () => {
  it("begin at midnight by the zone database, on every day of 1971 to 2100", () => {
    for (let ms = day("1971-01-01").midnight; ms < Date.UTC(2100, 11, 31); ms = dayAt(ms).nextMidnight) {
      const { date, midnight } = dayAt(ms)
      assert.strictEqual(midnight, ms)
      if (newYork.format(ms) !== `${date}, 00:00:00`) assert.fail(`${date}: ${newYork.format(ms)}`)
    }
  })

  it("hold every instant, whatever was asked before", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: Date.UTC(1971, 0, 2), max: Date.UTC(2100, 0, 1) })), (instants) => {
        for (const ms of instants) {
          assert.strictEqual(dayAt(ms).date, newYork.format(ms).slice(0, 10))
          assert.isTrue(newYorkMidnight(ms) <= ms && ms < dayAt(ms).nextMidnight)
        }
      })
    )
  })

  it("have 23 and 25 hours when the clocks change", () => {
    const hours = (date: string) => (day(date).nextMidnight - day(date).midnight) / HOUR
    assert.deepStrictEqual(
      ["2024-03-10", "2024-11-03", "2024-03-11", "2006-04-02", "2006-10-29"].map(hours),
      [23, 25, 24, 23, 25]
    )
  })

  it("are read from text, and only from dates", () => {
    assert.strictEqual(dayOfDate("20131007")?.date, "2013-10-07")
    for (const text of ["2013-02-29", "2013-13-01", "13-10-07", "", "2013-10-07T00:00"]) {
      assert.isNull(dayOfDate(text), text)
    }
  })
})

describe("NYSE holidays", () => {
  it("are the published ones", () => {
    const published = new Map([
      [2020, "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25"],
      // no Juneteenth yet
      [2021, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24"],
      // New Year's Day 2022 was a Saturday: not kept
      [2022, "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26"],
      [2023, "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25"],
      [2024, "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25"],
      [2025, "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25"],
      [2026, "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25"],
      [2027, "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24"],
      [2001, "01-01 01-15 02-19 04-13 05-28 07-04 09-03 09-11 09-12 09-13 09-14 11-22 12-25"],
      [2012, "01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25"]
    ])
    for (const [year, list] of published) {
      const closed: Array<string> = []
      for (let at = day(`${year}-01-01`); at.date <= `${year}-12-31`; at = dayAt(at.nextMidnight)) {
        if (at.holiday !== null) closed.push(at.date.slice(5))
      }
      assert.deepStrictEqual(closed, dates(list), String(year))
    }
  })

  it("have names, and closures their reason", () => {
    assert.strictEqual(day("2013-11-28").holiday, "Thanksgiving Day")
    assert.strictEqual(day("2022-06-20").holiday, "Juneteenth National Independence Day")
    for (const date of dates("2004-06-11 2007-01-02 2018-12-05 2025-01-09")) assert.isNotNull(day(date).holiday, date)
    assert.isNull(day("2013-10-05").holiday)
    assert.isFalse(day("2013-10-05").trading)
  })

  it("have short days around them, closing at 13:00 and 17:00", () => {
    const short =
      dates(`2000-07-03 2001-07-03 2002-07-05 2003-07-03 2006-07-03 2007-07-03 2008-07-03 2012-07-03 2013-07-03
      2014-07-03 2017-07-03 2018-07-03 2019-07-03 2000-11-24 2001-11-23 2002-11-29 2003-11-28 2004-11-26 2005-11-25
      2006-11-24 2007-11-23 2008-11-28 2009-11-27 2010-11-26 2011-11-25 2012-11-23 2013-11-29 2014-11-28 2015-11-27
      2016-11-25 2017-11-24 2018-11-23 2019-11-29 2020-11-27 2001-12-24 2002-12-24 2003-12-24 2003-12-26 2007-12-24
      2008-12-24 2009-12-24 2012-12-24 2013-12-24 2014-12-24 2015-12-24 2018-12-24 2019-12-24 2020-12-24`)
    const found: Array<string> = []
    for (let at = day("2000-01-03"); at.date <= "2020-12-31"; at = nextTradingDay(at)) {
      if (at.earlyClose) found.push(at.date)
    }
    assert.deepStrictEqual(found, short.toSorted())
    const { midnight, close, postClose } = day("2024-11-29")
    assert.deepStrictEqual([(close - midnight) / HOUR, (postClose - midnight) / HOUR], [13, 17])
    assert.isTrue(day("2024-07-03").earlyClose && day("2025-07-03").earlyClose && day("2024-12-24").earlyClose)
    assert.isFalse(day("2026-07-02").earlyClose || day("2022-12-23").earlyClose || day("2023-07-05").earlyClose)
  })
})

describe("sessions", () => {
  const { midnight } = day("2013-10-07")
  const at = (hours: number, minutes = 0): number => midnight + hours * HOUR + minutes * MINUTE

  it("have exact ends", () => {
    const ends = [at(4), at(9, 30), at(16), at(20)]
    assert.deepStrictEqual(
      ends.map((end) => [phaseAt(end - 1), phaseAt(end)]),
      [
        ["closed", "pre"],
        ["pre", "regular"],
        ["regular", "post"],
        ["post", "closed"]
      ]
    )
    assert.strictEqual(phaseAt(day("2013-10-06").midnight + 12 * HOUR), "closed")
    assert.strictEqual(phaseAt(day("2013-11-29").midnight + 13 * HOUR), "post")
    assert.strictEqual(phaseAt(day("2013-11-29").midnight + 17 * HOUR), "closed")
  })

  it("say when they change next: exactly then, and not before", () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1998, 0, 1), max: Date.UTC(2040, 0, 1) }), (ms) => {
        const next = nextPhaseChange(ms)
        assert.isTrue(next.at > ms)
        assert.strictEqual(phaseAt(next.at), next.phase)
        assert.strictEqual(phaseAt(next.at - 1), phaseAt(ms))
        assert.notStrictEqual(next.phase, phaseAt(ms))
      })
    )
  })

  it("belong to the trading day that has begun", () => {
    assert.strictEqual(tradingDayAt(at(0)).date, "2013-10-07")
    assert.strictEqual(tradingDayAt(at(0) - 1).date, "2013-10-04")
    assert.strictEqual(tradingDayAt(day("2001-09-16").midnight).date, "2001-09-10")
    assert.strictEqual(nextTradingDay(day("2001-09-10")).date, "2001-09-17")
    assert.strictEqual(previousTradingDay(day("2012-10-31")).date, "2012-10-26")
  })

  it("are told as status", () => {
    assert.deepStrictEqual(sessionAt(day("2013-11-28").midnight + 11 * HOUR), {
      phase: "closed",
      date: "2013-11-28",
      earlyClose: false,
      holiday: "Thanksgiving Day",
      nextChange: day("2013-11-29").midnight + 4 * HOUR,
      nextPhase: "pre"
    })
  })
})

it("is the same whatever the host's zone", () => {
  const script = `
    const { phaseAt, dayAt, tradingDayAt } = await import(${JSON.stringify(new URL("./calendar.ts", import.meta.url).href)})
    const told = []
    for (let ms = Date.UTC(2023, 0, 1); ms < Date.UTC(2025, 1, 1); ms += 5_417_000) {
      told.push(dayAt(ms).midnight, dayAt(ms).date, phaseAt(ms), tradingDayAt(ms).date)
    }
    process.stdout.write(JSON.stringify(told))`
  const answers = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns"].map((zone) =>
    execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
      env: { ...process.env, TZ: zone },
      encoding: "utf8"
    })
  )
  assert.isAbove(answers[0]?.length ?? 0, 10_000)
  assert.strictEqual(new Set(answers).size, 1)
})
