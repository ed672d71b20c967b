import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, References, Scope } from "effect"
import { makeBatches } from "./Batches.ts"

/** A store that answers when it is let; `batches` is what came, in order. */
const makeStore = Effect.fnUntraced(function* (limits: { readonly most: number; readonly waiting: number }) {
  const batches: Array<ReadonlyArray<number>> = []
  const gate = yield* Latch.make(false)
  const arrived = yield* Latch.make(false)
  const submit = yield* makeBatches<number, number, string>({
    ...limits,
    weight: () => 1,
    run: (items) =>
      Effect.gen(function* () {
        batches.push(items)
        yield* arrived.open
        yield* gate.await
        if (items.includes(-1)) return yield* Effect.die(new Error("away"))
        return items.map((item) => (item < 0 ? Exit.fail(`refused ${item}`) : Exit.succeed(item * 2)))
      })
  })
  return { submit, batches, gate, arrived }
})

const submitAll = (submit: (item: number) => Effect.Effect<number, string>, items: ReadonlyArray<number>) =>
  Effect.forkChild(
    Effect.forEach(items, (item) => Effect.exit(submit(item)), { concurrency: "unbounded" }),
    { startImmediately: true }
  )

describe("Batches", () => {
  it.effect("what comes while one is on its way goes together in the next, and each gets its own answer", () =>
    Effect.gen(function* () {
      const { arrived, batches, gate, submit } = yield* makeStore({ most: 100, waiting: 100 })
      const first = yield* submitAll(submit, [1])
      yield* arrived.await
      const others = yield* submitAll(submit, [2, 3, -4, 5])
      yield* gate.open
      assert.deepStrictEqual(yield* Fiber.join(first), [Exit.succeed(2)])
      assert.deepStrictEqual(yield* Fiber.join(others), [
        Exit.succeed(4),
        Exit.succeed(6),
        Exit.fail("refused -4"),
        Exit.succeed(10)
      ])
      assert.deepStrictEqual(batches, [[1], [2, 3, -4, 5]])
    }).pipe(Effect.scoped)
  )

  it.effect("a batch is no heavier than it may be, nothing is left out, and order stays", () =>
    Effect.gen(function* () {
      const { batches, gate, submit } = yield* makeStore({ most: 3, waiting: 4 })
      const items = Array.from({ length: 20 }, (_, i) => i)
      const all = yield* submitAll(submit, items)
      yield* gate.open
      assert.deepStrictEqual(
        yield* Fiber.join(all),
        items.map((item) => Exit.succeed(item * 2))
      )
      assert.isAtMost(Math.max(...batches.map((batch) => batch.length)), 3)
      assert.deepStrictEqual(batches.flat(), items)
    }).pipe(Effect.scoped)
  )

  it.effect("when the store is away everybody in the batch dies, and nobody else", () =>
    Effect.gen(function* () {
      const { arrived, gate, submit } = yield* makeStore({ most: 100, waiting: 100 })
      const first = yield* submitAll(submit, [-1])
      yield* arrived.await
      const others = yield* submitAll(submit, [1, 2])
      yield* gate.open
      const [died] = yield* Fiber.join(first)
      assert.isTrue(died !== undefined && Exit.hasDies(died))
      assert.deepStrictEqual(yield* Fiber.join(others), [Exit.succeed(2), Exit.succeed(4)])
    }).pipe(Effect.scoped)
  )

  it.effect("who is interrupted takes nobody along; at the end nobody is left waiting", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { arrived, gate, submit } = yield* Scope.provide(makeStore({ most: 100, waiting: 2 }), scope)
      const first = yield* submitAll(submit, [1])
      yield* arrived.await
      const leaves = yield* submitAll(submit, [2])
      const stays = yield* submitAll(submit, [3])
      yield* Fiber.interrupt(leaves)
      // one more than may wait
      const outside = yield* submitAll(submit, [4])
      yield* Scope.close(scope, Exit.void)
      yield* gate.open
      for (const fiber of [first, stays, outside]) {
        const [exit] = yield* Fiber.join(fiber)
        assert.isTrue(exit !== undefined && Exit.isFailure(exit))
      }
    })
  )

  it.effect("whenever it closes, everybody who asked gets an answer", () =>
    Effect.gen(function* () {
      const turns = (count: number) => Effect.forEach(Array.from({ length: count }), () => Effect.yieldNow)
      let served = 0
      for (let closeAfter = 0; closeAfter < 150; closeAfter++) {
        const scope = yield* Scope.make()
        const run = (items: ReadonlyArray<number>) => Effect.as(turns(3), items.map(Exit.succeed))
        const submit = yield* Scope.provide(
          makeBatches<number, number>({ run, weight: () => 1, most: 3, waiting: 4 }),
          scope
        )
        const callers = yield* Effect.forEach(Array.from({ length: 12 }), (_, i) => Effect.forkChild(submit(i)))
        yield* turns(closeAfter)
        yield* Scope.close(scope, Exit.void)
        const late = yield* Effect.forkChild(submit(99))
        const waiting = () => [...callers, late].filter((fiber) => fiber.pollUnsafe() === undefined).length
        for (let turn = 0; turn < 300 && waiting() > 0; turn++) yield* Effect.yieldNow
        assert.strictEqual(waiting(), 0, `closed after ${closeAfter} turns`)
        served = callers.filter((fiber) => fiber.pollUnsafe()?._tag === "Success").length
      }
      // the last ones closed after all was done: every moment before was tried
      assert.strictEqual(served, 12)
    }).pipe(
      // turns end after every few operations, not only where they must (fewer than three would never get on)
      Effect.provideService(References.MaxOpsBeforeYield, 3)
    )
  )
})
