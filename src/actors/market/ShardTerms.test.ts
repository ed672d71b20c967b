import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { oneNodeCluster, shardsReady } from "../../../test/support/marketNode.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { ShardLedger } from "./ShardLedger.ts"
import { ShardTerms } from "./ShardTerms.ts"

it.effect("a claim goes on for those who wait for it when whoever asked first is gone", () =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const slow = Layer.effect(
      ShardLedger,
      Effect.map(ShardLedger, (ledger) =>
        ShardLedger.of({ ...ledger, claim: (shard) => Effect.andThen(Deferred.await(gate), ledger.claim(shard)) })
      )
    )
    yield* Effect.gen(function* () {
      yield* shardsReady
      const terms = yield* ShardTerms
      const first = yield* Effect.forkChild(terms.current(3), { startImmediately: true })
      const second = yield* Effect.forkChild(terms.current(3), { startImmediately: true })
      yield* settle
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gate, undefined)
      const held = yield* Fiber.join(second)
      assert.strictEqual(yield* terms.current(3), held)
      assert.isTrue(terms.isCurrent(held))
      assert.strictEqual((yield* Gauges).get("shard_claims_total"), 1)
    }).pipe(
      Effect.provide(
        ShardTerms.layer.pipe(
          Layer.provideMerge(slow),
          Layer.provideMerge(ShardLedger.layerMemory),
          Layer.provideMerge(Layer.mergeAll(oneNodeCluster, Gauges.layer))
        )
      )
    )
  })
)
