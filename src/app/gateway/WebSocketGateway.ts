/**
 * WebSocket upgrades on the listener's server, and Effect RPC over them: our own server Protocol, so that a session's
 * socket has one writer and `market.Watch` leaves as spliced bytes. A stock RpcClient (ndjson) works against it.
 */
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { Effect, FiberSet, Layer, Option, Queue } from "effect"
import { RpcSerialization, RpcServer } from "effect/rpc"
import type { FromClientEncoded, FromServerEncoded } from "effect/rpc/RpcMessage"
import { WebSocketServer } from "ws"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import type { Admission } from "../../actors/sessions/comingBack.ts"
import type { Visitor } from "../../actors/sessions/Identities.ts"
import type { Session } from "../../actors/sessions/Session.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { BUSY_MILLIS, CloseCode, MAX_MESSAGE_BYTES, RPC_PATH, tryAgainIn } from "../../rpc/sessions.ts"
import { Authenticator } from "./Authenticator.ts"
import { HttpListener } from "./HttpListener.ts"
import { cookieFor, originAllowed } from "./origins.ts"
import { newReference } from "./reference.ts"
import { decodeRpcLines, hasInternals, withoutInternals } from "./rpcLines.ts"
import { noUpgradeLimits, UpgradeRate } from "./UpgradeRate.ts"
import { WsSocket } from "./WsSocket.ts"

export interface GatewayConfig {
  /** Browser origins allowed besides the server's own, exact, e.g. "https://stocks.example". */
  readonly allowedOrigins: ReadonlyArray<string>
  /** Default: as fast as they come. */
  readonly upgrades?: Admission
  /** Of a message from a client (F11); default and most: MAX_MESSAGE_BYTES. */
  readonly maxMessageBytes?: number
}

interface Refused {
  readonly status: string
  /** In metrics, and for programs. */
  readonly error: string
  readonly message: string
  /** Where waiting helps. */
  readonly retryAfterMillis?: number
}

