/**
 * How sign-ins and tokens end: first the database, which is the truth and is marked by whoever calls this; then the store of sign-ins;
 * then the bus, so that sockets close everywhere. Nobody can stop it halfway, and nothing here fails: what the store did not take is
 * found and ended by the gateways' next look (Presence), within a minute.
 */
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import type { Ending } from "../../rpc/endings.ts"
import type { Unavailable } from "../../rpc/market.ts"
import { type Revoked, revokedHereTopic, revokedTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { SignIns } from "./SignIns.ts"

export class Endings extends Context.Service<
  Endings,
  {
    /** All browsers of an investor that signed in before `at`, ms since epoch. How many there were, as far as the store could say. */
    readonly browsers: (investor: string, at: number, why: Ending) => Effect.Effect<number>
    /** Tokens too. */
    readonly everything: (investor: string, at: number, why: Ending) => Effect.Effect<number>
    readonly token: (investor: string, id: string) => Effect.Effect<void>
    /** One browser, which the store alone knows: fails where that cannot be asked, and then nothing has ended. False: it is none of theirs. */
    readonly browser: (investor: string, id: string, why: Ending) => Effect.Effect<boolean, Unavailable>
  }
>()("lzstock/actors/investors/Endings") {
  static readonly layer: Layer.Layer<Endings, never, Bus | SignIns> = Layer.effect(
    Endings,
    Effect.gen(function* () {
      const bus = yield* Bus
      const signIns = yield* SignIns

      const say = (investor: string, at: number, what: Revoked["what"], why: Ending) =>
        Effect.andThen(
          bus.publish(revokedHereTopic, { investor, at, what, why }),
          bus.publish(revokedTopic, { investor, at, what, why })
        )

      /** Once more, and once more; then it is left to the next look. */
      const inStore = <A>(ask: Effect.Effect<A, Unavailable>, otherwise: A): Effect.Effect<A> =>
        ask.pipe(
          Effect.retry({ times: 2, schedule: Schedule.spaced("200 millis") }),
          Effect.catch((error) =>
            Effect.as(Effect.logWarning("What ended could not be ended in the store of sign-ins yet", error), otherwise)
          )
        )

      const all = (investor: string, at: number, tokens: boolean, why: Ending) =>
        Effect.gen(function* () {
          // said first: sockets need not wait for the store
          yield* say(investor, at, tokens ? "everything" : "browsers", why)
          const ended = yield* inStore(signIns.endAll(investor, { tokens }), [])
          return ended.length
        }).pipe(Effect.uninterruptible)

      return Endings.of({
        browsers: (investor, at, why) => all(investor, at, false, why),
        everything: (investor, at, why) => all(investor, at, true, why),
        token: (investor, id) =>
          Effect.gen(function* () {
            yield* say(investor, yield* Clock.currentTimeMillis, [id], "token-revoked")
            yield* inStore(signIns.end(investor, id), false)
          }).pipe(Effect.uninterruptible),
        browser: (investor, id, why) =>
          Effect.gen(function* () {
            const ended = yield* signIns.end(investor, id)
            if (ended) yield* say(investor, yield* Clock.currentTimeMillis, [id], why)
            return ended
          }).pipe(Effect.uninterruptible)
      })
    })
  )
}
