/** Times as people read them. The market's clock is New York's, whatever zone the browser is in. Pure. */
import type { SessionPhase } from "../../../src/rpc/market.ts"

export const NEW_YORK = "America/New_York"

const parts = new Intl.DateTimeFormat("en-US", {
  timeZone: NEW_YORK,
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit"
})

/** New York's offset from UTC changes only on whole hours of UTC: one answer an hour is enough. */
const offsets = new Map<number, number>()
const HOUR = 3_600_000

/** Milliseconds to add to UTC to get New York wall time (−4 h or −5 h). */
export const newYorkOffset = (time: number): number => {
  const hour = Math.floor(time / HOUR)
  const known = offsets.get(hour)
  if (known !== undefined) return known
  const field: Record<string, number> = {}
  for (const part of parts.formatToParts(hour * HOUR)) field[part.type] = Number(part.value)
  const wall = Date.UTC(
    field.year ?? 1970,
    (field.month ?? 1) - 1,
    field.day ?? 1,
    field.hour ?? 0,
    field.minute ?? 0,
    field.second ?? 0
  )
  const offset = wall - hour * HOUR
  if (offsets.size > 50_000) offsets.clear()
  offsets.set(hour, offset)
  return offset
}

/** The New York wall clock's reading as if it were UTC: what charts and `getUTC…` want. */
export const newYorkWall = (time: number): number => time + newYorkOffset(time)

/** The inverse: the instant at which New York's wall clock shows `wall`. */
export const fromNewYorkWall = (wall: number): number => {
  const guess = wall - newYorkOffset(wall + 5 * HOUR)
  return wall - newYorkOffset(guess)
}

/** "2013-10-07", the New York date. */
export const newYorkDate = (time: number): string => new Date(newYorkWall(time)).toISOString().slice(0, 10)
/** "09:30:05". */
export const newYorkClock = (time: number): string => new Date(newYorkWall(time)).toISOString().slice(11, 19)
/** "09:30:05.123". */
export const newYorkClockMillis = (time: number): string => new Date(newYorkWall(time)).toISOString().slice(11, 23)
/** "09:30". */
export const newYorkMinute = (time: number): string => new Date(newYorkWall(time)).toISOString().slice(11, 16)

/** The instant of New York midnight that starts the day `time` is in. */
export const newYorkMidnight = (time: number): number => {
  const wall = newYorkWall(time)
  return fromNewYorkWall(wall - (((wall % 86_400_000) + 86_400_000) % 86_400_000))
}

const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** "Mon 7 Oct". */
export const newYorkDay = (time: number): string => {
  const date = new Date(newYorkWall(time))
  return `${dayNames[date.getUTCDay()]} ${date.getUTCDate()} ${monthNames[date.getUTCMonth()]}`
}
/** "7 Oct 2013". */
export const newYorkLongDate = (time: number): string => {
  const date = new Date(newYorkWall(time))
  return `${date.getUTCDate()} ${monthNames[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}

/** How old a quote is, in at most four characters: "now", "12s", "4m", "3h", "9d". Negative (clock skew) is now. */
export const formatAge = (millis: number): string => {
  if (millis < 1_000) return "now"
  const seconds = Math.floor(millis / 1_000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours}h`
  return `${Math.floor(hours / 24)}d`
}

/** Time left, coarse when far, exact when near: "2d 4h", "3h 12m", "12m 05s", "8s". */
export const formatCountdown = (millis: number): string => {
  const seconds = Math.max(0, Math.ceil(millis / 1_000))
  const two = (n: number) => String(n).padStart(2, "0")
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ${two(Math.floor((seconds % 3_600) / 60))}m`
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3_600)}h`
}

/** A latency: "0.4 s" is vague, so milliseconds up to ten seconds. */
export const formatLatency = (millis: number): string =>
  Math.abs(millis) < 10_000 ? `${Math.round(millis)} ms` : `${formatAge(Math.abs(millis))}`

export const phaseName: Record<SessionPhase, string> = {
  pre: "Pre-market",
  regular: "Market open",
  post: "After hours",
  closed: "Market closed"
}
