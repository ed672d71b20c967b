/**
 * One watch, kept open across connections: opens the stream, applies changes of the set one at a time, resumes from where
 * it stood. Comes from: protocol.ts (chunks). Goes to: the listener, through the tracker.
 */
import { Cause, Clock, Deferred, Effect, Random, type Scope, Stream } from "effect"
import type { RpcClient, RpcClientError, RpcGroup } from "effect/rpc"
import { NotSignedIn } from "../access.ts"
import { type Conflation, LimitExceeded, type Position, type Watching } from "../market.ts"
import type { PublicRpcs } from "../public.ts"
import { MAX_MESSAGE_BYTES } from "../sessions.ts"
import { type Calls, isTransportError, requested, serverFailed } from "./calls.ts"
import type { Connection } from "./connection.ts"
import { decodeWatchEvent } from "./decode.ts"
import { type CallError, Closed } from "./errors.ts"
import { ChunkSink } from "./protocol.ts"
import { Tracker } from "./tracker.ts"
import type { ClientEvent, WatchListener, WatchOptions, WatchRefused } from "./types.ts"

export type Rpcs = RpcClient.RpcClient<RpcGroup.Rpcs<typeof PublicRpcs>, RpcClientError.RpcClientError>

export interface Session {
  readonly connection: Connection
  readonly calls: Calls
  readonly rpcs: Rpcs
}

export type SetError = CallError | LimitExceeded | WatchRefused["error"]

export interface OpenWatch {
  readonly symbols: () => ReadonlyArray<string>
  readonly positions: () => ReadonlyArray<Position>
  /** Takes effect locally when called, not when the Effect is run to its end. */
  readonly set: (symbols: ReadonlyArray<string>) => Effect.Effect<Watching, SetError>
  readonly setConflation: (conflation: Conflation) => Effect.Effect<Watching, SetError>
}

/**
 * Symbols with nothing new after a recovered resume say nothing, and snapshots may take long: after this long, what is
 * known is told, with the symbols still awaited.
 */
export const SETTLE_MILLIS = 500
/** The server ended a stream on a healthy connection, or contradicted itself: open it again after this. */
const REOPEN_MILLIS = 1_000
/** Room for the request around the lists, and for what JSON needs. */
const BODY_BYTES = MAX_MESSAGE_BYTES - 1_024

/** As many positions as one message holds beside the symbols: the others start from a snapshot. */
const fitting = (
  symbols: ReadonlyArray<string>,
  positions: ReadonlyArray<Position>
): ReadonlyArray<Position> | null => {
  let room = BODY_BYTES - JSON.stringify(symbols).length
  if (room < 0) return null
  const fits: Array<Position> = []
  for (const position of positions) {
    room -= JSON.stringify(position).length + 1
    if (room < 0) break
    fits.push(position)
  }
  return fits
}

const tooLong = (): LimitExceeded =>
  new LimitExceeded({
    limit: "message-bytes",
    allowed: MAX_MESSAGE_BYTES,
    retryAfterMillis: null,
    message: "Too many symbols for one watch: spread them over several"
  })

let watches = 0

interface Waiting {
  readonly version: number
  readonly answer: Deferred.Deferred<Watching, SetError>
}

