/** Where finished bars are kept. The in-memory one here is bounded; the SQL one is in src/app/postgres (same port suite). */
import { Context, Effect, Layer } from "effect"
import type { Bar } from "../../rpc/market.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarColumns } from "./BarColumns.ts"
import type { BarQuery, BaseInterval } from "./Feed.ts"
import type { StaleOwner } from "./ShardLedger.ts"
import type { ShardTerm } from "./ShardTerms.ts"

/**
 * Bars the in-memory store keeps per symbol, by interval; the oldest go first. 1s: an hour of a symbol that trades every
 * second; 1m: ten days with extended hours; 1d: forty years.
 */
export const memoryCapacity: { readonly [interval in BaseInterval]: number } = {
  "1s": 3_600,
  "1m": 9_600,
  "1d": 10_400
}

export class BarStore extends Context.Service<
  BarStore,
  {
    /**
     * Idempotent upsert by (symbol, interval, time): a later term, or a higher revision under the same one, replaces; an older
     * one is ignored. Succeeds when it is durable. Refused when the shard has another owner since. Dies when the store is away.
     */
    readonly put: (
      owner: ShardTerm,
      symbol: string,
      interval: BaseInterval,
      bars: ReadonlyArray<Bar>
    ) => Effect.Effect<void, StaleOwner>
    /** Oldest first, at most `limit`, the newest ones that match; without those that lost every trade. Dies when the store is away. */
    readonly page: (query: BarQuery) => Effect.Effect<ReadonlyArray<Bar>>
    /** Time of the newest bar that had to go, −Infinity while none had to: only later ones are all here. */
    readonly evictedUpTo: (symbol: string, interval: BaseInterval) => Effect.Effect<number>
  }
>()("lzstock/actors/market/BarStore") {
  /** Kept in this process, 64 bytes a bar; evictions are counted in `bar_store_evicted_total{interval}`. */
  static readonly layerMemory: Layer.Layer<BarStore, never, Gauges> = Layer.effect(
    BarStore,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const series: { readonly [interval in BaseInterval]: Map<string, BarColumns> } = {
        "1s": new Map(),
        "1m": new Map(),
        "1d": new Map()
      }
      return BarStore.of({
        put: (_owner, symbol, interval, bars) =>
          Effect.sync(() => {
            let columns = series[interval].get(symbol)
            if (columns === undefined) {
              columns = new BarColumns(memoryCapacity[interval])
              series[interval].set(symbol, columns)
            }
            let evicted = 0
            for (const bar of bars) evicted += columns.put(bar)
            if (evicted > 0) gauges.add("bar_store_evicted_total", evicted, `interval="${interval}"`)
          }),
        page: (query) => Effect.sync(() => series[query.interval].get(query.symbol)?.page(query) ?? []),
        evictedUpTo: (symbol, interval) =>
          Effect.sync(() => series[interval].get(symbol)?.evictedUpTo ?? Number.NEGATIVE_INFINITY)
      })
    })
  )
}
