/**
 * Effect's Socket and SocketServer over NATS subjects: whatever speaks sockets, such as Effect Cluster's runners
 * (src/app/cluster), works over NATS unchanged. `<subject>.dial` is where a server is reached; NatsSocketLink.ts is the rest.
 */
import type { Msg } from "@nats-io/transport-node"
import { errors } from "@nats-io/transport-node"
import { Effect, Exit, FiberSet, Latch, Layer, Scope } from "effect"
import { NetAddress } from "effect/net"
import { Socket, SocketServer } from "effect/socket"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Nats } from "./NatsConnection.ts"
import { decodeEnd, encodeEnd } from "./NatsSocketFrames.ts"
import { closeError, type LinkOptions, NatsSocketLink } from "./NatsSocketLink.ts"

export interface NatsSocketOptions extends Partial<LinkOptions> {
  /** How long a dial waits for its answer; nobody listening is known at once. */
  readonly dialTimeoutMillis?: number
  /** Connections a server holds at most; dials beyond are refused. */
  readonly maxLinks?: number
}

const defaults = {
  windowBytes: 1024 * 1024,
  keepAliveMillis: 500,
  silentMillis: 5000,
  dialTimeoutMillis: 2000,
  maxLinks: 4096
}

const utf8 = new TextEncoder()

/**
 * A Socket whose reader acquires a link. Writes wait for a connection, and one that a break caught in the middle is
 * written again, whole, to the next: the other end of the broken one has never seen its end.
 */
const fromLinks = (acquire: Effect.Effect<NatsSocketLink, Socket.SocketError>): Socket.Socket => {
  let current: NatsSocketLink | undefined
  const connected = Latch.makeUnsafe(false)
  const leave = (link: NatsSocketLink) => {
    if (current !== link) return
    current = undefined
    connected.closeUnsafe()
  }
  const reader: Socket.Socket["reader"] = Effect.gen(function* () {
    const link = yield* Effect.acquireRelease(acquire, (opened) =>
      Effect.sync(() => {
        leave(opened)
        opened.close()
      })
    )
    current = link
    connected.openUnsafe()
    return { pull: link.pull, upgrade: Socket.SocketUpgradeError.unsupported }
  })
  const write = (chunk: Uint8Array | string | Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
    Effect.suspend(() => {
      const link = current
      if (link === undefined) return Effect.andThen(connected.await, write(chunk))
      if (Socket.isCloseEvent(chunk)) return Effect.sync(() => link.close(chunk.code, chunk.reason))
      return Effect.flatMap(link.write(typeof chunk === "string" ? utf8.encode(chunk) : chunk), (sent) => {
        if (sent) return Effect.void
        leave(link)
        return write(chunk)
      })
    })
  return Socket.make({
    reader,
    writer: Effect.succeed({
      write,
      writeAll: (chunks) => Effect.forEach(chunks, write, { discard: true })
    })
  })
}

const openError = (kind: "Timeout" | "Unknown", cause: unknown) =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind, cause }) })

/**
 * A Socket that dials `subject` each time its reader is acquired. Fails with SocketOpenError: at once if nobody listens
 * there or NATS is away, else after the dial's time-out.
 */
export const dial = (
  subject: string,
  options?: NatsSocketOptions
): Effect.Effect<Socket.Socket, never, Nats | Gauges> =>
  Effect.gen(function* () {
    const nats = yield* Nats
    const gauges = yield* Gauges
    const { dialTimeoutMillis, ...linkOptions } = { ...defaults, ...options }
    const handshake = (link: NatsSocketLink) =>
      Effect.tryPromise({
        try: () =>
          nats.connection.request(`${subject}.dial`, encodeEnd(link.own), {
            timeout: dialTimeoutMillis
          }),
        catch: (cause) => openError(cause instanceof errors.TimeoutError ? "Timeout" : "Unknown", cause)
      }).pipe(
        Effect.flatMap((answer) => {
          const peer = decodeEnd(answer.data)
          if (peer === undefined) {
            gauges.add("nats_frames_refused_total", 1)
            return Effect.fail(openError("Unknown", new Error("the answer to a dial made no sense")))
          }
          return Effect.sync(() => link.establish(peer))
        })
      )
    return fromLinks(
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          if (!nats.connected()) return yield* Effect.fail(openError("Unknown", new Error("NATS is away")))
          const link = new NatsSocketLink(nats, gauges, linkOptions)
          yield* Effect.onExit(restore(handshake(link)), (exit) =>
            Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => link.close())
          )
          return link
        })
      )
    )
  })

/** A SocketServer on `subject`: listens while `run` does; ending it closes its connections. */
export const makeServer = (
  subject: string,
  options?: NatsSocketOptions
): Effect.Effect<SocketServer.SocketServer["Service"], never, Nats | Gauges> =>
  Effect.gen(function* () {
    const nats = yield* Nats
    const gauges = yield* Gauges
    const { maxLinks, ...linkOptions } = { ...defaults, ...options }

    const run = <R, E, A>(handler: (socket: Socket.Socket) => Effect.Effect<A, E, R>): Effect.Effect<never, never, R> =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const handlers = yield* FiberSet.make().pipe(Scope.provide(scope))
        const fork = yield* FiberSet.runtime(handlers)<R>()
        let links = 0
        const accept = (message: Msg) => {
          const peer = decodeEnd(message.data)
          if (peer === undefined || message.reply === undefined || message.reply === "" || links >= maxLinks) {
            return void gauges.add("nats_frames_refused_total", 1)
          }
          const link = new NatsSocketLink(nats, gauges, linkOptions)
          links++
          // answered before the handler may write: its first frame comes after
          message.respond(encodeEnd(link.own))
          link.establish(peer)
          const once = Effect.suspend(() =>
            link.ended ? Effect.fail(closeError(1006, "the connection is no more")) : Effect.succeed(link)
          )
          fork(
            // suspended: a handler that throws is one that fails
            Effect.suspend(() => handler(fromLinks(once))).pipe(
              Effect.catchCause((cause) => Effect.logDebug("The handler of a connection over NATS failed", cause)),
              Effect.ensuring(
                Effect.sync(() => {
                  links--
                  link.close()
                })
              )
            )
          )
        }
        yield* nats.subscribe(`${subject}.dial`, accept).pipe(Scope.provide(scope))
        return yield* Effect.ensuring(Effect.never, Scope.close(scope, Exit.void))
      })

    return SocketServer.SocketServer.of({ address: NetAddress.unixPathAddress(`nats:${subject}`), run })
  })

export const layerServer = (
  subject: string,
  options?: NatsSocketOptions
): Layer.Layer<SocketServer.SocketServer, never, Nats | Gauges> =>
  Layer.effect(SocketServer.SocketServer, makeServer(subject, options))
