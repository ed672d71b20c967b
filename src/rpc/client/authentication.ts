/**
 * What a client with a token says first on a socket, before anything else: a ticket if it holds a fresh one, else its token.
 * Comes from: connection.ts, which is not open before this is done.
 */
import { Schema } from "effect"
import { CredentialRefused } from "../investors.ts"
import { LimitExceeded, Unavailable } from "../market.ts"

export type AuthenticationAnswer =
  | { readonly _tag: "Accepted" }
  /** Say this too, on the same socket. */
  | { readonly _tag: "Say"; readonly line: string }
  /** For good. */
  | { readonly _tag: "Refused"; readonly reason: string }
  | { readonly _tag: "Later"; readonly reason: string; readonly retryAfterMillis: number }

export interface Authentication {
  readonly begin: () => string
  /** Undefined: the message is about something else. */
  readonly answered: (message: string) => AuthenticationAnswer | undefined
  /** For the next connection; good once, and so long. */
  readonly keep: (ticket: string, lifetimeMillis: number) => void
}

const Exit = Schema.fromJsonString(
  Schema.TaggedStruct("Exit", {
    requestId: Schema.String,
    exit: Schema.Union([
      Schema.TaggedStruct("Success", {}),
      Schema.TaggedStruct("Failure", {
        cause: Schema.Array(Schema.Struct({ error: Schema.optionalKey(Schema.Unknown) }))
      })
    ])
  })
)
const decodeExit = Schema.decodeUnknownOption(Exit)
const decodeError = Schema.decodeUnknownOption(
  Schema.toCodecJson(Schema.Union([CredentialRefused, LimitExceeded, Unavailable]))
)

/** No id of RpcClient's, which counts. */
const REQUEST_ID = "authenticate"
/** A server that fails without saying why is asked again after this. */
const RETRY_MILLIS = 1_000

const line = (credential: unknown): string =>
  `${JSON.stringify({ _tag: "Request", id: REQUEST_ID, tag: "investors.Authenticate", payload: { credential }, headers: [] })}\n`

/** `now`: ms, of any clock that goes on. */
export const makeAuthentication = (token: string, now: () => number): Authentication => {
  let ticket: { readonly text: string; readonly until: number } | null = null
  let shown: "ticket" | "token" = "token"

  const showToken = (): string => {
    shown = "token"
    return line({ _tag: "Token", token })
  }

  const judge = (exit: (typeof Exit.Type)["exit"]): AuthenticationAnswer => {
    if (exit._tag === "Success") return { _tag: "Accepted" }
    const error = decodeError(exit.cause[0]?.error)
    if (error._tag === "None") {
      return { _tag: "Later", reason: "the server failed to check the token", retryAfterMillis: RETRY_MILLIS }
    }
    const { value } = error
    if (value._tag !== "CredentialRefused") {
      return { _tag: "Later", reason: value.message, retryAfterMillis: value.retryAfterMillis ?? RETRY_MILLIS }
    }
    // a ticket may be too old, or of a store that forgot it: the token is what counts
    return shown === "ticket" ? { _tag: "Say", line: showToken() } : { _tag: "Refused", reason: value.message }
  }

  return {
    begin: () => {
      const held = ticket
      ticket = null
      if (held === null || now() >= held.until) return showToken()
      shown = "ticket"
      return line({ _tag: "Ticket", ticket: held.text })
    },
    answered: (message) => {
      for (const text of message.split("\n")) {
        if (!text.includes(REQUEST_ID)) continue
        const found = decodeExit(text)
        if (found._tag === "Some" && found.value.requestId === REQUEST_ID) return judge(found.value.exit)
      }
      return undefined
    },
    keep: (text, lifetimeMillis) => {
      // somewhat before it ends: it has to travel
      ticket = { text, until: now() + lifetimeMillis * 0.9 }
    }
  }
}
