/**
 * A call to an actor that may live on another node: it has its own deadline, and an owner that does not answer, or stops in the
 * middle of it, is `Unavailable` to the caller, never an interruption of the caller itself.
 */
import { Cause, type Duration, Effect } from "effect"
import { Unavailable } from "../../rpc/market.ts"

/** `what`: the symbol or thing asked for; `message`: a sentence for people, given why (a tag). */
export const asked =
  (what: string, deadline: Duration.Input | "none", message: (why: string) => string) =>
  <A, E extends { readonly _tag: string }, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, Unavailable, R> => {
    const unavailable = (why: string) =>
      Effect.fail(new Unavailable({ what, retryAfterMillis: 1_000, message: message(why) }))
    const bounded: Effect.Effect<A, E | Cause.TimeoutError, R> =
      deadline === "none" ? call : Effect.timeout(call, deadline)
    return Effect.catchCause(bounded, (cause) => {
      const error = Cause.findErrorOption(cause)
      if (error._tag === "Some") return unavailable(error.value._tag)
      // the owner ended it, on its way out; an interruption of the caller does not come to here
      if (Cause.hasInterruptsOnly(cause)) return unavailable("OwnerStopped")
      return Effect.die(Cause.squash(cause))
    })
  }
