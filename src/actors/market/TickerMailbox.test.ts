import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { settle } from "../../../test/support/sessionNode.ts"
import { batch, ten, trade } from "../../../test/support/tickerProbe.ts"
import { Gauges } from "../kernel/Gauges.ts"
import type { Input } from "./TickerFold.ts"
import { makeTickerMailbox } from "./TickerMailbox.ts"
import { TickerPresence } from "./TickerPresence.ts"

const one = (n: number) => batch("A", trade(ten + n, 10))

/** A mailbox with room for two, of an actor that runs. */
const mailbox = Effect.gen(function* () {
  const gauges = yield* Gauges
  const presence = new TickerPresence("A", yield* Clock.Clock, () => true)
  let dropped = 0
  const box = yield* makeTickerMailbox(2, presence, gauges, () => dropped++)
  const inputs: Array<Input> = []
  return { box, presence, gauges, inputs, dropped: () => dropped, taking: box.takeAll((all) => inputs.push(...all)) }
})
const provided = Effect.provide(Gauges.layer)

describe("a ticker's mailbox", () => {
  it.effect("keeps the order, makes who gives more wait, and counts batches alone", () =>
    Effect.gen(function* () {
      const { box, inputs, taking } = yield* mailbox
      const [first, second, third] = [one(1), one(2), one(3)]
      assert.isTrue(box.offer(first))
      box.reach(5)
      assert.isFalse(box.offer(second))
      const waiting = yield* Effect.forkChild(box.accept(second), { startImmediately: true })
      assert.isUndefined(waiting.pollUnsafe())
      yield* taking
      assert.isTrue(yield* Fiber.join(waiting))
      assert.isTrue(box.offer(third))
      yield* taking
      assert.deepStrictEqual(inputs, [first, 5, second, third])
      assert.deepStrictEqual([box.offered(), box.taken()], [3, 3])
      assert.isTrue(box.isEmpty())
    }).pipe(provided)
  )

  it.effect("gives out all that is left when it closes, also what waited for room", () =>
    Effect.gen(function* () {
      const { box, presence } = yield* mailbox
      const given = [1, 2, 3, 4, 5].map(one)
      for (const each of given) yield* Effect.forkChild(box.accept(each), { startImmediately: true })
      const left = yield* box.close
      assert.deepStrictEqual(left, given)
      yield* settle
      assert.deepStrictEqual([box.offered(), box.taken()], [5, 5])
      presence.stop()
      assert.isFalse(yield* box.accept(one(6)))
    }).pipe(provided)
  )

  it.effect("a question with no room for it is let go when the actor goes down", () =>
    Effect.gen(function* () {
      const { box, presence } = yield* mailbox
      box.offer(one(1))
      box.offer(one(2))
      let down = 0
      const asked = yield* Effect.forkChild(
        box.inquire(
          "folded",
          Effect.sync(() => down++)
        ),
        { startImmediately: true }
      )
      assert.isUndefined(asked.pollUnsafe())
      yield* Effect.forkChild(presence.rest(1_000), { startImmediately: true })
      yield* Fiber.join(asked)
      assert.strictEqual(down, 1)
      // nor is one asked of an actor that is down already
      yield* box.inquire(
        "durable",
        Effect.sync(() => down++)
      )
      assert.strictEqual(down, 2)
    }).pipe(provided)
  )

  it.effect("while the actor rests holds up nobody: what does not fit is dropped, counted and told", () =>
    Effect.gen(function* () {
      const { box, dropped, gauges, presence } = yield* mailbox
      const resting = yield* Effect.forkChild(presence.rest(1_000), { startImmediately: true })
      assert.isFalse(box.offer(one(1)))
      for (let n = 1; n <= 3; n++) assert.isTrue(yield* box.accept(one(n)))
      yield* box.begins
      assert.strictEqual(dropped(), 1)
      assert.strictEqual(gauges.get("ticks_dropped_total", 'reason="actor-down"'), 1)
      assert.strictEqual(box.offered(), 2)
      // whoever gives it something wants it back
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(resting)
    }).pipe(provided)
  )
})
