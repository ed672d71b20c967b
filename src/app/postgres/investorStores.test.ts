/** What the port suites cannot see of investors' stores: what is written together, what goes when, and what happens meanwhile. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { databases, sharedByFile } from "../../../test/support/databases.ts"
import { accountOf, deleted, signedUp } from "../../actors/investors/Accounts.suite.ts"
import { Accounts } from "../../actors/investors/Accounts.ts"
import { entryOf, whenThere } from "../../actors/investors/AuditLog.suite.ts"
import { AuditLog } from "../../actors/investors/AuditLog.ts"
import { NOW, signInOf, ticketOf } from "../../actors/investors/SignIns.suite.ts"
import { SignIns } from "../../actors/investors/SignIns.ts"
import { SigningKey } from "../../actors/investors/SigningKey.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { AccountsSql } from "./AccountsSql.ts"
import { AuditLogSql, MOST_WAITING, WRITE } from "./AuditLogSql.ts"
import { int4 } from "./params.ts"
import { SignInsSql } from "./SignInsSql.ts"
import { SigningKeySql } from "./SigningKeySql.ts"

interface Count {
  readonly n: number
}

for (const { layer, name } of databases) {
  const emptied = Layer.effectDiscard(
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) => sql`TRUNCATE investors, deleted_investors, api_tokens, sign_ins, used_tickets, security_events, outbox`
    )
  )
  const database = Layer.provideMerge(emptied, sharedByFile(layer))
  const stores = Layer.provideMerge(
    Layer.mergeAll(AccountsSql.layer, AuditLogSql.layer, SignInsSql.layer),
    Layer.provideMerge(Layer.fresh(Gauges.layer), database)
  )

  const countOf = Effect.fnUntraced(function* (table: string) {
    const sql = yield* SqlClient.SqlClient
    return (yield* sql<Count>`SELECT count(*)::int AS n FROM ${sql(table)}`)[0]?.n
  })

  /** A transaction that has done this, and stays open until `end`. */
  const holding = Effect.fnUntraced(function* (...statements: ReadonlyArray<string>) {
    const sql = yield* SqlClient.SqlClient
    const held = yield* Deferred.make<void>()
    const end = yield* Deferred.make<void>()
    const fiber = yield* Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true }).pipe(
      Effect.andThen(Deferred.succeed(held, undefined)),
      Effect.andThen(Deferred.await(end)),
      sql.withTransaction,
      Effect.forkChild
    )
    yield* Deferred.await(held)
    return { end: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber)) }
  })

  describe(`Investors' stores on ${name}`, () => {
    it.effect("an account and the event that tells of it are there together, or neither", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const accounts = yield* Accounts
        const outbox = sql`SELECT event_id, at::float8, body FROM outbox ORDER BY id`
        yield* accounts.create(accountOf("ann"), signedUp("ann"))
        const told = [
          { event_id: "up-ann", at: 1_800_000_000_000, body: { _tag: "investor.signed_up", investor: "ann" } }
        ]
        assert.deepStrictEqual(yield* outbox, told)
        yield* accounts.ensure(accountOf("local", { email: null, passwordHash: null }))
        yield* Effect.flip(accounts.create(accountOf("too-late", { email: "ann@example.org" }), signedUp("too-late")))
        yield* accounts.remove("nobody", deleted("nobody"))
        assert.deepStrictEqual(yield* outbox, told)
        // its event is there already: it is another's
        const odd = yield* Effect.exit(accounts.create(accountOf("odd"), signedUp("ann")))
        assert.isTrue(Exit.hasDies(odd))
        assert.isUndefined(yield* accounts.byId("odd"))
        assert.isTrue(Exit.hasDies(yield* Effect.exit(accounts.remove("ann", { ...deleted("ann"), id: "up-ann" }))))
        assert.isDefined(yield* accounts.byId("ann"))
        yield* accounts.remove("ann", deleted("ann"))
        assert.deepStrictEqual(yield* outbox, [
          ...told,
          { event_id: "gone-ann", at: 1_800_000_000_500, body: { _tag: "investor.deleted", investor: "ann" } }
        ])
      }).pipe(Effect.provide(stores))
    )

    it.effect(
      "with an account go its sign-ins and what the audit log knew of it but the id, also what comes late",
      () =>
        Effect.gen(function* () {
          const accounts = yield* Accounts
          const log = yield* AuditLog
          const signIns = yield* SignIns
          for (const id of ["ann", "bob"]) {
            yield* accounts.create(accountOf(id), signedUp(id))
            yield* signIns.put(signInOf(id, `browser-of-${id}`))
            yield* log.record(entryOf(id, "signed-up", { detail: "one" }))
          }
          yield* whenThere(log, 2)
          yield* accounts.remove("ann", deleted("ann"))
          yield* log.record(entryOf("ann", "deleted", { detail: "late" }))
          yield* log.record(entryOf("bob", "signed-in", { detail: "two" }))
          yield* log.record(entryOf(null, "refused", { detail: "three" }))
          yield* log.record(entryOf("operator", "made", { detail: "four" }))
          yield* whenThere(log, 6)
          const { events } = yield* log.page("ann", null, 10)
          assert.deepStrictEqual(
            events.map(({ address, detail, device, event }) => [event, address, device, detail]),
            [
              ["deleted", null, null, null],
              ["signed-up", null, null, null]
            ]
          )
          const { entries } = yield* log.everything(null, 10)
          assert.deepStrictEqual(
            entries.filter(({ investor }) => investor !== "ann").map(({ address, detail }) => [address, detail]),
            ["four", "three", "two", "one"].map((detail) => ["192.0.2.7", detail])
          )
          assert.isUndefined(yield* signIns.find("browser-of-ann", NOW))
          assert.isDefined(yield* signIns.find("browser-of-bob", NOW))
        }).pipe(Effect.provide(stores))
    )

    it.effect("sign-ins that have expired go as others come, a bounded number at a time", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const signIns = yield* SignIns
        yield* sql`
          INSERT INTO sign_ins
          SELECT ${NOW}, ${NOW}, ${NOW}::bigint + i / 1500, ${NOW}, 'old' || i, 'ann', 'browser', '', '', ''
          FROM generate_series(0, 1509) AS i`
        yield* signIns.put(signInOf("ann", "new"))
        assert.strictEqual(yield* countOf("sign_ins"), 1_511 - 1_000)
        yield* signIns.put(signInOf("ann", "newer"))
        // those that expire a moment later are still there
        assert.strictEqual(yield* countOf("sign_ins"), 12)
        // in the place of one that has expired
        yield* signIns.put(signInOf("ann", "old1505", { lastSeenAt: NOW + 1 }))
        assert.strictEqual(yield* countOf("sign_ins"), 3)
      }).pipe(Effect.provide(stores))
    )

    it.effect("tickets are remembered until a minute after they expire: other nodes' clocks may be behind", () =>
      Effect.gen(function* () {
        const signIns = yield* SignIns
        yield* signIns.put(signInOf("ann", "a"))
        const { ticketExpiresAt } = ticketOf("first", "a")
        yield* signIns.redeem(ticketOf("first", "a"))
        yield* signIns.redeem(ticketOf("second", "a", ticketExpiresAt + 59_999))
        assert.strictEqual(yield* signIns.redeem(ticketOf("first", "a")), "used")
        assert.strictEqual(yield* countOf("used_tickets"), 2)
        yield* signIns.redeem(ticketOf("third", "a", ticketExpiresAt + 60_000))
        assert.strictEqual(yield* countOf("used_tickets"), 2)
      }).pipe(Effect.provide(stores))
    )

    it.effect("tickets that come while some are on their way are taken together", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const signIns = yield* SignIns
        yield* signIns.put(signInOf("ann", "a"))
        const redeem = (n: number) => signIns.redeem(ticketOf(`n${n}`, "a"))
        const numbers = Array.from({ length: 5_000 }, (_, n) => n)
        const answers = yield* Effect.forEach(numbers, redeem, { concurrency: "unbounded" })
        assert.isTrue(answers.every((answer) => answer === "good"))
        const [statements] = yield* sql<Count>`SELECT count(DISTINCT xmin::text)::int AS n FROM used_tickets`
        assert.isAtLeast(statements?.n ?? 0, 5)
        assert.isAtMost(statements?.n ?? 0, 8)
      }).pipe(Effect.provide(stores))
    )

    it.effect("the signing key is made once, and is the same for all and for ever", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`TRUNCATE signing_keys`
        const gateway = Effect.map(Effect.scoped(Layer.build(Layer.fresh(SigningKeySql.layer))), (context) =>
          Array.from(Context.get(context, SigningKey).key)
        )
        const [first = assert.fail(), ...others] = yield* Effect.all(
          Array.from({ length: 8 }, () => gateway),
          { concurrency: "unbounded" }
        )
        assert.lengthOf(first, 32)
        for (const other of [...others, yield* gateway]) assert.deepStrictEqual(other, first)
        yield* sql`TRUNCATE signing_keys`
        assert.notDeepEqual(yield* gateway, first)
        // one that nobody could sign with is no key
        yield* sql`UPDATE signing_keys SET key = '\\x00'`
        assert.isTrue(Exit.hasDies(yield* Effect.exit(gateway)))
      }).pipe(Effect.provide(database))
    )

    it.effect(
      "of entries that come while none can be written so many are kept, the first ones; the rest is counted",
      () =>
        Effect.gen(function* () {
          const log = yield* AuditLog
          const gauges = yield* Gauges
          const lock = yield* holding("LOCK TABLE security_events IN ACCESS EXCLUSIVE MODE")
          for (let n = 0; n < MOST_WAITING + 100; n++) {
            yield* log.record(entryOf("ann", `e${n}`))
            // the writer has begun with the first
            if (n === 0) yield* Effect.yieldNow
          }
          assert.strictEqual(gauges.get("audit_entries_dropped_total"), 100)
          yield* lock.end
          const entries = yield* whenThere(log, MOST_WAITING)
          assert.deepStrictEqual(
            entries.map(({ event }) => event),
            Array.from({ length: MOST_WAITING }, (_, n) => `e${MOST_WAITING - 1 - n}`)
          )
          yield* log.record(entryOf("ann", "afterwards"))
          yield* whenThere(log, MOST_WAITING + 1)
          assert.strictEqual(gauges.get("audit_entries_dropped_total"), 100)
        }).pipe(Effect.provide(stores))
    )

    it.effect("entries whose write was not answered are there once when they are written again", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const write = (writer: string, batch: number, event: string) =>
          sql.unsafe(WRITE, [JSON.stringify([entryOf("ann", event)]), writer, int4(batch)])
        yield* write("one", 1, "first")
        yield* write("other", 1, "another's first")
        yield* Effect.all([write("one", 2, "second"), write("one", 2, "second")], { concurrency: "unbounded" })
        yield* write("one", 1, "first")
        yield* write("one", 3, "third")
        const events = sql<{ readonly event: string }>`SELECT event FROM security_events ORDER BY id`
        assert.deepStrictEqual(
          (yield* events).map(({ event }) => event),
          ["first", "another's first", "second", "third"]
        )
        yield* sql`TRUNCATE audit_writers`
      }).pipe(Effect.provide(stores))
    )

    /** An audit log that ends when its Scope is closed. */
    const shortLived = Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.build(Layer.fresh(AuditLogSql.layer)).pipe(Scope.provide(scope))
      return { log: Context.get(context, AuditLog), close: Scope.close(scope, Exit.void) }
    })

    it.effect("entries that wait at the end are written", () =>
      Effect.gen(function* () {
        const { close, log } = yield* shortLived
        for (let n = 0; n < 1_200; n++) yield* log.record(entryOf("ann", `e${n}`))
        yield* close
        assert.strictEqual(yield* countOf("security_events"), 1_200)
        // nothing is left of the writer itself
        assert.strictEqual(yield* countOf("audit_writers"), 0)
        yield* log.record(entryOf("ann", "too late"))
        assert.strictEqual((yield* Gauges).get("audit_entries_dropped_total"), 1)
      }).pipe(Effect.provide(stores))
    )

    it.effect("the end does not wait for ever for entries that cannot be written", () =>
      Effect.gen(function* () {
        const { close, log } = yield* shortLived
        const lock = yield* holding("LOCK TABLE security_events IN ACCESS EXCLUSIVE MODE")
        for (let n = 0; n < 3; n++) yield* log.record(entryOf("ann", `e${n}`))
        const closing = yield* Effect.forkChild(close, { startImmediately: true })
        yield* Effect.repeat(TestClock.adjust("1 second"), { until: () => closing.pollUnsafe() !== undefined })
        assert.isAtMost(yield* Clock.currentTimeMillis, 60_000)
        assert.strictEqual((yield* Gauges).get("audit_entries_dropped_total"), 3)
        yield* lock.end
      }).pipe(Effect.provide(stores))
    )

    if (name === "PGlite") return

    const whenWaiting = Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const waiters = sql<Count>`
        SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`
      yield* Effect.repeat(waiters, { until: ([row]) => row?.n === 1 })
    })

    it.effect("an entry that is written while its account goes has no particulars afterwards, whichever is first", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const accounts = yield* Accounts
        const log = yield* AuditLog
        for (const id of ["ann", "bob"]) yield* accounts.create(accountOf(id), signedUp(id))
        // as AccountsSql does it, as far as it has come
        const removing = yield* holding(
          "DELETE FROM investors WHERE id = 'ann'",
          "INSERT INTO deleted_investors (id, at) VALUES ('ann', 1)",
          "UPDATE security_events SET address = NULL WHERE investor = 'ann'"
        )
        yield* log.record(entryOf("ann", "late"))
        yield* whenWaiting
        yield* removing.end
        assert.deepInclude((yield* whenThere(log, 1))[0], { event: "late", address: null, device: null })

        // as AuditLogSql does it
        const writing = yield* holding(
          "SELECT FROM investors WHERE id = 'bob' FOR KEY SHARE",
          `INSERT INTO security_events (at, investor, event, result, address)
           VALUES (1, 'bob', 'early', 'done', '192.0.2.7')`
        )
        const removal = yield* Effect.forkChild(accounts.remove("bob", deleted("bob")))
        yield* whenWaiting
        yield* writing.end
        assert.isTrue(yield* Fiber.join(removal))
        assert.deepStrictEqual(yield* sql`SELECT address FROM security_events WHERE event = 'early'`, [
          { address: null }
        ])
      }).pipe(Effect.provide(stores))
    )
  })
}
