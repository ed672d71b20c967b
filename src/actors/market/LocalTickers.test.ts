import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { settle } from "../../../test/support/sessionNode.ts"
import { type LocalTicker, LocalTickers } from "./LocalTickers.ts"

const actor = (symbol: string) => {
  const local: LocalTicker = {
    symbol,
    shard: 0,
    isWaiting: () => false,
    isDurable: () => true,
    folded: Effect.void,
    settle: Effect.void,
    fed: false,
    touchedAt: 0,
    offer: () => true,
    accept: () => Effect.succeed(true),
    advance: () => {},
    begins: Effect.void,
    repeat: () => {},
    resync: () => {}
  }
  return { local }
}

it.effect("a successor is built only when its predecessor has stopped wholly; other symbols do not wait", () =>
  Effect.gen(function* () {
    const locals = yield* LocalTickers
    const lastWords = yield* Deferred.make<void>()
    const first = yield* Scope.make()
    const told: Array<string> = []
    yield* locals
      .register(
        "A",
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.map(Deferred.await(lastWords), () => told.push("saved")))
          return actor("A")
        })
      )
      .pipe(Scope.provide(first))
    assert.isDefined(locals.get("A"))

    const closing = yield* Effect.forkChild(Scope.close(first, Exit.void))
    const successors = yield* Effect.forEach([1, 2], () =>
      Effect.forkChild(
        Effect.scoped(
          locals.register(
            "A",
            Effect.sync(() => {
              told.push("loaded")
              return actor("A")
            })
          )
        )
      )
    )
    yield* Effect.scoped(locals.register("B", Effect.succeed(actor("B"))))
    yield* settle
    assert.deepStrictEqual(told, [])
    yield* Deferred.succeed(lastWords, undefined)
    yield* Fiber.join(closing)
    for (const fiber of successors) yield* Fiber.join(fiber)
    assert.deepStrictEqual(told, ["saved", "loaded", "loaded"])
    assert.deepStrictEqual(Array.from(locals.all()), [])
    assert.isUndefined(locals.get("A"))
  }).pipe(Effect.provide(LocalTickers.layer))
)

it.effect("one that cannot be built leaves its place free", () =>
  Effect.gen(function* () {
    const locals = yield* LocalTickers
    const failed = yield* Effect.exit(Effect.scoped(locals.register("A", Effect.fail("no"))))
    assert.isTrue(Exit.isFailure(failed))
    assert.strictEqual((yield* locals.register("A", Effect.succeed(actor("A")))).local.symbol, "A")
  }).pipe(Effect.scoped, Effect.provide(LocalTickers.layer))
)
