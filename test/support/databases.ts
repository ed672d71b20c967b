/** The databases that storage must work on, each empty and migrated: the embedded one, and a real PostgreSQL. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Redacted, type Scope } from "effect"
import type { SqlClient } from "effect/sql"
import { afterAll } from "vitest"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { Database, type DatabaseError } from "../../src/app/postgres/Database.ts"
import { type MigrationError, migrate } from "../../src/app/postgres/Migrations.ts"
import { freshDatabase } from "./services.ts"

export type DatabaseLayer = Layer.Layer<
  SqlClient.SqlClient | PgClient.PgClient | Gauges,
  DatabaseError | MigrationError
>

/** A folder that goes with its Scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(path.join(tmpdir(), "lzstock-database-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

/** Without a schema. */
export const embeddedIn = (folder: string) => Database.layer({ folder }).pipe(Layer.provideMerge(Gauges.layer))
export const postgresAt = (url: string) =>
  Database.layer({ url: Redacted.make(url), folder: "" }).pipe(Layer.provideMerge(Gauges.layer))

const migrated = <E>(database: Layer.Layer<SqlClient.SqlClient | PgClient.PgClient | Gauges, E>) =>
  Layer.provideMerge(Layer.effectDiscard(migrate()), database)

export const databases: ReadonlyArray<{
  readonly name: string
  readonly bare: DatabaseLayer
  readonly layer: DatabaseLayer
}> = [
  { name: "PGlite", bare: Layer.unwrap(Effect.map(temporaryFolder, embeddedIn)) },
  { name: "PostgreSQL", bare: Layer.unwrap(Effect.map(freshDatabase, postgresAt)) }
].map(({ bare, name }) => ({ name, bare, layer: migrated(bare) }))

/** One database for all tests of a file, closed after them: whoever builds the layer gets the same. */
export const sharedByFile = (layer: DatabaseLayer): DatabaseLayer => {
  const runtime = ManagedRuntime.make(layer)
  afterAll(() => runtime.dispose())
  return Layer.effectContext(runtime.contextEffect)
}
