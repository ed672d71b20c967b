/** Bars as lines: `ms,open,high,low,close,volume`, the layout of the recorded minute files with prices in dollars. */
import { dayAt } from "../../actors/market/calendar.ts"
import type { Bar } from "../../rpc/market.ts"
import { newYorkDateTime } from "./format.ts"

/** What the first column holds: ms since New York midnight, ms since the epoch, or New York date and time. */
export type TimeColumn = "ms" | "epoch" | "iso"

export const csvHeader = (time: TimeColumn): string => `${time === "iso" ? "time" : time},open,high,low,close,volume\n`

const first = (time: number, column: TimeColumn): string => {
  switch (column) {
    case "ms":
      return String(time - dayAt(time).midnight)
    case "epoch":
      return String(time)
    case "iso":
      // no exchange trades at midnight: it is the start of a day, a week or a month
      return time === dayAt(time).midnight ? dayAt(time).date : newYorkDateTime(time)
  }
}

/** A plain decimal, never 1e-7: prices are exact to four places. */
const decimal = (dollars: number): string => {
  const text = String(dollars)
  return text.includes("e") ? dollars.toFixed(4) : text
}

export const csvLine = (bar: Bar, time: TimeColumn = "ms"): string =>
  `${first(bar.time, time)},${decimal(bar.open)},${decimal(bar.high)},${decimal(bar.low)},${decimal(bar.close)},${bar.volume}\n`
