/** Where a ticker's state waits while its actor is passive or moves to another node. */
import { Context, Effect, Layer } from "effect"
import type { TickerState } from "./tickerState.ts"

/** The newest checkpoint of each symbol; one a symbol, so bounded by the listing. */
export class Checkpoints extends Context.Service<
  Checkpoints,
  {
    /**
     * The state belongs to the store once saved: nobody changes it afterwards. A lower epoch than the one kept is ignored,
     * so a paused former owner cannot overwrite its successor.
     */
    readonly save: (symbol: string, state: TickerState) => Effect.Effect<void>
    readonly load: (symbol: string) => Effect.Effect<TickerState | undefined>
  }
>()("lzstock/actors/market/Checkpoints") {
  static readonly layerMemory: Layer.Layer<Checkpoints> = Layer.sync(Checkpoints, () => {
    const newest = new Map<string, TickerState>()
    return Checkpoints.of({
      save: (symbol, state) =>
        Effect.sync(() => {
          const kept = newest.get(symbol)
          if (kept === undefined || kept.epoch <= state.epoch) newest.set(symbol, state)
        }),
      load: (symbol) => Effect.sync(() => newest.get(symbol))
    })
  })
}
