/** A symbol's day before its feed's first tick, from its plan: what the minute bars of history.ts add up to. */
import type { DaySoFar } from "../../../rpc/ticks.ts"
import type { DayPlan } from "./DayPlan.ts"
import { TradeSizes } from "./TradeSizes.ts"

const MINUTE = 60_000

/** Of the minutes that begin before `until`, a minute's start, ms since epoch. Undefined when nothing has traded by then. */
export const daySoFar = (plan: DayPlan, until: number): DaySoFar | undefined => {
  const end = Math.min(plan.shape.end, Math.ceil((until - plan.day.preOpen) / MINUTE))
  let [open, high, low, close] = [0, 0, 0, 0]
  let [last, lastSize] = [0, 0]
  let [volume, trades, regularVolume, regularTrades] = [0, 0, 0, 0]
  for (let at = 0; at < end; at++) {
    const minute = plan.minutePlan(at)
    if (minute === undefined) continue
    const totals = new TradeSizes(plan, minute).totals()
    volume += totals.volume
    trades += totals.trades
    last = minute.close
    lastSize = totals.lastSize
    if (!plan.isRegular(at)) continue
    if (regularTrades === 0) {
      open = minute.open
      high = minute.high
      low = minute.low
    }
    high = Math.max(high, minute.high)
    low = Math.min(low, minute.low)
    close = minute.close
    regularVolume += totals.volume
    regularTrades += totals.trades
  }
  if (trades === 0) return undefined
  const prices = { open, high, low, close, last, lastSize }
  return { _tag: "DaySoFar", time: until, ...prices, volume, trades, regularVolume, regularTrades }
}
