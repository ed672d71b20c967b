/** A process that holds an embedded database and has written to it, until it is killed: `node embeddedHolder.ts FOLDER`. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { Database } from "../Database.ts"

const database = Database.layer({ folder: process.argv[2] ?? "" }).pipe(Layer.provide(Gauges.layer))

await Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE written (i int PRIMARY KEY)`
  yield* sql`INSERT INTO written SELECT generate_series(1, 1000)`
  // acknowledged: from here on it may be killed
  process.stdout.write("written\n")
  yield* Effect.never
}).pipe(Effect.provide(database), Effect.runPromise)
