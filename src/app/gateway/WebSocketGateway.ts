/**
 * WebSocket upgrades on the listener's server, and Effect RPC over them: our own server Protocol, so that a session's
 * socket has one writer and `market.Watch` leaves as spliced bytes. A stock RpcClient (ndjson) works against it.
 */
import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"
import type { Duplex } from "node:stream"
import { Effect, Layer, Option, Queue } from "effect"
import { RpcSerialization, RpcServer } from "effect/rpc"
import type { FromClientEncoded, FromServerEncoded } from "effect/rpc/RpcMessage"
import { WebSocketServer } from "ws"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import type { Session } from "../../actors/sessions/Session.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { CloseCode, MAX_MESSAGE_BYTES, RPC_PATH } from "../../rpc/sessions.ts"
import { HttpListener } from "./HttpListener.ts"
import { decodeRpcLines, withoutInternals } from "./rpcLines.ts"
import { WsSocket } from "./WsSocket.ts"

export interface GatewayConfig {
  /** Browser origins allowed besides the server's own, exact, e.g. "https://stocks.example". */
  readonly allowedOrigins: ReadonlyArray<string>
}

const refuse = (socket: Duplex, status: string, headers: string, body: string) => {
  // the peer may keep its half open for ever
  socket.once("finish", () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

/**
 * Whether the page that asks may (S1). A page from the very host it calls is our own dashboard, but only where that host
 * cannot be somebody's name rebound to this address: an IP address or localhost. Other names are to be listed.
 */
const originAllowed = (request: IncomingMessage, allowed: ReadonlySet<string>): boolean => {
  const { origin, host } = request.headers
  if (origin === undefined || allowed.has(origin)) return true
  const url = URL.parse(origin)
  if (url === null || url.host !== host) return false
  const name = url.hostname.replace(/^\[|\]$/g, "")
  return name === "localhost" || isIP(name) !== 0
}

/** The RPC protocol of every session of this node. Upgrades are taken until the Scope closes. */
export const layerProtocol = (
  config: GatewayConfig
): Layer.Layer<RpcServer.Protocol, never, Gauges | HttpListener | SessionActors> =>
  Layer.effect(
    RpcServer.Protocol,
    RpcServer.Protocol.make(
      Effect.fnUntraced(function* (deliver: (id: number, message: FromClientEncoded) => Effect.Effect<void>) {
        const { server } = yield* HttpListener
        const sessions = yield* SessionActors
        const gauges = yield* Gauges
        const disconnects = yield* Queue.unbounded<number>()
        const allowed = new Set(config.allowedOrigins)
        const wss = new WebSocketServer({
          noServer: true,
          perMessageDeflate: false,
          maxPayload: MAX_MESSAGE_BYTES,
          clientTracking: false,
          skipUTF8Validation: false
        })

        const receiver = () => {
          let rest = ""
          return (session: Session, text: string): Effect.Effect<void> => {
            const decoded = decodeRpcLines(rest + text)
            if (decoded === undefined || decoded.rest.length > MAX_MESSAGE_BYTES) {
              session.close(CloseCode.Malformed, "Not Effect RPC over ndjson: send one JSON object a line")
              return Effect.void
            }
            rest = decoded.rest
            const { messages } = decoded
            if (messages.length === 0) return Effect.void
            if (!session.charge(messages.length)) {
              session.close(CloseCode.TooManyMessages, "Too many requests: slow down and reconnect")
              return Effect.void
            }
            const [only] = messages
            if (messages.length === 1 && only !== undefined) return deliver(session.id, only)
            return Effect.forEach(messages, (message) => deliver(session.id, message), { discard: true })
          }
        }

        const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
          socket.on("error", () => socket.destroy())
          const path = request.url?.split("?", 1)[0]
          if (path !== RPC_PATH) return refuse(socket, "404 Not Found", "", `WebSockets are served on ${RPC_PATH}\n`)
          if (!originAllowed(request, allowed)) {
            gauges.add("upgrades_refused_total", 1, 'reason="origin"')
            return refuse(socket, "403 Forbidden", "", "This origin is not allowed here\n")
          }
          if (sessions.isDraining()) {
            return refuse(socket, "503 Service Unavailable", "Retry-After: 1\r\n", "Draining: use another node\n")
          }
          wss.handleUpgrade(request, socket, head, (ws) => {
            // first of all: a bad frame may come right behind the upgrade, and nobody listening would end the process
            ws.on("error", () => ws.terminate())
            // nothing below refers to `request`: it is garbage from here on (F11)
            const inbox = sessions.open(new WsSocket(ws, socket), receiver(), (session) => {
              Queue.offerUnsafe(disconnects, session.id)
            })
            if (typeof inbox === "string") {
              gauges.add("upgrades_refused_total", 1, `reason="${inbox}"`)
              ws.close(CloseCode.TryAgainLater, "This node is full: try again later")
              setTimeout(() => ws.terminate(), 1_000).unref()
              return
            }
            ws.on("message", (data, isBinary) => {
              if (isBinary) inbox.session.close(CloseCode.Malformed, "Binary frames are not understood: send text")
              else inbox.receive(String(data))
            })
            ws.on("pong", inbox.heard)
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
              const shown = withoutInternals(response)
              sessions.get(clientId)?.reply(`${JSON.stringify(shown)}\n`)
              // what the client is not told stands in the log
              return shown === response
                ? Effect.void
                : Effect.logError("A request failed", { session: clientId, response })
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
