import { describe, expect, it } from "vitest"
import type { Problem } from "../answers.ts"
import { emailError, newPasswordError, troubleOf, troubleOfFields, waitText } from "./explain.ts"

const problem = (error: string, more: Partial<Problem> = {}): Problem => ({
  error,
  message: `${error} it is`,
  field: null,
  retryAfterMillis: null,
  limit: null,
  ...more
})

describe("what is wrong with a form", () => {
  it("is told before it is sent, where that can be known", () => {
    expect(emailError(" Ada@Example.org ")).toBe(null)
    expect(emailError("ada")).toMatch(/not an e-mail address/)
    expect(emailError(" ")).toMatch(/Enter/)
    expect(newPasswordError("short", 12)).toBe("Use at least 12 characters; this has 5.")
    expect(newPasswordError("x".repeat(257), 12)).toMatch(/at most 256/)
    expect(newPasswordError("long enough it is", 12)).toBe(null)
  })
  it("stands beside its field", () => {
    expect(troubleOf(problem("InvalidRequest", { field: "email" }), ["email"]).fields).toEqual({
      email: "InvalidRequest it is."
    })
    expect(troubleOf(problem("WeakPassword"), ["password"], { WeakPassword: ["password", ""] }).fields).toEqual({
      password: "WeakPassword it is."
    })
    expect(troubleOfFields({ a: "x", b: "y" }).summary).toMatch(/2 fields/)
  })
  it("stands above the form where no field is to blame", () => {
    expect(troubleOf(problem("InvalidRequest", { field: "other" }), ["email"])).toMatchObject({
      fields: {},
      summary: "InvalidRequest it is."
    })
    expect(troubleOf(problem("Unreachable"), []).summary).toMatch(/could not be reached/)
    const limited = { retryAfterMillis: 12_000 }
    expect(troubleOf(problem("LimitExceeded", limited), ["email"])).toMatchObject({ ...limited, ofSender: false })
    const ofAccount = { ...limited, limit: "attempts-of-account" }
    expect(troubleOf(problem("LimitExceeded", ofAccount), ["email"])).toMatchObject({
      ...limited,
      ofSender: true,
      summary: "Too many tries with this e-mail address. Please wait a little."
    })
    expect(troubleOf(problem("LimitExceeded", ofAccount), ["current"]).summary).toBe(
      "Too many tries. Please wait a little."
    )
  })
  it("says how long to wait", () => {
    expect([waitText(12), waitText(119), waitText(600), waitText(601)]).toEqual(["12 s", "119 s", "10 min", "11 min"])
  })
})
