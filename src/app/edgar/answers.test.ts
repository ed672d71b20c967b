import { describe, expect, it } from "vitest"
import { firstLine, inWords, reasonOf, retryAfterMillis } from "./answers.ts"

const NOW = Date.parse("2026-03-02T15:00:00Z")

describe("answers", () => {
  it.each([
    ["0", 0],
    [" 30 ", 30_000],
    ["99999999999999999999", 900_000],
    ["Mon, 02 Mar 2026 15:00:10 GMT", 10_000],
    ["Mon, 02 Mar 2026 14:00:00 GMT", 0],
    ["Tue, 03 Mar 2026 15:00:00 GMT", 900_000],
    [undefined, null],
    ["", null],
    ["-5", null],
    ["1.5", null],
    ["soon", null],
    ["Soon", null],
    ["2026-03-02", null]
  ])("Retry-After %j is %j", (header, millis) => {
    expect(retryAfterMillis(header, NOW)).toBe(millis)
  })

  it("say times as people do", () => {
    expect([0, 1, 1_000, 119_000, 120_000, 599_001].map(inWords)).toEqual([
      "0 seconds",
      "1 second",
      "1 second",
      "119 seconds",
      "2 minutes",
      "10 minutes"
    ])
  })

  it("give a reason in one line, the innermost that says something", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })
    expect(reasonOf(new Error("transport", { cause: refused }))).toBe("ECONNREFUSED")
    expect(reasonOf(new Error("one\ntwo"))).toBe("one")
    expect(reasonOf(new TypeError(""))).toBe("TypeError")
    expect(reasonOf("nonsense")).toBe("no reason given")
    expect(firstLine("x".repeat(500))).toHaveLength(201)
  })
})
