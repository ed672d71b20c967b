/** What every Bus adapter must do: a function of its layer, so that NATS is held to the same. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, type Layer, Scope } from "effect"
import { describe } from "vitest"
import type { Topic } from "../../rpc/topics.ts"
import { Bus } from "./Bus.ts"
import { Gauges } from "./Gauges.ts"

const topic: Topic<number> = { name: "suite.numbers", watched: true }
const other: Topic<number> = { name: "suite.others", watched: false }

export const busSuite = (name: string, layer: Layer.Layer<Bus | Gauges>) => {
  describe(`Bus: ${name}`, () => {
    it.effect("gives every subscriber of the topic every message in order, and nobody else", () =>
      Effect.gen(function* () {
        const bus = yield* Bus
        const one: Array<number> = []
        const two: Array<number> = []
        const others: Array<number> = []
        yield* bus.subscribe(topic, (n) => void one.push(n))
        yield* bus.subscribe(topic, (n) => void two.push(n))
        yield* bus.subscribe(other, (n) => void others.push(n))
        for (let n = 0; n < 100; n++) yield* bus.publish(topic, n)
        const all = Array.from({ length: 100 }, (_, n) => n)
        assert.deepEqual([one, two, others], [all, all, []])
      }).pipe(Effect.scoped, Effect.provide(layer))
    )

    it.effect("ends a subscription with its Scope, and counts what is open", () =>
      Effect.gen(function* () {
        const bus = yield* Bus
        const gauges = yield* Gauges
        const scope = yield* Scope.make()
        const heard: Array<number> = []
        assert.isFalse(bus.hasSubscribers(topic))
        yield* bus.subscribe(topic, (n) => void heard.push(n)).pipe(Scope.provide(scope))
        assert.isTrue(bus.hasSubscribers(topic))
        assert.strictEqual(gauges.get("topic_subscriptions_active"), 1)
        yield* bus.publish(topic, 1)
        yield* Scope.close(scope, Exit.void)
        yield* bus.publish(topic, 2)
        assert.deepEqual(heard, [1])
        assert.isFalse(bus.hasSubscribers(topic))
        assert.strictEqual(gauges.get("topic_subscriptions_active"), 0)
      }).pipe(Effect.provide(layer))
    )

    it.effect("keeps a failing subscriber's trouble from the publisher and from the others", () =>
      Effect.gen(function* () {
        const bus = yield* Bus
        const gauges = yield* Gauges
        const heard: Array<number> = []
        yield* bus.subscribe(topic, () => {
          throw new Error("broken")
        })
        yield* bus.subscribe(topic, () => Effect.die("broken too"))
        yield* bus.subscribe(topic, (n) => void heard.push(n))
        yield* bus.publish(topic, 1)
        yield* bus.publish(topic, 2)
        assert.deepEqual(heard, [1, 2])
        assert.strictEqual(gauges.get("bus_subscriber_failures"), 4)
      }).pipe(Effect.scoped, Effect.provide(layer))
    )

    it.effect("makes the publisher wait for a subscriber that asks for it", () =>
      Effect.gen(function* () {
        const bus = yield* Bus
        const gate = yield* Deferred.make<void>()
        yield* bus.subscribe(topic, () => Deferred.await(gate))
        const publishing = yield* Effect.forkChild(bus.publish(topic, 1), { startImmediately: true })
        yield* Effect.yieldNow
        assert.isUndefined(publishing.pollUnsafe())
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(publishing)
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  })
}
