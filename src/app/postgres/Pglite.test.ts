/** The embedded database: one process a folder, crashes of its thread and of its process, connections that take turns. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Queue, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { embeddedIn, temporaryFolder } from "../../../test/support/databases.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { openPglite } from "./Pglite.ts"

const count = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ readonly n: number }>`SELECT count(*)::int AS n FROM written`, ([row]) => row?.n)
)

/** A process that has written 1,000 rows and waits. */
const holder = (folder: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const file = fileURLToPath(new URL("./testing/embeddedHolder.ts", import.meta.url))
      const child = spawn(process.execPath, [file, folder], { stdio: ["ignore", "pipe", "inherit"] })
      await once(child.stdout, "data")
      return child
    }),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        child.kill("SIGKILL")
        await once(child, "exit")
      })
  )

describe("the embedded database's folder", () => {
  it.live("keeps everything from one time to the next, and is free and checkpointed in between", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE written AS SELECT generate_series(1, 10)`
        assert.strictEqual((yield* Gauges).get("database_workers_active"), 1)
      }).pipe(Effect.provide(embeddedIn(folder)))
      assert.isFalse(existsSync(path.join(folder, "lock")))
      assert.strictEqual(yield* Effect.provide(count, embeddedIn(folder)), 10)
    }).pipe(Effect.scoped)
  )

  it.live("is one process's: another is refused and told who has it, until that one is dead", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const child = yield* holder(folder)
      const refused = yield* Effect.flip(Layer.build(embeddedIn(folder)))
      assert.strictEqual(refused._tag, "FolderInUse")
      assert.include(refused.message, `process ${child.pid}`)
      assert.include(refused.message, folder)
      // killed as it stands: its lock is left behind, and what it acknowledged must be there
      child.kill("SIGKILL")
      yield* Effect.promise(() => once(child, "exit"))
      assert.isTrue(existsSync(path.join(folder, "lock")))
      assert.strictEqual(yield* Effect.provide(count, embeddedIn(folder)), 1_000)
    }).pipe(Effect.scoped)
  )

  it.live("is refused to the same process twice; afterwards it is free", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const open = Effect.scoped(Layer.build(embeddedIn(folder)))
      yield* Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(open))._tag, "FolderInUse")
      }).pipe(Effect.provide(embeddedIn(folder)))
      yield* open
    }).pipe(Effect.scoped)
  )

  it.live("is taken over from a pid that another process has now, and from a lock file that says nothing", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const open = Effect.scoped(Layer.build(embeddedIn(folder)))
      for (const left of [JSON.stringify({ pid: process.pid, started: "another time" }), "", "{}"]) {
        writeFileSync(path.join(folder, "lock"), left)
        yield* open
      }
    }).pipe(Effect.scoped)
  )

  it.live("that holds something else is refused in words", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(path.join(folder, "data"), "no folder")
      const error = yield* Effect.flip(Layer.build(embeddedIn(folder)))
      assert.strictEqual(error._tag, "EmbeddedDatabaseError")
      assert.include(error.message, folder)
    }).pipe(Effect.scoped)
  )
})

describe("the embedded database's thread", () => {
  it.live("fails what it was asked when it dies, and another one has all that was acknowledged", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const gauges = yield* Gauges
      const { connect, crash } = yield* openPglite(folder)
      const sql = yield* PgClient.make({ stream: connect, username: "postgres", database: "postgres", prepare: false })
      yield* sql`CREATE TABLE written AS SELECT generate_series(1, 10)`
      const busy = yield* Effect.forkChild(sql`SELECT count(*) FROM generate_series(1, 500000000)`, {
        startImmediately: true
      })
      yield* crash
      assert.isTrue(Exit.isFailure(yield* Fiber.await(busy)))
      // not at once again and again, but by itself
      yield* Effect.retry(sql`SELECT 1`, Schedule.spaced("50 millis"))
      assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS n FROM written`, [{ n: 10 }])
      assert.strictEqual(gauges.get("database_restarts_total"), 1)
      assert.strictEqual(gauges.get("database_workers_active"), 1)
    }).pipe(Effect.provide(Layer.merge(Gauges.layer, Reactivity.layer)), Effect.scoped)
  )
})

