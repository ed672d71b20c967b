/**
 * Finished bars in the table `bars`. Puts of all actors are gathered into multi-row statements (Batches.ts), each owner fenced on
 * its own (Fence.ts); pages go by the primary key, newest first, at the same cost at any depth.
 */
import { Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import { BarStore } from "../../actors/market/BarStore.ts"
import type { StaleOwner } from "../../actors/market/ShardLedger.ts"
import { makeBatches } from "../Batches.ts"
import { makeBarRetention } from "./BarRetention.ts"
import { type BarRow, barOf, columnsOf, type Put, secondsOf, unstorable } from "./barRows.ts"
import { whenAway } from "./Database.ts"
import { FENCE, Owners } from "./Fence.ts"
import { float8, int4 } from "./params.ts"

export interface BarStoreOptions {
  /** Where the bars come from, e.g. "simulated:42": those of different sources are kept apart. */
  readonly source: string
  /** How long one-second bars are kept, ms of market time behind the newest of their symbol; Infinity: for ever. Default 4 h. */
  readonly keepSecondsMillis?: number | undefined
}

const KEEP_SECONDS_MILLIS = 4 * 60 * 60 * 1_000
/** Rows of one statement at most: enough to pay for its round trip, few enough to be over in some 50 ms. */
const MOST_ROWS = 2_000
const MOST_WAITING = 4_096

/** What is the same already is not written again: putting twice costs nothing on disk. */
const UPSERT = `
WITH ${FENCE}, written AS (
  INSERT INTO bars (source, symbol, interval, time, open, high, low, close, volume, trades, revision, term)
  SELECT $3, bar.symbol, bar.interval, bar.time::bigint, bar.open::bigint, bar.high::bigint, bar.low::bigint,
    bar.close::bigint, bar.volume, bar.trades, bar.revision, fence.term
  FROM unnest($4::int[], $5::text[], $6::int[], $7::float8[], $8::float8[], $9::float8[], $10::float8[], $11::float8[],
    $12::float8[], $13::int[], $14::int[])
    AS bar (owner, symbol, interval, time, open, high, low, close, volume, trades, revision)
  JOIN fence ON fence.owner = bar.owner
  ON CONFLICT (source, symbol, interval, time) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
    trades = excluded.trades, revision = excluded.revision, term = excluded.term
  WHERE (excluded.term, excluded.revision) >= (bars.term, bars.revision)
    AND (excluded.term, excluded.revision, excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume,
      excluded.trades)
    IS DISTINCT FROM (bars.term, bars.revision, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.trades)
)
SELECT owner FROM fence`

/** Exported for the test that reads its plan. A bar that lost every trade stays, for its revision, and is not shown. */
export const PAGE = `
SELECT time::float8, open::float8, high::float8, low::float8, close::float8, volume, trades, revision
FROM bars
WHERE source = $1 AND symbol = $2 AND interval = $3 AND time >= $4::bigint AND time < $5::bigint
  AND NOT (trades = 0 AND volume = 0)
ORDER BY bars.time DESC
LIMIT $6`

/** Times are whole, and no later than the column can say. */
const bound = (time: number): number =>
  Math.ceil(Math.min(Math.max(time, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER))

export const pageParams = (
  source: number,
  query: Parameters<typeof BarStore.Service.page>[0]
): ReadonlyArray<unknown> => [
  int4(source),
  query.symbol,
  int4(secondsOf[query.interval]),
  float8(bound(query.from ?? Number.NEGATIVE_INFINITY)),
  float8(bound(Math.min(query.to ?? Number.POSITIVE_INFINITY, query.before ?? Number.POSITIVE_INFINITY))),
  int4(query.limit)
]

/** The number a source's name stands for in `bars`; given when it is first asked for. */
export const sourceNumber = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, name: string) {
  for (;;) {
    const [known] = yield* sql<{ readonly id: number }>`SELECT id FROM bar_sources WHERE name = ${name}`
    if (known !== undefined) return known.id
    yield* sql`INSERT INTO bar_sources (name) VALUES (${name}) ON CONFLICT (name) DO NOTHING`
  }
})

const layer = (options: BarStoreOptions): Layer.Layer<BarStore, SqlError.SqlError, Gauges | SqlClient.SqlClient> =>
  Layer.effect(
    BarStore,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const source = yield* sourceNumber(sql, options.source)
      const retention = yield* makeBarRetention(sql, source, options.keepSecondsMillis ?? KEEP_SECONDS_MILLIS)

      const upsert = Effect.fnUntraced(function* (puts: ReadonlyArray<Put>) {
        const owners = new Owners()
        const columns = columnsOf(puts, owners)
        const rows = yield* sql.unsafe<{ readonly owner: number }>(UPSERT, [
          ...owners.params(),
          int4(source),
          ...columns
        ])
        return owners.exits(puts, new Set(rows.map(({ owner }) => owner)))
      })

      const submit = yield* makeBatches<Put, void, StaleOwner>({
        run: (puts) => whenAway(upsert(puts)),
        weight: ({ bars }) => bars.length,
        most: MOST_ROWS,
        waiting: MOST_WAITING
      })

      return BarStore.of({
        put: Effect.fnUntraced(function* (owner, symbol, interval, bars) {
          if (bars.length === 0) return
          const odd = unstorable(bars)
          if (odd !== undefined) {
            return yield* Effect.die(new RangeError(`No bar to store for ${symbol}: ${JSON.stringify(odd)}`))
          }
          yield* submit({ owner, symbol, interval, bars })
          if (interval === "1s")
            retention.stored(
              symbol,
              bars.reduce((max, bar) => Math.max(max, bar.time), -Infinity)
            )
        }),
        page: (query) =>
          sql.unsafe<BarRow>(PAGE, pageParams(source, query)).pipe(
            Effect.map((rows) => rows.map(barOf).reverse()),
            whenAway
          ),
        evictedUpTo: (symbol, interval) =>
          // nothing else is ever evicted
          interval !== "1s"
            ? Effect.succeed(Number.NEGATIVE_INFINITY)
            : sql<{ readonly upTo: number }>`
                SELECT up_to::float8 AS "upTo" FROM bar_evictions
                WHERE source = ${int4(source)} AND symbol = ${symbol} AND interval = ${int4(secondsOf[interval])}`.pipe(
                Effect.map(([row]) => row?.upTo ?? Number.NEGATIVE_INFINITY),
                whenAway
              )
      })
    })
  )

export const BarStoreSql = { layer }
