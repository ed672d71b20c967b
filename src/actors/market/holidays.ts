/**
 * NYSE holidays and early closes for any year from 1971 on. Rules where there are rules, dates where there was an event.
 */
import { civilOf, dayNumber, nthWeekday, weekdayOf } from "./civil.ts"

const SUNDAY = 0
const MONDAY = 1
const TUESDAY = 2
const THURSDAY = 4
const FRIDAY = 5
const SATURDAY = 6

/** Whole days the exchange closed for an event. */
const closures = new Map<string, string>([
  ["1972-12-28", "Mourning for President Truman"],
  ["1973-01-25", "Mourning for President Johnson"],
  ["1977-07-14", "New York blackout"],
  ["1985-09-27", "Hurricane Gloria"],
  ["1994-04-27", "Mourning for President Nixon"],
  ["2001-09-11", "Attacks of September 11"],
  ["2001-09-12", "Attacks of September 11"],
  ["2001-09-13", "Attacks of September 11"],
  ["2001-09-14", "Attacks of September 11"],
  ["2004-06-11", "Mourning for President Reagan"],
  ["2007-01-02", "Mourning for President Ford"],
  ["2012-10-29", "Hurricane Sandy"],
  ["2012-10-30", "Hurricane Sandy"],
  ["2018-12-05", "Mourning for President G. H. W. Bush"],
  ["2025-01-09", "Mourning for President Carter"]
])

/** 13:00 closes that no rule gives. */
const earlyCloses = new Set(["1997-12-26", "1999-12-31", "2003-12-26"])

const dateOf = (day: number): string => {
  const { year, month, date } = civilOf(day)
  return `${year}-${String(month).padStart(2, "0")}-${String(date).padStart(2, "0")}`
}

/** Easter Sunday by the anonymous Gregorian computus. */
export const easter = (year: number): number => {
  const a = year % 19
  const b = Math.floor(year / 100)
  const c = year % 100
  const d = Math.floor(b / 4)
  const e = b % 4
  const g = Math.floor((8 * b + 13) / 25)
  const h = (19 * a + b - d - g + 15) % 30
  const i = Math.floor(c / 4)
  const k = c % 4
  const l = (32 + 2 * e + 2 * i - h - k) % 7
  const m = Math.floor((a + 11 * h + 19 * l) / 433)
  const month = Math.floor((h + l - 7 * m + 90) / 25)
  const date = (h + l - 7 * m + 33 * month + 19) % 32
  return dayNumber(year, month, date)
}

/** A holiday on Saturday is kept on Friday, one on Sunday on Monday. */
const observed = (day: number): number => {
  const weekday = weekdayOf(day)
  return weekday === SATURDAY ? day - 1 : weekday === SUNDAY ? day + 1 : day
}

const holidaysOfYear = (year: number): Map<number, string> => {
  const found = new Map<number, string>()
  const newYear = dayNumber(year, 1, 1)
  // on a Saturday it is not kept: the Friday is the old year's last day of accounting
  if (weekdayOf(newYear) !== SATURDAY) found.set(observed(newYear), "New Year's Day")
  if (year >= 1998) found.set(nthWeekday(year, 1, MONDAY, 3), "Martin Luther King, Jr. Day")
  found.set(nthWeekday(year, 2, MONDAY, 3), "Washington's Birthday")
  found.set(easter(year) - 2, "Good Friday")
  found.set(nthWeekday(year, 5, MONDAY, -1), "Memorial Day")
  if (year >= 2022) found.set(observed(dayNumber(year, 6, 19)), "Juneteenth National Independence Day")
  found.set(observed(dayNumber(year, 7, 4)), "Independence Day")
  found.set(nthWeekday(year, 9, MONDAY, 1), "Labor Day")
  // the exchange kept presidential election days until 1980
  if (year <= 1980 && year % 4 === 0) found.set(nthWeekday(year, 11, MONDAY, 1) + 1, "Election Day")
  found.set(nthWeekday(year, 11, THURSDAY, 4), "Thanksgiving Day")
  found.set(observed(dayNumber(year, 12, 25)), "Christmas Day")
  return found
}

const years = new Map<number, Map<number, string>>()

/** The name of the holiday or closure on this weekday, else null. */
export const holidayName = (day: number): string | null => {
  const { year } = civilOf(day)
  let holidays = years.get(year)
  if (holidays === undefined) {
    if (years.size >= 400) years.clear()
    holidays = holidaysOfYear(year)
    years.set(year, holidays)
  }
  return holidays.get(day) ?? closures.get(dateOf(day)) ?? null
}

/**
 * Whether this trading day closes at 13:00: the day after Thanksgiving, Christmas Eve, and the eve of Independence Day.
 * When the Fourth fell on a Thursday the short day was Friday the fifth until 2012, Wednesday the third since.
 */
export const closesEarly = (day: number): boolean => {
  const { year, month, date } = civilOf(day)
  const weekday = weekdayOf(day)
  if (month === 11) return year >= 1993 && weekday === FRIDAY && day === nthWeekday(year, 11, THURSDAY, 4) + 1
  if (month === 7 && year >= 1995) {
    if (date === 3)
      return weekday === MONDAY || weekday === TUESDAY || weekday === THURSDAY || (weekday === 3 && year >= 2013)
    return date === 5 && weekday === FRIDAY && year <= 2012
  }
  if (month !== 12) return false
  if (date === 24) return year >= 1993 && weekday >= MONDAY && weekday <= THURSDAY
  return earlyCloses.has(dateOf(day))
}
