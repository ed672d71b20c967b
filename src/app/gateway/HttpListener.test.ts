import type { IncomingMessage, RequestListener } from "node:http"
import { connect, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { text } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
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
