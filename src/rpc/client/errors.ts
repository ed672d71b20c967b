/** What can go wrong between a client and its server, besides the contract's own errors. */
import { Schema } from "effect"
import type { Forbidden, NotSignedIn } from "../access.ts"
import type { ConnectionState } from "./types.ts"

/** What a socket says of itself that nobody closed. */
const ABNORMAL = 1006

/**
 * No connection: a bad URL, no WebSocket here, refused, or closed before it opened. `retryAfterMillis` is there when the server is, but
 * takes no connection now; null: it did not say until when.
 */
export class ConnectFailed extends Schema.TaggedError<ConnectFailed>()("ConnectFailed", {
  url: Schema.String,
  message: Schema.String,
  retryAfterMillis: Schema.optionalKey(Schema.NullOr(Schema.Int))
}) {}

/** What a connection that waits for its next attempt says to whoever waits for it. */
export const connectFailed = (
  url: string,
  { code, reason, retryAfterMillis }: Extract<ConnectionState, { readonly status: "reconnecting" }>
): ConnectFailed => {
  const hasAnswered = retryAfterMillis !== null || (code !== null && code !== ABNORMAL)
  return new ConnectFailed({ url, message: reason, ...(hasAnswered ? { retryAfterMillis } : {}) })
}

/** No answer within the deadline, however often the connection was made anew meanwhile. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", {
  call: Schema.String,
  millis: Schema.Int,
  message: Schema.String
}) {}

/** This client, or this watch, was closed. */
export class Closed extends Schema.TaggedError<Closed>()("Closed", { message: Schema.String }) {}

/** The server failed while answering, or answered something this version of the contract cannot read. */
export class ServerFailed extends Schema.TaggedError<ServerFailed>()("ServerFailed", {
  call: Schema.String,
  message: Schema.String
}) {}

/** What was asked is not what the contract takes; `message` says which part. Nothing was sent. */
export class InvalidArguments extends Schema.TaggedError<InvalidArguments>()("InvalidArguments", {
  call: Schema.String,
  message: Schema.String
}) {}

/** What every call may fail with, besides its own errors in market.ts. */
export type CallError = ConnectFailed | Timeout | Closed | ServerFailed | InvalidArguments | NotSignedIn | Forbidden
