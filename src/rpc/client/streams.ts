/** Watches as Streams: what the consumer has not taken is folded, never queued. */
import { Deferred, Effect, Exit, Latch, type Scope, Stream } from "effect"
import type { Forbidden, NotSignedIn } from "../access.ts"
import type { Bar, Conflation, Position, UnknownSymbol, Watching } from "../market.ts"
import { followBars } from "./bars.ts"
import type { Closed, ServerFailed } from "./errors.ts"
import { Pending } from "./pending.ts"
import { normaliseSet } from "./tracker.ts"
import type { BarsSubject, ClientEvent, WatchOptions } from "./types.ts"
import { openWatch, type Session, type SetError } from "./watching.ts"

/** A watch whose set can be changed. `events` is for one consumer: slower than the stream, it gets the latest, folded. */
export interface WatchHandle {
  /** Fails when the server refuses the watch and waiting will not help. */
  readonly events: Stream.Stream<ClientEvent, SetError>
  readonly symbols: Effect.Effect<ReadonlyArray<string>>
  readonly positions: Effect.Effect<ReadonlyArray<Position>>
  readonly set: (symbols: ReadonlyArray<string>) => Effect.Effect<Watching, SetError>
  readonly setConflation: (conflation: Conflation) => Effect.Effect<Watching, SetError>
}

/** Hands over all there is at each pull; waits when there is nothing. */
const handOver = <A, E>(takeAll: () => ReadonlyArray<A>) => {
  const ready = Latch.makeUnsafe(false)
  let end: Exit.Exit<never, E> | undefined
  const take: Effect.Effect<ReadonlyArray<A>, E> = Effect.suspend(() => {
    const items = takeAll()
    if (items.length > 0) return Effect.succeed(items)
    if (end !== undefined) return end
    ready.closeUnsafe()
    return Effect.andThen(ready.await, take)
  })
  return {
    stream: Stream.flattenIterable(Stream.fromEffectRepeat(take)),
    wake: () => {
      ready.openUnsafe()
    },
    fail: (exit: Exit.Exit<never, E>) => {
      end ??= exit
      ready.openUnsafe()
    }
  }
}

export const streamWatch = (session: Session, options: WatchOptions): Effect.Effect<WatchHandle, never, Scope.Scope> =>
  Effect.gen(function* () {
    const pending = new Pending()
    const out = handOver<ClientEvent, SetError>(() => pending.takeAll())
    const watch = yield* openWatch(session, options, (events) => {
      pending.push(events)
      for (const event of events) {
        if (event._tag === "WatchRefused" && event.retryAfterMillis === null) out.fail(Exit.fail(event.error))
      }
      out.wake()
    })
    yield* failWhenClosed(session, out.fail)
    return {
      events: out.stream,
      symbols: Effect.sync(watch.symbols),
      positions: Effect.sync(watch.positions),
      set: (symbols) =>
        Effect.suspend(() => {
          const answered = watch.set(symbols)
          pending.keepOnly(new Set(normaliseSet(symbols)))
          return answered
        }),
      setConflation: (conflation) => Effect.suspend(() => watch.setConflation(conflation))
    }
  })

/** What ends a stream of bars. */
export type BarsError = UnknownSymbol | ServerFailed | Closed | NotSignedIn | Forbidden

export const streamBars = (session: Session, subject: BarsSubject): Stream.Stream<Bar, BarsError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      // by start of the bar: a day has few
      const bars = new Map<number, Bar>()
      const out = handOver<Bar, BarsError>(() => {
        const held = Array.from(bars.values())
        bars.clear()
        return held
      })
      yield* followBars(session, subject, (bar) => {
        bars.delete(bar.time)
        bars.set(bar.time, bar)
        out.wake()
      }).pipe(
        Effect.onExit((exit) => Effect.sync(() => out.fail(exit))),
        Effect.forkScoped
      )
      yield* failWhenClosed(session, out.fail)
      return out.stream
    })
  )

const failWhenClosed = (session: Session, fail: (exit: Exit.Exit<never, Closed | NotSignedIn>) => void) =>
  Effect.forkScoped(Effect.onExit(Deferred.await(session.calls.closed), (exit) => Effect.sync(() => fail(exit))))
