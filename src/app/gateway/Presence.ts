/**
 * Sockets end with what they stand on, even where nobody was told: once a minute, and when the bus may have lost something, this node
 * asks the stores about everything its sessions stand on. That also notes that it was in use.
 */
import { Clock, Effect, Latch, Layer } from "effect"
import { Accounts } from "../../actors/investors/Accounts.ts"
import { ApiTokens } from "../../actors/investors/ApiTokens.ts"
import { SignIns } from "../../actors/investors/SignIns.ts"
import { Bus } from "../../actors/kernel/Bus.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import type { Principal } from "../../rpc/access.ts"

const EVERY = "1 minute"

export const layerPresence = (options: {
  readonly idleMillis: number
}): Layer.Layer<never, never, Accounts | ApiTokens | Bus | SessionActors | SignIns> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const bus = yield* Bus
      const sessions = yield* SessionActors
      const signIns = yield* SignIns
      const tokens = yield* ApiTokens
      const accounts = yield* Accounts
      const wake = Latch.makeUnsafe(false)
      yield* bus.onLoss(() => wake.openUnsafe())

      const of = (via: Principal["via"]) =>
        Array.from(sessions.grants()).filter(([, principal]) => principal.via === via)

      /** Ends in the store too what the database knows no more: a revocation may have broken off there. */
      const end = Effect.fnUntraced(function* (gone: ReadonlyArray<readonly [string, Principal]>) {
        if (gone.length === 0) return
        sessions.signOut(new Set(gone.map(([id]) => id)))
        yield* Effect.forEach(gone, ([id, { investor }]) => signIns.end(investor, id), { discard: true })
      })

      const lookAtBrowsers = Effect.gen(function* () {
        const browsers = of("cookie")
        if (browsers.length === 0) return
        const standing = yield* accounts.standing(browsers.map(([, { investor }]) => investor))
        yield* end(
          browsers.filter(
            ([, { investor, since }]) => (since ?? 0) < (standing.get(investor) ?? Number.POSITIVE_INFINITY)
          )
        )
        const alive = yield* signIns.seen(
          browsers.map(([id]) => id),
          yield* Clock.currentTimeMillis,
          options.idleMillis
        )
        sessions.signOut(new Set(browsers.flatMap(([id]) => (alive.has(id) ? [] : [id]))))
      })

      const lookAtPrograms = Effect.gen(function* () {
        const programs = of("token")
        if (programs.length === 0) return
        const alive = yield* tokens.used(
          programs.map(([id]) => id),
          yield* Clock.currentTimeMillis
        )
        yield* end(programs.filter(([id]) => !alive.has(id)))
      })

      // each by itself: with one store away the other is still asked
      const look = Effect.forEach(
        [lookAtBrowsers, lookAtPrograms],
        (part) =>
          Effect.catchCause(part, (cause) =>
            Effect.logWarning("What sessions stand on cannot be looked up: they stay as they are", cause)
          ),
        { discard: true }
      )

      yield* Effect.suspend(() => {
        wake.closeUnsafe()
        return look
      }).pipe(Effect.andThen(Effect.timeoutOption(wake.await, EVERY)), Effect.forever, Effect.forkScoped)
    })
  )
