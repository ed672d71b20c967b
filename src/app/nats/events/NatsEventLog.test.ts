import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, References, Schedule } from "effect"
import { freshPrefix, ownServices, services } from "../../../../test/support/services.ts"
import { deleted, eventLogSuite, manyEvents, signedUp } from "../../../actors/kernel/EventLog.suite.ts"
import { EventLog } from "../../../actors/kernel/EventLog.ts"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { eventCodec } from "../../../rpc/topicCodecs.ts"
import { managerOf } from "../JetStream.ts"
import { Nats } from "../NatsConnection.ts"
import { subjectsOf } from "../subjects.ts"
import { NatsEventLog } from "./NatsEventLog.ts"

/** A node: a connection of its own. */
const node = Effect.fnUntraced(function* (url: string, prefix: string) {
  const built = yield* Layer.build(
    NatsEventLog.layer({ prefix }).pipe(
      Layer.provideMerge(Nats.layer({ url: Redacted.make(url), name: "events-test" })),
      Layer.provideMerge(Gauges.layer),
      Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None")),
      Layer.orDie
    )
  )
  const nats = Context.get(built, Nats)
  const { streams } = yield* managerOf(nats)
  const stream = subjectsOf(prefix).eventStream
  /** Everything in the stream, as it stands there. */
  const stored = Effect.promise(async () => {
    const { state } = await streams.info(stream)
    return Promise.all(
      Array.from({ length: state.messages }, (_, n) => streams.getMessage(stream, { seq: state.first_seq + n }))
    )
  })
  const kept = Effect.map(stored, (messages) =>
    messages.map((message) => eventCodec.decode(message?.data ?? new Uint8Array()))
  )
  return { kept, log: Context.get(built, EventLog), nats, stored, stream, streams }
})

const shared = Effect.promise(services)

eventLogSuite(
  "JetStream",
  Effect.flatMap(shared, ({ natsUrl }) => node(natsUrl, freshPrefix("events")))
)

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sync(condition), { until: (met) => met, schedule: Schedule.spaced("5 millis") })

describe("events in their stream", () => {
  it.effect("have a subject a type, their id, and what the stream is said to keep", () =>
    Effect.gen(function* () {
      const prefix = freshPrefix("events")
      const { log, stored, stream, streams } = yield* node((yield* shared).natsUrl, prefix)
      yield* log.append([signedUp(1), deleted(2)])
      assert.deepEqual(
        (yield* stored).map((message) => [message?.subject, message?.header?.get("Nats-Msg-Id")]),
        [
          [`${prefix}.events.investor.signed_up`, "event-1"],
          [`${prefix}.events.investor.deleted`, "event-2-deleted"]
        ]
      )
      const { config } = yield* Effect.promise(() => streams.info(stream))
      assert.deepInclude(config, {
        name: `${prefix.toUpperCase()}_EVENTS`,
        subjects: [`${prefix}.events.>`],
        retention: "limits",
        storage: "file",
        discard: "old",
        max_age: 30 * 24 * 3600e9,
        max_bytes: 64 * 1024 * 1024,
        duplicate_window: 24 * 3600e9
      })
    }).pipe(Effect.scoped)
  )

  it.effect("are kept once, and in order, by nodes that append the same at once", () =>
    Effect.gen(function* () {
      const prefix = freshPrefix("events")
      const { natsUrl } = yield* shared
      const one = yield* node(natsUrl, prefix)
      const two = yield* node(natsUrl, prefix)
      const events = manyEvents(100)
      yield* Effect.all([one.log.append(events), two.log.append(events)], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* one.kept, events)
    }).pipe(Effect.scoped)
  )

  it.live("are refused while NATS is away, and taken when it is back", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const { kept, log, nats } = yield* node(own.natsUrl, freshPrefix("events"))
      const events = manyEvents(4)
      yield* log.append(events.slice(0, 2))
      yield* own.control("nats", "kill")
      yield* until(() => !nats.connected())
      const error = yield* Effect.flip(log.append(events))
      assert.include(error.message, "NATS is away")
      yield* own.control("nats", "start")
      yield* until(() => nats.connected())
      yield* Effect.retry(log.append(events), Schedule.spaced("20 millis"))
      assert.deepStrictEqual(yield* kept, events)
    }).pipe(Effect.scoped)
  )

  it.effect("find their stream made anew where it was lost", () =>
    Effect.gen(function* () {
      const { kept, log, stream, streams } = yield* node((yield* shared).natsUrl, freshPrefix("events"))
      yield* log.append([signedUp(1)])
      yield* Effect.promise(() => streams.delete(stream))
      yield* Effect.flip(log.append([signedUp(2)]))
      yield* log.append([signedUp(2)])
      assert.deepStrictEqual(yield* kept, [signedUp(2)])
    }).pipe(Effect.scoped)
  )

  it.effect("come from no bus topic: none may look like theirs", () =>
    Effect.sync(() => {
      const subjects = subjectsOf("p")
      for (const name of ["events", "events.investor.signed_up"]) {
        assert.throws(() => subjects.topic(name), "cannot be a topic")
      }
      for (const type of ["", "a b", "a.*", ">", "a..b"]) {
        assert.throws(() => subjects.events(type), "cannot be a type")
      }
    })
  )
})
