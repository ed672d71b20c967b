/** The sessions of one node over scripted tickers: everything real but the socket and the ticker actors. */
import { Effect, Layer, Scope } from "effect"
import { localPrincipal } from "../../src/actors/investors/Investors.ts"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { DeliveryLatency } from "../../src/actors/kernel/Latency.ts"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import { TimingWheel } from "../../src/actors/kernel/TimingWheel.ts"
import type { Visitor, VisitorLimits } from "../../src/actors/sessions/Identities.ts"
import { QuoteHub } from "../../src/actors/sessions/QuoteHub.ts"
import type { SessionPolicy } from "../../src/actors/sessions/Session.ts"
import { SessionActors } from "../../src/actors/sessions/SessionActors.ts"
import { Watching, type WatchLimits, type WatchRequest } from "../../src/actors/sessions/Watching.ts"
import { RecordingSocket } from "./RecordingSocket.ts"
import type { ScriptedTickers } from "./ScriptedTickers.ts"

export interface SessionNodeOptions {
  readonly maxSessions?: number
  readonly policy?: Partial<SessionPolicy>
  readonly limits?: WatchLimits
  /** None by default. */
  readonly visitors?: Partial<VisitorLimits>
  /** None by default. */
  readonly cache?: Layer.Layer<QuoteCache>
}

/** Sessions over whatever tickers, bus and gauges they are given. */
export const sessionLayers = (options: SessionNodeOptions = {}) =>
  Watching.layer(options.limits ?? { symbolsPerSession: 100, watchesPerSession: 4 }).pipe(
    Layer.provideMerge(Layer.provide(QuoteHub.layer, options.cache ?? QuoteCache.layerNone)),
    Layer.provideMerge(
      SessionActors.layer({
        maxSessions: options.maxSessions ?? 10_000,
        ...options.visitors,
        ...(options.policy === undefined ? {} : { policy: options.policy })
      })
    ),
    Layer.provideMerge(Layer.mergeAll(TimingWheel.layer, DeliveryLatency.layer))
  )

export const sessionNode = (tickers: ScriptedTickers, options: SessionNodeOptions = {}) =>
  sessionLayers(options).pipe(
    Layer.provideMerge(Bus.layerInProcess),
    Layer.provideMerge(Gauges.layer),
    Layer.provide(tickers.layer)
  )

/** From the machine itself: with no limit of its own. */
export const localVisitor: Visitor = { address: "127.0.0.1", principal: localPrincipal }

/** Lets everything that is runnable now run, without moving the clock. */
export const settle = Effect.gen(function* () {
  for (let turn = 0; turn < 4; turn++) yield* Effect.promise(() => new Promise<void>((done) => setImmediate(done)))
})

/** A connected session and one stream on it, under request id 7. */
export const connect = Effect.fnUntraced(function* (request?: Partial<WatchRequest>) {
  const sessions = yield* SessionActors
  const watching = yield* Watching
  const socket = new RecordingSocket()
  const inbox = sessions.open(
    localVisitor,
    socket,
    () => Effect.void,
    () => {}
  )
  if (typeof inbox === "string") return yield* Effect.die(new Error(inbox))
  yield* settle
  const watch = yield* Scope.make()
  if (request !== undefined) {
    yield* watching
      .open(inbox.session, 7, { watchId: "w", symbols: [], conflation: 0, ...request })
      .pipe(Scope.provide(watch), Effect.forkChild)
    yield* settle
  }
  return { socket, inbox, watch }
})
