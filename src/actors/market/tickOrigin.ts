/**
 * Exactly once, by origin: ticks that were folded before are left out, whether their batch was sent twice or is read again by
 * a new owner. Pure; the ticker's state remembers the run and how many of its ticks are in.
 */
import type { Tick, TickBatch } from "../../rpc/ticks.ts"
import type { TickerState } from "./tickerState.ts"

/** Sent by a node that played the feed before the one whose ticks are in: of no account. */
export const isOfFormerRun = (state: TickerState, { origin }: TickBatch): boolean =>
  origin !== undefined && origin.no < state.runNo

/** The batch is of another run than the state: the symbol starts anew. */
export const startsAnew = (state: TickerState, { origin }: TickBatch): boolean =>
  origin !== undefined && state.run !== "" && state.run !== origin.run

/** How many ticks of the run are missing between the state and the batch. */
export const missingBefore = (state: TickerState, { origin }: TickBatch): number => {
  if (origin === undefined) return 0
  return Math.max(0, origin.from - (state.run === origin.run ? state.fed : 0))
}

/** The ticks of the batch that the state has not folded, and moves its position past them. Those missing before are counted. */
export const takeUnseen = (state: TickerState, batch: TickBatch): ReadonlyArray<Tick> => {
  const { origin, ticks } = batch
  if (origin === undefined) return ticks
  if (isOfFormerRun(state, batch)) {
    state.counts.repeated += ticks.length
    return []
  }
  const { from, no, run } = origin
  const missing = missingBefore(state, batch)
  const seen = Math.max(0, state.run === run ? state.fed - from : 0)
  state.run = run
  state.runNo = no
  state.counts.missed += missing
  state.counts.repeated += Math.min(seen, ticks.length)
  if (seen >= ticks.length) return []
  state.fed = from + ticks.length
  return seen === 0 ? ticks : ticks.slice(seen)
}
