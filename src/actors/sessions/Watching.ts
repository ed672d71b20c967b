/**
 * What `market.Watch` and `market.SetWatched` do to a session: set semantics, refusals with reasons, resume by position.
 * At a human's pace; the quotes themselves leave by WatchStream.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import {
  type Conflation,
  LimitExceeded,
  normaliseSymbol,
  type Position,
  type Refusal,
  symbolPattern,
  WatchIdConflict,
  type Watching as WatchingEvent
} from "../../rpc/market.ts"
import { type FeedLiveness, feedTopic } from "../../rpc/topics.ts"
import { snapshotHead } from "../../rpc/wire.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { TimingWheel } from "../kernel/TimingWheel.ts"
import { QuoteHub } from "./QuoteHub.ts"
import type { Session } from "./Session.ts"
import { SymbolDirectory } from "./Tickers.ts"
import type { Slot } from "./Topic.ts"
import { WatchStream } from "./WatchStream.ts"

export interface WatchLimits {
  readonly symbolsPerSession: number
  readonly watchesPerSession: number
}

export interface WatchRequest {
  readonly watchId: string
  readonly symbols: ReadonlyArray<string>
  readonly conflation: Conflation
  readonly positions?: ReadonlyArray<Position>
}

/** Of a request with thousands of wrong symbols only so many are named back. */
const LISTED_REFUSALS = 100
/** How long a resume waits for symbols that are cold on this node before it says "not recovered". */
const RESUME_DEADLINE = "3 seconds"

export class Watching extends Context.Service<
  Watching,
  {
    readonly limits: WatchLimits
    /** Opens a stream under the request's id; closed with the Scope, after which not a byte more is sent for it. */
    readonly open: (
      session: Session,
      requestId: string | number,
      request: WatchRequest
    ) => Effect.Effect<void, WatchIdConflict | LimitExceeded, Scope.Scope>
    /** Makes the set of an open stream exactly `symbols`. What left is silent before this returns. */
    readonly set: (
      session: Session,
      request: { readonly watchId: string; readonly symbols: ReadonlyArray<string>; readonly conflation?: Conflation }
    ) => Effect.Effect<WatchingEvent, WatchIdConflict | LimitExceeded>
  }
