import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, References } from "effect"
import { TestClock } from "effect/testing"
import { Gauges } from "./Gauges.ts"
import { Escalated, supervise } from "./Supervisor.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")
const options = { kind: "probe", id: "one", intensity: 3, period: "10 seconds" } as const
const labels = 'kind="probe"'

/** A life that crashes the first `crashes` times and then reports "done". */
const crashing = (crashes: number) => {
  let lives = 0
  return {
    lives: () => lives,
    life: Effect.suspend(() => {
      lives++
      return lives <= crashes ? Effect.die(new Error(`crash ${lives}`)) : Effect.succeed("done")
    })
  }
}

describe("supervise", () => {
  it.effect("restarts after defects and after failures, and counts them", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      let lives = 0
      const life = Effect.suspend(() => {
        lives++
        if (lives === 1) return Effect.die("defect")
        return lives === 2 ? Effect.fail("failure") : Effect.succeed("done")
      })
      const fiber = yield* Effect.forkChild(supervise(options)(life))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      assert.strictEqual(lives, 3)
      assert.strictEqual(gauges.get("actor_restarts_total", labels), 2)
      assert.strictEqual(gauges.get("actor_escalations_total", labels), 0)
    }).pipe(Effect.provide(Gauges.layer), quiet)
  )

  it.effect("waits before a restart, twice as long each time", () =>
    Effect.gen(function* () {
      const probe = crashing(3)
      yield* Effect.forkChild(supervise({ ...options, backOff: { first: "100 millis", most: "1 second" } })(probe.life))
      yield* TestClock.adjust("99 millis")
      assert.strictEqual(probe.lives(), 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(probe.lives(), 2)
      yield* TestClock.adjust("199 millis")
      assert.strictEqual(probe.lives(), 2)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(probe.lives(), 3)
    }).pipe(Effect.provide(Gauges.layer), quiet)
  )

  it.effect("escalates when the intensity is exceeded within the period, once, with the last cause", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const probe = crashing(Number.POSITIVE_INFINITY)
      let told = 0
      let restarts = 0
      const fiber = yield* Effect.forkChild(
        Effect.flip(
          supervise({
            ...options,
            onRestart: () => Effect.sync(() => void restarts++),
            onEscalate: () => Effect.sync(() => void told++)
          })(probe.life)
        )
      )
      yield* TestClock.adjust("9 seconds")
      const escalated = yield* Fiber.join(fiber)
      assert.instanceOf(escalated, Escalated)
      assert.strictEqual(probe.lives(), 4)
      assert.strictEqual(restarts, 3)
      assert.strictEqual(told, 1)
      assert.strictEqual(gauges.get("actor_restarts_total", labels), 3)
      assert.strictEqual(gauges.get("actor_escalations_total", labels), 1)
    }).pipe(Effect.provide(Gauges.layer), quiet)
  )

  it.effect("forgets restarts older than the period", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      // crashes once every six seconds: never more than two restarts in ten
      const life = Effect.andThen(Effect.sleep("6 seconds"), Effect.die("slowly"))
      const fiber = yield* Effect.forkChild(supervise(options)(life))
      for (let i = 0; i < 20; i++) yield* TestClock.adjust("7 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      assert.isAbove(gauges.get("actor_restarts_total", labels), 10)
      assert.strictEqual(gauges.get("actor_escalations_total", labels), 0)
    }).pipe(Effect.provide(Gauges.layer), quiet)
  )

  it.effect("interruption is not a crash, neither while living nor while waiting", () =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const started = yield* Deferred.make<void>()
      const living = yield* Effect.forkChild(
        supervise(options)(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
      )
      yield* Deferred.await(started)
      yield* Fiber.interrupt(living)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(living)))
      assert.strictEqual(gauges.get("actor_restarts_total", labels), 0)

      const waiting = yield* Effect.forkChild(supervise(options)(Effect.die("always")))
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(waiting)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(gauges.get("actor_restarts_total", labels), 1)
    }).pipe(Effect.provide(Gauges.layer), quiet)
  )
})
