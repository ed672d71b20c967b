import { describe, expect, it } from "vitest"
import { InvalidArguments, Timeout, Unavailable } from "../../../src/rpc/client.ts"
import { isPassing } from "./goOn.ts"

describe("what is asked again by itself", () => {
  it("is what may be answered the next time", () => {
    expect(isPassing(new Timeout({ call: "c", millis: 1, message: "m" }))).toBe(true)
    expect(isPassing(new Unavailable({ what: "w", retryAfterMillis: 1, message: "m" }))).toBe(true)
    for (const error of [null, undefined, new Error("x"), new InvalidArguments({ call: "c", message: "m" })]) {
      expect(isPassing(error)).toBe(false)
    }
  })
})
