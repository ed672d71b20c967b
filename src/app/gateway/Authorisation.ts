/** Who may ask what: the middlewares that each request passes before its handler. They know the session, and what the RPC says it needs. */
import { Clock, Context, Deferred, Effect, Layer, Schema } from "effect"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import {
  Authorised,
  Caller,
  Forbidden,
  includes,
  Needs,
  NotAllowed,
  NotSignedIn,
  OperatorOnly
} from "../../rpc/access.ts"
import { endingTexts } from "../../rpc/endings.ts"
import { CloseCode } from "../../rpc/sessions.ts"
import { Operator } from "./Operator.ts"

const explained = {
  read: "This takes a sign-in",
  write: "This takes a token that may write: this one may only read",
  account: "This takes a person who has signed in: a token may not do it"
} as const

export const layerAuthorised: Layer.Layer<Authorised, never, SessionActors> = Layer.effect(
  Authorised,
  Effect.map(SessionActors, (sessions) =>
    Authorised.of((effect, { client, rpc }) =>
      Effect.gen(function* () {
        const session = sessions.get(client.id)
        // a request that was still queued when its session ended
        if (session === undefined) return yield* Effect.interrupt
        if (session.identifying !== null) yield* Deferred.await(session.identifying)
        // closed for what was found out: nobody is answered any more
        if (!session.isOpen) return yield* Effect.interrupt
        const { principal } = session
        if (principal === null || session.isSignedOut)
          return yield* new NotSignedIn({ message: "Sign in, or show a token, before anything else" })
        if (principal.expiresAt !== null && principal.expiresAt <= (yield* Clock.currentTimeMillis)) {
          session.close(CloseCode.SignedOut, endingTexts.expired)
          return yield* new NotSignedIn({ message: "The sign-in or token has expired" })
        }
        const needs = Context.get(rpc.annotations, Needs)
        if (!includes(principal.access, needs)) return yield* new Forbidden({ needs, message: explained[needs] })
        const known = Effect.provideService(effect, Caller, principal)
        return yield* needs === "account" ? session.asks(known) : known
      })
    )
  )
)

const decodeOperator = Schema.decodeUnknownOption(Schema.Struct({ operator: Schema.String }))

export const layerOperatorOnly: Layer.Layer<OperatorOnly, never, Operator | SessionActors> = Layer.effect(
  OperatorOnly,
  Effect.gen(function* () {
    const operator = yield* Operator
    const sessions = yield* SessionActors
    return OperatorOnly.of((effect, { client, payload }) => {
      const shown = decodeOperator(payload)
      const address = sessions.get(client.id)?.address ?? ""
      return shown._tag === "None"
        ? Effect.fail(new NotAllowed({ message: "This takes the operator's token" }))
        : Effect.andThen(operator.check(shown.value.operator, address), effect)
    })
  })
)
