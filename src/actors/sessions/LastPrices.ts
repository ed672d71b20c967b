/**
 * Prices beside names in a list: asked of the ticker actors, each symbol at most once a second and node however many people type.
 * A list waits a quarter of a second for them and goes without those that have not come by then.
 */
import { Cache, Clock, Context, Effect, Exit, Layer } from "effect"
import type { LastPrice } from "../../rpc/companies.ts"
import type { Unavailable } from "../../rpc/market.ts"
import { snapshotOf } from "./snapshots.ts"
import { SymbolDirectory, Tickers } from "./Tickers.ts"

const FRESH = "1 second"
const WAIT = "250 millis"
/** Prices kept: of more symbols than any page of results shows. */
const KEPT = 2_000

export class LastPrices extends Context.Service<
  LastPrices,
  {
    /** Of those that the feed tells and that have traded; never fails. */
    readonly of: (symbols: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, LastPrice>>
  }
>()("lzstock/actors/sessions/LastPrices") {
  static readonly layer: Layer.Layer<LastPrices, never, SymbolDirectory | Tickers> = Layer.effect(
    LastPrices,
    Effect.gen(function* () {
      const { has, label } = yield* SymbolDirectory
      const tickers = yield* Tickers
      const cache = yield* Cache.make<string, LastPrice | undefined, Unavailable>({
        capacity: KEPT,
        timeToLive: FRESH,
        lookup: Effect.fnUntraced(function* (symbol) {
          const { body } = yield* tickers.snapshot(symbol)
          const { exchangeTime, last, previousClose } = snapshotOf(label, body, yield* Clock.currentTimeMillis)
          return last === null ? undefined : { last, previousClose, exchangeTime, label }
        })
      })
      return LastPrices.of({
        of: Effect.fnUntraced(function* (symbols) {
          const prices = new Map<string, LastPrice>()
          const ask = Effect.forEach(
            new Set(symbols.filter(has)),
            (symbol) =>
              Effect.map(Effect.exit(Cache.get(cache, symbol)), (exit) => {
                if (Exit.isSuccess(exit) && exit.value !== undefined) prices.set(symbol, exit.value)
              }),
            { concurrency: "unbounded", discard: true }
          )
          yield* Effect.timeoutOption(ask, WAIT)
          return prices
        })
      })
    })
  )
}
