/** The fold of one ticker actor as it survives crashes: what it folds, and what becomes of an input that crashes it (RecoverableFold). */
import { Effect } from "effect"
import type { TickBatch } from "../../rpc/ticks.ts"
import type { Gauges } from "../kernel/Gauges.ts"
import type { BarChanges } from "./BarChanges.ts"
import type { Gaps } from "./Gaps.ts"
import type { ParkedBatches } from "./ParkedBatches.ts"
import { RecoverableFold } from "./RecoverableFold.ts"
import type { TickerSettings } from "./TickerSettings.ts"
import { closeBars, copyTickerState, foldBatch, initialTickerState, type TickerState } from "./tickerState.ts"
import { isOfFormerRun, missingBefore, startsAnew } from "./tickOrigin.ts"

/** The stream begins to be read from what is settled on (TickSink.begins). */
export interface Beginning {
  readonly begins: true
}

/** A batch, a market time that has been reached, or a beginning. */
export type Input = TickBatch | number | Beginning

export const isBatch = (input: Input): input is TickBatch => typeof input === "object" && "ticks" in input

interface Surroundings {
  readonly fault: (symbol: string, batch: TickBatch) => void
  readonly gaps: Gaps
  readonly gauges: typeof Gauges.Service
  readonly parked: typeof ParkedBatches.Service
  readonly settings: TickerSettings
}

/** `changes` gathers the bars that folding changed; `news` is to be said in the log once somebody can: inside the fold nothing waits. */
export const makeTickerFold = (symbol: string, changes: BarChanges, around: Surroundings) => {
  const { fault, gaps, gauges, parked, settings } = around
  const news: Array<Effect.Effect<void>> = []
  const foldInto = (state: TickerState, batch: TickBatch): TickerState => {
    foldBatch(state, batch, changes)
    return state
  }
  const fold = new RecoverableFold<TickerState, Input>(
    {
      initial: () => initialTickerState(symbol),
      copy: copyTickerState,
      weight: (input) => (isBatch(input) ? input.ticks.length : 1),
      apply: (state, input) => {
        if (typeof input === "number") {
          closeBars(state, input, changes)
          return state
        }
        if (!isBatch(input)) {
          gaps.begins(input)
          return state
        }
        fault(symbol, input)
        if (isOfFormerRun(state, input)) return foldInto(state, input)
        const base = startsAnew(state, input) ? initialTickerState(symbol) : state
        if (missingBefore(base, input) > 0 && !gaps.mayPass(input, base.fed)) return state
        return foldInto(base, input)
      }
    },
    {
      retries: settings.poisonRetries,
      maxJournal: settings.journalTicks,
      onParked: (input, reason) => {
        if (!isBatch(input)) return
        parked.park(input, reason)
        news.push(
          Effect.logError("A batch crashed the fold again and again and was set aside", {
            symbol,
            ticks: input.ticks.length,
            firstTime: input.ticks[0]?.time,
            reason: String(reason)
          })
        )
      },
      onCheckpointDiscarded: () => gauges.add("ticker_checkpoints_discarded_total", 1)
    }
  )
  return { fold, news }
}
