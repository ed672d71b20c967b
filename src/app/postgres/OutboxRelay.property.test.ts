/** Whatever the log does, and whenever what comes: in the end each event is kept once, in order, and nothing is left. */
import { assert, it } from "@effect/vitest"
import { Effect, ManagedRuntime } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { afterAll } from "vitest"
import { databases } from "../../../test/support/databases.ts"
import { manyEvents } from "../../actors/kernel/EventLog.suite.ts"
import { type Answer, commit, emptied, left, relayOn, ScriptedEventLog } from "./testing/outboxNode.ts"

const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.constantFrom("succeeds" as const, "fails" as const),
  fc.integer({ min: 0, max: 120 })
)

interface Step {
  /** Events of one transaction. */
  readonly events: number
  readonly poked: boolean
}
const step: fc.Arbitrary<Step> = fc.record({ events: fc.integer({ min: 1, max: 130 }), poked: fc.boolean() })

const run = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>, answers: ReadonlyArray<Answer>) {
  yield* emptied
  const log = new ScriptedEventLog()
  log.answers.push(...answers)
  const { gauges, poke, until } = yield* relayOn(log.service)
  /** Until it has nothing to do. */
  const idle: Effect.Effect<void> = Effect.flatMap(until("failed", "empty"), (told) =>
    told === "empty" ? Effect.void : Effect.andThen(TestClock.adjust("5 seconds"), idle)
  )
  const events = manyEvents(steps.reduce((sum, { events }) => sum + events, 0))
  let at = 0
  yield* idle
  for (const { events: count, poked } of steps) {
    yield* commit(...events.slice(at, at + count))
    at += count
    yield* poked ? poke : TestClock.adjust("5 seconds")
    yield* idle
  }
  assert.deepStrictEqual(log.kept, events)
  assert.deepStrictEqual(yield* left, [])
  assert.strictEqual(gauges.get("outbox_published_total"), events.length)
})

for (const { layer, name } of databases) {
  const runtime = ManagedRuntime.make(layer)
  afterAll(() => runtime.dispose())
  it(
    `the outbox on ${name}: each event once, in order, however the log fails`,
    () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 4 }),
          fc.array(answer, { maxLength: 12 }),
          (steps, answers) =>
            runtime.runPromise(run(steps, answers).pipe(Effect.provide(TestClock.layer()), Effect.scoped))
        ),
        { numRuns: 25 }
      ),
    60_000
  )
}
