import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Schedule, Scope, Stream } from "effect"
import { describe } from "vitest"
import { type ClusterNode, type NodeOptions, type Owner, startNode } from "../../../test/support/clusterNodes.ts"
import { freshDatabase, freshPrefix, services } from "../../../test/support/services.ts"

const ids = Array.from({ length: 40 }, (_, index) => `S${index}`)

/** A cluster of its own on the run's servers. */
const cluster = Effect.gen(function* () {
  const { natsUrl } = yield* Effect.promise(services)
  const databaseUrl = yield* freshDatabase
  const prefix = freshPrefix("cluster")
  return (name: string, options?: Partial<NodeOptions>) => startNode({ name, databaseUrl, natsUrl, prefix, ...options })
})

const ask = (from: ClusterNode, id: string) => from.probe(id).Owner().pipe(Effect.timeout("10 seconds"), Effect.orDie)

const askAll = (from: ClusterNode) =>
  Effect.map(
    Effect.forEach(ids, (id) => ask(from, id), { concurrency: "unbounded" }),
    (owners) => new Map(ids.map((id, index) => [id, owners[index]]))
  )

/** Asked until every given node owns something and everybody gives the same answer. */
const agreed = (from: ReadonlyArray<ClusterNode>, owners: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const [first, ...others] = yield* Effect.all(from.map(askAll), { concurrency: "unbounded" })
    if (first === undefined) return undefined
    const seen = new Set([...first.values()].map((owner) => owner?.node))
    const complete = owners.length === seen.size && owners.every((name) => seen.has(name))
    const alike = others.every((other) => ids.every((id) => other.get(id)?.start === first.get(id)?.start))
    return complete && alike ? first : undefined
  }).pipe(
    Effect.repeat({ schedule: Schedule.spaced(50), until: (answer) => answer !== undefined }),
    Effect.map((answer) => answer ?? new Map<string, Owner | undefined>())
  )

const ownedBy = (owners: ReadonlyMap<string, Owner | undefined>, node: string): string =>
  ids.find((id) => owners.get(id)?.node === node) ?? assert.fail(`${node} owns nothing`)

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
      const calling = yield* Effect.forkScoped(Effect.forever(Effect.andThen(ask(gateway, id), Effect.sleep(5))))
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
