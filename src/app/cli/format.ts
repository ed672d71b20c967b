/** How values read on a terminal. Pure. Prices in dollars, times in ms since the epoch. */

import { type CalendarDay, dayAt } from "../../actors/market/calendar.ts"
import type { SessionPhase } from "../../rpc/market.ts"

/** 167.4 → "167.40", 0.1234 → "0.1234": two decimals, or as many as the price has (at most four). */
export const price = (dollars: number): string => {
  const text = dollars.toFixed(4)
  return text.endsWith("00") ? text.slice(0, -2) : text.endsWith("0") ? text.slice(0, -1) : text
}

/** "n/a" where the market has not said yet: never a silent 0. */
export const priceOr = (dollars: number | null): string => (dollars === null ? "–" : price(dollars))

export interface Change {
  readonly direction: "up" | "down" | "flat"
  /** Arrow and sign: "▲ +1.23", "▼ −0.40", "  0.00". */
  readonly amount: string
  /** "+0.74%". */
  readonly percent: string
}

/** Against the previous close; null while either is unknown. */
export const change = (last: number | null, previousClose: number | null): Change | null => {
  if (last === null || previousClose === null || previousClose === 0) return null
  // both are exact to 1/10,000: so is their difference
  const difference = Math.round((last - previousClose) * 10_000) / 10_000
  const percent = ((difference / previousClose) * 100).toFixed(2)
  if (difference === 0) return { direction: "flat", amount: "= 0.00", percent: "0.00%" }
  const sign = difference > 0 ? "+" : "-"
  return {
    direction: difference > 0 ? "up" : "down",
    amount: `${difference > 0 ? "▲" : "▼"} ${sign}${price(Math.abs(difference))}`,
    percent: `${sign}${percent.replace("-", "")}%`
  }
}

/** 1234567 → "1,234,567". */
export const count = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",")

/** How long ago: "0s", "59s", "3m", "2h", "4d". */
export const age = (millis: number): string => {
  const seconds = Math.max(0, Math.floor(millis / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** A duration for people: "850 ms", "4.2 s", "3 min 5 s". */
export const duration = (millis: number): string => {
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 59_950) return `${(millis / 1000).toFixed(1)} s`
  const seconds = Math.round(millis / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

const two = (n: number): string => String(n).padStart(2, "0")

const HOUR_MILLIS = 3_600_000

/** By how much clocks went forward on a day, ms: 0 but on two Sundays a year. */
const forward = ({ midnight, nextMidnight }: CalendarDay): number => 24 * HOUR_MILLIS - (nextMidnight - midnight)

/** What the clock on the wall shows so long after the day's midnight. New York's clocks change two hours after it. */
const wallClock = (day: CalendarDay, sinceMidnight: number): number =>
  sinceMidnight < 2 * HOUR_MILLIS ? sinceMidnight : sinceMidnight + forward(day)

/** The instant when the clock on the wall shows this; the first of two, and the instant an hour on where it shows none. */
export const instantOfWallClock = (day: CalendarDay, wall: number): number => {
  const moved = forward(day)
  return day.midnight + (wall < 2 * HOUR_MILLIS + Math.max(0, moved) ? wall : wall - moved)
}

/** Time of day in New York as its clocks show it, "09:30:00". */
export const newYorkTime = (ms: number): string => {
  const day = dayAt(ms)
  const seconds = Math.floor(wallClock(day, ms - day.midnight) / 1000)
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}

/** "2013-10-07 09:30:00" in New York. */
export const newYorkDateTime = (ms: number): string => `${dayAt(ms).date} ${newYorkTime(ms)}`

export const phaseText: { readonly [phase in SessionPhase]: string } = {
  pre: "pre-market",
  regular: "regular session",
  post: "after hours",
  closed: "market closed"
}

/** Cells in columns, two spaces between; `right` says which are numbers. Widths are those of the text without colours. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>, right: ReadonlyArray<boolean>): Array<string> => {
  const widths: Array<number> = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd()
  )
}
