import { assert, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Context, Effect, Layer, Redacted } from "effect"
import { describe } from "vitest"
import { freshPrefix, services } from "../../../test/support/services.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { addConsumer, keepStream, managerOf, StreamUnavailable, stateOf } from "./JetStream.ts"
import { Nats } from "./NatsConnection.ts"
import { headersOf, sendOnce } from "./ticks/acknowledged.ts"

/** What is no answer of JetStream's, whoever gives it on its behalf. */
const falseAnswers = ["", "no JSON", "null", "7", "[]", "{}", '{"config":null,"name":7,"seq":"1"}', '{"error":null}']

const open = Effect.gen(function* () {
  const { natsUrl } = yield* Effect.promise(services)
  const built = Nats.layer({ url: Redacted.make(natsUrl), name: "jetstream-test" }).pipe(Layer.provide(Gauges.layer))
  return Context.get(yield* Layer.build(built), Nats)
})

describe("an answer that is none of JetStream's", () => {
  it.live("is a failure like any other, worth another try", () =>
    Effect.gen(function* () {
      const nats = yield* open
      const prefix = freshPrefix("false")
      let answer = ""
      yield* nats.subscribe(`${prefix}.>`, (message) => void message.respond(answer))
      const manager = yield* Effect.promise(() =>
        jetstreamManager(nats.connection, { apiPrefix: prefix, checkAPI: false })
      )
      for (const one of falseAnswers) {
        answer = one
        const asked: Record<string, Effect.Effect<unknown, StreamUnavailable>> = {
          sendOnce: sendOnce(nats, "S", { subject: `${prefix}.ticks`, payload: "x", headers: headersOf({}) }),
          stateOf: stateOf(nats, manager, "S"),
          keepStream: keepStream(nats, manager, { name: "S" }),
          addConsumer: addConsumer(nats, manager, "S", { name: "c" })
        }
        for (const [name, asking] of Object.entries(asked)) {
          const error = yield* Effect.flip(asking)
          assert.instanceOf(error, StreamUnavailable, `${name} was answered ${one}`)
        }
      }
    }).pipe(Effect.scoped)
  )
})

describe("a stream that is there", () => {
  it.live("is kept although there would be no room to make it once more, and given other settings", () =>
    Effect.gen(function* () {
      const nats = yield* open
      const manager = yield* managerOf(nats)
      const prefix = freshPrefix("full")
      const name = prefix.toUpperCase()
      const settings = (max_msgs: number) => ({ name, subjects: [`${prefix}.x`], max_msgs })
      const made = yield* keepStream(nats, manager, settings(10))
      // the real server, but for what it says to whoever adds
      const asked: Array<string> = []
      yield* nats.subscribe(`${prefix}.api.>`, (message) => {
        const request = message.subject.slice(`${prefix}.api.`.length)
        asked.push(request.split(".")[1] ?? "")
        const refusal = {
          error: { code: 500, err_code: 10047, description: "insufficient storage resources available" }
        }
        if (request.startsWith("STREAM.CREATE")) return void message.respond(JSON.stringify(refusal))
        void nats.connection.request(`$JS.API.${request}`, message.data).then(
          (answer) => message.respond(answer.data),
          () => undefined
        )
      })
      const full = yield* Effect.promise(() =>
        jetstreamManager(nats.connection, { apiPrefix: `${prefix}.api`, checkAPI: false })
      )
      assert.deepEqual(yield* keepStream(nats, full, settings(10)), made)
      assert.notInclude(asked, "UPDATE")
      assert.deepEqual(yield* keepStream(nats, full, settings(20)), made)
      const { config } = yield* Effect.promise(() => manager.streams.info(name))
      assert.strictEqual(config.max_msgs, 20)
      assert.instanceOf(yield* Effect.flip(keepStream(nats, full, { name: `${name}-2` })), StreamUnavailable)
    }).pipe(Effect.scoped)
  )
})
