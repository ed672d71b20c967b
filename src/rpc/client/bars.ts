/** Bars: pages of history one after the other, and the live last bar kept whole across connections. */
import { Cause, Effect, Random, Stream } from "effect"
import type { Forbidden, NotSignedIn } from "../access.ts"
import { type Bar, type BarsPage, normaliseSymbol, type UnknownSymbol } from "../market.ts"
import { isTransportError, serverFailed } from "./calls.ts"
import { decodeBar } from "./decode.ts"
import { ServerFailed } from "./errors.ts"
import { ChunkSink } from "./protocol.ts"
import type { BarsQuery, BarsSubject } from "./types.ts"
import type { Session } from "./watching.ts"

/** A limit that waiting does not lift is lifted by closing something: looked at again now and then. */
const LIMIT_PAUSE_MILLIS = 10_000
const REOPEN_MILLIS = 1_000
/** Bars a page when those between two streams are read. */
const CATCH_UP_LIMIT = 1_000

/** Only what was given: the contract's optional keys do not take `undefined`. */
export const barsPayload = (query: BarsQuery) => ({
  symbol: normaliseSymbol(query.symbol),
  interval: query.interval,
  ...(query.from === undefined ? {} : { from: query.from }),
  ...(query.to === undefined ? {} : { to: query.to }),
  ...(query.before === undefined ? {} : { before: query.before }),
  ...(query.limit === undefined ? {} : { limit: query.limit })
})

/**
 * Calls back for every bar until the scope closes; fails when the server refuses for good. A stream begins with the present
 * bar: what lies between it and the bars told before is read as history, from the first that was not final, and told first.
 */
export const followBars = (
  session: Session,
  subject: BarsSubject,
  onBar: (bar: Bar) => void
): Effect.Effect<never, UnknownSymbol | ServerFailed | NotSignedIn | Forbidden> => {
  const { interval } = subject
  const symbol = normaliseSymbol(subject.symbol)
  /** What the last stream that told anything told, by start; of bars no longer forming only the newest. */
  let told: { newest: number; readonly forming: Set<number> } | null =
    subject.from === undefined ? null : { newest: subject.from, forming: new Set() }

  /** Every bar from `from` on, oldest first. */
  const since = Effect.fnUntraced(function* (from: number) {
    const pages: Array<ReadonlyArray<Bar>> = []
    let query: BarsQuery | null = { symbol, interval, from, limit: CATCH_UP_LIMIT }
    while (query !== null) {
      const page: BarsPage = yield* session.rpcs["market.Bars"](barsPayload(query))
      pages.push(page.bars)
      query = olderQuery(query, page)
    }
    return pages.reverse().flat()
  })

  const once = Effect.gen(function* () {
    yield* session.connection.awaitOpen
    const from = told === null ? null : Math.min(told.newest, ...told.forming)
    const own = { newest: Number.NEGATIVE_INFINITY, forming: new Set<number>() }
    const tell = (bar: Bar) => {
      told = own
      own.newest = Math.max(own.newest, bar.time)
      if (bar.final) own.forming.delete(bar.time)
      else own.forming.add(bar.time)
      onBar(bar)
    }
    /** The stream's bars by their start, until those before them are told; then null. */
    let held: Map<number, Bar> | null = from === null ? null : new Map<number, Bar>()
    const live = Stream.runDrain(session.rpcs["market.WatchBars"]({ symbol, interval })).pipe(
      Effect.provideService(ChunkSink, {
        onChunk: (values) => {
          for (const value of values) {
            const bar = decodeBar(value)
            if (held === null) tell(bar)
            else held.set(bar.time, bar)
          }
        },
        onLost: () => {}
      })
    )
    const catchUp =
      from === null
        ? Effect.never
        : Effect.flatMap(since(from), (bars) => {
            // where both have a bar the stream's counts: it tells every change after it
            const waiting = held ?? new Map<number, Bar>()
            held = null
            for (const bar of bars) if (!waiting.has(bar.time)) tell(bar)
            for (const time of Array.from(waiting.keys()).sort((a, b) => a - b)) {
              const bar = waiting.get(time)
              if (bar !== undefined) tell(bar)
            }
            return Effect.never
          })
    const exit = yield* Effect.exit(Effect.raceFirst(live, catchUp))
    const random = yield* Random.next
    if (exit._tag === "Failure") {
      const found = Cause.findErrorOption(exit.cause)
      if (found._tag === "Some") {
        const error = found.value
        if (isTransportError(error)) return
        if (error._tag === "UnknownSymbol" || error._tag === "NotSignedIn" || error._tag === "Forbidden") {
          return yield* Effect.fail(error)
        }
        if (error._tag === "InvalidRequest") {
          return yield* Effect.fail(new ServerFailed({ call: "market.Bars", message: error.message }))
        }
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
