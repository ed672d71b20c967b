import { assert, describe, it } from "@effect/vitest"
import { AttemptBuckets } from "../../actors/investors/Attempts.ts"
import { noUpgradeLimits, UpgradeRate } from "./UpgradeRate.ts"

describe("new sockets", () => {
  it("may come four times as many at once as a second, then that many, from one address", () => {
    const rate = new UpgradeRate({ perSecond: 1_000, perSecondAndAddress: 10 })
    for (let i = 0; i < 40; i++) assert.strictEqual(rate.take("a", 0), 0)
    assert.strictEqual(rate.take("a", 0), 100)
    // no address takes from another
    assert.strictEqual(rate.take("b", 0), 0)
    assert.strictEqual(rate.take("a", 99), 1)
    assert.strictEqual(rate.take("a", 100), 0)
    assert.strictEqual(rate.take("a", 100), 100)
  })

  it("may come from all together no faster either; one refused for its address takes nothing from the others", () => {
    const rate = new UpgradeRate({ perSecond: 10, perSecondAndAddress: 2 })
    let taken = 0
    for (let i = 0; i < 100; i++) if (rate.take("greedy", 0) === 0) taken++
    assert.strictEqual(taken, 8)
    for (let i = 0; i < 100; i++) if (rate.take(`other ${i}`, 0) === 0) taken++
    assert.strictEqual(taken, 40)
    assert.strictEqual(rate.take("one more", 0), 100)
  })

  it("may come as they like without limits", () => {
    const rate = new UpgradeRate(noUpgradeLimits)
    for (let i = 0; i < 100_000; i++) if (rate.take("a", 0) !== 0) assert.fail("refused")
  })
})

describe("buckets", () => {
  it("stay bounded, however many names an attacker has", () => {
    const buckets = new AttemptBuckets()
    const limit = { burst: 2, everyMillis: 60_000 }
    let most = 0
    for (let i = 0; i < 500_000; i++) {
      buckets.take(`name ${i}`, limit, 0)
      most = Math.max(most, buckets.size)
    }
    assert.isAtMost(most, 100_001)
    // all are full again
    for (let i = 0; i < 300_000; i++) buckets.take(`later ${i}`, limit, 10_000_000)
    assert.isAtMost(buckets.size, 100_001)
    for (let i = 0; i < 20_001; i++) buckets.take("one", limit, 1e9 + i * 60_000)
    assert.isAtMost(buckets.size, 100_001)
  })
})
