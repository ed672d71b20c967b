import fc from "fast-check"
import { expect, it } from "vitest"
import { retryAfterOf, tryAgainIn } from "./sessions.ts"

it("the wait that a refusal tells is read out of it again, in whole seconds and never less than it was", () => {
  fc.assert(
    fc.property(fc.string(), fc.double({ min: 0, max: 86_400_000, noNaN: true }), (text, millis) => {
      const read = retryAfterOf(`${text}: ${tryAgainIn(millis)}`) ?? Number.NaN
      expect(read).toBeGreaterThanOrEqual(millis)
      expect(read).toBeLessThanOrEqual(millis + 1_000)
    })
  )
  expect(tryAgainIn(0)).toBe("try again in 1 s")
})

it("a reason that tells none has none", () => {
  for (const reason of ["", "connection lost", "try again in a moment", "retry again in 5 s", "try again in 5 min"])
    expect([reason, retryAfterOf(reason)]).toEqual([reason, null])
})
