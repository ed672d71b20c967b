/**
 * The one port this process listens on. http.ts answers its requests, the gateway takes its WebSocket upgrades: both
 * attach to the same `server`. Until then, and once they are gone, notServing.ts answers.
 */
import { createServer, type Server } from "node:http"
import { Context, Effect, Layer, Schema } from "effect"
import { answerWhileNotServing } from "./notServing.ts"

/** Listening failed; `message` is one line that says what to do. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  host: Schema.String,
  port: Schema.Int,
  message: Schema.String
}) {}

const explain = (host: string, port: number, error: NodeJS.ErrnoException): string => {
  switch (error.code) {
    case "EADDRINUSE":
      return `Port ${port} on ${host} is already in use; choose another with --port (0 = any free one).`
    case "EACCES":
      return `Port ${port} may not be used by this user; choose one above 1023 with --port.`
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine; change --host.`
    default:
      return `Cannot listen on ${host}:${port}: ${error.message}`
  }
}

/** Open connections, whatever comes over them. One more is cut off at once, before anything is read from it. */
export interface ConnectionLimits {
  readonly total: number
  readonly perAddress: number
  /** As which address it counts; undefined: with no other, such as a proxy's. */
  readonly countedAs: (peer: string | undefined) => string | undefined
}

export class HttpListener extends Context.Service<
  HttpListener,
  {
    readonly server: Server
    readonly host: string
    /** The port really bound, also when 0 was asked for. */
    readonly port: number
  }
>()("lzstock/app/gateway/HttpListener") {
  /** Listens for as long as the Scope is open. `port` 0 takes any free one. */
  static readonly layer = (options: {
    readonly host: string
    readonly port: number
    /** Default: as many as come. */
    readonly connections?: ConnectionLimits
  }): Layer.Layer<HttpListener, ListenError> =>
    Layer.effect(
      HttpListener,
      Effect.gen(function* () {
        const server = yield* Effect.acquireRelease(listen(options.host, options.port, options.connections), close)
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : options.port
        return HttpListener.of({ server, host: options.host, port })
      })
    )
}

/** Nobody takes all there is by opening connections and saying nothing. */
const limitConnections = (server: Server, { countedAs, perAddress, total }: ConnectionLimits): void => {
  const open = new Map<string, number>()
  server.maxConnections = total
  server.on("connection", (socket) => {
    const address = countedAs(socket.remoteAddress)
    if (address === undefined) return
    const count = (open.get(address) ?? 0) + 1
    open.set(address, count)
    socket.once("close", () => {
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
    })
    if (count > perAddress) socket.destroy()
  })
}

const listen = (
  host: string,
  port: number,
  connections: ConnectionLimits | undefined
): Effect.Effect<Server, ListenError> =>
  Effect.callback((resume) => {
    // a request's head must arrive within 10 s, looked at every second: a slow sender holds no socket for long
    const server = createServer({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 1_000
    })
    if (connections !== undefined) limitConnections(server, connections)
    answerWhileNotServing(server)
    const failed = (error: Error) =>
      resume(Effect.fail(new ListenError({ host, port, message: explain(host, port, error) })))
    server.once("error", failed)
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off("error", failed)
      resume(Effect.succeed(server))
    })
  })

/** Idle keep-alive connections end at once; requests in flight get a moment, then their sockets are cut. */
const close = (server: Server): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeIdleConnections()
  }).pipe(Effect.timeoutOption("1 second"), Effect.andThen(Effect.sync(() => server.closeAllConnections())))
