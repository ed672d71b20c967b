import { describe, expect, it } from "vitest"
import { isPassing, readAnswer, unreachable } from "./answers.ts"

const state = {
  investor: { id: "a1", email: "ada@example.org", createdAt: 5 },
  mode: "accounts",
  signUp: "open",
  minPasswordLength: 12
}
const problemOf = (status: number, body: unknown) => {
  const answer = readAnswer(status, body)
  return answer.ok ? undefined : answer.problem
}

describe("an answer of the server", () => {
  it("is the account's state", () => {
    expect(readAnswer(200, state)).toEqual({ ok: true, account: state })
    expect(readAnswer(200, { ...state, investor: null })).toEqual({ ok: true, account: { ...state, investor: null } })
  })
  it("is a problem with its field and how long to wait", () => {
    expect(
      problemOf(429, { error: "LimitExceeded", message: "Too many", retryAfterMillis: 9_000, limit: "attempts" })
    ).toEqual({
      error: "LimitExceeded",
      message: "Too many",
      field: null,
      retryAfterMillis: 9_000,
      limit: "attempts"
    })
    expect(problemOf(400, { error: "InvalidRequest", message: "No", field: "email" })?.field).toBe("email")
  })
  it("is nothing to go by where something else stands", () => {
    for (const body of [
      undefined,
      null,
      "",
      "<html>",
      [],
      {},
      { ...state, mode: "other" },
      { ...state, investor: 7 }
    ]) {
      expect(problemOf(200, body)?.error).toBe("Unreadable")
    }
    expect(problemOf(404, { error: "not-found" })?.error).toBe("Unreadable")
    expect(problemOf(502, "<html>Bad gateway")?.error).toBe("Unavailable")
  })
  it("may be worth asking for again", () => {
    expect(unreachable.ok === false && isPassing(unreachable.problem)).toBe(true)
    expect(isPassing({ error: "SignInRefused", message: "", field: null, retryAfterMillis: null, limit: null })).toBe(
      false
    )
  })
})
