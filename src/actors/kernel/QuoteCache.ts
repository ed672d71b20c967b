/**
 * The newest quote of each symbol where every node can read it, so that a watcher sees something while its ticker actor is
 * still cold. May forget; is never the truth. Adapters: none and memory here, Redis in src/app/redis.
 */
import { Context, Effect, Layer, Option } from "effect"
import type { QuoteUpdate } from "../../rpc/topics.ts"

export class QuoteCache extends Context.Service<
  QuoteCache,
  {
    /** Keeps it unless a newer one (by epoch, then seq) is kept. Returns at once; written soon, latest wins; never fails. */
    readonly put: (quote: QuoteUpdate) => void
    /** Never fails and never waits long: a cache that is away knows nothing. */
    readonly get: (symbol: string) => Effect.Effect<Option.Option<QuoteUpdate>>
  }
>()("lzstock/actors/kernel/QuoteCache") {
  /** One process: the actors are here, there is nothing to bridge. */
  static readonly layerNone: Layer.Layer<QuoteCache> = Layer.succeed(QuoteCache, {
    put: () => {},
    get: () => Effect.succeedNone
  })

  static readonly layerMemory: Layer.Layer<QuoteCache> = Layer.sync(QuoteCache, () => {
    const newest = new Map<string, QuoteUpdate>()
    return QuoteCache.of({
      put: (quote) => {
        const kept = newest.get(quote.symbol)
        if (kept === undefined || isNewer(quote, kept)) newest.set(quote.symbol, quote)
      },
      get: (symbol) => Effect.sync(() => Option.fromUndefinedOr(newest.get(symbol)))
    })
  })
}

type Position = Pick<QuoteUpdate, "epoch" | "seq">
export const isNewer = (one: Position, other: Position): boolean =>
  one.epoch > other.epoch || (one.epoch === other.epoch && one.seq > other.seq)
