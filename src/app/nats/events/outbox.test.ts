/** From a committed row to the stream: the relay on both databases, with a real JetStream. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Queue, Redacted, References, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { databases, sharedByFile } from "../../../../test/support/databases.ts"
import { freshPrefix, ownServices, services } from "../../../../test/support/services.ts"
import { manyEvents } from "../../../actors/kernel/EventLog.suite.ts"
import { EventLog } from "../../../actors/kernel/EventLog.ts"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { eventCodec } from "../../../rpc/topicCodecs.ts"
import { commit, emptied, left, relayOn } from "../../postgres/testing/outboxNode.ts"
import { managerOf } from "../JetStream.ts"
import { Nats } from "../NatsConnection.ts"
import { subjectsOf } from "../subjects.ts"
import { NatsEventLog } from "./NatsEventLog.ts"

const open = Effect.fnUntraced(function* (natsUrl: string) {
  const prefix = freshPrefix("outbox")
  const built = yield* Layer.build(
    NatsEventLog.layer({ prefix }).pipe(
      Layer.provideMerge(Nats.layer({ url: Redacted.make(natsUrl), name: "outbox-test" })),
      Layer.provide(Gauges.layer),
      Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None")),
      Layer.orDie
    )
  )
  const { streams } = yield* managerOf(Context.get(built, Nats))
  const stream = subjectsOf(prefix).eventStream
  const stored = Effect.promise(async () => {
    const { state } = await streams.info(stream)
    const messages = Array.from({ length: state.messages }, (_, n) => streams.getMessage(stream, { seq: n + 1 }))
    return (await Promise.all(messages)).map((message) => eventCodec.decode(message?.data ?? new Uint8Array()))
  })
  return { log: Context.get(built, EventLog), stored }
})

for (const { layer, name } of databases) {
  describe(`the outbox in ${name} and JetStream`, () => {
    const database = sharedByFile(layer)

    it.effect("of a node that was killed between saying and dropping: the next one's copies are none", () =>
      Effect.gen(function* () {
        yield* emptied
        const { natsUrl } = yield* Effect.promise(services)
        const { log, stored } = yield* open(natsUrl)
        const events = manyEvents(30)
        yield* commit(...events.slice(0, 20))
        const said = yield* Queue.unbounded<void>()
        const killed = EventLog.of({
          append: (batch) =>
            log
              .append(batch.slice(0, 15))
              .pipe(Effect.andThen(Effect.sync(() => Queue.offerUnsafe(said, undefined))), Effect.andThen(Effect.never))
        })
        const scope = yield* Scope.make()
        yield* relayOn(killed).pipe(Scope.provide(scope))
        yield* Queue.take(said)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* left).length, 20)
        yield* commit(...events.slice(20))
        // what a kill does not leave tidy: the lease, which ends by itself
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE outbox_relay SET holder = 'killed', until = clock_timestamp() + interval '1 hour'`
        const next = yield* relayOn(log)
        yield* next.until("waiting")
        yield* sql`UPDATE outbox_relay SET until = clock_timestamp()`
        yield* next.poke
        yield* next.until("empty")
        assert.deepStrictEqual(yield* stored, events)
        assert.deepStrictEqual(yield* left, [])
      }).pipe(Effect.scoped, Effect.provide(database))
    )

    it.effect("while NATS is away: all rows stay, and go in order when it is back", () =>
      Effect.gen(function* () {
        yield* emptied
        const own = yield* ownServices(["nats"])
        const { log, stored } = yield* open(own.natsUrl)
        const events = manyEvents(60)
        const { gauges, poke, until } = yield* relayOn(log)
        yield* until("empty")
        yield* commit(...events.slice(0, 10))
        yield* poke
        yield* until("published")
        yield* until("empty")
        yield* own.control("nats", "kill")
        yield* commit(...events.slice(10, 40))
        yield* poke
        yield* until("failed")
        yield* commit(...events.slice(40))
        assert.strictEqual((yield* left).length, 50)
        yield* own.control("nats", "start")
        const mended: Effect.Effect<void> = Effect.flatMap(until("failed", "empty"), (told) =>
          told === "empty" ? Effect.void : Effect.andThen(TestClock.adjust("5 seconds"), mended)
        )
        yield* TestClock.adjust("5 seconds")
        yield* mended
        assert.deepStrictEqual(yield* stored, events)
        assert.strictEqual(gauges.get("outbox_published_total"), 60)
      }).pipe(Effect.scoped, Effect.provide(database))
    )
  })
}
