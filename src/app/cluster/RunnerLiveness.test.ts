import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import { Runner, RunnerAddress } from "effect/cluster"
import { describe, vi } from "vitest"
import { agreed, askAll } from "../../../test/support/clusterAnswers.ts"
import { startNode } from "../../../test/support/clusterNodes.ts"
import { freshDatabase, freshPrefix, ownServices, services } from "../../../test/support/services.ts"
import { MARKET_SHARDS } from "../../rpc/topics.ts"

// clusters come up and servers restart: seconds, more on a busy machine
vi.setConfig({ testTimeout: 60_000 })

describe("which runners are there", () => {
  it.live("NATS restarted: calls wait, and the same actors answer them", () =>
    Effect.gen(function* () {
      const { control, natsUrl } = yield* ownServices(["nats"])
      const at = { natsUrl, databaseUrl: yield* freshDatabase, prefix: freshPrefix("liveness") }
      const a = yield* startNode({ ...at, name: "a" })
      const b = yield* startNode({ ...at, name: "b" })
      const gateway = yield* startNode({ ...at, name: "gateway", callsOnly: true })
      const owners = yield* agreed([a, b, gateway], ["a", "b"])
      yield* control("nats", "kill")
      const asking = yield* Effect.forkScoped(askAll(gateway))
      yield* Effect.repeat(
        Effect.sync(() => gateway.nats.connected()),
        { schedule: Schedule.spaced(10), while: (connected) => connected }
      )
      assert.isUndefined(asking.pollUnsafe())
      yield* control("nats", "start")
      assert.deepEqual([...(yield* askAll(gateway))], [...owners])
      assert.deepEqual([...(yield* agreed([a, b, gateway], ["a", "b"]))], [...owners])
      assert.strictEqual(a.gauges.get("runners_lost_total") + b.gauges.get("runners_lost_total"), 0)
    }).pipe(Effect.scoped)
  )

  it.live("a runner that NATS has lost for a moment comes back by itself", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const at = { natsUrl, databaseUrl: yield* freshDatabase, prefix: freshPrefix("liveness") }
      const a = yield* startNode({ ...at, name: "a" })
      const b = yield* startNode({ ...at, name: "b" })
      const gateway = yield* startNode({ ...at, name: "gateway", callsOnly: true })
      yield* agreed([a, b, gateway], ["a", "b"])
      yield* Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        // what the others do who find it gone, and go on doing until everybody has seen it; a comes back within seconds by itself
        yield* sql`CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.healthy = false; RETURN NEW; END $$`
        yield* sql`CREATE TRIGGER a_is_gone BEFORE UPDATE ON cluster_runners FOR EACH ROW
          WHEN (NEW.address LIKE 'a-%') EXECUTE FUNCTION gone()`
        yield* sql`UPDATE cluster_runners SET healthy = false WHERE address LIKE 'a-%'`
        yield* agreed([b, gateway], ["b"])
        yield* sql`DROP TRIGGER a_is_gone ON cluster_runners`
        yield* agreed([a, b, gateway], ["a", "b"])
      }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(at.databaseUrl), maxConnections: 1 })))
    }).pipe(Effect.scoped)
  )

  it.live("who died without a word is passed over at once, and forgotten when its heartbeat has expired", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const databaseUrl = yield* freshDatabase
      const at = { natsUrl, databaseUrl, prefix: freshPrefix("liveness"), lockExpirationMillis: 3000 }
      const a = yield* startNode({ ...at, name: "a" })
      yield* agreed([a], ["a"])
      const dead = Runner.make({ address: RunnerAddress.make("dead", 1), groups: [MARKET_SHARDS], weight: 1 })
      yield* Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* sql`INSERT INTO cluster_runners (address, runner, healthy, last_heartbeat)
          VALUES ('dead:1', ${Runner.Runner.encodeSync(dead)}, true, now())`
        yield* Effect.repeat(
          Effect.sync(() => a.gauges.get("runners_lost_total")),
          {
            schedule: Schedule.spaced(20),
            until: (lost) => lost > 0
          }
        )
        yield* agreed([a], ["a"])
        yield* Effect.repeat(sql`SELECT 1 FROM cluster_runners WHERE address = 'dead:1'`, {
          schedule: Schedule.spaced(50),
          until: (rows) => rows.length === 0
        })
      }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(databaseUrl), maxConnections: 1 })))
    }).pipe(Effect.scoped)
  )
})
