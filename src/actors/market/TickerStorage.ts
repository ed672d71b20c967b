/**
 * What a ticker actor keeps outside itself: finished bars soon, its state when it must be durable. Beside the fold, one write at a
 * time, so that live quotes never wait for a store; while the store is away what waits is kept (UnsavedBars) and tried again.
 *
 * Bars go first: a durable state presumes that every bar finished before it is durable too.
 */
import { type Cause, Deferred, Effect, Exit, Latch, Schedule, type Scope } from "effect"
import type { Bar } from "../../rpc/market.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarStore } from "./BarStore.ts"
import { Checkpoints } from "./Checkpoints.ts"
import type { BaseInterval } from "./Feed.ts"
import type { StaleOwner } from "./ShardLedger.ts"
import { type ShardTerm, ShardTerms } from "./ShardTerms.ts"
import { TickerSettings } from "./TickerSettings.ts"
import type { TickerState } from "./tickerState.ts"
import { UnsavedBars } from "./UnsavedBars.ts"

export interface TickerStorage {
  /** Takes finished bars to be stored; forgets the oldest that wait when there are too many, and counts them. */
  readonly add: (interval: BaseInterval, bars: Iterable<Bar>) => void
  /** What waits; nothing leaves before the store has it. */
  readonly waiting: (interval: BaseInterval) => Iterable<Bar>
  /** Starts storing what waits, unless that is under way. */
  readonly store: Effect.Effect<void>
  /** Whether `store` would start anything. */
  readonly isDue: () => boolean
  /** Waits while so many bars wait that the next might be forgotten. */
  readonly room: Effect.Effect<void>
  readonly isCrowded: () => boolean
  /** Forgets what waits: another owner has gone further meanwhile. */
  readonly forget: () => void
  /** Succeeds when all bars added before, and then this state, are durable. Dies when the store is away. */
  readonly settle: (owner: ShardTerm, state: TickerState) => Effect.Effect<void, StaleOwner>
}

const again = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")])

/** `owner`: under which term bars are written now. `onRefused`: a write was refused, the shard has been claimed anew. */
export const makeTickerStorage = Effect.fnUntraced(function* (
  symbol: string,
  owner: () => ShardTerm | undefined,
  onRefused: () => void
): Effect.fn.Return<TickerStorage, never, BarStore | Checkpoints | Gauges | ShardTerms | Scope.Scope> {
  const gauges = yield* Gauges
  const bars = yield* BarStore
  const checkpoints = yield* Checkpoints
  const terms = yield* ShardTerms
  const settings = yield* TickerSettings
  const scope = yield* Effect.scope
  const unsaved = new UnsavedBars(settings.unsavedBars)
  const roomy = Latch.makeUnsafe(true)
  /** Done when the write under way is; undefined while there is none. */
  let storing: Deferred.Deferred<void> | undefined

  const look = () => {
    if (unsaved.isCrowded) roomy.closeUnsafe()
    else roomy.openUnsafe()
  }

  const refuse = (error: StaleOwner) =>
    Effect.suspend(() => {
      terms.refused(error)
      onRefused()
      return Effect.logError("A write of a former owner was refused", { message: error.message })
    })

  /** Everything that waits, and what joins it meanwhile. */
  const putAll: Effect.Effect<void, StaleOwner> = Effect.suspend(() => {
    const writer = owner()
    if (writer === undefined || unsaved.isEmpty) return Effect.void
    return Effect.forEach(
      unsaved.batches(),
      ([interval, finished]) =>
        Effect.map(bars.put(writer, symbol, interval, finished), () => {
          unsaved.done(interval, finished)
          look()
        }),
      { discard: true }
    ).pipe(Effect.andThen(putAll))
  })

  const away = (cause: Cause.Cause<unknown>) => {
    gauges.add("bar_store_failures_total", 1)
    return Effect.logWarning("Finished bars could not be stored, will try again", cause)
  }

  const isDue = () => storing === undefined && !unsaved.isEmpty && owner() !== undefined

  const store = Effect.suspend(() => {
    if (!isDue()) return Effect.void
    const done = Deferred.makeUnsafe<void>()
    storing = done
    return putAll.pipe(
      // refused: what waits is put under the next term
      Effect.catchTag("StaleOwner", refuse),
      Effect.tapCause(away),
      Effect.sandbox,
      Effect.retry(again),
      Effect.ignore,
      // interrupted: the actor is about to be too, and must not take it for room
      Effect.onExit((exit) =>
        Effect.suspend(() => {
          storing = undefined
          return Exit.hasInterrupts(exit) ? Effect.void : Deferred.succeed(done, undefined)
        })
      ),
      Effect.annotateLogs({ actor: "ticker", id: symbol }),
      Effect.forkIn(scope, { startImmediately: true }),
      Effect.asVoid
    )
  })

  return {
    add: (interval, finished) => {
      const forgotten = unsaved.add(interval, finished)
      if (forgotten > 0) gauges.add("bars_forgotten_total", forgotten)
      look()
    },
    waiting: (interval) => unsaved.of(interval),
    store,
    isDue,
    // a write that was refused makes no room: the actor goes on, and finds that its term has ended
    room: Effect.suspend(() =>
      storing === undefined ? Effect.void : Effect.raceFirst(roomy.await, Deferred.await(storing))
    ),
    isCrowded: () => !roomy.isOpen(),
    forget: () => {
      unsaved.clear()
      look()
    },
    settle: (writer, state) =>
      putAll.pipe(
        Effect.andThen(checkpoints.save(writer, state)),
        Effect.tapError(refuse),
        Effect.tapDefect(() => Effect.sync(() => gauges.add("checkpoint_failures_total", 1)))
      )
  }
})
