/** Trading days counted from the day the bundled prices are of. */
import {
  type CalendarDay,
  dayOfDate,
  nextTradingDay,
  previousTradingDay,
  tradingDayAt
} from "../../../actors/market/calendar.ts"
import { ANCHOR_DATE } from "./DailyPath.ts"

export interface TradingDay extends CalendarDay {
  /** Trading days since the anchor day, which is 0. */
  readonly index: number
}

const anchored = (): TradingDay => {
  const day = dayOfDate(ANCHOR_DATE)
  if (day === null || !day.trading) throw new Error(`${ANCHOR_DATE} is no trading day`)
  return { ...day, index: 0 }
}

const after: Array<TradingDay> = [anchored()]
const before: Array<TradingDay> = [anchored()]

/** The trading day of that index. */
export const tradingDay = (index: number): TradingDay => {
  const known = index < 0 ? before : after
  const wanted = Math.abs(index)
  let last = known[known.length - 1] ?? anchored()
  while (known.length <= wanted) {
    const step = index < 0 ? -1 : 1
    last = { ...(step < 0 ? previousTradingDay(last) : nextTradingDay(last)), index: last.index + step }
    known.push(last)
  }
  return known[wanted] ?? last
}

/** The trading day current at an instant: the newest that has begun. */
export const tradingDayOf = (ms: number): TradingDay => {
  const target = tradingDayAt(ms).number
  // about 252 trading days a year: a guess that is never more than a few days off, then walk
  let day = tradingDay(Math.round(((target - tradingDay(0).number) * 252) / 365.25))
  while (day.number > target) day = tradingDay(day.index - 1)
  while (day.number < target) day = tradingDay(day.index + 1)
  return day
}
