/** What the relay's tests cannot see: how the database comes by its answers, and a PostgreSQL that goes away. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { databases, postgresAt, sharedByFile } from "../../../test/support/databases.ts"
import { ownServices } from "../../../test/support/services.ts"
import { manyEvents, signedUp } from "../../actors/kernel/EventLog.suite.ts"
import { migrate } from "./Migrations.ts"
import { READ } from "./outboxTable.ts"
import { int4 } from "./params.ts"
import { commit, relayOn, ScriptedEventLog } from "./testing/outboxNode.ts"

interface PlanNode {
  readonly "Node Type": string
  readonly "Index Name"?: string
  readonly "Shared Hit Blocks": number
  readonly "Shared Read Blocks": number
  readonly Plans?: ReadonlyArray<PlanNode>
}

const nodesOf = (node: PlanNode): ReadonlyArray<PlanNode> => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

for (const { layer, name } of databases) {
  describe(`the outbox's table on ${name}`, () => {
    const database = sharedByFile(layer)

    it.live("is read by its key: the oldest cost the same, however many wait", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`
          INSERT INTO outbox (event_id, at, body)
          SELECT 'event-' || i, i, '{"_tag":"investor.deleted","investor":"x"}' FROM generate_series(1, 20000) AS i`
        yield* sql`ANALYZE outbox`
        const [row] = yield* sql.unsafe<{ readonly "QUERY PLAN": ReadonlyArray<{ readonly Plan: PlanNode }> }>(
          `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${READ}`,
          [int4(100), int4(1000)]
        )
        const top = row?.["QUERY PLAN"][0]?.Plan
        if (top === undefined) return assert.fail("no plan")
        assert.deepStrictEqual(
          nodesOf(top).flatMap((node) => node["Index Name"] ?? []),
          ["outbox_pkey"]
        )
        assert.isBelow(top["Shared Hit Blocks"] + top["Shared Read Blocks"], 20)
      }).pipe(Effect.provide(database))
    )
  })
}

describe("the outbox's relay, while PostgreSQL is away", () => {
  it.effect("waits, and goes on when it is back: nothing is lost or said twice", () =>
    Effect.gen(function* () {
      const { control, databaseUrl } = yield* ownServices(["postgres"])
      yield* Effect.gen(function* () {
        const events = manyEvents(5)
        yield* commit(...events)
        const log = new ScriptedEventLog()
        log.answers.push("hangs")
        const { gauges, until } = yield* relayOn(log.service)
        // it has the events, and cannot say that they may go
        yield* log.when(() => log.appends.length === 1)
        yield* control("postgres", "kill")
        yield* TestClock.adjust("10 seconds")
        yield* until("failed")
        yield* control("postgres", "start")
        const mended: Effect.Effect<void> = Effect.flatMap(until("failed", "empty"), (told) =>
          told === "empty" ? Effect.void : Effect.andThen(TestClock.adjust("5 seconds"), mended)
        )
        yield* TestClock.adjust("5 seconds")
        yield* mended
        assert.deepStrictEqual(log.kept, events)
        assert.isAtLeast(gauges.get("outbox_failures_total"), 1)
        yield* commit(signedUp(9))
        yield* TestClock.adjust("5 seconds")
        yield* log.whenKept(6)
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.provideMerge(Layer.effectDiscard(migrate()), postgresAt(databaseUrl)))
      )
    }).pipe(Effect.scoped)
  )
})