>()("lzstock/actors/sessions/Watching") {
  static readonly layer = (
    limits: WatchLimits
  ): Layer.Layer<Watching, never, Bus | Gauges | QuoteHub | SymbolDirectory | TimingWheel> =>
    Layer.effect(
      Watching,
      Effect.gen(function* () {
        const hub = yield* QuoteHub
        const directory = yield* SymbolDirectory
        const wheel = yield* TimingWheel
        const gauges = yield* Gauges
        const bus = yield* Bus
        const serverEpoch = wheel.wall()
        let liveness: FeedLiveness = { state: "live", since: serverEpoch }
        yield* bus.subscribe(feedTopic, (news) => {
          liveness = news
        })
        const head = snapshotHead(directory.label)

        /** Sorts what was asked into the set to watch and refusals; a symbol asked twice counts once. */
        const admit = (symbols: ReadonlyArray<string>, room: number) => {
          const accepted = new Set<string>()
          const refused: Array<Refusal> = []
          for (const text of new Set(symbols)) {
            const symbol = normaliseSymbol(text)
            if (accepted.has(symbol)) continue
            if (!symbolPattern.test(symbol)) {
              refused.push({ symbol: text, reason: "malformed-symbol", message: "Write it like AAPL or BRK.B" })
            } else if (!directory.has(symbol)) {
              refused.push({ symbol: text, reason: "unknown-symbol", message: `${text} is not listed here` })
            } else if (accepted.size >= room) {
              refused.push({
                symbol: text,
                reason: "too-many-symbols",
                message: `A session watches at most ${limits.symbolsPerSession} symbols`
              })
            } else accepted.add(symbol)
          }
          return { accepted, refused }
        }

        const room = (session: Session, except?: WatchStream) => {
          let used = 0
          for (const stream of session.streams.values()) if (stream !== except) used += stream.slots.size
          return Math.max(0, limits.symbolsPerSession - used)
        }

        const attachAll = (stream: WatchStream, symbols: Iterable<string>) => {
          const now = wheel.now()
          for (const symbol of symbols) {
            if (stream.slots.has(symbol)) continue
            const slot = hub.attach(symbol, stream)
            stream.slots.set(symbol, slot)
            if (slot.topic.ready) stream.mark(slot, now)
            else if (slot.topic.isLost) stream.lose(slot, now)
          }
        }

        const detach = (stream: WatchStream, symbol: string, slot: Slot) => {
          stream.slots.delete(symbol)
          hub.detach(slot)
        }

        const release = (stream: WatchStream) => {
          gauges.add("watches_active", -1)
          for (const [symbol, slot] of stream.slots) detach(stream, symbol, slot)
        }

        const answer = (
          stream: WatchStream,
          refused: ReadonlyArray<Refusal>,
          recovered: boolean | null
        ): WatchingEvent => ({
          _tag: "Watching",
          accepted: Array.from(stream.slots.keys()),
          refused: refused.slice(0, LISTED_REFUSALS),
          ...(refused.length > LISTED_REFUSALS ? { refusedTotal: refused.length } : {}),
          recovered,
          serverEpoch
        })

        /** Continues from the positions if every one of them can be; changes nothing otherwise. */
        const resume = Effect.fnUntraced(function* (stream: WatchStream, positions: ReadonlyArray<Position>) {
          const held = positions.flatMap((position) => {
            const slot = stream.slots.get(normaliseSymbol(position.symbol))
            return slot === undefined ? [] : [{ position, slot }]
          })
          yield* Effect.forEach(held, ({ slot }) => settled(slot), { concurrency: "unbounded", discard: true }).pipe(
            Effect.timeoutOption(RESUME_DEADLINE)
          )
          const recovered =
            held.length === positions.length &&
            held.every(
              ({ position, slot: { topic } }) =>
                topic.settled && position.epoch === topic.epoch && position.seq <= topic.seq
            )
          if (recovered) {
            for (const { position, slot } of held) stream.standAt(slot, position.epoch, position.seq)
          }
          return recovered
        })

        return Watching.of({
          limits,
          open: Effect.fnUntraced(function* (session, requestId, request) {
            const { watchId } = request
            if (session.streams.has(watchId)) {
              return yield* new WatchIdConflict({
                watchId,
                message: "This watch id is open already: change its set with market.SetWatched"
              })
            }
            if (session.streams.size >= limits.watchesPerSession) {
              return yield* new LimitExceeded({
                limit: "watches-per-session",
                allowed: limits.watchesPerSession,
                retryAfterMillis: null,
                message: "Too many open watches: put the symbols into one, or close another"
              })
            }
            const stream = new WatchStream(watchId, requestId, request.conflation, head, session, release)
            yield* Effect.acquireRelease(
              Effect.sync(() => {
                gauges.add("watches_active", 1)
                session.addStream(stream)
              }),
              () => Effect.sync(() => session.removeStream(stream))
            )
            const { accepted, refused } = admit(request.symbols, room(session, stream))
            attachAll(stream, accepted)
            const recovered =
              request.positions === undefined || request.positions.length === 0
                ? null
                : yield* resume(stream, request.positions)
            const now = wheel.now()
            stream.say(JSON.stringify({ _tag: "Liveness", ...liveness }), now)
            stream.start(JSON.stringify(answer(stream, refused, recovered)), now)
          }),
          set: Effect.fnUntraced(function* (session, request) {
            const stream = session.streams.get(request.watchId)
            if (stream === undefined) {
              return yield* new WatchIdConflict({
                watchId: request.watchId,
                message: "No such watch is open on this connection: open it with market.Watch"
              })
            }
            const { accepted, refused } = admit(request.symbols, room(session, stream))
            for (const [symbol, slot] of stream.slots) if (!accepted.has(symbol)) detach(stream, symbol, slot)
            if (request.conflation !== undefined) stream.conflation = request.conflation
            // a symbol just added is waited for by somebody: its snapshot does not wait for the window
            stream.windowEnds = 0
            attachAll(stream, accepted)
            const now = wheel.now()
            session.arm(now, now)
            return answer(stream, refused, null)
          })
        })
      })
    )
}

/** Succeeds once the topic's actor has said where it stands. */
const settled = (slot: Slot): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (slot.topic.settled) return resume(Effect.void)
    const stop = slot.topic.onSettled(() => resume(Effect.void))
    return Effect.sync(stop)
  })
