import { expect, it } from "vitest"
import { endingOf, endingText, endingTexts } from "./endings.ts"

it("is known again by the text that a close frame has room for", () => {
  for (const [ending, text] of Object.entries(endingTexts)) {
    expect(endingOf(text)).toBe(ending)
    expect(Buffer.byteLength(text), text).toBeLessThanOrEqual(123)
  }
  expect(endingOf("something else")).toBe(undefined)
  expect(endingOf("toString")).toBe(undefined)
})

it("is said as far as it is known, and to a program as far as that goes", () => {
  expect(endingText("password-changed", false)).toBe(endingTexts["password-changed"])
  expect(endingText("signed-out-everywhere", true)).toBe(endingTexts["token-revoked"])
  expect(endingText("banned", true)).toBe(endingTexts.banned)
  for (const why of [undefined, "of a newer version", "constructor"]) {
    expect(endingText(why, false)).toBe(endingTexts["signed-out"])
  }
})
