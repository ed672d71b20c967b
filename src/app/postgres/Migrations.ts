/**
 * Brings the database's schema to what this code knows (migrations/). All steps that are missing run in one transaction under
 * an advisory lock, so that any number of nodes may start at once and a step that fails leaves nothing behind.
 */
import { Effect, Layer, Schema } from "effect"
import { Migrator, SqlClient, type SqlError } from "effect/sql"
import { type MigrationRecord, migrations } from "./migrations/index.ts"

/** The schema cannot be used; `message` is one line that says what to do. */
export class MigrationError extends Schema.TaggedError<MigrationError>()("MigrationError", {
  kind: Schema.Literals(["newer-schema", "failed"]),
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

const TABLE = "lzstock_migrations"
/** Any number, the same in every node. */
const LOCK = 4_711_020_613

const run = Migrator.make({})

const newestOf = (record: MigrationRecord): number =>
  Math.max(0, ...Object.keys(record).map((name) => Number.parseInt(name, 10)))

const newestApplied = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  const [table] = yield* sql`SELECT to_regclass(${TABLE}) IS NOT NULL AS exists`
  if (table?.exists !== true) return 0
  const [newest] = yield* sql`SELECT max(migration_id) AS id FROM ${sql(TABLE)}`
  return Number(newest?.id ?? 0)
})

/** The message of what went wrong, and of what was behind it. */
const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const words = error.message.replace(/^Pg\w+: /, "")
  return error.cause === undefined ? words : `${words}: ${wordsOf(error.cause)}`
}

const failed = (error: Migrator.MigrationError | SqlError.SqlError): MigrationError =>
  new MigrationError({
    kind: "failed",
    message: `The database's schema could not be migrated, nothing of it was changed. ${wordsOf(error)}`,
    cause: error
  })

/** Names of the steps it ran, e.g. ["0001_market"]; none when all were there. `record` is another only in tests. */
export const migrate = (
  record: MigrationRecord = migrations
): Effect.Effect<ReadonlyArray<string>, MigrationError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const steps = Effect.gen(function* () {
      // a step, or the wait for another node that runs it, may take longer than a statement otherwise should
      yield* sql`SET LOCAL statement_timeout = 0`
      yield* sql`SET LOCAL lock_timeout = 0`
      yield* sql`SELECT pg_advisory_xact_lock(${LOCK})`
      const known = newestOf(record)
      const applied = yield* newestApplied(sql)
      if (applied > known) {
        return yield* new MigrationError({
          kind: "newer-schema",
          message: `The database's schema is at step ${applied}, this version of lzstock knows only ${known}: run a newer version, or use another database.`
        })
      }
      const done = yield* run({ loader: Migrator.fromRecord(record), table: TABLE })
      return done.map(([id, name]) => `${String(id).padStart(4, "0")}_${name}`)
    })
    return yield* sql.withTransaction(steps)
  }).pipe(
    Effect.catchTags({
      MigrationError: (error) => Effect.fail(error instanceof MigrationError ? error : failed(error)),
      SqlError: (error) => Effect.fail(failed(error))
    }),
    Effect.withSpan("Migrations.migrate")
  )

export const Migrations = {
  /** Fails before anything above it starts when the schema cannot be used. */
  layer: Layer.effectDiscard(
    Effect.tap(migrate(), (steps) =>
      steps.length === 0 ? Effect.void : Effect.logInfo("The database's schema was migrated", { steps })
    )
  )
}
