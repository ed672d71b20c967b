import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { databases, postgresAt } from "../../../test/support/databases.ts"
import { freshDatabase } from "../../../test/support/services.ts"
import { migrate } from "./Migrations.ts"
import { type MigrationRecord, migrations } from "./migrations/index.ts"

const tables = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ readonly name: string }>`
      SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name`,
    (rows) => rows.map(({ name }) => name)
  )
)

const statement = (text: string) => Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.asVoid(sql.unsafe(text)))

const names = Object.keys(migrations)

for (const { bare, name } of databases) {
  describe(`migrations on ${name}`, () => {
    it.live("run once, and are known as done afterwards", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* migrate(), names)
        assert.deepStrictEqual(yield* migrate(), [])
        assert.includeMembers(yield* tables, ["bars", "tick_shards", "ticker_checkpoints"])
      }).pipe(Effect.provide(bare))
    )

    it.live("run by several nodes at once are run by one of them", () =>
      Effect.gen(function* () {
        const done = yield* Effect.all(
          Array.from({ length: 5 }, () => migrate()),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          done.filter((steps) => steps.length > 0),
          [names]
        )
      }).pipe(Effect.provide(bare))
    )

    it.live("that fail leave nothing half done, also of the steps before; mended they run", () =>
      Effect.gen(function* () {
        const first = statement("CREATE TABLE first (id int)")
        const broken: MigrationRecord = {
          "0001_first": first,
          "0002_second": Effect.andThen(statement("CREATE TABLE second (id int)"), statement("SELECT no_such_thing"))
        }
        const error = yield* Effect.flip(migrate(broken))
        assert.strictEqual(error.kind, "failed")
        assert.include(error.message, "2_second")
        assert.include(error.message, "no_such_thing")
        assert.deepStrictEqual(yield* tables, [])
        const mended: MigrationRecord = {
          "0001_first": first,
          "0002_second": statement("CREATE TABLE second (id int)")
        }
        assert.deepStrictEqual(yield* migrate(mended), ["0001_first", "0002_second"])
      }).pipe(Effect.provide(bare))
    )

    it.live("do not touch a schema that is newer than the code", () =>
      Effect.gen(function* () {
        yield* migrate({ ...migrations, "9999_from_the_future": statement("CREATE TABLE future (id int)") })
        const error = yield* Effect.flip(migrate())
        assert.strictEqual(error.kind, "newer-schema")
        assert.include(error.message, "9999")
      }).pipe(Effect.provide(bare))
    )
  })
}

it.live("five nodes with connections of their own migrate one fresh database at the same moment", () =>
  Effect.gen(function* () {
    const url = yield* freshDatabase
    const node = migrate().pipe(Effect.provide(Layer.fresh(postgresAt(url))))
    const done = yield* Effect.all(
      Array.from({ length: 5 }, () => node),
      { concurrency: "unbounded" }
    )
    assert.deepStrictEqual(
      done.filter((steps) => steps.length > 0),
      [names]
    )
  }).pipe(Effect.scoped)
)
