/** Calls with a deadline: sent again after each reconnect until then, which is sound where a call is idempotent; else `callOnce`. */
import { Cause, Deferred, Effect, Predicate, SchemaIssue } from "effect"
import type { RpcClientError } from "effect/rpc"
import type { Forbidden, NotSignedIn } from "../access.ts"
import type { Connection } from "./connection.ts"
import {
  type CallError,
  type Closed,
  ConnectFailed,
  connectFailed,
  InvalidArguments,
  ServerFailed,
  Timeout
} from "./errors.ts"

export const DEFAULT_TIMEOUT_MILLIS = 10_000
/** The server gave up on an answer without saying why (it is stopping): ask again after this. */
const ASK_AGAIN_MILLIS = 250

type TransportError = RpcClientError.RpcClientError
/** What any request may fail with, besides its own errors. */
type RequestError = TransportError | NotSignedIn | Forbidden

export const isTransportError = (error: unknown): error is TransportError => Predicate.isTagged(error, "RpcClientError")

/** The server's defect, or its answer that the schema refuses. */
export const serverFailed = (call: string, cause: Cause.Cause<unknown>): ServerFailed => {
  const defect = Cause.squash(cause)
  return new ServerFailed({ call, message: defect instanceof Error ? defect.message : String(defect) })
}

const formatIssue = SchemaIssue.makeFormatterDefault()
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return SchemaIssue.isIssue(error.cause) ? formatIssue(error.cause) : error.message
}

/** A request; its arguments are checked when it is made, and the check throws. */
export const requested = <A, E>(
  call: string,
  request: () => Effect.Effect<A, E>
): Effect.Effect<A, E | InvalidArguments> =>
  Effect.suspend((): Effect.Effect<A, E | InvalidArguments> => {
    try {
      return request()
    } catch (error) {
      return Effect.fail(new InvalidArguments({ call, message: `${call}: ${reasonOf(error).replace(/\s+/g, " ")}` }))
    }
  })

export interface Calls {
  /** Completes never, or when there will be no connection any more. */
  readonly closed: Deferred.Deferred<never, Closed | NotSignedIn>
  readonly withDeadline: <A, E>(
    call: string,
    effect: Effect.Effect<A, E>
  ) => Effect.Effect<A, E | ConnectFailed | Timeout | Closed | NotSignedIn>
  readonly call: <A, E>(
    call: string,
    request: () => Effect.Effect<A, E | RequestError>
  ) => Effect.Effect<A, E | CallError>
  /** Not sent again when connection or server give up under way: whether it was done is not known, and it fails with ServerFailed. */
  readonly callOnce: <A, E>(
    call: string,
    request: () => Effect.Effect<A, E | RequestError>
  ) => Effect.Effect<A, E | CallError>
}

export const makeCalls = (connection: Connection, timeoutMillis: number): Calls => {
  const closed = Deferred.makeUnsafe<never, Closed | NotSignedIn>()

  const overdue = (call: string): Effect.Effect<never, ConnectFailed | Timeout> =>
    Effect.suspend((): Effect.Effect<never, ConnectFailed | Timeout> => {
      const state = connection.state()
      return connection.lastReceived() === null
        ? Effect.fail(
            state.status === "reconnecting"
              ? connectFailed(connection.url, state)
              : new ConnectFailed({ url: connection.url, message: "not connected in time" })
          )
        : Effect.fail(
            new Timeout({
              call,
              millis: timeoutMillis,
              message: `${call}: no answer in ${timeoutMillis} ms${state.status === "reconnecting" ? ` (reconnecting: ${state.reason})` : ""}`
            })
          )
    })

  const withDeadline: Calls["withDeadline"] = (call, effect) =>
    Effect.raceFirst(
      Effect.timeoutOrElse(effect, { duration: timeoutMillis, orElse: () => overdue(call) }),
      Deferred.await(closed)
    )

  const attempt = <A, E>(
    call: string,
    request: Effect.Effect<A, E | TransportError>
  ): Effect.Effect<A, E | ServerFailed> =>
    Effect.matchCauseEffect(Effect.andThen(connection.awaitOpen, request), {
      onSuccess: (value) => Effect.succeed(value),
      onFailure: (cause): Effect.Effect<A, E | ServerFailed> => {
        const failure = Cause.findErrorOption(cause)
        if (failure._tag === "Some") {
          return isTransportError(failure.value) ? attempt(call, request) : Effect.fail(failure.value)
        }
        return Cause.hasDies(cause)
          ? Effect.fail(serverFailed(call, cause))
          : Effect.andThen(
              Effect.sleep(ASK_AGAIN_MILLIS),
              Effect.suspend(() => attempt(call, request))
            )
      }
    })

  const once = <A, E>(
    call: string,
    request: Effect.Effect<A, E | TransportError>
  ): Effect.Effect<A, E | ServerFailed> =>
    Effect.matchCauseEffect(Effect.andThen(connection.awaitOpen, request), {
      onSuccess: (value) => Effect.succeed(value),
      onFailure: (cause): Effect.Effect<A, E | ServerFailed> => {
        const failure = Cause.findErrorOption(cause)
        if (failure._tag === "Some") {
          return isTransportError(failure.value)
            ? Effect.fail(new ServerFailed({ call, message: `${call}: the connection broke before the answer` }))
            : Effect.fail(failure.value)
        }
        return Effect.fail(
          Cause.hasDies(cause)
            ? serverFailed(call, cause)
            : new ServerFailed({ call, message: `${call}: the server gave up before the answer` })
        )
      }
    })

  return {
    closed,
    withDeadline,
    call: <A, E>(call: string, request: () => Effect.Effect<A, E | RequestError>) =>
      withDeadline(call, attempt<A, E | InvalidArguments | NotSignedIn | Forbidden>(call, requested(call, request))),
    callOnce: <A, E>(call: string, request: () => Effect.Effect<A, E | RequestError>) =>
      withDeadline(call, once<A, E | InvalidArguments | NotSignedIn | Forbidden>(call, requested(call, request)))
  }
}
