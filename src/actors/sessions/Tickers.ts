/** What sessions ask of the rest of the node: which symbols exist, and the ticker actors behind them. */
import { Context, Effect, Layer, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import type { FeedLabel, Unavailable } from "../../rpc/market.ts"
import { Ticker, type TickerSnapshot } from "../../rpc/ticker.ts"
import { asked } from "../kernel/asked.ts"

/** The listed symbols and the feed's label; told by whoever assembles the node. */
export class SymbolDirectory extends Context.Service<
  SymbolDirectory,
  { readonly has: (symbol: string) => boolean; readonly label: FeedLabel }
>()("lzstock/actors/sessions/SymbolDirectory") {}

const SNAPSHOT_DEADLINE = "5 seconds"

export class Tickers extends Context.Service<
  Tickers,
  {
    /** Current state and position; activates the actor. */
    readonly snapshot: (symbol: string) => Effect.Effect<TickerSnapshot, Unavailable>
    /** Keeps the actor alive while it runs; fails when its owner is gone. */
    readonly hold: (symbol: string) => Effect.Effect<void, Unavailable>
  }
>()("lzstock/actors/sessions/Tickers") {
  static readonly layer: Layer.Layer<Tickers, never, Sharding.Sharding> = Layer.effect(
    Tickers,
    Effect.gen(function* () {
      const client = yield* Ticker.client
      const unreadable = (symbol: string) => (why: string) =>
        `${symbol} cannot be read at the moment (${why}): try again in a second`
      return Tickers.of({
        snapshot: (symbol) =>
          client(symbol)
            .Snapshot()
            .pipe(asked(symbol, SNAPSHOT_DEADLINE, unreadable(symbol))),
        hold: (symbol) => Stream.runDrain(client(symbol).Hold()).pipe(asked(symbol, "none", unreadable(symbol)))
      })
    })
  )
}
