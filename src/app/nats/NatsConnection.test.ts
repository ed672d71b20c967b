import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Redacted, Scope } from "effect"
import { describe } from "vitest"
import { freshPrefix, ownServices, services } from "../../../test/support/services.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Nats, NatsUnavailable, parseUrl } from "./NatsConnection.ts"
import { eventually } from "./transport.suite.ts"

const open = (url: string) =>
  Layer.build(Nats.layer({ url: Redacted.make(url), name: "test", connectTimeout: "300 millis" })).pipe(
    Effect.flatMap((context) => Effect.provideContext(Nats, context))
  )

const quiet = Layer.mergeAll(Gauges.layer, Logger.layer([]))

describe("the connection to NATS", () => {
  it("reads servers and credentials from one URL, and shows it without them", () => {
    assert.deepEqual(parseUrl("nats://me:se%40cret@one:4222, nats://two:4223"), {
      shown: "nats://one:4222,nats://two:4223",
      options: { servers: ["one:4222", "two:4223"], user: "me", pass: "se@cret" }
    })
    assert.deepEqual(parseUrl("tls://token@one"), {
      shown: "tls://one",
      options: { servers: ["one"], token: "token", tls: {} }
    })
    assert.deepEqual(parseUrl("127.0.0.1:4222"), {
      shown: "nats://127.0.0.1:4222",
      options: { servers: ["127.0.0.1:4222"] }
    })
  })

  it.live("says what to do when there is none, and keeps the password to itself", () =>
    Effect.gen(function* () {
      for (const url of ["nats://me:hidden@127.0.0.1:1", "not a url", ""]) {
        const error = yield* Effect.flip(open(url))
        assert.instanceOf(error, NatsUnavailable)
        assert.include(error.message, "set LZSTOCK_NATS_URL")
        assert.notInclude(JSON.stringify(error) + error.message, "hidden")
      }
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("outlives what a handler throws, and counts it", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const { natsUrl } = yield* Effect.promise(services)
      const nats = yield* open(natsUrl)
      const subject = freshPrefix("handlers")
      const heard: Array<string> = []
      const scope = yield* Scope.make()
      yield* nats.subscribe(subject, () => {
        throw new Error("broken")
      })
      yield* nats.subscribe(subject, (message) => void heard.push(message.string())).pipe(Scope.provide(scope))
      nats.connection.publish(subject, "one")
      nats.connection.publish(subject, "two")
      yield* eventually(() => heard.length === 2 && gauges.get("nats_handler_failures_total") === 2)
      yield* Scope.close(scope, Exit.void)
      nats.connection.publish(subject, "three")
      yield* eventually(() => gauges.get("nats_handler_failures_total") === 3)
      assert.deepEqual(heard, ["one", "two"])
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("tells of a break and of the return, and subscribes again by itself", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const own = yield* ownServices(["nats"])
      const nats = yield* open(own.natsUrl)
      const told: Array<string> = []
      const heard: Array<string> = []
      yield* nats.subscribe("here", (message) => void heard.push(message.string()))
      yield* nats.onDisconnect(() => {
        told.push("broken")
        throw new Error("a listener's trouble is its own")
      })
      yield* nats.onReconnect(() => void told.push("back"))
      const gone = yield* Scope.make()
      yield* nats.onDisconnect(() => void told.push("no longer listening")).pipe(Scope.provide(gone))
      yield* Scope.close(gone, Exit.void)
      assert.strictEqual(gauges.get("nats_connected"), 1)
      yield* own.control("nats", "kill")
      yield* eventually(() => told.length === 1)
      assert.isFalse(nats.connected())
      assert.strictEqual(gauges.get("nats_connected"), 0)
      yield* own.control("nats", "start")
      yield* eventually(() => told.length === 2)
      assert.deepEqual(told, ["broken", "back"])
      assert.isTrue(nats.connected())
      nats.connection.publish("here", "after")
      yield* eventually(() => heard.length === 1)
      assert.strictEqual(gauges.get("nats_connected"), 1)
      assert.strictEqual(gauges.get("nats_disconnects_total"), 1)
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )

  it.live("closes although NATS is away, or there but silent", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const own = yield* ownServices(["nats"])
      for (const action of ["pause", "kill"] as const) {
        const scope = yield* Scope.make()
        yield* open(own.natsUrl).pipe(Scope.provide(scope))
        yield* own.control("nats", action)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(gauges.get("nats_connected"), 0)
        yield* own.control("nats", action === "pause" ? "continue" : "start")
      }
    }).pipe(Effect.scoped, Effect.provide(quiet))
  )
})
