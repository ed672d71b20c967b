/** Dates and times as typed, always New York's. */
import { Effect } from "effect"
import { type CalendarDay, dayOfDate } from "../../actors/market/calendar.ts"
import { type Failure, usage } from "./failure.ts"
import { instantOfWallClock } from "./format.ts"

/** YYYY-MM-DD or YYYYMMDD. */
export const parseDay = (flag: string, text: string): Effect.Effect<CalendarDay, Failure> => {
  const day = dayOfDate(text)
  return day === null ? Effect.fail(usage(`${flag}: "${text}" is not a date (YYYY-MM-DD)`)) : Effect.succeed(day)
}

const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/
const dateAndClock = /^(\d{4}-?\d{2}-?\d{2})(?:[T ](\d{1,2}:\d{2}(?::\d{2})?))?$/

const millisOfClock = (text: string): number | null => {
  const parts = clock.exec(text)
  if (parts === null) return null
  const [hours, minutes, seconds] = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)]
  return hours > 24 || minutes > 59 || seconds > 59 ? null : ((hours * 60 + minutes) * 60 + seconds) * 1000
}

/**
 * An instant: "09:30" on `day`, "2013-10-07" (its midnight), "2013-10-07T09:30", "2013-10-07T09:30:00Z" (any zone written
 * out), or ms since the epoch (ten digits or more).
 */
export const parseInstant = (
  flag: string,
  text: string,
  day: CalendarDay | undefined
): Effect.Effect<number, Failure> => {
  const wrong = (what: string) => Effect.fail(usage(`${flag}: "${text}" ${what}`))
  const ofDay = millisOfClock(text)
  if (ofDay !== null)
    return day === undefined
      ? wrong("is a time of day and needs --date")
      : Effect.succeed(instantOfWallClock(day, ofDay))
  if (/^-?\d{10,}$/.test(text)) return Effect.succeed(Number(text))
  const parts = dateAndClock.exec(text)
  const date = parts?.[1] === undefined ? null : dayOfDate(parts[1])
  const time = parts?.[2] === undefined ? 0 : millisOfClock(parts[2])
  if (date !== null && time !== null) return Effect.succeed(instantOfWallClock(date, time))
  if (/(Z|[+-]\d{2}:?\d{2})$/.test(text)) {
    const instant = Date.parse(text)
    if (!Number.isNaN(instant)) return Effect.succeed(instant)
  }
  return wrong("is not a time (HH:MM, YYYY-MM-DD, YYYY-MM-DDTHH:MM)")
}
