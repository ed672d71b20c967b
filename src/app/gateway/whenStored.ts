/** A store that is away has been logged by who was told; a client hears that it may try again. */
import { Effect } from "effect"
import { Unavailable } from "../../rpc/market.ts"
import { tryAgainIn } from "../../rpc/sessions.ts"

const RETRY_MILLIS = 2_000

export const whenStored =
  (what: "accounts" | "companies") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Unavailable, R> =>
    Effect.catchDefect(effect, (defect) =>
      Effect.andThen(
        Effect.logWarning("A store cannot be asked", { what, defect }),
        Effect.fail(
          new Unavailable({
            what,
            retryAfterMillis: RETRY_MILLIS,
            message: `The ${what} cannot be read or changed at the moment: ${tryAgainIn(RETRY_MILLIS)}`
          })
        )
      )
    )
