/**
 * The one port this process listens on. http.ts answers its requests, the gateway takes its WebSocket upgrades: both
 * attach to the same `server`. Until then, and once they are gone, notServing.ts answers.
 */
import { createServer, type Server } from "node:http"
import { type Server as Acceptor, createServer as createAcceptor, type ListenOptions } from "node:net"
import { Context, Effect, Exit, Layer, Schema } from "effect"
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
        const { port, server } = yield* Effect.acquireRelease(
          open(options.host, options.port, options.connections),
          close
        )
        return HttpListener.of({ server, host: options.host, port })
      })
    )
}

/** Nobody takes all there is by opening connections and saying nothing. */
const limitConnections = (server: Server, { countedAs, perAddress, total }: ConnectionLimits): void => {
  let all = 0
  const open = new Map<string, number>()
  server.on("connection", (socket) => {
    all++
    socket.once("close", () => all--)
    if (all > total) return socket.destroy()
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

const createHttpServer = (connections: ConnectionLimits | undefined): Server => {
  // a request's head must arrive within 10 s, looked at every second: a slow sender holds no socket for long
  const server = createServer({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 1_000
  })
  if (connections !== undefined) limitConnections(server, connections)
  answerWhileNotServing(server)
  return server
}

/**
 * The event loop takes one connection of a listening socket a turn (libuv 1.46 to 1.52), which on a busy node is one in more than a
 * millisecond: thousands who come back at once would wait for theirs. The kernel spreads them over so many sockets (ADR 0026).
 */
const ACCEPTORS = 16
/** Elsewhere sockets that share a port are not given connections in turn, or there are none. */
const SHARES_PORTS = process.platform === "linux"

/** Listens; returns the port really bound. */
const listen = (
  acceptor: Acceptor,
  at: ListenOptions & { host: string; port: number }
): Effect.Effect<number, ListenError> =>
  Effect.callback((resume) => {
    const { host, port } = at
    const failed = (error: Error) =>
      resume(Effect.fail(new ListenError({ host, port, message: explain(host, port, error) })))
    acceptor.once("error", failed)
    acceptor.listen({ ...at, backlog: 4096 }, () => {
      acceptor.off("error", failed)
      const address = acceptor.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : port))
    })
  })

/** No more connections from here on; returns once those it took are gone. */
const closed = (acceptor: Acceptor): Effect.Effect<void> =>
  Effect.callback((resume) => void acceptor.close(() => resume(Effect.void)))

interface Listening {
  readonly server: Server
  /** Of `server`, which is the first of them. */
  readonly acceptors: ReadonlyArray<Acceptor>
  readonly port: number
}

const open = Effect.fnUntraced(function* (
  host: string,
  asked: number,
  connections: ConnectionLimits | undefined
): Effect.fn.Return<Listening, ListenError> {
  // sockets that share their port would share it with those of another process too: is it in use?
  const probe = createAcceptor()
  if (SHARES_PORTS && asked !== 0) yield* Effect.andThen(listen(probe, { host, port: asked }), closed(probe))
  const server = createHttpServer(connections)
  const port = yield* listen(server, { host, port: asked, reusePort: SHARES_PORTS })
  const acceptors: Array<Acceptor> = [server]
  while (SHARES_PORTS && acceptors.length < ACCEPTORS) {
    const acceptor = createAcceptor({ allowHalfOpen: true, noDelay: true }, (socket) =>
      server.emit("connection", socket)
    )
    // an older Node knows of no sharing: one has to do
    if (Exit.isFailure(yield* Effect.exit(listen(acceptor, { host, port, reusePort: true })))) break
    acceptors.push(acceptor)
  }
  return { server, acceptors, port }
})

/** Idle keep-alive connections end at once; requests in flight get a moment, then their sockets are cut. */
const close = ({ acceptors, server }: Listening): Effect.Effect<void> =>
  Effect.all([...acceptors.map(closed), Effect.sync(() => server.closeIdleConnections())], {
    concurrency: "unbounded"
  }).pipe(Effect.timeoutOption("1 second"), Effect.andThen(Effect.sync(() => server.closeAllConnections())))
