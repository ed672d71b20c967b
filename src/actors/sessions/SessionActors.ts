/**
 * The session actors of this node: one supervised fiber per WebSocket, whose Scope owns everything the session opened.
 * A session that fails is closed with a code and told apart from the others; its state belongs to its socket, so it is not restarted.
 */
import { Cause, Context, Effect, FiberSet, Layer, Queue } from "effect"
import type { Principal } from "../../rpc/access.ts"
import { CloseCode } from "../../rpc/sessions.ts"
import { feedTopic, revokedHereTopic, revokedTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { DeliveryLatency } from "../kernel/Latency.ts"
import { TimingWheel } from "../kernel/TimingWheel.ts"
import { type Admission, comingBack } from "./comingBack.ts"
import { Frame } from "./Frame.ts"
import { Identities, noLimits, type Visitor, type VisitorLimits } from "./Identities.ts"
import { LoadGovernor } from "./LoadGovernor.ts"
import { defaultPolicy, Session, type SessionPolicy, type SessionSocket } from "./Session.ts"

export interface SessionsConfig extends Partial<VisitorLimits> {
  /** Open sessions on this node at most. */
  readonly maxSessions: number
  readonly policy?: Partial<SessionPolicy>
}

/** Why a socket is not taken. */
export type Refusal = "draining" | "full" | "address" | "strangers"

/** How a socket talks to its actor. */
export interface SessionInbox {
  readonly session: Session
  /** A text message from the peer. */
  readonly receive: (text: string) => void
  /** The peer answered a ping, or anything else proved it alive. */
  readonly heard: () => void
  /** The socket is gone, for whatever reason. */
  readonly closed: () => void
}

/** Unread messages after which the socket is not read until the actor caught up. */
const INBOX_HIGH_WATER = 16
/** What was already read from the socket still comes; a peer that fills even this is closed, nothing is dropped silently. */
const INBOX_CAPACITY = 1_024

/** A client hears that it is to go before it has to, and comes back this much after that. */
const TOLD_MILLIS = 250
/** Closed are so many at a time, in that order. */
const DRAIN_SLICES = 20

export class SessionActors extends Context.Service<
  SessionActors,
  {
    /** Why a visitor would not be taken now; asked before the upgrade, it costs nothing. */
    readonly refusal: (visitor: Visitor) => Refusal | undefined
    /** Starts the actor of a socket, unless there is a refusal. */
    readonly open: (
      visitor: Visitor,
      socket: SessionSocket,
      receive: (session: Session, text: string) => Effect.Effect<void>,
      onEnd: (session: Session) => void
    ) => SessionInbox | Refusal
    /**
     * From here on it is theirs. "too-many": they have as many connections as one may; "revoked": what they showed has ended in this
     * moment. Then it is still nobody's.
     */
    readonly identify: (session: Session, principal: Principal) => "ok" | "too-many" | "revoked"
    /** What open sessions stand on: id of the sign-in or token → whose it is. */
    readonly grants: () => ReadonlyMap<string, Principal>
    /** Whether a sign-in of the investor has a session, here or at another node; `seenMillis`: how long ago a node has seen one. */
    readonly isConnected: (investor: string, grant: string, seenMillis: number) => boolean
    /** Closes all that stand on one of these. */
    readonly signOut: (grants: ReadonlySet<string>) => void
    readonly get: (id: number) => Session | undefined
    readonly ids: () => ReadonlySet<number>
    readonly count: () => number
    /**
     * Takes no new sessions, tells every client when to come back (as fast as `elsewhere` lets them in, within `mostMillis`),
     * closes all with 1012 in that order, and succeeds when the last one is gone.
     */
    readonly drain: (options: { readonly elsewhere: Admission; readonly mostMillis: number }) => Effect.Effect<void>
    readonly isDraining: () => boolean
  }
>()("lzstock/actors/sessions/SessionActors") {
  static readonly layer = (
    config: SessionsConfig
  ): Layer.Layer<SessionActors, never, Bus | DeliveryLatency | Gauges | TimingWheel> =>
    Layer.effect(
      SessionActors,
      Effect.gen(function* () {
        const bus = yield* Bus
        const gauges = yield* Gauges
        const latency = yield* DeliveryLatency
        const wheel = yield* TimingWheel
        const identities = new Identities({ ...noLimits, ...config }, (name, delta) => gauges.add(name, delta))
        const fibers = yield* FiberSet.make<void>()
        const run = yield* FiberSet.runtime(fibers)()
        const context = yield* Effect.context<never>()
        const sessions = new Map<number, Session>()
        const governor = new LoadGovernor(wheel.now())
        let nodeWindow = 0
        let nextId = 1
        let draining = false

        const node = {
          wheel,
          frame: new Frame(512 * 1024),
          policy: { ...defaultPolicy, ...config.policy },
          onDelivered: (ingestTime: number, sentTime: number) => latency.record(sentTime - ingestTime),
          onDefect: (session: number, defect: unknown) => {
            gauges.add("session_failures_total", 1)
            Effect.runForkWith(context)(Effect.logError("A session could not be flushed", { session, defect }))
          },
          count: (name: string, delta: number, labels?: string) => gauges.add(name, delta, labels),
          spent: (millis: number) => {
            const change = governor.spent(millis, wheel.now())
            if (change === undefined) return
            nodeWindow = change
            gauges.set("node_window_millis", change)
            for (const session of sessions.values()) session.nodeBusy(change)
          }
        }

        const end = (ended: Iterable<Session>, why?: string) => {
          for (const session of ended) session.signOut(why)
        }
        // both: who signs out twice is signed out
        for (const topic of [revokedHereTopic, revokedTopic]) {
          yield* bus.subscribe(topic, (revoked) => {
            end(identities.revoke(revoked, wheel.now()), revoked.why)
          })
        }
        yield* bus.subscribe(feedTopic, ({ since, state }) => {
          for (const session of sessions.values()) session.say({ _tag: "Liveness", state, since })
        })

        const actor = (
          session: Session,
          inbox: Queue.Queue<string, Cause.Done>,
          receive: (session: Session, text: string) => Effect.Effect<void>,
          onEnd: (session: Session) => void
        ) =>
          Effect.scoped(
            Effect.acquireRelease(
              Effect.sync(() => {
                gauges.add("sessions_active", 1)
                gauges.add("actors_active", 1, 'kind="session"')
              }),
              () =>
                Effect.sync(() => {
                  session.dispose()
                  sessions.delete(session.id)
                  identities.gone(session, wheel.now())
                  onEnd(session)
                  gauges.add("sessions_active", -1)
                  gauges.add("actors_active", -1, 'kind="session"')
                })
            ).pipe(
              Effect.andThen(
                Effect.forever(
                  Effect.flatMap(Queue.take(inbox), (text) => {
                    if (Queue.sizeUnsafe(inbox) === 0) session.resumeReading()
                    return receive(session, text)
                  })
                )
              ),
              Effect.catchCause((cause) => {
                if (Cause.hasDies(cause)) {
                  gauges.add("session_failures_total", 1)
                  session.close(CloseCode.SessionFailed, "The session failed: reconnect")
                  return Effect.logError("A session actor failed", { session: session.id, cause })
                }
                // the RPC server interrupts whoever uses a request id twice; a socket that is gone has closed its session
                if (session.isOpen) session.close(CloseCode.Malformed, "A request id is in use already: take a new one")
                return Effect.void
              })
            )
          )

        const refusal = (visitor: Visitor): Refusal | undefined => {
          if (draining) return "draining"
          if (sessions.size >= config.maxSessions) return "full"
          return identities.refusal(visitor)
        }

        return SessionActors.of({
          refusal,
          identify: (session, principal) => identities.identify(session, principal, wheel.now()),
          grants: () => identities.grants(),
          isConnected: (investor, grant, seenMillis) =>
            identities.isConnected(investor, grant, seenMillis, wheel.now()),
          signOut: (grants) => end(identities.standingOn(grants)),
          open: (visitor, socket, receive, onEnd) => {
            const refused = refusal(visitor)
            if (refused !== undefined) return refused
            const session = new Session(nextId++, visitor.address, socket, node, nodeWindow)
            identities.came(session, visitor.principal)
            if (visitor.principal === null) session.expectIdentity()
            const inbox = Effect.runSync(Queue.bounded<string, Cause.Done>(INBOX_CAPACITY))
            // from here on it counts and is drained, though its fiber starts a moment later
            sessions.set(session.id, session)
            run(actor(session, inbox, receive, onEnd))
            return {
              session,
              receive: (text) => {
                session.heard()
                if (!Queue.offerUnsafe(inbox, text)) {
                  session.pauseReading()
                  session.closeForFlood("Too many requests at once")
                } else if (Queue.sizeUnsafe(inbox) >= INBOX_HIGH_WATER) session.pauseReading()
              },
              heard: () => session.heard(),
              closed: () => {
                session.gone()
                Queue.shutdownUnsafe(inbox)
              }
            }
          },
          get: (id) => sessions.get(id),
          ids: () => new Set(sessions.keys()),
          count: () => sessions.size,
          isDraining: () => draining,
          drain: ({ elsewhere, mostMillis }) =>
            Effect.gen(function* () {
              draining = true
              const all = Array.from(sessions.values())
              const addresses = all.map(({ address, principal }) => (principal?.via === "local" ? null : address))
              const times = comingBack(addresses, elsewhere, mostMillis)
              let left = all.map((session, index) => ({ session, at: times[index] ?? 0 }))
              for (const { at, session } of left) {
                session.say({ _tag: "Draining", retryAfterMillis: Math.round(at) + TOLD_MILLIS })
              }
              const spreadMillis = times.reduce((a, b) => Math.max(a, b), 0)
              for (let slice = 1; left.length > 0; slice++) {
                yield* Effect.sleep(Math.max(spreadMillis, TOLD_MILLIS) / DRAIN_SLICES)
                const isDue = ({ at }: { readonly at: number }) => at * DRAIN_SLICES <= spreadMillis * slice
                for (const { session } of left.filter(isDue)) {
                  session.close(CloseCode.Draining, "The server is going away: reconnect")
                }
                left = left.filter((one) => !isDue(one))
              }
              yield* FiberSet.awaitEmpty(fibers)
            })
        })
      })
    )
}