export const openWatch = (
  session: Session,
  options: WatchOptions,
  listener: WatchListener
): Effect.Effect<OpenWatch, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { calls, connection, rpcs } = session
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe()
    const scope = yield* Effect.scope
    const fork = Effect.runForkWith(yield* Effect.context())
    const tracker = new Tracker(options.symbols, options.positions ?? [], now())
    const name = ++watches
    let conflation: Conflation = options.conflation ?? 100
    let opened = 0
    let closed = false
    let isSignedOut = false
    /** The open stream's id, once it answered `Watching`. */
    let streamId: string | null = null
    /** Of the wanted set; each change is one more. */
    let version = 0
    let applied = -1
    let applying = false
    let lastGood: ReadonlyArray<string> = tracker.symbols
    let lastConflation = conflation
    let waiting: Array<Waiting> = []
    let changed = Deferred.makeUnsafe<void>()

    const tell = (events: ReadonlyArray<ClientEvent>) => {
      if (!closed && events.length > 0) listener(events)
    }
    const answer = (upTo: number, result: Effect.Effect<Watching, SetError>) => {
      const done = waiting.filter((one) => one.version <= upTo)
      waiting = waiting.filter((one) => one.version > upTo)
      for (const one of done) Deferred.doneUnsafe(one.answer, result)
    }
    const settleLater = Effect.andThen(
      Effect.sleep(SETTLE_MILLIS),
      Effect.sync(() => {
        const out: Array<ClientEvent> = []
        tracker.settle(out)
        tell(out)
      })
    )

    // ---- changes of the set, one at a time: a burst of them goes as its last one

    const apply = Effect.gen(function* () {
      while (streamId !== null && applied < version) {
        const mine = version
        const id = streamId
        const symbols = tracker.symbols
        const asked = conflation
        const result = yield* Effect.exit(
          fitting(symbols, []) === null
            ? Effect.fail(tooLong())
            : requested("market.SetWatched", () =>
                rpcs["market.SetWatched"]({ watchId: id, symbols, conflation: asked })
              )
        )
        if (result._tag === "Success") {
          applied = mine
          lastGood = symbols
          lastConflation = asked
          const out: Array<ClientEvent> = [result.value]
          tracker.acknowledge(new Set(result.value.accepted), out)
          tell(out)
          answer(mine, Effect.succeed(result.value))
          continue
        }
        const found = Cause.findErrorOption(result.cause)
        const refusal = found._tag === "Some" ? found.value : serverFailed("market.SetWatched", result.cause)
        // the next stream opens with the wanted set
        if (isTransportError(refusal)) return
        answer(mine, Effect.fail(refusal))
        if (refusal._tag === "WatchIdConflict") return connection.drop("the server forgot a watch")
        if (version === mine) {
          // the server kept what it had: so do we
          const out: Array<ClientEvent> = []
          tracker.want(lastGood)
          conflation = lastConflation
          tracker.acknowledge(new Set(lastGood), out)
          applied = mine
          tell(out)
        }
      }
    })
    const kick = () => {
      if (applying || streamId === null || applied >= version) return
      applying = true
      fork(
        Effect.forkIn(
          Effect.ensuring(
            apply,
            Effect.sync(() => {
              applying = false
              kick()
            })
          ),
          scope
        )
      )
    }
    const change = (how: () => void): Effect.Effect<Watching, SetError> => {
      if (closed) return Effect.fail(new Closed({ message: "this watch is closed" }))
      how()
      version++
      const answered = Deferred.makeUnsafe<Watching, SetError>()
      const one: Waiting = { version, answer: answered }
      waiting.push(one)
      Deferred.doneUnsafe(changed, Effect.void)
      changed = Deferred.makeUnsafe<void>()
      kick()
      return calls.withDeadline("market.SetWatched", Deferred.await(answered)).pipe(
        Effect.ensuring(
          Effect.sync(() => {
            waiting = waiting.filter((other) => other !== one)
          })
        )
      )
    }

    // ---- the stream

    const sink = (
      id: string,
      mine: number,
      symbols: ReadonlyArray<string>,
      asked: Conflation
    ): ChunkSink["Service"] => ({
      onChunk: (values) => {
        const out: Array<ClientEvent> = []
        const at = now()
        const wasResuming = tracker.isResuming
        for (const value of values) {
          const event = decodeWatchEvent(value)
          if (event === undefined) continue
          if (event._tag === "Draining") connection.drain(event.retryAfterMillis)
          if (!tracker.accept(event, at, out)) {
            tell(out)
            tracker.lost("out of sequence", null, at, [])
            tracker.forget()
            return connection.drop("updates without a snapshot")
          }
          if (event._tag !== "Watching") continue
          streamId = id
          applied = mine
          // those it was opened with: the wanted set may have changed since
          lastGood = symbols
          lastConflation = asked
          answer(mine, Effect.succeed(event))
        }
        tell(out)
        if (tracker.isResuming && !wasResuming) fork(Effect.forkIn(settleLater, scope))
        if (applied < version) kick()
      },
      onLost: lost
    })
    /** `after`: what is to be said of it besides, in the same breath. */
    function lost(reason: string, code: number | null, after: ReadonlyArray<ClientEvent> = []): void {
      streamId = null
      const out: Array<ClientEvent> = []
      tracker.lost(reason, code, now(), out)
      out.push(...after)
      const state = connection.state()
      if (state.status === "signed-out") signedOut(state.reason, out)
      tell(out)
    }
    /** There will be no connection any more: whoever listens is told why, once, and with the loss of the stream. */
    function signedOut(reason: string, out: Array<ClientEvent>): void {
      if (isSignedOut) return
      isSignedOut = true
      const error = new NotSignedIn({ message: reason })
      out.push(refused(error, null))
      answer(Number.POSITIVE_INFINITY, Effect.fail(error))
    }
    const refused = (error: WatchRefused["error"], retryAfterMillis: number | null): WatchRefused => ({
      _tag: "WatchRefused",
      error,
      retryAfterMillis
    })

    /** Waits for a change of the set, unless one came already. */
    const newerThan = (mine: number) => Effect.suspend(() => (version > mine ? Effect.void : Deferred.await(changed)))

    const once = Effect.gen(function* () {
      yield* connection.awaitOpen
      const mine = version
      const symbols = tracker.symbols
      const asked = conflation
      const positions = fitting(symbols, tracker.positions)
      const id = `${name}.${++opened}`
      const random = yield* Random.next
      if (positions === null) {
        const error = tooLong()
        tell([refused(error, null)])
        answer(mine, Effect.fail(error))
        return yield* newerThan(mine)
      }
      tracker.present(positions)
      const exit = yield* Effect.exit(
        requested("market.Watch", () =>
          Stream.runDrain(
            rpcs["market.Watch"]({
              watchId: id,
              symbols,
              conflation: asked,
              ...(positions.length > 0 ? { positions } : {})
            })
          )
        ).pipe(Effect.provideService(ChunkSink, sink(id, mine, symbols, asked)))
      )
      streamId = null
      const error = exit._tag === "Failure" ? Cause.findErrorOption(exit.cause) : undefined
      if (error?._tag === "Some") {
        // onLost has told it
        if (isTransportError(error.value)) return
        const { value } = error
        const after = value._tag === "WatchIdConflict" ? 0 : "retryAfterMillis" in value ? value.retryAfterMillis : null
        lost(value.message, null, [refused(value, after)])
        answer(mine, Effect.fail(value))
        if (after === null) return yield* newerThan(mine)
        return yield* Effect.sleep(after * (1 + random / 2))
      }
      if (exit._tag === "Failure" && Cause.hasDies(exit.cause)) {
        const failed = serverFailed("market.Watch", exit.cause)
        lost("the server ended the watch", null, [refused(failed, REOPEN_MILLIS)])
        answer(mine, Effect.fail(failed))
      } else lost("the server ended the watch", null)
      yield* Effect.sleep(REOPEN_MILLIS * (1 + random))
    })

    yield* Effect.forkScoped(Effect.forever(once))
    // also where no stream was open that could have been lost
    yield* Deferred.await(calls.closed).pipe(
      Effect.catchTag("NotSignedIn", ({ message }) =>
        Effect.sync(() => {
          const out: Array<ClientEvent> = []
          signedOut(message, out)
          tell(out)
        })
      ),
      Effect.ignore,
      Effect.forkScoped
    )
    // runs before the fiber above is interrupted: nothing is delivered from here on
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        closed = true
        answer(Number.POSITIVE_INFINITY, Effect.fail(new Closed({ message: "this watch is closed" })))
      })
    )

    return {
      symbols: () => tracker.symbols,
      positions: () => tracker.positions,
      set: (symbols) => change(() => tracker.want(symbols)),
      setConflation: (next) =>
        change(() => {
          conflation = next
        })
    }
  })