it.live("the embedded database is vacuumed while it rests, since nothing else does it there", () =>
  Effect.gen(function* () {
    const { connect } = yield* openPglite(yield* temporaryFolder, 20)
    const sql = yield* PgClient.make({ stream: connect, username: "postgres", database: "postgres", prepare: false })
    yield* sql`CREATE TABLE written AS SELECT generate_series(1, 10000) AS i`
    yield* sql`DELETE FROM written WHERE i > 10`
    // only VACUUM marks a page as visible to all
    const vacuumed = sql<{ readonly n: number }>`SELECT relallvisible AS n FROM pg_class WHERE relname = 'written'`
    yield* Effect.repeat(vacuumed, { until: ([row]) => (row?.n ?? 0) > 0, schedule: Schedule.spaced("50 millis") })
    assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS n FROM written`, [{ n: 10 }])
  }).pipe(Effect.provide(Layer.merge(Gauges.layer, Reactivity.layer)), Effect.scoped)
)

describe("connections to the embedded database take turns", () => {
  it.live("a transaction has the session to itself; one that is interrupted leaves nothing", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE written (i int)`
      const inside = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const first = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`INSERT INTO written VALUES (1)`
            yield* Deferred.succeed(inside, undefined)
            yield* Deferred.await(go)
            yield* sql`INSERT INTO written VALUES (2)`
          })
        )
      )
      yield* Deferred.await(inside)
      const others = yield* Effect.forkChild(
        Effect.all([count, sql.withTransaction(Effect.andThen(sql`INSERT INTO written VALUES (3)`, count))], {
          concurrency: "unbounded"
        })
      )
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(first)
      // neither saw the first transaction half done
      for (const seen of yield* Fiber.join(others)) assert.oneOf(seen, [2, 3])
      assert.strictEqual(yield* count, 3)

      const open = yield* Deferred.make<void>()
      const abandoned = yield* Effect.forkChild(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`INSERT INTO written VALUES (4)`
            yield* Deferred.succeed(open, undefined)
            yield* Effect.never
          })
        )
      )
      yield* Deferred.await(open)
      yield* Fiber.interrupt(abandoned)
      assert.strictEqual(yield* count, 3)
    }).pipe(Effect.provide(Layer.unwrap(Effect.map(temporaryFolder, embeddedIn))))
  )

  it.live(
    "a request to cancel is answered by its end, though nobody reads: who is interrupted keeps nobody waiting",
    () =>
      Effect.gen(function* () {
        const { connect } = yield* openPglite(yield* temporaryFolder)
        const socket = connect()
        const cancel = Buffer.alloc(16)
        cancel.writeInt32BE(16, 0)
        cancel.writeInt32BE(80_877_102, 4)
        socket.write(cancel)
        yield* Effect.promise(() => once(socket, "close"))
      }).pipe(Effect.provide(Gauges.layer), Effect.scoped)
  )

  it.live("a connection that says goodbye is gone, though nobody reads its end, and so is each of who hangs up", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const folder = yield* temporaryFolder
      yield* Effect.gen(function* () {
        const { connect } = yield* openPglite(folder)
        const socket = connect()
        assert.strictEqual(gauges.get("database_connections_active"), 1)
        socket.end(Uint8Array.of(0x58, 0, 0, 0, 4))
        yield* Effect.promise(() => once(socket, "close"))
        assert.strictEqual(gauges.get("database_connections_active"), 0)
      }).pipe(Effect.scoped)

      const counted = yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        for (let turn = 0; turn < 20; turn++) {
          const asking = yield* Effect.forkChild(sql`SELECT count(*) FROM generate_series(1, 200000)`)
          yield* Effect.yieldNow
          yield* Fiber.interrupt(asking)
        }
        yield* sql`SELECT 1`
        const inUse = yield* Gauges
        assert.isAbove(inUse.get("database_connections_active"), 0)
        return inUse
      }).pipe(Effect.provide(embeddedIn(folder)))
      assert.strictEqual(counted.get("database_connections_active"), 0)
    }).pipe(Effect.scoped, Effect.provide(Gauges.layer))
  )

  it.live("an error ends its own statement only; notifications arrive at who listens", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const heard = yield* sql.listen("news")
      const exits = yield* Effect.all([Effect.exit(sql`SELECT no_such_thing`), Effect.exit(sql`SELECT 1 AS one`)], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        exits.map((exit) => exit._tag),
        ["Failure", "Success"]
      )
      yield* sql.notify("news", "something")
      assert.strictEqual((yield* Queue.take(heard)).payload, "something")
    }).pipe(Effect.scoped, Effect.provide(Layer.unwrap(Effect.map(temporaryFolder, embeddedIn))))
  )
})
