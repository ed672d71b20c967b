import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger } from "effect"
import { Sharding } from "effect/cluster"
import { quietEnd } from "./quietEnd.ts"
import * as SingleNode from "./SingleNode.ts"

it.effect("a runner that leaves does not say that nobody is left; before, and all else, it says", () => {
  const said: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    said.push(`${logLevel} ${[message].flat().join(" ")}`)
  })
  const warn = Effect.andThen(Effect.logWarning("No healthy runners available"), Effect.logWarning("The rest"))
  /** Sharding's own, as far as it is up, with the warnings that its loop would give. */
  const sharding = Layer.effect(
    Sharding.Sharding,
    Effect.gen(function* () {
      let isLeaving = false
      yield* Effect.addFinalizer(() =>
        Effect.andThen(
          Effect.sync(() => {
            isLeaving = true
          }),
          warn
        )
      )
      yield* warn
      return { ...(yield* Sharding.Sharding), isShutdown: Effect.sync(() => isLeaving) }
    })
  ).pipe(Layer.provide(SingleNode.layer))
  return Effect.gen(function* () {
    const context = yield* Effect.scoped(Layer.build(Layer.provide(quietEnd(sharding), Logger.layer([logger]))))
    assert.isTrue(yield* Context.get(context, Sharding.Sharding).isShutdown)
    assert.deepStrictEqual(said, ["Warn No healthy runners available", "Warn The rest", "Warn The rest"])
  })
})
