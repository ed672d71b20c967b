/**
 * The NYSE calendar in New York time, by arithmetic: no Intl, no host time zone. Every instant is ms since the epoch.
 * Days are computed once and kept (a few hundred bytes a day), so look-ups on the quote path cost a comparison.
 * Rules hold from 1971 (Uniform Monday Holiday Act) on; closures nobody could foresee are listed by date in holidays.ts.
 */
import type { MarketStatus, SessionPhase } from "../../rpc/market.ts"
import { civilOf, dayNumber, nthWeekday, weekdayOf } from "./civil.ts"
import { closesEarly, holidayName } from "./holidays.ts"

const HOUR = 3_600_000
const DAY = 24 * HOUR
const MINUTE = 60_000

/** One New York calendar day. On a day without trading the four session instants are all `midnight`. */
export interface CalendarDay {
  /** YYYY-MM-DD */
  readonly date: string
  /** Days since 1970-01-01 of the civil date. */
  readonly number: number
  /** 00:00 New York. */
  readonly midnight: number
  /** 00:00 New York of the next civil day: 23 or 25 hours later when the clocks change. */
  readonly nextMidnight: number
  readonly trading: boolean
  /** Why it is closed on a weekday, or null. */
  readonly holiday: string | null
  readonly earlyClose: boolean
  /** 04:00 */
  readonly preOpen: number
  /** 09:30 */
  readonly open: number
  /** 16:00, or 13:00 on early closes. */
  readonly close: number
  /** 20:00, or 17:00 on early closes. */
  readonly postClose: number
}

/** The Sundays on which New York's clocks go forward and back, by year. */
const summerOf = (year: number): { readonly start: number; readonly end: number } => {
  if (year >= 2007) return { start: nthWeekday(year, 3, 0, 2), end: nthWeekday(year, 11, 0, 1) }
  const end = nthWeekday(year, 10, 0, -1)
  if (year >= 1987) return { start: nthWeekday(year, 4, 0, 1), end }
  // the oil crisis: all-year summer time, nearly
  if (year === 1974) return { start: dayNumber(1974, 1, 6), end }
  if (year === 1975) return { start: dayNumber(1975, 2, 23), end }
  return { start: nthWeekday(year, 4, 0, -1), end }
}

/** New York midnight of a day number. Clocks change at 02:00, so the midnight before a change still has the old offset. */
export const midnightOfNumber = (day: number): number => {
  const { start, end } = summerOf(civilOf(day).year)
  return day * DAY + (day > start && day <= end ? 4 : 5) * HOUR
}

const two = (n: number): string => (n < 10 ? `0${n}` : String(n))

const compute = (day: number): CalendarDay => {
  const { year, month, date } = civilOf(day)
  const midnight = midnightOfNumber(day)
  const weekday = weekdayOf(day)
  const weekend = weekday === 0 || weekday === 6
  const holiday = weekend ? null : holidayName(day)
  const trading = !weekend && holiday === null
  const earlyClose = trading && closesEarly(day)
  // clocks never change on a trading day, so sessions are plain offsets from midnight
  return {
    date: `${year}-${two(month)}-${two(date)}`,
    number: day,
    midnight,
    nextMidnight: midnightOfNumber(day + 1),
    trading,
    holiday,
    earlyClose,
    preOpen: trading ? midnight + 4 * HOUR : midnight,
    open: trading ? midnight + 9 * HOUR + 30 * MINUTE : midnight,
    close: trading ? midnight + (earlyClose ? 13 : 16) * HOUR : midnight,
    postClose: trading ? midnight + (earlyClose ? 17 : 20) * HOUR : midnight
  }
}

/** Kept days: bounded, because a client may ask for any date. */
const MAX_DAYS = 20_000
const days = new Map<number, CalendarDay>()

const dayOfNumber = (number: number): CalendarDay => {
  let day = days.get(number)
  if (day === undefined) {
    if (days.size >= MAX_DAYS) days.clear()
    day = compute(number)
    days.set(number, day)
  }
  return day
}

let latest = compute(0)

/** The New York calendar day an instant falls in. */
export const dayAt = (ms: number): CalendarDay => {
  if (ms >= latest.midnight && ms < latest.nextMidnight) return latest
  const guess = dayOfNumber(Math.floor((ms - 5 * HOUR) / DAY))
  latest = ms >= guess.nextMidnight ? dayOfNumber(guess.number + 1) : guess
  return latest
}

const dateText = /^(\d{4})-?(\d{2})-?(\d{2})$/

/** The day of a civil date written YYYY-MM-DD or YYYYMMDD; null when that is no date. */
export const dayOfDate = (text: string): CalendarDay | null => {
  const parts = dateText.exec(text)
  if (parts === null) return null
  const [year, month, date] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  const number = dayNumber(year, month, date)
  const back = civilOf(number)
  return back.year === year && back.month === month && back.date === date ? dayOfNumber(number) : null
}

/** New York midnight of the day an instant falls in. */
export const newYorkMidnight = (ms: number): number => dayAt(ms).midnight

/** Session phase at an instant. */
export const phaseAt = (ms: number): SessionPhase => {
  const day = dayAt(ms)
  if (ms < day.preOpen || ms >= day.postClose) return "closed"
  if (ms < day.open) return "pre"
  return ms < day.close ? "regular" : "post"
}

/** The first trading day after this one. */
export const nextTradingDay = (day: CalendarDay): CalendarDay => {
  let next = dayOfNumber(day.number + 1)
  while (!next.trading) next = dayOfNumber(next.number + 1)
  return next
}

/** The last trading day before this one. */
export const previousTradingDay = (day: CalendarDay): CalendarDay => {
  let previous = dayOfNumber(day.number - 1)
  while (!previous.trading) previous = dayOfNumber(previous.number - 1)
  return previous
}

/**
 * The trading day whose statistics are current at an instant: the newest one that has begun (at its New York midnight).
 * On a Saturday that is Friday.
 */
export const tradingDayAt = (ms: number): CalendarDay => {
  const day = dayAt(ms)
  return day.trading ? day : previousTradingDay(day)
}

/** When the phase next changes, and to what. */
export const nextPhaseChange = (ms: number): { readonly at: number; readonly phase: SessionPhase } => {
  const day = dayAt(ms)
  if (ms < day.preOpen) return { at: day.preOpen, phase: "pre" }
  if (ms < day.open) return { at: day.open, phase: "regular" }
  if (ms < day.close) return { at: day.close, phase: "post" }
  if (ms < day.postClose) return { at: day.postClose, phase: "closed" }
  return { at: nextTradingDay(day).preOpen, phase: "pre" }
}

/** What `market.Status` says of the session at an instant. `date` is the New York calendar date. */
export const sessionAt = (ms: number): MarketStatus["session"] => {
  const day = dayAt(ms)
  const next = nextPhaseChange(ms)
  return {
    phase: phaseAt(ms),
    date: day.date,
    earlyClose: day.earlyClose,
    holiday: day.holiday,
    nextChange: next.at,
    nextPhase: next.phase
  }
}
