/**
 * Sockets end with what they stand on, even where nobody was told: once a minute, and when the bus may have lost something, this node
 * asks the stores about everything its sessions stand on. That also notes that it was in use.
 */
import { Clock, Effect, Latch, Layer } from "effect"
import { ApiTokens } from "../../actors/investors/ApiTokens.ts"
import { SignIns } from "../../actors/investors/SignIns.ts"
import { Bus } from "../../actors/kernel/Bus.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"

const EVERY = "1 minute"

export const layerPresence = (options: {
  readonly idleMillis: number
}): Layer.Layer<never, never, ApiTokens | Bus | SessionActors | SignIns> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const bus = yield* Bus
      const sessions = yield* SessionActors
      const signIns = yield* SignIns
      const tokens = yield* ApiTokens
      const wake = Latch.makeUnsafe(false)
      yield* bus.onLoss(() => wake.openUnsafe())

      const look = Effect.gen(function* () {
        const grants = sessions.grants()
        const of = (via: "cookie" | "token") => Array.from(grants).flatMap(([id, how]) => (how === via ? [id] : []))
        const browsers = of("cookie")
        const programs = of("token")
        const now = yield* Clock.currentTimeMillis
        const alive = new Set([
          ...(browsers.length === 0 ? [] : yield* signIns.seen(browsers, now, options.idleMillis)),
          ...(programs.length === 0 ? [] : yield* tokens.used(programs, now))
        ])
        const gone = Array.from(grants.keys()).filter((id) => !alive.has(id))
        if (gone.length > 0) sessions.signOut(new Set(gone))
      })

      yield* Effect.suspend(() => {
        wake.closeUnsafe()
        return Effect.catchCause(look, (cause) =>
          Effect.logWarning("Sign-ins cannot be looked up: sockets stay as they are", cause)
        )
      }).pipe(Effect.andThen(Effect.timeoutOption(wake.await, EVERY)), Effect.forever, Effect.forkScoped)
    })
  )
