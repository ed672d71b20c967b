/** Bars: pages of history one after the other, and the live last bar kept open across connections. */
import { Cause, Effect, Random, Stream } from "effect"
import type { Bar, BarsPage, UnknownSymbol } from "../market.ts"
import { isTransportError, serverFailed } from "./calls.ts"
import { decodeBar } from "./decode.ts"
import type { ServerFailed } from "./errors.ts"
import { ChunkSink } from "./protocol.ts"
import type { BarsQuery, BarsSubject } from "./types.ts"
import type { Session } from "./watching.ts"

/** A limit that waiting does not lift is lifted by closing something: looked at again now and then. */
const LIMIT_PAUSE_MILLIS = 10_000
const REOPEN_MILLIS = 1_000

/** Only what was given: the contract's optional keys do not take `undefined`. */
export const barsPayload = (query: BarsQuery) => ({
  symbol: query.symbol,
  interval: query.interval,
  ...(query.from === undefined ? {} : { from: query.from }),
  ...(query.to === undefined ? {} : { to: query.to }),
  ...(query.before === undefined ? {} : { before: query.before }),
  ...(query.limit === undefined ? {} : { limit: query.limit })
})

/** Calls back for every bar until the scope closes; fails when the server refuses for good. */
export const followBars = (
  session: Session,
  subject: BarsSubject,
  onBar: (bar: Bar) => void
): Effect.Effect<never, UnknownSymbol | ServerFailed> => {
  const once = Effect.gen(function* () {
    yield* session.connection.awaitOpen
    const exit = yield* Effect.exit(
      Stream.runDrain(session.rpcs["market.WatchBars"](subject)).pipe(
        Effect.provideService(ChunkSink, {
          onChunk: (values) => {
            for (const value of values) onBar(decodeBar(value))
          },
          onLost: () => {}
        })
      )
    )
    const random = yield* Random.next
    if (exit._tag === "Failure") {
      const found = Cause.findErrorOption(exit.cause)
      if (found._tag === "Some") {
        const error = found.value
        if (isTransportError(error)) return
        if (error._tag === "UnknownSymbol") return yield* Effect.fail(error)
        return yield* Effect.sleep((error.retryAfterMillis ?? LIMIT_PAUSE_MILLIS) * (1 + random / 2))
      }
      if (Cause.hasDies(exit.cause)) return yield* Effect.fail(serverFailed("market.WatchBars", exit.cause))
    }
    yield* Effect.sleep(REOPEN_MILLIS * (1 + random))
  })
  return Effect.forever(once)
}

/** The query for the page after this one; null when it was the last. */
export const olderQuery = (query: BarsQuery, page: BarsPage): BarsQuery | null =>
  page.before === null ? null : { ...query, before: page.before }
