/** What every Attempts must do, as a function of its layer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { Attempts } from "./Attempts.ts"

const MINUTE = 60_000
/** Between two looks at a clock that nobody holds. */
const SLACK = 5_000

/** `layer` must give full buckets each time it is built; `elapse` lets that much time go by. */
export const attemptsSuite = <E>(
  name: string,
  layer: Layer.Layer<Attempts, E>,
  elapse: (millis: number) => Effect.Effect<void>
): void => {
  const check = <F>(title: string, body: (attempts: typeof Attempts.Service) => Effect.Effect<void, F>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(Attempts, body), layer))

  const limit = { burst: 3, everyMillis: 10 * MINUTE }
  const about = (wait: number, expected: number) => {
    assert.isAtMost(wait, expected)
    assert.isAbove(wait, expected - SLACK)
  }

  describe(name, () => {
    check("grants a burst, then one at a time; what is refused takes nothing", ({ take }) =>
      Effect.gen(function* () {
        for (let n = 0; n < 3; n++) assert.strictEqual(yield* take("a", limit), 0)
        for (let n = 0; n < 50; n++) about(yield* take("a", limit), 10 * MINUTE)
        yield* elapse(4 * MINUTE)
        about(yield* take("a", limit), 6 * MINUTE)
        yield* elapse(6 * MINUTE)
        assert.strictEqual(yield* take("a", limit), 0)
        about(yield* take("a", limit), 10 * MINUTE)
        yield* elapse(20 * MINUTE)
        for (let n = 0; n < 2; n++) assert.strictEqual(yield* take("a", limit), 0)
        assert.isAbove(yield* take("a", limit), 0)
      })
    )

    check("nobody saves up more than a burst", ({ take }) =>
      Effect.gen(function* () {
        yield* take("a", limit)
        yield* elapse(24 * 60 * MINUTE)
        for (let n = 0; n < 3; n++) assert.strictEqual(yield* take("a", limit), 0)
        about(yield* take("a", limit), 10 * MINUTE)
      })
    )

    check("keys have buckets of their own, whatever they are called", ({ take }) =>
      Effect.gen(function* () {
        const one = { burst: 1, everyMillis: MINUTE }
        for (const key of ["a", "A", "a ", "", "ü@example.org", "2001:db8::1", "x".repeat(300)]) {
          assert.strictEqual(yield* take(key, one), 0)
          assert.isAbove(yield* take(key, one), 0)
        }
      })
    )

    check("of many at once no more get through than may", ({ take }) =>
      Effect.gen(function* () {
        const waits = yield* Effect.forEach(
          Array.from({ length: 100 }, () => "a"),
          (key) => take(key, { burst: 5, everyMillis: MINUTE }),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(waits.filter((wait) => wait === 0).length, 5)
      })
    )
  })
}
