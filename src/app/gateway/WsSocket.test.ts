import fc from "fast-check"
import { expect, it } from "vitest"
import { fittingReason } from "./WsSocket.ts"

const bytes = (text: string) => Buffer.byteLength(text, "utf8")

it("a close reason fits into its frame, whatever it was, and keeps whole characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (reason) => {
      const fitting = fittingReason(reason)
      expect(bytes(fitting)).toBeLessThanOrEqual(123)
      expect(reason.startsWith(fitting)).toBe(true)
      if (bytes(reason) <= 123) expect(fitting).toBe(reason)
      else expect(bytes(fitting)).toBeGreaterThan(119)
    })
  )
})
