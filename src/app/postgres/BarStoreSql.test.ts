/** What only the SQL store has: it outlives its process, forgets old seconds, and pages at one cost. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { databases, sharedByFile } from "../../../test/support/databases.ts"
import { owner } from "../../../test/support/owner.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { BarStore } from "../../actors/market/BarStore.ts"
import { ShardLedger } from "../../actors/market/ShardLedger.ts"
import type { ShardTerm } from "../../actors/market/ShardTerms.ts"
import type { Bar } from "../../rpc/market.ts"
import { BarStoreSql, PAGE, pageParams, sourceNumber } from "./BarStoreSql.ts"
import { ShardLedgerSql } from "./ShardLedgerSql.ts"

const bar = (time: number, fields: Partial<Bar> = {}): Bar => ({
  time,
  open: 10,
  high: 12.5,
  low: 9.9999,
  close: 11,
  volume: 100,
  trades: 3,
  final: true,
  revision: 0,
  ...fields
})

const seconds = (from: number, count: number) => Array.from({ length: count }, (_, i) => bar((from + i) * 1_000))

const claimed = Effect.gen(function* () {
  return owner(7, (yield* (yield* ShardLedger).claim(7)).term)
})

const page = (store: typeof BarStore.Service, symbol: string, interval: "1s" | "1m" = "1s") =>
  Effect.map(store.page({ symbol, interval, limit: 10_000 }), (bars) => bars.map(({ time }) => time / 1_000))

interface PlanNode {
  readonly "Node Type": string
  readonly "Index Name"?: string
  readonly "Shared Hit Blocks": number
  readonly "Shared Read Blocks": number
  readonly Plans?: ReadonlyArray<PlanNode>
}

for (const { layer, name } of databases) {
  const database = Layer.provideMerge(ShardLedgerSql.layer, sharedByFile(layer))
  /** A store as a process that has just started has it. */
  const started = (source: string, keepSecondsMillis?: number) =>
    Layer.fresh(BarStoreSql.layer({ source, keepSecondsMillis }))

  const within = <A, E>(
    source: string,
    keepSecondsMillis: number | undefined,
    body: (store: typeof BarStore.Service) => Effect.Effect<A, E, Gauges | ShardLedger | SqlClient.SqlClient>
  ) => Effect.flatMap(BarStore, body).pipe(Effect.provide(started(source, keepSecondsMillis)))

  describe(`BarStoreSql on ${name}`, () => {
    it.live("has after a restart what it had before; sources are apart", () =>
      Effect.gen(function* () {
        const mine = yield* claimed
        yield* within("feed:1", undefined, (store) => store.put(mine, "A", "1m", [bar(0), bar(60_000)]))
        yield* within("feed:2", undefined, (store) => store.put(mine, "A", "1m", [bar(120_000)]))
        assert.deepStrictEqual(yield* within("feed:1", undefined, (store) => page(store, "A", "1m")), [0, 60])
        assert.deepStrictEqual(yield* within("feed:2", undefined, (store) => page(store, "A", "1m")), [120])
        assert.deepStrictEqual(yield* within("feed:3", undefined, (store) => page(store, "A", "1m")), [])
      }).pipe(Effect.provide(database))
    )

    it.live("a bar that cannot be stored fails who put it, and nobody beside", () =>
      Effect.gen(function* () {
        const mine = yield* claimed
        yield* within("odd", undefined, (store) =>
          Effect.gen(function* () {
            const put = (symbol: string, odd: Bar) => Effect.exit(store.put(mine, symbol, "1m", [odd]))
            const exits = yield* Effect.all(
              [put("A", bar(0)), put("B", bar(0, { close: Number.NaN })), put("C", bar(0.5)), put("D", bar(0))],
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(
              exits.map((exit) => exit._tag),
              ["Success", "Failure", "Failure", "Success"]
            )
          })
        )
      }).pipe(Effect.provide(database))
    )

    it.live("old seconds go, a slice at a time, and it says up to which, also after a restart", () =>
      Effect.gen(function* () {
        const gauges = yield* Gauges
        const mine = yield* claimed
        const keep = 600_000
        const before = gauges.get("bar_store_evicted_total", 'interval="1s"')
        yield* within("evicting", keep, (store) =>
          Effect.gen(function* () {
            yield* store.put(mine, "A", "1s", seconds(0, 1_800))
            yield* store.put(mine, "A", "1m", [bar(0), bar(60_000)])
            yield* store.put(mine, "B", "1s", seconds(0, 300))
            // behind the newest, 1799: 1200 … 1799 stay
            const evicted = Effect.sync(() => gauges.get("bar_store_evicted_total", 'interval="1s"') - before)
            yield* Effect.repeat(evicted, { until: (n) => n === 1_200, schedule: Schedule.spaced("5 millis") })
            assert.deepStrictEqual(
              yield* page(store, "A"),
              Array.from({ length: 600 }, (_, i) => 1_200 + i)
            )
            assert.strictEqual(yield* store.evictedUpTo("A", "1s"), 1_199_000)
            // whose bars are few keeps them, and minutes stay for ever
            assert.strictEqual((yield* page(store, "B")).length, 300)
            assert.strictEqual(yield* store.evictedUpTo("B", "1s"), Number.NEGATIVE_INFINITY)
            assert.deepStrictEqual(yield* page(store, "A", "1m"), [0, 60])
            assert.strictEqual(yield* store.evictedUpTo("A", "1m"), Number.NEGATIVE_INFINITY)
          })
        )
        yield* within("evicting", keep, (store) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* store.evictedUpTo("A", "1s"), 1_199_000)
            // a bar from before comes again, as when a tick is folded anew: it does not undo what was said
            yield* store.put(mine, "A", "1s", [bar(5_000), bar(1_900_000)])
            const upTo = store.evictedUpTo("A", "1s")
            yield* Effect.repeat(upTo, { until: (time) => time === 1_300_000, schedule: Schedule.spaced("5 millis") })
            assert.strictEqual((yield* page(store, "A"))[0], 1_301)
          })
        )
        yield* within("never evicting", Number.POSITIVE_INFINITY, (store) =>
          Effect.gen(function* () {
            yield* store.put(mine, "A", "1s", [bar(0), bar(1e12)])
            assert.deepStrictEqual(yield* page(store, "A"), [0, 1e9])
          })
        )
      }).pipe(Effect.provide(database))
    )

    it.live("a page is read by the primary key, unsorted, at the same cost at any depth", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const source = yield* sourceNumber(sql, "deep")
        yield* sql`
          INSERT INTO bars (time, open, high, low, close, volume, term, trades, revision, source, interval, symbol)
          SELECT 60000::bigint * i, 1, 1, 1, 1, 1, 1, 1, 0, ${source}, 60, 'S' || s
          FROM generate_series(0, 9999) AS i, generate_series(0, 9) AS s`
        yield* sql`ANALYZE bars`
        const plan = Effect.fnUntraced(function* (before: number) {
          const query = { symbol: "S4", interval: "1m" as const, before, limit: 100 }
          const [row] = yield* sql.unsafe<{ readonly "QUERY PLAN": ReadonlyArray<{ readonly Plan: PlanNode }> }>(
            `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${PAGE}`,
            pageParams(source, query)
          )
          const top = row?.["QUERY PLAN"][0]?.Plan
          if (top === undefined) throw new Error("No plan")
          return top
        })
        const blocks: Array<number> = []
        for (const depth of [100, 5_000, 9_900]) {
          const top = yield* plan((10_000 - depth) * 60_000)
          assert.deepInclude(top, { "Node Type": "Limit" })
          const [scan, ...others] = top.Plans ?? []
          assert.deepInclude(scan, { "Node Type": "Index Scan", "Index Name": "bars_pkey" })
          assert.deepStrictEqual([others, scan?.Plans], [[], undefined])
          blocks.push(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
        }
        // 100 bars that lie among those of nine other symbols, and the way down to them
        for (const read of blocks) assert.isBelow(read, 130)
        assert.isAtMost(Math.max(...blocks) - Math.min(...blocks), 10)
      }).pipe(Effect.provide(database))
    )

    if (name === "PGlite") return

    const waiting = Effect.fnUntraced(function* (count: number) {
      const sql = yield* SqlClient.SqlClient
      const waiters = sql<{ readonly n: number }>`
        SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`.pipe(Effect.map(([row]) => row?.n))
      yield* Effect.repeat(waiters, { until: (n) => n === count, schedule: Schedule.spaced("5 millis") })
    })

    /** A transaction that does this to shard 7 and stays open until `end`. */
    const holding = Effect.fnUntraced(function* (statement: string) {
      const sql = yield* SqlClient.SqlClient
      const held = yield* Deferred.make<void>()
      const end = yield* Deferred.make<void, "rolled back">()
      const transaction = sql
        .unsafe(statement)
        .pipe(
          Effect.andThen(Deferred.succeed(held, undefined)),
          Effect.andThen(Deferred.await(end)),
          sql.withTransaction
        )
      const fiber = yield* Effect.forkChild(Effect.exit(transaction))
      yield* Deferred.await(held)
      return {
        commit: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber)),
        rollback: Effect.andThen(Deferred.fail(end, "rolled back"), Fiber.join(fiber))
      }
    })

    it.live("a claim waits for the write that is under way", () =>
      Effect.gen(function* () {
        const ledger = yield* ShardLedger
        const mine = yield* claimed
        const write = yield* holding("SELECT 1 FROM tick_shards WHERE shard = 7 FOR SHARE")
        const claiming = yield* Effect.forkChild(ledger.claim(7))
        yield* waiting(1)
        assert.isUndefined(claiming.pollUnsafe())
        yield* write.commit
        assert.isAbove((yield* Fiber.join(claiming)).term, mine.term)
      }).pipe(Effect.provide(database))
    )

    it.live("a write waits for the claim that is under way, and is refused if that comes about", () =>
      Effect.gen(function* () {
        const mine: ShardTerm = yield* claimed
        const write = Effect.exit(within("fenced", undefined, (store) => store.put(mine, "A", "1m", [bar(0)])))
        const claim = "UPDATE tick_shards SET term = term + 1000000 WHERE shard = 7"
        const undone = yield* holding(claim)
        const first = yield* Effect.forkChild(write)
        yield* waiting(1)
        yield* undone.rollback
        assert.strictEqual((yield* Fiber.join(first))._tag, "Success")
        const done = yield* holding(claim)
        const second = yield* Effect.forkChild(write)
        yield* waiting(1)
        yield* done.commit
        assert.strictEqual((yield* Fiber.join(second))._tag, "Failure")
      }).pipe(Effect.provide(database))
    )
  })
}
