/** The relay on both databases, and a log that does as it is told; by the test's clock, which stands still unless it is said. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, type Layer, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { databases, sharedByFile } from "../../../test/support/databases.ts"
import { manyEvents, signedUp } from "../../actors/kernel/EventLog.suite.ts"
import type { DomainEvent } from "../../rpc/events.ts"
import { commit, emptied, left, relayOn, ScriptedEventLog } from "./testing/outboxNode.ts"

const sumOf = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, number) => sum + number, 0)

/** A row as nobody here would write it. */
const put = (id: string, body: string, at = "1") =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`INSERT INTO outbox (event_id, at, body) VALUES (${id}, ${at}::bigint, ${body}::jsonb)`
  )

const parked = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    sql<{
      readonly id: string
      readonly reason: string
    }>`SELECT event_id AS id, reason FROM outbox_parked ORDER BY outbox_parked.id`
)

/** The lease as a node left it. */
const leaseOf = (holder: string, seconds: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql`UPDATE outbox_relay SET holder = ${holder}, until = clock_timestamp() + make_interval(secs => ${seconds}::float8)`
  )

const suite = (name: string, database: Layer.Layer<SqlClient.SqlClient, unknown>): void => {
  const check = (
    title: string,
    body: (log: ScriptedEventLog) => Effect.Effect<void, unknown, SqlClient.SqlClient | Scope.Scope>
  ) =>
    it.effect(title, () =>
      Effect.suspend(() => Effect.andThen(emptied, body(new ScriptedEventLog()))).pipe(
        Effect.scoped,
        Effect.provide(database)
      )
    )

  describe(`the outbox's relay on ${name}`, () => {
    check("moves what it finds when it starts, in order and in bounded batches, and drops it", (log) =>
      Effect.gen(function* () {
        const events = manyEvents(250)
        yield* commit(...events)
        const { gauges, until } = yield* relayOn(log.service)
        yield* until("waiting")
        assert.strictEqual(gauges.get("outbox_waiting"), 250)
        yield* until("empty")
        assert.deepStrictEqual(log.kept, events)
        assert.deepStrictEqual(log.appends, [100, 100, 50])
        assert.deepStrictEqual(yield* left, [])
        assert.strictEqual(gauges.get("outbox_published_total"), 250)
        assert.strictEqual(gauges.get("outbox_failures_total"), 0)
        assert.strictEqual(gauges.get("outbox_waiting"), 0)
      })
    )

    check("goes at once when it is poked, whatever the clock says", (log) =>
      Effect.gen(function* () {
        const { poke, until } = yield* relayOn(log.service)
        for (let n = 0; n < 5; n++) {
          yield* until("empty")
          yield* commit(signedUp(n))
          yield* poke
          yield* log.whenKept(n + 1)
        }
        assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      })
    )

    check("finds by itself, every five seconds, what nobody told it of", (log) =>
      Effect.gen(function* () {
        const { until } = yield* relayOn(log.service)
        for (let n = 0; n < 3; n++) {
          yield* until("empty")
          yield* commit(signedUp(n))
          yield* TestClock.adjust(4_999)
          assert.strictEqual(log.kept.length, n)
          yield* TestClock.adjust(1)
          yield* log.whenKept(n + 1)
        }
      })
    )

    check("leaves alone what is not committed, and does not come by it twice", (log) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const { poke, until } = yield* relayOn(log.service)
        yield* until("empty")
        yield* Effect.exit(sql.withTransaction(Effect.andThen(commit(signedUp(1)), Effect.fail("no"))))
        yield* commit(signedUp(2))
        yield* poke
        yield* until("published")
        yield* until("empty")
        yield* poke
        yield* until("empty")
        assert.deepStrictEqual(log.kept, [signedUp(2)])
        assert.deepStrictEqual(log.appends, [1])
      })
    )

    check("of two relays one at a time is at it: each event is said once, and in order", (log) =>
      Effect.gen(function* () {
        const one = yield* relayOn(log.service)
        const two = yield* relayOn(log.service)
        const events = manyEvents(400)
        for (let at = 0; at < events.length; at += 20) {
          yield* commit(...events.slice(at, at + 20))
          yield* Effect.all([one.poke, two.poke], { concurrency: "unbounded" })
        }
        yield* log.whenKept(400)
        yield* Effect.repeat(left, { until: ({ length }) => length === 0 })
        assert.deepStrictEqual(log.kept, events)
        assert.strictEqual(sumOf(log.appends), 400)
      })
    )

    check("one relay waits while the other is at it, and goes on when that one gives up", (log) =>
      Effect.gen(function* () {
        log.answers.push("hangs")
        yield* commit(...manyEvents(3))
        const one = yield* relayOn(log.service)
        yield* log.when(() => log.appends.length === 1)
        const two = yield* relayOn(log.service)
        yield* two.until("waiting")
        yield* two.poke
        yield* two.until("waiting")
        assert.deepStrictEqual(log.appends, [3])
        // the first one's patience ends; whoever of the two comes first goes on
        yield* TestClock.adjust("10 seconds")
        yield* one.until("failed")
        yield* TestClock.adjust("5 seconds")
        yield* log.when(() => log.appends.length > 1)
        yield* Effect.raceFirst(one.until("published"), two.until("published"))
        assert.deepStrictEqual(log.kept, manyEvents(3))
      })
    )

    check("goes on for a node that was killed, when its lease has ended and not before", (log) =>
      Effect.gen(function* () {
        yield* commit(signedUp(1))
        yield* leaseOf("a node that was killed", 3600)
        const { gauges, poke, until } = yield* relayOn(log.service)
        for (let looks = 0; looks < 3; looks++) {
          yield* until("waiting")
          yield* poke
        }
        // a look is over when there is another
        yield* until("waiting")
        assert.deepStrictEqual(log.appends, [])
        yield* leaseOf("a node that was killed", -1)
        yield* poke
        yield* until("empty")
        assert.deepStrictEqual(log.kept, [signedUp(1)])
        assert.strictEqual(gauges.get("outbox_failures_total"), 0)
      })
    )

    check("gives its lease back when it stops in the middle, so that the next one need not wait", (log) =>
      Effect.gen(function* () {
        log.answers.push("hangs")
        yield* commit(signedUp(1))
        const scope = yield* Scope.make()
        yield* relayOn(log.service).pipe(Scope.provide(scope))
        yield* log.when(() => log.appends.length === 1)
        yield* Scope.close(scope, Exit.void)
        const { until } = yield* relayOn(log.service)
        yield* until("empty")
        assert.deepStrictEqual(log.kept, [signedUp(1)])
        assert.deepStrictEqual(yield* left, [])
      })
    )

    check("while the log is away keeps the rows and waits longer and longer, up to five seconds; then all go", (log) =>
      Effect.gen(function* () {
        const events = manyEvents(120)
        yield* commit(...events)
        log.otherwise = 0
        const { gauges, until } = yield* relayOn(log.service)
        for (const [before, pause] of [100, 200, 400, 800, 1600, 3200, 5000, 5000].entries()) {
          yield* until("failed")
          // time enough for a relay that would not wait, none by its clock
          yield* TestClock.adjust(pause - 1)
          yield* Effect.repeat(left, { times: 20 })
          assert.strictEqual(log.appends.length, before + 1)
          assert.strictEqual((yield* left).length, 120)
          yield* TestClock.adjust(1)
        }
        yield* until("failed")
        assert.strictEqual(gauges.get("outbox_failures_total"), 9)
        assert.strictEqual(gauges.get("outbox_waiting"), 120)
        log.otherwise = "succeeds"
        yield* TestClock.adjust("5 seconds")
        yield* until("empty")
        assert.deepStrictEqual(log.kept, events)
        // a slow log is given little: one at first, then as much as ever
        assert.deepStrictEqual(log.appends, [100, 1, 1, 1, 1, 1, 1, 1, 1, 1, 100, 19])
      })
    )

    check("says nothing that is new twice when the log has kept what it says it has not", (log) =>
      Effect.gen(function* () {
        const events = manyEvents(150)
        yield* commit(...events)
        log.answers.push("fails", 0, "fails", "succeeds", 40)
        const { gauges, until } = yield* relayOn(log.service)
        for (let failures = 0; failures < 4; failures++) {
          yield* until("failed")
          yield* TestClock.adjust("5 seconds")
        }
        yield* until("empty")
        assert.deepStrictEqual(log.kept, events)
        assert.strictEqual(gauges.get("outbox_published_total"), 150)
        assert.deepStrictEqual(log.appends.slice(0, 5), [100, 1, 1, 1, 100])
      })
    )

    check("sets aside what it cannot read, with the reason, and goes on with the others", (log) =>
      Effect.gen(function* () {
        yield* commit(signedUp(1))
        yield* put("unknown", '{"_tag":"investor.renamed","investor":"x"}')
        yield* put("no investor", '{"_tag":"investor.deleted"}')
        yield* put("null", "null")
        yield* put("deep", `${"[".repeat(5000)}${"]".repeat(5000)}`)
        yield* commit(signedUp(2))
        yield* put("long", `{"_tag":"investor.deleted","investor":"${"x".repeat(64 * 1024)}"}`)
        yield* put("beyond time", JSON.stringify(signedUp(3).body), "9223372036854775807")
        yield* commit(signedUp(3))
        const { gauges, until } = yield* relayOn(log.service)
        yield* until("empty")
        assert.deepStrictEqual(log.kept, [signedUp(1), signedUp(2), signedUp(3)])
        assert.deepStrictEqual(yield* left, [])
        const reasons = yield* parked
        assert.deepStrictEqual(
          reasons.map(({ id }) => id),
          ["unknown", "no investor", "null", "deep", "long", "beyond time"]
        )
        assert.isTrue(reasons.every(({ reason }) => reason !== "" && reason.length <= 500))
        assert.include(reasons[1]?.reason, "investor")
        assert.strictEqual(reasons[4]?.reason, "longer than any event is")
        assert.strictEqual(gauges.get("outbox_parked_total"), 6)
        assert.strictEqual(gauges.get("outbox_failures_total"), 0)
      })
    )

    check("tries again what was set aside when it starts: a newer version may know it", (log) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* put("event-1", '{"_tag":"investor.of_tomorrow"}', String(signedUp(1).at))
        yield* put("event-2", '{"_tag":"investor.of_tomorrow"}')
        yield* Effect.scoped(Effect.flatMap(relayOn(log.service), ({ until }) => until("empty")))
        assert.strictEqual((yield* parked).length, 2)
        yield* sql`UPDATE outbox_parked SET body = ${JSON.stringify(signedUp(1).body)}::jsonb WHERE event_id = 'event-1'`
        const { until } = yield* relayOn(log.service)
        yield* until("empty")
        assert.deepStrictEqual(log.kept, [signedUp(1)])
        assert.deepStrictEqual(
          (yield* parked).map(({ id }) => id),
          ["event-2"]
        )
        // in its old place, and new ones still get numbers of their own
        yield* commit(signedUp(3))
        assert.deepStrictEqual(yield* left, ["event-3"])
      })
    )

    check("passes on what an event has more than this version knows", (log) =>
      Effect.gen(function* () {
        const body = { ...signedUp(1).body, since: "tomorrow" }
        const event: DomainEvent = { ...signedUp(1), body }
        yield* commit(event)
        const { until } = yield* relayOn(log.service)
        yield* until("empty")
        assert.deepStrictEqual(log.kept, [event])
      })
    )
  })
}

for (const { layer, name } of databases) suite(name, sharedByFile(layer))
