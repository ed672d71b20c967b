/** A real WebSocket server that says and does only what a test tells it to: refuse, fall silent, close with a code. */
import type { AddressInfo } from "node:net"
import { Effect, Queue } from "effect"
import { type WebSocket, WebSocketServer } from "ws"

export interface BareRequest {
  readonly _tag: string
  readonly id?: string | number
  readonly tag?: string
  readonly payload?: unknown
}

export interface BareConnection {
  readonly socket: WebSocket
  /** Lines received, parsed. */
  readonly lines: Queue.Queue<BareRequest>
  /** Done with the close code the client gave. */
  readonly closed: Promise<number>
  readonly say: (message: unknown) => void
}

export const makeBareWebSocketServer = Effect.gen(function* () {
  const connections = yield* Queue.unbounded<BareConnection>()
  const server = yield* Effect.acquireRelease(
    Effect.callback<WebSocketServer>((resume) => {
      const listening: WebSocketServer = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () =>
        resume(Effect.succeed(listening))
      )
    }),
    (listening) =>
      Effect.callback<void>((resume) => {
        for (const socket of listening.clients) socket.terminate()
        listening.close(() => resume(Effect.void))
      })
  )
  server.on("connection", (socket) => {
    const lines = Effect.runSync(Queue.unbounded<BareRequest>())
    socket.on("message", (data) => {
      for (const line of String(data).split("\n")) if (line !== "") Queue.offerUnsafe(lines, JSON.parse(line))
    })
    const closed = new Promise<number>((resolve) => socket.on("close", resolve))
    Queue.offerUnsafe(connections, {
      socket,
      lines,
      closed,
      say: (message) => socket.send(`${JSON.stringify(message)}\n`)
    })
  })
  const { port }: AddressInfo = (() => {
    const address = server.address()
    if (address === null || typeof address === "string") throw new Error("not listening on a port")
    return address
  })()
  return { url: `http://127.0.0.1:${port}`, next: Queue.take(connections), pending: Queue.size(connections) }
})
