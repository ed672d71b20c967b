/** How trading spreads over a day: minutes counted from 04:00 New York to the post close. */
import type { TradingDay } from "./days.ts"

export interface DayShape {
  /** Minutes from the pre-market's start to the open, to the close, to the post-market's end. */
  readonly open: number
  readonly close: number
  readonly end: number
  /** Activity of each minute, 1 = the average minute of the regular session. */
  readonly activity: Float64Array
}

const shapes = new Map<string, DayShape>()

/** U-shaped in the regular session; a trickle that grows before it and fades after it. */
export const dayShape = (day: TradingDay): DayShape => {
  const open = (day.open - day.preOpen) / 60_000
  const close = (day.close - day.preOpen) / 60_000
  const end = (day.postClose - day.preOpen) / 60_000
  const name = `${open},${close},${end}`
  const known = shapes.get(name)
  if (known !== undefined) return known
  const activity = new Float64Array(end)
  let sum = 0
  for (let minute = 0; minute < end; minute++) {
    if (minute < open) activity[minute] = 0.012 + 0.14 * Math.exp(-(open - minute) / 35)
    else if (minute >= close) activity[minute] = 0.01 + 0.16 * Math.exp(-(minute - close) / 30)
    else {
      const weight = 0.6 + 1.8 * Math.exp(-(minute - open) / 25) + 1.5 * Math.exp(-(close - 1 - minute) / 20)
      activity[minute] = weight
      sum += weight
    }
  }
  for (let minute = open; minute < close; minute++) activity[minute] = ((activity[minute] ?? 0) * (close - open)) / sum
  const shape: DayShape = { open, close, end, activity }
  shapes.set(name, shape)
  return shape
}
