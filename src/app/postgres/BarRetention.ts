/**
 * Old one-second bars leave the table: those `keepMillis` and more behind the newest of their symbol. Nothing watches a clock: a
 * symbol is looked at when its bars have moved on by a slice, by the node that stores them, a bounded number of rows at a time.
 */
import { Effect, Queue, type Scope } from "effect"
import type { SqlClient } from "effect/sql"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { secondsOf } from "./barRows.ts"
import { whenAway } from "./Database.ts"
import { float8s, int4, texts } from "./params.ts"

/** Symbols, and bars of each, that one statement deletes at most. */
const MOST_SYMBOLS = 10
const MOST_BARS = 500

/**
 * What goes and what `evictedUpTo` says of it: one statement, so never one without the other. Rows are named by their place
 * (ctid): no plan can come to read the whole table for that, whatever the planner knows of it.
 */
export const EVICT = `
WITH gone AS (
  DELETE FROM bars
  WHERE ctid = ANY (ARRAY (
    SELECT old.place
    FROM unnest($2::text[], $3::float8[]) AS cutoff (symbol, time)
    CROSS JOIN LATERAL (
      SELECT bars.ctid AS place FROM bars
      WHERE bars.source = $1 AND bars.symbol = cutoff.symbol AND bars.interval = $4 AND bars.time <= cutoff.time::bigint
      ORDER BY bars.time LIMIT $5
    ) AS old
  ))
  RETURNING symbol, time
), noted AS (
  INSERT INTO bar_evictions (source, symbol, interval, up_to)
  SELECT $1, symbol, $4, max(time) FROM gone GROUP BY symbol
  ON CONFLICT (source, symbol, interval) DO UPDATE SET up_to = greatest(bar_evictions.up_to, excluded.up_to)
)
SELECT symbol, count(*)::int AS bars FROM gone GROUP BY symbol`

export interface BarRetention {
  /** A symbol's one-second bars up to `newest` are stored. */
  readonly stored: (symbol: string, newest: number) => void
}

/** Evicts in the background until the Scope closes; counted in `bar_store_evicted_total`. */
export const makeBarRetention = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  source: number,
  keepMillis: number
): Effect.fn.Return<BarRetention, never, Gauges | Scope.Scope> {
  const gauges = yield* Gauges
  const slice = Math.max(1, keepMillis / 16)
  /** Newest bar of each symbol when it was last looked at. */
  const looked = new Map<string, number>()
  /** Symbols with bars to go, and up to which time. */
  const due = new Map<string, number>()
  const wake = yield* Queue.sliding<void>(1)

  const evict = (cutoffs: ReadonlyArray<readonly [symbol: string, time: number]>) => {
    const symbols = texts(cutoffs.map(([symbol]) => symbol))
    const times = float8s(cutoffs.map(([, time]) => time))
    const params = [int4(source), symbols, times, int4(secondsOf["1s"]), int4(MOST_BARS)]
    return whenAway(sql.unsafe<{ readonly symbol: string; readonly bars: number }>(EVICT, params))
  }

  const sweep = Effect.gen(function* () {
    while (due.size > 0) {
      const cutoffs = [...due].slice(0, MOST_SYMBOLS)
      const gone = yield* evict(cutoffs)
      const full = new Set<string>()
      for (const { bars, symbol } of gone) {
        gauges.add("bar_store_evicted_total", bars, 'interval="1s"')
        if (bars === MOST_BARS) full.add(symbol)
      }
      // who has more to go stays, behind the others
      for (const [symbol, time] of cutoffs) {
        if (due.get(symbol) !== time) continue
        due.delete(symbol)
        if (full.has(symbol)) due.set(symbol, time)
      }
      // what is being stored goes first
      yield* Effect.yieldNow
    }
  })

  if (Number.isFinite(keepMillis)) {
    yield* Queue.take(wake).pipe(
      Effect.andThen(sweep),
      // whoever is due stays so: the next bars bring it up again
      Effect.catchCause((cause) => Effect.logDebug("Old bars could not be deleted, will try again", cause)),
      Effect.forever,
      Effect.forkScoped
    )
  }

  return {
    stored: (symbol, newest) => {
      const before = looked.get(symbol)
      if (!Number.isFinite(keepMillis) || (before !== undefined && newest - before < slice)) return
      looked.set(symbol, newest)
      due.set(symbol, newest - keepMillis)
      Queue.offerUnsafe(wake, undefined)
    }
  }
})
