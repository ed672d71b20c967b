import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import type { DomainEvent } from "../../rpc/events.ts"
import { eventsTopic } from "../../rpc/topics.ts"
import { Bus } from "./Bus.ts"
import { eventLogSuite, manyEvents, signedUp } from "./EventLog.suite.ts"
import { DUPLICATES_MILLIS, EventLog } from "./EventLog.ts"
import { Gauges } from "./Gauges.ts"

const built = Effect.map(
  Layer.build(EventLog.layerInProcess.pipe(Layer.provideMerge(Bus.layerInProcess), Layer.provide(Gauges.layer))),
  (services) => ({ bus: Context.get(services, Bus), log: Context.get(services, EventLog) })
)

const open = Effect.gen(function* () {
  const { bus, log } = yield* built
  const heard: Array<DomainEvent> = []
  yield* bus.subscribe(eventsTopic, (event) => void heard.push(event))
  return { log, kept: Effect.sync(() => heard) }
})

eventLogSuite("in process", open)

describe("the event log in process", () => {
  it.effect("has kept an event when every subscriber has accepted it", () =>
    Effect.gen(function* () {
      const { bus, log } = yield* built
      const gate = yield* Deferred.make<void>()
      yield* bus.subscribe(eventsTopic, () => Deferred.await(gate))
      const appending = yield* Effect.forkChild(log.append([signedUp(1)]), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(appending.pollUnsafe())
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(appending)
    }).pipe(Effect.scoped)
  )

  it.effect("says one again whose subscriber was interrupted, and forgets ids in the end", () =>
    Effect.gen(function* () {
      const { bus, log } = yield* built
      let heard = 0
      const subscribed = bus.subscribe(eventsTopic, () => {
        heard++
        return Effect.never
      })
      yield* Effect.scoped(
        Effect.andThen(subscribed, Effect.timeoutOption(log.append([signedUp(1)]), 0).pipe(Effect.asVoid))
      )
      yield* bus.subscribe(eventsTopic, () => void heard++)
      yield* log.append([signedUp(1)])
      assert.strictEqual(heard, 2)
      yield* TestClock.adjust(DUPLICATES_MILLIS - 1)
      yield* log.append([signedUp(1)])
      assert.strictEqual(heard, 2)
      yield* TestClock.adjust(1)
      yield* log.append([signedUp(1)])
      assert.strictEqual(heard, 3)
    }).pipe(Effect.scoped)
  )

  it.effect("remembers a bounded number of ids, the newest", () =>
    Effect.gen(function* () {
      const { kept, log } = yield* open
      const events = manyEvents(10_001)
      yield* log.append(events)
      yield* log.append(events.slice(1))
      assert.strictEqual((yield* kept).length, 10_001)
      yield* log.append(events.slice(0, 1))
      assert.strictEqual((yield* kept).length, 10_002)
    }).pipe(Effect.scoped)
  )
})
