import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { SecPace } from "./SecPace.ts"

/** Takes turns for ever-so-many requests that all want to start now; the times they do. */
const started = Effect.fnUntraced(function* (pace: SecPace, requests: number) {
  const times: Array<number> = []
  const fiber = yield* Effect.forkChild(
    Effect.forEach(
      Array.from({ length: requests }),
      () =>
        Effect.andThen(
          pace.turn,
          Effect.map(Clock.currentTimeMillis, (now) => times.push(now))
        ),
      { concurrency: "unbounded" }
    )
  )
  return { times, fiber }
})

describe("pace", () => {
  it.effect.each([1, 3, 8, 10])("%d a second, evenly spaced, whoever asks", (perSecond) =>
    Effect.gen(function* () {
      const { times } = yield* started(new SecPace(perSecond), 40)
      yield* TestClock.adjust("60 seconds")
      assert.lengthOf(times, 40)
      const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0))
      assert.isTrue(
        gaps.every((gap) => gap === Math.ceil(1_000 / perSecond)),
        gaps.join(" ")
      )
      for (const time of times) {
        assert.isAtMost(times.filter((other) => other >= time && other < time + 1_000).length, perSecond)
      }
    })
  )

  it.effect("time that nobody used is not made up for", () =>
    Effect.gen(function* () {
      const pace = new SecPace(10)
      yield* pace.turn
      yield* TestClock.adjust("1 hour")
      const { times } = yield* started(pace, 3)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(times, [3_600_000, 3_600_100, 3_600_200])
    })
  )

  it.effect("a short pause holds everybody, also who waits already, and ends without a burst", () =>
    Effect.gen(function* () {
      const pace = new SecPace(10)
      const { times } = yield* started(pace, 4)
      yield* TestClock.adjust("50 millis")
      yield* pace.pause(30_000, { kind: "busy", message: "a pause" })
      yield* pace.pause(1_000, { kind: "busy", message: "a shorter one" })
      assert.strictEqual(yield* pace.paused, 30_000)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(times, [0, 30_050])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(times, [0, 30_050, 30_150, 30_250])
      assert.strictEqual(yield* pace.paused, 0)
    })
  )

  it.effect("a long pause is told at once, to those who wait too, with what is left of it", () =>
    Effect.gen(function* () {
      const pace = new SecPace(1)
      yield* pace.turn
      const waiting = yield* Effect.forkChild(Effect.result(pace.turn))
      yield* TestClock.adjust("500 millis")
      yield* pace.pause(600_000, { kind: "refused", message: "blocked" })
      yield* TestClock.adjust("500 millis")
      const told = yield* Fiber.join(waiting)
      assert.deepInclude(Result.getOrThrow(Result.flip(told)), {
        kind: "refused",
        message: "blocked",
        retryAfterMillis: 599_500
      })
      yield* TestClock.adjust("9 minutes")
      const last = yield* Effect.forkChild(pace.turn)
      yield* TestClock.adjust("59500 millis")
      yield* Fiber.join(last)
    })
  )

  it.effect("who gives up waiting holds up nobody", () =>
    Effect.gen(function* () {
      const pace = new SecPace(1)
      yield* pace.turn
      const impatient = yield* Effect.forkChild(pace.turn)
      const patient = yield* Effect.forkChild(pace.turn)
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(impatient)
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(patient)
    })
  )

  it.effect("a clock that is set back delays by one turn, or 15 minutes of a pause, at most", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(36_000_000)
      const pace = new SecPace(1)
      yield* pace.turn
      yield* TestClock.setTime(0)
      const next = yield* Effect.forkChild(pace.turn)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(next)
      yield* TestClock.setTime(36_000_000)
      yield* pace.pause(10_000, { kind: "busy", message: "a pause" })
      yield* TestClock.setTime(0)
      assert.deepInclude(yield* Effect.flip(pace.turn), { retryAfterMillis: 900_000 })
      yield* TestClock.adjust("15 minutes")
      yield* pace.turn
    })
  )
})
