/** What the server says to what is posted to its account paths. Pure: an answer is checked, whatever came. */
import { Option, Schema } from "effect"
import { AccountProblem, AccountState } from "../../../src/rpc/investors.ts"

export type { AccountState, Investor } from "../../../src/rpc/investors.ts"

/** Why it was not done; `error` is a name of the contract, or one of ours for want of an answer. */
export interface Problem {
  readonly error: string
  readonly message: string
  readonly field: string | null
  /** Waiting so long helps; null: nobody says so. */
  readonly retryAfterMillis: number | null
  /** Which limit was met, where one was and it says so. */
  readonly limit: string | null
}

export type Answer =
  | { readonly ok: true; readonly account: AccountState }
  | { readonly ok: false; readonly problem: Problem }

const refusal = (error: string, message: string): Answer => ({
  ok: false,
  problem: { error, message, field: null, retryAfterMillis: null, limit: null }
})

/** No answer came. */
export const unreachable: Answer = refusal("Unreachable", "The server could not be reached")
/** Something came, from a proxy or another version of the server. */
const unreadable = (status: number): Answer =>
  status >= 500
    ? refusal("Unavailable", `The server cannot answer just now (${status})`)
    : refusal("Unreadable", `The server's answer could not be read (${status})`)

const asState = Schema.decodeUnknownOption(AccountState)
const asProblem = Schema.decodeUnknownOption(AccountProblem)

export const readAnswer = (status: number, body: unknown): Answer => {
  if (status >= 200 && status < 300) {
    const account = Option.getOrUndefined(asState(body))
    return account === undefined ? unreadable(status) : { ok: true, account }
  }
  const told = Option.getOrUndefined(asProblem(body))
  if (told === undefined) return unreadable(status)
  const { error, field, limit, message, retryAfterMillis } = told
  return {
    ok: false,
    problem: {
      error,
      message,
      field: field ?? null,
      retryAfterMillis: retryAfterMillis ?? null,
      limit: limit ?? null
    }
  }
}

/** Nothing is wrong with what was sent: the same may succeed a moment later. */
export const isPassing = ({ error }: Problem): boolean =>
  ["Unreachable", "Unavailable", "Unreadable", "LimitExceeded"].includes(error)
