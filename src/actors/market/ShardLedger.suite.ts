/** What every ShardLedger must do, as a function of its layer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { ShardLedger, type StaleOwner, TERM_STEP } from "./ShardLedger.ts"

/** The refusal of a write; dies when it was taken. */
export const refusal = (write: Effect.Effect<void, StaleOwner>): Effect.Effect<StaleOwner> =>
  Effect.orDie(Effect.flip(write))

/** `layer` must give an empty ledger each time it is built. */
export const shardLedgerSuite = <E>(name: string, layer: Layer.Layer<ShardLedger, E>): void => {
  const check = (title: string, body: (ledger: typeof ShardLedger.Service) => Effect.Effect<void, StaleOwner>) =>
    it.live(title, () => Effect.provide(Effect.flatMap(ShardLedger, body), layer))

  describe(name, () => {
    check("a shard nobody had is settled nowhere", (ledger) =>
      Effect.gen(function* () {
        const { settled, term } = yield* ledger.claim(0)
        assert.isUndefined(settled)
        assert.isTrue(Number.isSafeInteger(term))
      })
    )
    check("terms grow by a step at least; shards are apart", (ledger) =>
      Effect.gen(function* () {
        const first = yield* ledger.claim(1)
        yield* ledger.claim(2)
        const second = yield* ledger.claim(1)
        const third = yield* ledger.claim(1)
        assert.isAtLeast(second.term - first.term, TERM_STEP)
        assert.isAtLeast(third.term - second.term, TERM_STEP)
        yield* ledger.settle(2, (yield* ledger.claim(2)).term, { stream: "s", seq: 1 })
        assert.isUndefined((yield* ledger.claim(1)).settled)
      })
    )
    check("claims at the same moment get terms of their own, and the greatest one is the owner", (ledger) =>
      Effect.gen(function* () {
        const claims = yield* Effect.forEach(Array.from({ length: 8 }), () => ledger.claim(5), {
          concurrency: "unbounded"
        })
        const terms = claims.map(({ term }) => term).sort((a, b) => a - b)
        for (let i = 1; i < terms.length; i++) assert.isAtLeast((terms[i] ?? 0) - (terms[i - 1] ?? 0), TERM_STEP)
        yield* ledger.settle(5, terms.at(-1) ?? 0, { stream: "s", seq: 1 })
        for (const term of terms.slice(0, -1)) yield* refusal(ledger.settle(5, term, { stream: "s", seq: 9 }))
        assert.deepStrictEqual((yield* ledger.claim(5)).settled, { stream: "s", seq: 1 })
      })
    )
    check("tells the next owner how far it was settled", (ledger) =>
      Effect.gen(function* () {
        const { term } = yield* ledger.claim(3)
        yield* ledger.settle(3, term, { stream: "ticks-3@1", seq: 10 })
        yield* ledger.settle(3, term, { stream: "ticks-3@1", seq: 2 ** 40 })
        assert.deepStrictEqual((yield* ledger.claim(3)).settled, { stream: "ticks-3@1", seq: 2 ** 40 })
      })
    )
    check("an earlier position in the stream changes nothing; another stream starts anew", (ledger) =>
      Effect.gen(function* () {
        const { term } = yield* ledger.claim(3)
        yield* ledger.settle(3, term, { stream: "a", seq: 10 })
        yield* ledger.settle(3, term, { stream: "a", seq: 4 })
        const next = yield* ledger.claim(3)
        assert.deepStrictEqual(next.settled, { stream: "a", seq: 10 })
        yield* ledger.settle(3, next.term, { stream: "b", seq: 1 })
        assert.deepStrictEqual((yield* ledger.claim(3)).settled, { stream: "b", seq: 1 })
      })
    )
    check("refuses a former owner, and one that never was", (ledger) =>
      Effect.gen(function* () {
        const former = yield* ledger.claim(3)
        const next = yield* ledger.claim(3)
        const refused = yield* refusal(ledger.settle(3, former.term, { stream: "a", seq: 10 }))
        assert.deepInclude(refused, { _tag: "StaleOwner", shard: 3, term: former.term })
        yield* refusal(ledger.settle(4, next.term, { stream: "a", seq: 10 }))
        yield* ledger.settle(3, next.term, { stream: "a", seq: 2 })
        assert.deepStrictEqual((yield* ledger.claim(3)).settled, { stream: "a", seq: 2 })
      })
    )
  })
}
