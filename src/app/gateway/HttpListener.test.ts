import type { IncomingMessage, RequestListener } from "node:http"
import { connect, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { text } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { openConnections } from "../../../test/support/openConnections.ts"
import { HttpListener } from "./HttpListener.ts"

const listener = HttpListener.layer({ host: "127.0.0.1", port: 0 })

const get = (path: string, init: RequestInit = {}) =>
  Effect.flatMap(HttpListener, ({ port }) =>
    Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
      return { status: response.status, headers: response.headers, body: await response.text() }
    })
  )

/** All that the server says to an upgrade before it ends the connection. */
const upgrade = Effect.flatMap(HttpListener, ({ port }) =>
  Effect.promise(() => {
    const socket: Socket = connect(port, "127.0.0.1")
    socket.write(
      "GET /rpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    return text(socket)
  })
)

describe("before anything else is attached, every accepted connection is answered", () => {
  it.live("requests with 503 and when to come back, the probes with what they ask", () =>
    Effect.gen(function* () {
      const page = yield* get("/s/AAPL")
      assert.deepInclude(page, { status: 503, body: '{"error":"starting"}' })
      assert.strictEqual(page.headers.get("retry-after"), "1")
      assert.strictEqual(page.headers.get("content-type"), "application/json")
      assert.deepInclude(yield* get("/rpc", { method: "POST", body: "x".repeat(100_000) }), { status: 503 })
      assert.deepInclude(yield* get("/healthz?from=probe"), { status: 200, body: "ok\n" })
      assert.deepInclude(yield* get("/readyz"), { status: 503, body: "starting\n" })
    }).pipe(Effect.provide(listener))
  )

  it.live("a browser's page comes again by itself", () =>
    Effect.gen(function* () {
      const page = yield* get("/", { headers: { accept: "text/html,*/*" } })
      assert.strictEqual(page.status, 503)
      assert.strictEqual(page.headers.get("refresh"), "1")
    }).pipe(Effect.provide(listener))
  )

  it.live("WebSocket upgrades with 503", () =>
    Effect.gen(function* () {
      const said = yield* upgrade
      assert.match(said, /^HTTP\/1\.1 503 /)
      assert.match(said, /\r\nRetry-After: 1\r\n/)
      assert.isTrue(said.endsWith('\r\n\r\n{"error":"starting"}'))
    }).pipe(Effect.provide(listener))
  )
})

describe("whoever is attached answers alone", () => {
  it.live("requests and upgrades each for themselves, and 503 again while the process closes", () =>
    Effect.gen(function* () {
      const { server } = yield* HttpListener
      const onRequest: RequestListener = (_, response) => void response.end("theirs")
      server.on("request", onRequest)
      assert.deepInclude(yield* get("/readyz"), { status: 200, body: "theirs" })
      assert.match(yield* upgrade, /^HTTP\/1\.1 503 .*starting/s)
      const onUpgrade = (_: IncomingMessage, socket: Duplex) => void socket.end("theirs")
      server.on("upgrade", onUpgrade)
      assert.strictEqual(yield* upgrade, "theirs")

      server.off("request", onRequest)
      server.off("upgrade", onUpgrade)
      assert.deepInclude(yield* get("/"), { status: 503, body: '{"error":"stopping"}' })
      assert.deepInclude(yield* get("/readyz"), { status: 503, body: "stopping\n" })
      assert.isTrue((yield* upgrade).endsWith('{"error":"stopping"}'))
    }).pipe(Effect.provide(listener))
  )
})

/** Opened and left alone, with how it ends. */
const comeAndSayNothing = (port: number, from: string) => {
  const socket = connect({ port, host: "127.0.0.1", localAddress: from })
  socket.on("error", () => {})
  socket.resume()
  return { socket, closed: new Promise<void>((done) => socket.once("close", () => done())) }
}

describe("connections", () => {
  it.live("from one address are so many at most, whatever comes over them; others find room all the same", () =>
    Effect.gen(function* () {
      const { port, server } = yield* HttpListener
      const until = openConnections(server)
      const held = ["127.0.0.2", "127.0.0.2"].map((from) => comeAndSayNothing(port, from))
      yield* until((open) => open >= 2)
      yield* Effect.promise(() => comeAndSayNothing(port, "127.0.0.2").closed)
      assert.deepInclude(yield* get("/healthz", { headers: { connection: "close" } }), { status: 200 })
      // a proxy's are not counted
      const proxied = Array.from({ length: 5 }, () => comeAndSayNothing(port, "127.0.0.9"))
      yield* until((open) => open >= 7)
      // and one that leaves makes room
      held[0]?.socket.destroy()
      yield* until((open) => open <= 6)
      const again = comeAndSayNothing(port, "127.0.0.2")
      again.socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
      yield* Effect.promise(() => new Promise((done) => again.socket.once("data", done)))
      for (const { socket } of [...held, ...proxied, again]) socket.destroy()
    }).pipe(
      Effect.provide(
        HttpListener.layer({
          host: "127.0.0.1",
          port: 0,
          connections: { total: 100, perAddress: 2, countedAs: (peer) => (peer === "127.0.0.9" ? undefined : peer) }
        })
      )
    )
  )

  it.live("are so many at most in all", () =>
    Effect.gen(function* () {
      const { port, server } = yield* HttpListener
      const until = openConnections(server)
      const held = ["127.0.0.2", "127.0.0.3"].map((from) => comeAndSayNothing(port, from))
      yield* until((open) => open === 2)
      // through whichever of the listening sockets they come
      for (let n = 0; n < 20; n++) yield* Effect.promise(() => comeAndSayNothing(port, "127.0.0.4").closed)
      yield* until((open) => open === 2)
      held[0]?.socket.destroy()
      yield* until((open) => open === 1)
      const again = comeAndSayNothing(port, "127.0.0.4")
      again.socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
      yield* Effect.promise(() => new Promise((done) => again.socket.once("data", done)))
      for (const { socket } of [...held, again]) socket.destroy()
    }).pipe(
      Effect.provide(
        HttpListener.layer({
          host: "127.0.0.1",
          port: 0,
          connections: { total: 2, perAddress: 10, countedAs: (peer) => peer }
        })
      )
    )
  )
})

describe.skipIf(process.platform !== "linux")("thousands who come at once", () => {
  it.live("are taken many in a turn of the event loop", () =>
    Effect.gen(function* () {
      const { port, server } = yield* HttpListener
      let taken = 0
      server.on("connection", () => taken++)
      const clients = yield* Effect.acquireRelease(
        Effect.sync(() => Array.from({ length: 128 }, () => connect(port, "127.0.0.1"))),
        (open) => Effect.sync(() => open.forEach((socket) => void socket.destroy()))
      )
      let turns = 0
      yield* Effect.promise(async () => {
        while (taken < clients.length) {
          await new Promise(setImmediate)
          turns++
        }
      })
      assert.isBelow(turns, clients.length / 2)
    }).pipe(Effect.scoped, Effect.provide(listener))
  )
})