const refuse = (socket: Duplex, { error, message, retryAfterMillis, status }: Refused) => {
  const body = `${JSON.stringify({ error, message, ...(retryAfterMillis === undefined ? {} : { retryAfterMillis }) })}\n`
  const retryAfter = retryAfterMillis === undefined ? "" : `Retry-After: ${Math.ceil(retryAfterMillis / 1_000)}\r\n`
  // the peer may keep its half open for ever
  socket.once("finish", () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n${retryAfter}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

/** Of a request's price: what costs us little, but not nothing, such as an acknowledgement, a ping or a pong. */
const TRIFLE = 0.01
const DRAINING_MILLIS = 1_000
const notTaken: Readonly<Record<"draining" | "address" | "strangers", Refused>> = {
  draining: {
    status: "503 Service Unavailable",
    error: "draining",
    message: `This node is going away: use another, or ${tryAgainIn(DRAINING_MILLIS)}`,
    retryAfterMillis: DRAINING_MILLIS
  },
  address: {
    status: "429 Too Many Requests",
    error: "address",
    message: `Too many connections from this address: close some, or ${tryAgainIn(BUSY_MILLIS)}`,
    retryAfterMillis: BUSY_MILLIS
  },
  strangers: {
    status: "503 Service Unavailable",
    error: "strangers",
    message: `Too many connections that have not signed in: ${tryAgainIn(BUSY_MILLIS)}`,
    retryAfterMillis: BUSY_MILLIS
  }
}

/** What can be said of a request before anything is allocated for it (S1, S2): undefined: nothing is wrong with it. */
const checkHead = (request: IncomingMessage, allowed: ReadonlySet<string>): Refused | undefined => {
  const { cookie, host, origin } = request.headers
  const [path, query] = (request.url ?? "").split("?", 2)
  if (path !== RPC_PATH) {
    return { status: "404 Not Found", error: "path", message: `WebSockets are served on ${RPC_PATH}` }
  }
  if (origin !== undefined && !originAllowed(origin, host, allowed)) {
    return { status: "403 Forbidden", error: "origin", message: "This origin is not allowed here" }
  }
  if (origin === undefined && cookie !== undefined) {
    return { status: "403 Forbidden", error: "origin", message: "Cookies are for browsers, which say their origin" }
  }
  // it would stand in the logs of every proxy on the way
  if (query !== undefined) {
    return {
      status: "400 Bad Request",
      error: "query",
      message: "Nothing is taken from the URL: show a token in a message"
    }
  }
  return undefined
}

/** The RPC protocol of every session of this node. Upgrades are taken until the Scope closes. */
export const layerProtocol = (
  config: GatewayConfig
): Layer.Layer<RpcServer.Protocol, never, Authenticator | Gauges | HttpListener | SessionActors> =>
  Layer.effect(
    RpcServer.Protocol,
    RpcServer.Protocol.make(
      Effect.fnUntraced(function* (deliver: (id: number, message: FromClientEncoded) => Effect.Effect<void>) {
        const { server } = yield* HttpListener
        const sessions = yield* SessionActors
        const gauges = yield* Gauges
        const disconnects = yield* Queue.unbounded<number>()
        const authenticator = yield* Authenticator
        const allowed = new Set(config.allowedOrigins)
        const rate = new UpgradeRate(config.upgrades ?? noUpgradeLimits)
        const maxMessageBytes = config.maxMessageBytes ?? MAX_MESSAGE_BYTES
        const fork = yield* FiberSet.makeRuntime<never, unknown, unknown>()
        const wss = new WebSocketServer({
          noServer: true,
          perMessageDeflate: false,
          maxPayload: maxMessageBytes,
          clientTracking: false,
          skipUTF8Validation: false
        })

        /** False: it says more than it may, and is closed. What it says until it is gone is not even read. */
        const pays = (session: Session, cost: number): boolean => {
          if (session.charge(cost)) return true
          session.pauseReading()
          session.closeForFlood("Too many requests")
          return false
        }

        const receiver = () => {
          let rest = ""
          return (session: Session, text: string): Effect.Effect<void> => {
            const decoded = decodeRpcLines(rest + text)
            if (decoded === undefined || decoded.rest.length > maxMessageBytes) {
              session.close(CloseCode.Malformed, "Not Effect RPC over ndjson: send one JSON object a line")
              return Effect.void
            }
            rest = decoded.rest
            const { messages, skipped } = decoded
            if (!pays(session, messages.length > 0 ? messages.length + skipped * TRIFLE : (1 + skipped) * TRIFLE)) {
              return Effect.void
            }
            const [only] = messages
            if (messages.length === 1 && only !== undefined) return deliver(session.id, only)
            return Effect.forEach(messages, (message) => deliver(session.id, message), { discard: true })
          }
        }

        const judgeUpgrade = (request: IncomingMessage, from: Visitor): Refused | undefined => {
          const wrong = checkHead(request, allowed)
          if (wrong !== undefined) return wrong
          // of whoever uses this machine nothing is counted but how many there are
          const retryAfterMillis = from.principal === null ? rate.take(from.address, Date.now()) : 0
          if (retryAfterMillis > 0) {
            return {
              status: "429 Too Many Requests",
              error: "rate",
              message: `Too many new connections: slow down, and ${tryAgainIn(retryAfterMillis)}`,
              retryAfterMillis
            }
          }
          const refusal = sessions.refusal(from)
          return refusal === undefined || refusal === "full" ? undefined : notTaken[refusal]
        }

        const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
          socket.on("error", () => socket.destroy())
          const from = authenticator.visitor(request.socket.remoteAddress, request.headers)
          const refused = judgeUpgrade(request, from)
          if (refused !== undefined) {
            gauges.add("upgrades_refused_total", 1, `reason="${refused.error}"`)
            return refuse(socket, refused)
          }
          const { cookie: header, origin = "" } = request.headers
          const cookie = from.principal === null ? cookieFor(origin, header) : undefined
          wss.handleUpgrade(request, socket, head, (ws) => {
            // first of all: a bad frame may come right behind the upgrade, and nobody listening would end the process
            ws.on("error", () => ws.terminate())
            // nothing below refers to `request`: it is garbage from here on (F11)
            const inbox = sessions.open(from, new WsSocket(ws, socket), receiver(), (session) => {
              Queue.offerUnsafe(disconnects, session.id)
            })
            if (typeof inbox === "string") {
              gauges.add("upgrades_refused_total", 1, `reason="${inbox}"`)
              ws.close(CloseCode.TryAgainLater, `This node is full: ${tryAgainIn(BUSY_MILLIS)}`)
              setTimeout(() => ws.terminate(), 1_000).unref()
              return
            }
            // whose a browser's session is, it says with its cookie
            if (cookie !== undefined) fork(authenticator.showCookie(inbox.session, cookie))
            ws.on("message", (data, isBinary) => {
              if (isBinary) inbox.session.close(CloseCode.Malformed, "Binary frames are not understood: send text")
              else inbox.receive(String(data))
            })
            const onTrifle = () => {
              inbox.heard()
              pays(inbox.session, TRIFLE)
            }
            ws.on("ping", onTrifle)
            ws.on("pong", onTrifle)
            ws.on("close", inbox.closed)
          })
        }
        yield* Effect.acquireRelease(
          Effect.sync(() => server.on("upgrade", onUpgrade)),
          () => Effect.sync(() => server.off("upgrade", onUpgrade))
        )

        return {
          disconnects,
          send: (clientId: number, response: FromServerEncoded) =>
            Effect.suspend(() => {
              const reply = (shown: FromServerEncoded) => sessions.get(clientId)?.reply(`${JSON.stringify(shown)}\n`)
              if (!hasInternals(response)) {
                reply(response)
                return Effect.void
              }
              // what the client is not told stands in the log
              const reference = newReference()
              reply(withoutInternals(response, reference))
              return Effect.logError("A request failed", { reference, session: clientId, response })
            }),
          end: () => Effect.void,
          clientIds: Effect.sync(() => sessions.ids()),
          initialMessage: Effect.succeed(Option.none()),
          supportsAck: false,
          supportsTransferables: false,
          supportsSpanPropagation: true,
          supportsNotifications: false,
          codecFor: RpcSerialization.ndjson.codecFor
        }
      })
    )
  )
