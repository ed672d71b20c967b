/** A real PostgreSQL that is not there, goes away and comes back. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { postgresAt } from "../../../test/support/databases.ts"
import { owner } from "../../../test/support/owner.ts"
import { ownServices } from "../../../test/support/services.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { BarStore } from "../../actors/market/BarStore.ts"
import { ShardLedger } from "../../actors/market/ShardLedger.ts"
import { BarStoreSql } from "./BarStoreSql.ts"
import { Database, whenAway } from "./Database.ts"
import { migrate } from "./Migrations.ts"
import { ShardLedgerSql } from "./ShardLedgerSql.ts"

const bar = { time: 0, open: 1, high: 1, low: 1, close: 1, volume: 1, trades: 1, final: true, revision: 0 }

describe("a PostgreSQL that cannot be used", () => {
  const refusal = (url: string) =>
    Effect.flip(
      Layer.build(Database.layer({ url: Redacted.make(url), folder: "" }).pipe(Layer.provide(Gauges.layer)))
    ).pipe(Effect.scoped)

  it.live("is told by its place and its variable, without the password", () =>
    Effect.gen(function* () {
      const error = yield* refusal("postgres://trader:s3cret@127.0.0.1:1/stocks")
      assert.strictEqual(error._tag, "DatabaseUnreachable")
      assert.include(error.message, "127.0.0.1:1/stocks")
      // the one variable a node reads
      assert.deepStrictEqual(error.message.match(/\w*DATABASE_URL/g), ["LZSTOCK_DATABASE_URL"])
      assert.include(error.message, "ECONNREFUSED")
      assert.notInclude(JSON.stringify(error), "s3cret")
    })
  )
  it.live("so is a URL that is none", () =>
    Effect.gen(function* () {
      for (const url of [
        "mysql://trader:s3cret@localhost/stocks",
        "trader:s3cret@nowhere",
        "postgres://trader:s3cret@:::/"
      ]) {
        const error = yield* refusal(url)
        assert.include(error.message, "LZSTOCK_DATABASE_URL")
        assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "s3cret")
      }
    })
  )
})

describe("a PostgreSQL that goes away", () => {
  it.live(
    "fails what is asked meanwhile, and serves the same client when it is back, with all it had acknowledged",
    () =>
      Effect.gen(function* () {
        const { control, databaseUrl } = yield* ownServices(["postgres"])
        const stores = Layer.merge(BarStoreSql.layer({ source: "test" }), ShardLedgerSql.layer)
        yield* Effect.gen(function* () {
          const store = yield* BarStore
          const { term } = yield* (yield* ShardLedger).claim(0)
          const mine = owner(0, term)
          yield* store.put(mine, "A", "1m", [bar])
          yield* control("postgres", "kill")
          assert.isTrue(Exit.hasDies(yield* Effect.exit(store.put(mine, "A", "1m", [{ ...bar, time: 60_000 }]))))
          assert.isTrue(Exit.hasDies(yield* Effect.exit(store.page({ symbol: "A", interval: "1m", limit: 9 }))))
          yield* control("postgres", "start")
          yield* store
            .put(mine, "A", "1m", [{ ...bar, time: 60_000 }])
            .pipe(Effect.sandbox, Effect.retry(Schedule.spaced("50 millis")))
          const times = (yield* store.page({ symbol: "A", interval: "1m", limit: 9 })).map(({ time }) => time)
          assert.deepStrictEqual(times, [0, 60_000])
        }).pipe(
          Effect.provide(
            Layer.provideMerge(stores, Layer.provideMerge(Layer.effectDiscard(migrate()), postgresAt(databaseUrl)))
          )
        )
      }).pipe(Effect.scoped)
  )

  it.effect("without a word is noticed by its silence", () =>
    Effect.gen(function* () {
      const { control, databaseUrl } = yield* ownServices(["postgres"])
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`SELECT 1`
        yield* control("postgres", "pause")
        const asked = yield* Effect.forkChild(whenAway(sql`SELECT 2`), { startImmediately: true })
        yield* TestClock.adjust("11 seconds")
        assert.isTrue(Exit.hasDies(yield* Fiber.await(asked)))
        yield* control("postgres", "continue")
        const answer = yield* Effect.retry(sql`SELECT 3 AS n`, { times: 5 })
        assert.deepStrictEqual(answer, [{ n: 3 }])
      }).pipe(Effect.provide(postgresAt(databaseUrl)))
    }).pipe(Effect.scoped)
  )
})
