/** Where finished bars are kept. The in-memory one here is bounded; the SQL one comes with storage (same port suite). */
import { Context, type Effect } from "effect"
import type { Bar } from "../../rpc/market.ts"
import type { BarQuery, BaseInterval } from "./Feed.ts"

export class BarStore extends Context.Service<
  BarStore,
  {
    /** Idempotent upsert by (symbol, interval, time): a higher revision replaces, a lower one is ignored. */
    readonly put: (symbol: string, interval: BaseInterval, bars: ReadonlyArray<Bar>) => Effect.Effect<void>
    /** Oldest first, at most `limit`, the newest ones that match. */
    readonly page: (query: BarQuery) => Effect.Effect<ReadonlyArray<Bar>>
  }
>()("lzstock/actors/market/BarStore") {}
