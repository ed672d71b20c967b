import { assert, describe, it } from "vitest"
import { LoadGovernor } from "./LoadGovernor.ts"

/** Windows after each second in which flushing took this share of the time; undefined = no change. */
const windows = (shares: ReadonlyArray<number>): ReadonlyArray<number | undefined> => {
  const governor = new LoadGovernor(0)
  return shares.map((share, second) => governor.spent(share * 1_000, (second + 1) * 1_000))
}

describe("LoadGovernor", () => {
  it("widens step by step while busy, up to a second, and narrows again when calm", () => {
    assert.deepEqual(windows([0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1]), [
      100,
      250,
      500,
      1_000,
      undefined,
      500,
      250,
      100,
      0,
      undefined
    ])
  })

  it("leaves a load in between alone, and looks once a second only", () => {
    assert.deepEqual(windows([0.9, 0.6, 0.6, 0.6]), [100, undefined, undefined, undefined])
    const governor = new LoadGovernor(0)
    assert.isUndefined(governor.spent(900, 900))
    assert.strictEqual(governor.spent(100, 1_000), 100)
  })
})
