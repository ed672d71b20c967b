/** Moments of the reader's own life, in the reader's own zone: when one signed in, when a token ends. The market's time is in time.ts. Pure. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" })

/** "just now", "5 minutes ago", "yesterday", "in 27 days"; what is more than two months away is a date. */
export const formatMoment = (at: number, now: number): string => {
  const away = at - now
  const size = Math.abs(away)
  if (size < MINUTE) return away > MINUTE / 2 ? "in a minute" : "just now"
  // what a token made a moment ago has left of its 30 days are 30 days
  const whole = away > 0 ? Math.round : Math.trunc
  if (size < HOUR) return relative.format(whole(away / MINUTE), "minute")
  if (size < DAY) return relative.format(whole(away / HOUR), "hour")
  if (size < 61 * DAY) return relative.format(whole(away / DAY), "day")
  return `${away > 0 ? "on" : ""} ${formatDate(at)}`.trim()
}

/** "3 Nov 2026". */
export const formatDate = (at: number, timeZone?: string): string =>
  new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone }).format(at)

/** "Tue, 3 Nov 2026, 14:02:11 GMT+5:30". */
export const formatExact = (at: number, timeZone?: string): string =>
  new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    timeZone
  }).format(at)
