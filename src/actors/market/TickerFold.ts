/** The fold of one ticker actor as it survives crashes: what it folds, and what becomes of an input that crashes it (RecoverableFold). */
import { Effect } from "effect"
import type { TickBatch } from "../../rpc/ticks.ts"
import type { Gauges } from "../kernel/Gauges.ts"
import type { BarChanges } from "./BarChanges.ts"
import type { ParkedBatches } from "./ParkedBatches.ts"
import { RecoverableFold } from "./RecoverableFold.ts"
import type { TickerSettings } from "./TickerSettings.ts"
import { closeBars, copyTickerState, foldBatch, initialTickerState, type TickerState } from "./tickerState.ts"
import { startsAnew } from "./tickOrigin.ts"

/** A batch, or a market time that has been reached. */
export type Input = TickBatch | number

interface Surroundings {
  readonly fault: (symbol: string, batch: TickBatch) => void
  readonly gauges: typeof Gauges.Service
  readonly parked: typeof ParkedBatches.Service
  readonly settings: TickerSettings
}

/** `changes` gathers the bars that folding changed; `news` is to be said in the log once somebody can: inside the fold nothing waits. */
export const makeTickerFold = (symbol: string, changes: BarChanges, around: Surroundings) => {
  const { fault, gauges, parked, settings } = around
  const news: Array<Effect.Effect<void>> = []
  const fold = new RecoverableFold<TickerState, Input>(
    {
      initial: () => initialTickerState(symbol),
      copy: copyTickerState,
      weight: (input) => (typeof input === "number" ? 1 : input.ticks.length),
      apply: (state, input) => {
        if (typeof input === "number") {
          closeBars(state, input, changes)
          return state
        }
        fault(symbol, input)
        const base = startsAnew(state, input) ? initialTickerState(symbol) : state
        foldBatch(base, input, changes)
        return base
      }
    },
    {
      retries: settings.poisonRetries,
      maxJournal: settings.journalTicks,
      onParked: (input, reason) => {
        if (typeof input === "number") return
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
