/** What every Bus adapter must do: a function of its layer, so that NATS is held to the same. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schedule, Scope } from "effect"
import { describe } from "vitest"
import type { Codec, Topic } from "../../rpc/topics.ts"
import type { Bus } from "./Bus.ts"
import type { Gauges } from "./Gauges.ts"

const numbers: Codec<number> = {
  encode: (n) => new TextEncoder().encode(JSON.stringify(n)),
  decode: (bytes) => {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value !== "number") throw new Error("no number")
    return value
  }
}
const topic: Topic<number> = { name: "suite.numbers", watched: true, reach: "cluster", codec: numbers }
const other: Topic<number> = { name: "suite.numbers.others", watched: false, reach: "cluster", codec: numbers }
const inside: Topic<number> = { name: "suite.inside", watched: false, reach: "node", codec: numbers }

/** Where one publishes and where one listens; the same where there is one node. */
export interface BusNodes {
  readonly publisher: Bus["Service"]
  readonly subscriber: Bus["Service"]
  /** Of the subscriber. */
  readonly gauges: Gauges["Service"]
}

export interface BusCapabilities {
  /** `publish` waits for subscribers that ask for it, and what it said has been heard when it is done. */
  readonly publisherWaits: boolean
  /** `hasSubscribers` is certain. */
  readonly knowsSubscribers: boolean
}

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sync(condition), { until: (met) => met, schedule: Schedule.spaced("5 millis") })

/** `open`: nodes nobody else uses, for one test. */
export const busSuite = (
  name: string,
  open: Effect.Effect<BusNodes, never, Scope.Scope>,
  { knowsSubscribers, publisherWaits }: BusCapabilities
) => {
  /** Everything said before has been heard. */
  const heardAll = Effect.fnUntraced(function* ({ publisher, subscriber }: BusNodes) {
    if (publisherWaits) return
    const fence: Topic<number> = { ...topic, name: "suite.fence" }
    const heard = yield* Deferred.make<void>()
    yield* Effect.scoped(
      Effect.andThen(
        subscriber.subscribe(fence, () => void Deferred.doneUnsafe(heard, Effect.void)),
        Effect.andThen(publisher.publish(fence, 0), Deferred.await(heard))
      )
    )
  })

  describe(`Bus: ${name}`, () => {
    it.live("gives every subscriber of the topic every message in order, and nobody else", () =>
      Effect.gen(function* () {
        const nodes = yield* open
        const { publisher, subscriber } = nodes
        const one: Array<number> = []
        const two: Array<number> = []
        const others: Array<number> = []
        yield* subscriber.subscribe(topic, (n) => void one.push(n))
        yield* subscriber.subscribe(topic, (n) => void two.push(n))
        yield* subscriber.subscribe(other, (n) => void others.push(n))
        for (let n = 0; n < 100; n++) yield* publisher.publish(topic, n)
        yield* heardAll(nodes)
        const all = Array.from({ length: 100 }, (_, n) => n)
        assert.deepEqual([one, two, others], [all, all, []])
      }).pipe(Effect.scoped)
    )

    it.live("ends a subscription with its Scope, and counts what is open", () =>
      Effect.gen(function* () {
        const nodes = yield* open
        const { gauges, publisher, subscriber } = nodes
        const scope = yield* Scope.make()
        const heard: Array<number> = []
        if (knowsSubscribers) assert.isFalse(publisher.hasSubscribers(topic))
        yield* subscriber.subscribe(topic, (n) => void heard.push(n)).pipe(Scope.provide(scope))
        assert.isTrue(publisher.hasSubscribers(topic))
        assert.strictEqual(gauges.get("topic_subscriptions_active"), 1)
        yield* publisher.publish(topic, 1)
        yield* heardAll(nodes)
        yield* Scope.close(scope, Exit.void)
        yield* publisher.publish(topic, 2)
        yield* heardAll(nodes)
        assert.deepEqual(heard, [1])
        if (knowsSubscribers) assert.isFalse(publisher.hasSubscribers(topic))
        assert.strictEqual(gauges.get("topic_subscriptions_active"), 0)
      }).pipe(Effect.scoped)
    )

    it.live("goes on for those who stay when one of the topic's subscribers leaves, and for those who come later", () =>
      Effect.gen(function* () {
        const nodes = yield* open
        const { gauges, publisher, subscriber } = nodes
        const heard = { leaves: [] as Array<number>, stays: [] as Array<number>, comes: [] as Array<number> }
        const scope = yield* Scope.make()
        yield* subscriber.subscribe(topic, (n) => void heard.leaves.push(n)).pipe(Scope.provide(scope))
        yield* subscriber.subscribe(topic, (n) => void heard.stays.push(n))
        yield* publisher.publish(topic, 1)
        yield* heardAll(nodes)
        yield* Scope.close(scope, Exit.void)
        yield* subscriber.subscribe(topic, (n) => void heard.comes.push(n))
        yield* publisher.publish(topic, 2)
        yield* heardAll(nodes)
        assert.deepEqual(heard, { leaves: [1], stays: [1, 2], comes: [2] })
        assert.strictEqual(gauges.get("topic_subscriptions_active"), 2)
      }).pipe(Effect.scoped)
    )

    it.live("keeps a failing subscriber's trouble from the publisher and from the others", () =>
      Effect.gen(function* () {
        const { gauges, publisher, subscriber } = yield* open
        const heard: Array<number> = []
        yield* subscriber.subscribe(topic, () => {
          throw new Error("broken")
        })
        yield* subscriber.subscribe(topic, () => Effect.die("broken too"))
        yield* subscriber.subscribe(topic, (n) => void heard.push(n))
        yield* publisher.publish(topic, 1)
        yield* publisher.publish(topic, 2)
        yield* until(() => gauges.get("bus_subscriber_failures") === 4)
        assert.deepEqual(heard, [1, 2])
      }).pipe(Effect.scoped)
    )

    it.live("keeps what is for one node on that node", () =>
      Effect.gen(function* () {
        const nodes = yield* open
        const { publisher, subscriber } = nodes
        const here: Array<number> = []
        const there: Array<number> = []
        yield* publisher.subscribe(inside, (n) => void here.push(n))
        if (subscriber !== publisher) yield* subscriber.subscribe(inside, (n) => void there.push(n))
        assert.isTrue(publisher.hasSubscribers(inside))
        yield* publisher.publish(inside, 1)
        assert.deepEqual(here, [1])
        yield* heardAll(nodes)
        assert.deepEqual(there, [])
      }).pipe(Effect.scoped)
    )

    it.live(
      "makes the publisher wait for a subscriber that asks for it, where publisher and subscriber are one node",
      () =>
        Effect.gen(function* () {
          const { publisher } = yield* open
          const gate = yield* Deferred.make<void>()
          const waited = publisherWaits ? topic : inside
          yield* publisher.subscribe(waited, () => Deferred.await(gate))
          const publishing = yield* Effect.forkChild(publisher.publish(waited, 1), { startImmediately: true })
          yield* Effect.yieldNow
          assert.isUndefined(publishing.pollUnsafe())
          yield* Deferred.succeed(gate, undefined)
          yield* Fiber.join(publishing)
        }).pipe(Effect.scoped)
    )
  })
}
