/**
 * Exactly once, by origin: ticks that were folded before are left out, whether their batch was sent twice or is read again by
 * a new owner. Pure; the ticker's state remembers the run and how many of its ticks are in.
 */
import type { Tick, TickBatch } from "../../rpc/ticks.ts"
import type { TickerState } from "./tickerState.ts"

/** The batch is of another run than the state: the symbol starts anew. */
export const startsAnew = (state: TickerState, { origin }: TickBatch): boolean =>
  origin !== undefined && state.run !== "" && state.run !== origin.run

/**
 * The ticks of the batch that the state has not folded, and moves its position past them. Ticks missing before them are
 * counted: the stream has lost them.
 */
export const takeUnseen = (state: TickerState, { origin, ticks }: TickBatch): ReadonlyArray<Tick> => {
  if (origin === undefined) return ticks
  const { from, run } = origin
  const seen = state.run === run ? state.fed - from : -from
  state.run = run
  if (seen < 0) state.counts.missed -= seen
  if (seen >= ticks.length) {
    state.counts.repeated += ticks.length
    return []
  }
  state.fed = from + ticks.length
  if (seen <= 0) return ticks
  state.counts.repeated += seen
  return ticks.slice(seen)
}
