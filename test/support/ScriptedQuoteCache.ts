/** A quote cache that holds what a test says, and takes as long to answer as it says. */
import { Effect, Layer, Option } from "effect"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import type { QuoteUpdate } from "../../src/rpc/topics.ts"

export class ScriptedQuoteCache {
  readonly kept = new Map<string, QuoteUpdate>()
  /** An answer takes this long; it is what was kept when it was asked for. */
  slowMillis = 0
  asked = 0

  get layer(): Layer.Layer<QuoteCache> {
    return Layer.succeed(QuoteCache, {
      put: () => {},
      get: (symbol) =>
        Effect.suspend(() => {
          this.asked++
          const answer = Option.fromUndefinedOr(this.kept.get(symbol))
          return this.slowMillis === 0 ? Effect.succeed(answer) : Effect.as(Effect.sleep(this.slowMillis), answer)
        })
    })
  }
}
