import { assert, describe, it } from "@effect/vitest"
import { TestClock } from "effect/testing"
import { attemptsSuite } from "./Attempts.suite.ts"
import { AttemptBuckets, Attempts } from "./Attempts.ts"

attemptsSuite("Attempts in memory", Attempts.layerMemory, TestClock.adjust)

describe("AttemptBuckets", () => {
  it("a clock that is set back makes nobody wait for longer than an empty bucket does", () => {
    const buckets = new AttemptBuckets()
    const limit = { burst: 5, everyMillis: 1_000 }
    const now = 600_000
    for (let n = 0; n < 5; n++) assert.strictEqual(buckets.take("a", limit, now), 0)
    assert.strictEqual(buckets.take("a", limit, 0), 1_000)
    assert.strictEqual(buckets.take("a", limit, 999), 1)
    assert.strictEqual(buckets.take("a", limit, 1_000), 0)
    assert.strictEqual(buckets.take("b", limit, now), 0)
    assert.strictEqual(buckets.take("b", limit, 0), 1_000)
  })

  it("do not fill the memory, whoever asks", () => {
    const buckets = new AttemptBuckets()
    const limit = { burst: 5, everyMillis: 60_000 }
    for (let n = 0; n < 500_000; n++) buckets.take(`name-${n}`, limit, 0)
    assert.isAtMost(buckets.size, 200_000)
    // those that are full again are forgotten as others come
    for (let n = 0; n < 200_000; n++) buckets.take(`later-${n}`, limit, 60_000 * (n + 1))
    assert.isAtMost(buckets.size, 20_000)
  })

  it("keep the last ones, not the full ones, when there are too many", () => {
    const buckets = new AttemptBuckets()
    const limit = { burst: 1, everyMillis: 60_000 }
    for (let n = 0; n < 9_999; n++) buckets.take(`full-${n}`, limit, 0)
    buckets.take("empty", limit, 60_000)
    for (let n = 0; n < 5; n++) buckets.take(`more-${n}`, limit, 60_000)
    assert.isBelow(buckets.size, 100)
    assert.strictEqual(buckets.take("empty", limit, 60_000), 60_000)
  })
})
