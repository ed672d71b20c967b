/** Where a ticker's state waits while its actor is passive or moves to another node. */
import { Context, Effect, Layer } from "effect"
import type { StaleOwner } from "./ShardLedger.ts"
import type { ShardTerm } from "./ShardTerms.ts"
import type { TickerState } from "./tickerState.ts"

/** The newest checkpoint of each symbol; one a symbol, so bounded by the listing. */
export class Checkpoints extends Context.Service<
  Checkpoints,
  {
    /**
     * Succeeds when it is durable. The state belongs to the store from the call on: nobody changes it afterwards. Refused when
     * the shard has another owner since. Dies when the store is away.
     */
    readonly save: (owner: ShardTerm, state: TickerState) => Effect.Effect<void, StaleOwner>
    /** Dies when the store is away. */
    readonly load: (symbol: string) => Effect.Effect<TickerState | undefined>
  }
>()("lzstock/actors/market/Checkpoints") {
  /** One process, one owner: nothing to fence. */
  static readonly layerMemory: Layer.Layer<Checkpoints> = Layer.sync(Checkpoints, () => {
    const newest = new Map<string, TickerState>()
    return Checkpoints.of({
      save: (_owner, state) => Effect.sync(() => void newest.set(state.symbol, state)),
      load: (symbol) => Effect.sync(() => newest.get(symbol))
    })
  })
}
