/** A feed that says what a test tells it: listings, market time, history. Its ticks are published by the test itself. */
import { Effect, Layer } from "effect"
import { type BarQuery, Feed, FeedError } from "../../src/actors/market/Feed.ts"
import type { Bar, FeedLabel } from "../../src/rpc/market.ts"

export class ScriptedFeed {
  marketTime = 0
  /** Default: market time. */
  publishedUpTo: number | undefined
  label: FeedLabel = "REPLAY"
  readonly symbols: ReadonlyArray<string>
  /** Keyed `SYMBOL 1d`, oldest first. */
  readonly history = new Map<string, ReadonlyArray<Bar>>()
  historyReads = 0
  historyFails = false

  constructor(symbols: ReadonlyArray<string>) {
    this.symbols = symbols
  }

  get layer(): Layer.Layer<Feed> {
    return Layer.sync(Feed, () =>
      Feed.of({
        adapter: "scripted",
        label: this.label,
        runId: "scripted",
        source: "scripted",
        listings: this.symbols.map((symbol) => ({ symbol, name: symbol, exchange: "TEST", sector: "TEST" })),
        status: Effect.die(new Error("not scripted")),
        marketTime: () => this.marketTime,
        publishedUpTo: () => this.publishedUpTo ?? this.marketTime,
        run: Effect.never,
        history: (query) =>
          Effect.suspend(() => {
            this.historyReads++
            if (this.historyFails) return Effect.fail(new FeedError({ adapter: "scripted", message: "told to fail" }))
            return Effect.succeed(pageOf(this.history.get(`${query.symbol} ${query.interval}`) ?? [], query))
          })
      })
    )
  }
}

const pageOf = (bars: ReadonlyArray<Bar>, { before, from, limit, to }: BarQuery): ReadonlyArray<Bar> =>
  bars
    .filter((bar) => bar.time >= (from ?? -Infinity) && bar.time < (to ?? Infinity) && bar.time < (before ?? Infinity))
    .slice(-limit)
