import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Schedule, Scope, Stream } from "effect"
import { describe, vi } from "vitest"
import { agreed, ask, askAll, ownedBy } from "../../../test/support/clusterAnswers.ts"
import { type NodeOptions, type Owner, startNode } from "../../../test/support/clusterNodes.ts"
import { freshDatabase, freshPrefix, services } from "../../../test/support/services.ts"

/** A cluster of its own on the run's servers. */
const cluster = Effect.gen(function* () {
  const { natsUrl } = yield* Effect.promise(services)
  const databaseUrl = yield* freshDatabase
  const prefix = freshPrefix("cluster")
  return (name: string, options?: Partial<NodeOptions>) => startNode({ name, databaseUrl, natsUrl, prefix, ...options })
})

// clusters come up and servers restart: seconds, more on a busy machine
vi.setConfig({ testTimeout: 60_000 })

describe("the cluster over NATS and PostgreSQL", () => {
  it.live("an entity has one owner, whoever asks, and nodes share them out", () =>
    Effect.gen(function* () {
      const start = yield* cluster
      const nodes = yield* Effect.all([start("a"), start("b"), start("c")], { concurrency: "unbounded" })
      const gateway = yield* start("gateway", { callsOnly: true })
      const owners = yield* agreed([...nodes, gateway], ["a", "b", "c"])
      // nothing moves any more: the same actors answer again
      const again = yield* askAll(gateway)
      assert.deepEqual([...again], [...owners])
    }).pipe(Effect.scoped)
  )

  it.live("a full mailbox is a typed error to the caller, near and far", () =>
    Effect.gen(function* () {
      const start = yield* cluster
      const a = yield* start("a", { mailboxCapacity: 2 })
      const b = yield* start("b", { mailboxCapacity: 2 })
      const owners = yield* agreed([a, b], ["a", "b"])
      const id = ownedBy(owners, "a")
      for (const caller of [a, b]) {
        const full = yield* Latch.make(false)
        const calls = yield* Effect.forEach(
          Array.from({ length: 10 }),
          () =>
            caller
              .probe(id)
              .Wait()
              .pipe(
                Effect.tapError((error) => (error._tag === "MailboxFull" ? full.open : Effect.void)),
                Effect.result,
                Effect.forkScoped
              ),
          { concurrency: "unbounded" }
        )
        yield* full.await
        yield* Effect.forEach(calls, Fiber.interrupt)
      }
      yield* a.openGate
      // and the actor is none the worse for it
      assert.strictEqual(
        yield* b
          .probe(id)
          .Wait()
          .pipe(Effect.retry(Schedule.spaced(20))),
        1
      )
    }).pipe(Effect.scoped)
  )

  it.live("a node that leaves hands over: streams go on with the next owner, calls do not fail", () =>
    Effect.gen(function* () {
      const start = yield* cluster
      const a = yield* start("a")
      const b = yield* start("b")
      const gateway = yield* start("gateway", { callsOnly: true })
      const owners = yield* agreed([a, b, gateway], ["a", "b"])
      const id = ownedBy(owners, "a")

      const seen: Array<Owner> = []
      const next = yield* Latch.make(false)
      const watching = yield* gateway
        .probe(id)
        .Watch()
        .pipe(
          Stream.runForEach((owner) => {
            seen.push(owner)
            return owner.node === "b" ? next.open : Effect.void
          }),
          // however the old owner's stream ends, it is opened again
          Effect.exit,
          Effect.repeat(Schedule.spaced(20)),
          Effect.forkScoped
        )
      yield* Effect.repeat(
        Effect.sync(() => seen.length),
        { schedule: Schedule.spaced(10), until: (n) => n > 0 }
      )
      const calling = yield* Effect.forkScoped(Effect.repeat(ask(gateway, id), Schedule.spaced(5)))
      yield* a.stop
      yield* next.await
      assert.isUndefined(calling.pollUnsafe())
      yield* agreed([b, gateway], ["b"])
      yield* Fiber.interrupt(watching)
      assert.strictEqual(a.gauges.get("nats_links_active"), 0)
    }).pipe(Effect.scoped)
  )

  it.live("a node that NATS has lost is replaced, whatever it thinks", () =>
    Effect.gen(function* () {
      const start = yield* cluster
      const a = yield* start("a")
      const b = yield* start("b")
      const c = yield* start("c")
      const gateway = yield* start("gateway", { callsOnly: true })
      yield* agreed([a, b, c, gateway], ["a", "b", "c"])
      yield* Effect.promise(() => a.nats.connection.close())
      yield* agreed([b, c, gateway], ["b", "c"])
      assert.isAbove(b.gauges.get("runners_lost_total") + c.gauges.get("runners_lost_total"), 0)
    }).pipe(Effect.scoped)
  )

  it.live("leaves nothing open", () =>
    Effect.gen(function* () {
      const start = yield* cluster
      const scope = yield* Scope.make()
      const [a, b] = yield* Effect.all([start("a"), start("b")], { concurrency: "unbounded" }).pipe(
        Scope.provide(scope)
      )
      yield* agreed([a, b], ["a", "b"])
      assert.isAbove(a.gauges.get("nats_links_active"), 0)
      yield* Scope.close(scope, Exit.void)
      for (const { gauges } of [a, b]) {
        assert.strictEqual(gauges.get("nats_links_active"), 0)
        assert.strictEqual(gauges.get("nats_connected"), 0)
      }
    }).pipe(Effect.scoped)
  )
})
