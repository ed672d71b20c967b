/** The gateway over real sockets: a stock RpcClient, and peers that do not behave. */
import { connect as tcpConnect } from "node:net"
import { NodeWS } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Queue, Stream } from "effect"
import { RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { Socket } from "effect/socket"
import { describe } from "vitest"
import WebSocket from "ws"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import type { SessionPolicy } from "../../src/actors/sessions/Session.ts"
import { Authenticator } from "../../src/app/gateway/Authenticator.ts"
import { HttpListener } from "../../src/app/gateway/HttpListener.ts"
import { layerProtocol } from "../../src/app/gateway/WebSocketGateway.ts"
import { makeWatchHandlers } from "../../src/app/gateway/watchHandlers.ts"
import { SetWatched, Watch, type WatchEvent } from "../../src/rpc/market.ts"
import { CloseCode, MAX_MESSAGE_BYTES } from "../../src/rpc/sessions.ts"
import { openConnections } from "../support/openConnections.ts"
import { ScriptedTickers } from "../support/ScriptedTickers.ts"
import { sessionNode } from "../support/sessionNode.ts"

const Streams = RpcGroup.make(Watch, SetWatched).prefix("market.")

const server = (tickers: ScriptedTickers, policy: Partial<SessionPolicy> = {}) =>
  RpcServer.layer(Streams, { disableTracing: true, disableFatalDefects: true }).pipe(
    Layer.provide(
      Streams.toLayer(
        Effect.map(makeWatchHandlers, ({ setWatched, watch }) => ({
          "market.Watch": watch,
          "market.SetWatched": setWatched
        }))
      )
    ),
    Layer.provide(
      Layer.provide(layerProtocol({ allowedOrigins: ["https://stocks.example"] }), Authenticator.layerLocal)
    ),
    Layer.provideMerge(HttpListener.layer({ host: "127.0.0.1", port: 0 })),
    Layer.provideMerge(sessionNode(tickers, { maxSessions: 50, policy }))
  )

/** Everything stock: serialization, protocol, client. */
const stockClient = Effect.gen(function* () {
  const { port } = yield* HttpListener
  const protocol = yield* Layer.build(
    RpcClient.layerProtocolSocket().pipe(
      Layer.provide(Socket.layerWebSocket(`ws://127.0.0.1:${port}/rpc`)),
      Layer.provide(NodeWS.layerWebSocketConstructor),
      Layer.provide(RpcSerialization.layerNdjson)
    )
  )
  return yield* RpcClient.make(Streams).pipe(Effect.provide(protocol))
})

const gaugeIs = (name: string, value: number) =>
  Effect.gen(function* () {
    const gauges = yield* Gauges
    while (gauges.get(name) !== value) yield* Effect.promise(() => new Promise((done) => setImmediate(done)))
  })

interface Peer {
  readonly ws: WebSocket
  readonly closed: Promise<number>
}
const peer = (headers: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const { port } = yield* HttpListener
    return yield* Effect.promise(
      () =>
        new Promise<Peer>((resolve, reject) => {
          const ws = new WebSocket(`ws://127.0.0.1:${port}/rpc`, { headers })
          const closed = new Promise<number>((done) => ws.once("close", done))
          ws.once("open", () => resolve({ ws, closed }))
          ws.once("error", reject)
        })
    )
  })
const closeCode = ({ closed }: Peer) => Effect.promise(() => closed)

describe("a stock RpcClient", () => {
  it.live("watches, changes its set, and ends the stream; nothing stays open", () => {
    const tickers = new ScriptedTickers(["AAPL", "MSFT"])
    return Effect.gen(function* () {
      const client = yield* stockClient
      const events = yield* Queue.unbounded<WatchEvent>()
      const watching = yield* client["market.Watch"]({ watchId: "w", symbols: ["AAPL"], conflation: 0 }).pipe(
        Stream.runForEach((event) => Queue.offer(events, event)),
        Effect.forkChild
      )
      assert.deepInclude(yield* Queue.take(events), { _tag: "Watching", accepted: ["AAPL"] })
      assert.deepInclude(yield* Queue.take(events), { _tag: "Liveness", state: "live" })
      assert.deepInclude(yield* Queue.take(events), { _tag: "Snapshot", symbol: "AAPL", seq: 1, label: "SIMULATED" })
      yield* tickers.tick("AAPL", 3)
      assert.deepInclude(yield* Queue.take(events), { _tag: "Update", seq: 4, folded: 2, last: 1004, halted: false })
      const answer = yield* client["market.SetWatched"]({ watchId: "w", symbols: ["MSFT", "??"] })
      assert.deepEqual([answer.accepted, answer.refused.map(({ reason }) => reason)], [["MSFT"], ["malformed-symbol"]])
      yield* tickers.tick("AAPL", 1)
      yield* tickers.tick("MSFT", 1)
      assert.deepInclude(yield* Queue.take(events), { _tag: "Snapshot", symbol: "MSFT" })
      const error = yield* Effect.flip(client["market.SetWatched"]({ watchId: "other", symbols: [] }))
      assert.strictEqual(error._tag, "WatchIdConflict")
      yield* Fiber.interrupt(watching)
      yield* gaugeIs("watches_active", 0)
      yield* gaugeIs("watched_slots_active", 0)
      yield* gaugeIs("watched_symbols_active", 0)
    }).pipe(Effect.scoped, Effect.provide(server(tickers)))
  })

  it.live("closing it mid-stream frees everything it had", () => {
    const tickers = new ScriptedTickers(["AAPL"])
    return Effect.gen(function* () {
      const first = yield* Deferred.make<void>()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* stockClient
          yield* client["market.Watch"]({ watchId: "w", symbols: ["AAPL"], conflation: 100 }).pipe(
            Stream.runForEach(() => Deferred.succeed(first, undefined)),
            Effect.forkScoped
          )
          yield* Deferred.await(first)
          yield* gaugeIs("sessions_active", 1)
        })
      )
      for (const name of ["sessions_active", "watches_active", "watched_slots_active"]) yield* gaugeIs(name, 0)
    }).pipe(Effect.provide(server(tickers)))
  })
})

describe("a peer that does not behave", () => {
  const tickers = new ScriptedTickers(["AAPL"])
  const malformed = [
    `{"_tag":"Request","id":"${"x".repeat(65)}","tag":"market.Status","payload":{},"headers":[]}\n`,
    "not json\n",
    '{"_tag":"Nonsense"}\n',
    '{"_tag":"Request","id":{}}\n',
    "[]\n",
    "null\n"
  ]
  for (const text of malformed) {
    it.live(`is closed for ${JSON.stringify(text)}`, () =>
      Effect.gen(function* () {
        const bad = yield* peer()
        bad.ws.send(text)
        assert.strictEqual(yield* closeCode(bad), CloseCode.Malformed)
        yield* gaugeIs("sessions_active", 0)
      }).pipe(Effect.provide(server(tickers)))
    )
  }

  it.live("is closed for a binary frame, one over 64 KB, and a flood", () =>
    Effect.gen(function* () {
      const binary = yield* peer()
      binary.ws.send(Buffer.from("{}"))
      assert.strictEqual(yield* closeCode(binary), CloseCode.Malformed)
      const large = yield* peer()
      large.ws.send("x".repeat(MAX_MESSAGE_BYTES + 1))
      assert.strictEqual(yield* closeCode(large), CloseCode.MessageTooLarge)
      const flood = yield* peer()
      for (let n = 0; n < 50; n++) flood.ws.send('{"_tag":"Ping"}\n')
      assert.strictEqual(yield* closeCode(flood), CloseCode.TooManyMessages)
      yield* gaugeIs("sessions_active", 0)
    }).pipe(Effect.provide(server(tickers, { requestBurst: 20, requestsPerSecond: 1 })))
  )

  it.live("gets an answer that says what is wrong with a request, and no internals", () =>
    Effect.gen(function* () {
      const asker = yield* peer()
      const answers = yield* Queue.unbounded<string>()
      asker.ws.on("message", (data) => Queue.offerUnsafe(answers, String(data)))
      const ask = (id: number, tag: string, payload: unknown) =>
        asker.ws.send(`${JSON.stringify({ _tag: "Request", id, tag, payload, headers: [] })}\n`)
      ask(1, "market.Nothing", {})
      assert.include(yield* Queue.take(answers), "Unknown request tag: market.Nothing")
      ask(2, "market.Watch", { watchId: "", symbols: 7 })
      const answer = yield* Queue.take(answers)
      assert.include(answer, '"requestId":2')
      assert.notInclude(answer, "node_modules")
      asker.ws.close()
    }).pipe(Effect.provide(server(tickers)))
  )

  it.live("is closed, with a reason, for a request id in use; the others' sessions go on", () =>
    Effect.gen(function* () {
      const bad = yield* peer()
      const other = yield* peer()
      const watch = { watchId: "w", symbols: ["AAPL"], conflation: 0 }
      for (let n = 0; n < 2; n++) {
        const request = {
          _tag: "Request",
          id: 1,
          tag: "market.Watch",
          payload: { ...watch, watchId: `w${n}` },
          headers: []
        }
        bad.ws.send(`${JSON.stringify(request)}\n`)
      }
      assert.strictEqual(yield* closeCode(bad), CloseCode.Malformed)
      yield* gaugeIs("sessions_active", 1)
      yield* gaugeIs("watched_slots_active", 0)
      other.ws.terminate()
    }).pipe(Effect.provide(server(tickers)))
  )

  it.live("keeps no socket open by not closing its half after a refusal", () =>
    Effect.gen(function* () {
      const { port, server: http } = yield* HttpListener
      const until = openConnections(http)
      const peers = Array.from({ length: 10 }, () => {
        const tcp = tcpConnect({ port, host: "127.0.0.1", allowHalfOpen: true })
        tcp.on("error", () => {})
        tcp.write(
          "GET /rpc HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        return tcp
      })
      yield* Effect.forEach(peers, (tcp) =>
        Effect.promise(() => new Promise<void>((done) => tcp.once("data", () => done())))
      )
      yield* until((open) => open === 0)
      for (const tcp of peers) tcp.destroy()
    }).pipe(Effect.provide(server(tickers)))
  )

  it.live("is refused from another origin, on another path, or when the node is full", () =>
    Effect.gen(function* () {
      const { port } = yield* HttpListener
      // the second: a name rebound to this address sends what it likes as Host
      for (const headers of [
        { Origin: "https://evil.example" },
        { Origin: `http://evil.example:${port}`, Host: `evil.example:${port}` },
        { Origin: "null" }
      ]) {
        const evil = yield* Effect.exit(peer(headers))
        assert.strictEqual(evil._tag, "Failure")
      }
      const listed = yield* peer({ Origin: "https://stocks.example" })
      listed.ws.terminate()
      const own = yield* peer({ Origin: `http://127.0.0.1:${port}` })
      const elsewhere = yield* Effect.promise(
        () =>
          new Promise<string>((resolve) => {
            new WebSocket(`ws://127.0.0.1:${port}/other`).once("error", (error) => resolve(error.message))
          })
      )
      assert.include(elsewhere, "404")
      const others = yield* Effect.forEach(Array.from({ length: 49 }), () => peer(), { concurrency: 10 })
      const extra = yield* peer()
      const told = new Promise<string>((resolve) => extra.ws.once("close", (_, reason) => resolve(String(reason))))
      assert.strictEqual(yield* closeCode(extra), CloseCode.TryAgainLater)
      assert.strictEqual(yield* Effect.promise(() => told), "This node is full: try again in 5 s")
      for (const { ws } of [own, ...others]) ws.terminate()
      yield* gaugeIs("sessions_active", 0)
    }).pipe(Effect.provide(server(tickers)))
  )

  it.live("cannot bring a full node down with a frame nobody listens to any more", () =>
    Effect.gen(function* () {
      const { port } = yield* HttpListener
      const others = yield* Effect.forEach(Array.from({ length: 50 }), () => peer(), { concurrency: 10 })
      const upgrade =
        "GET /rpc HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
      // the upgrade, and right behind it a frame that claims a mebibyte
      const tooLarge = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4])
      yield* Effect.promise(
        () =>
          new Promise<void>((done) => {
            const tcp = tcpConnect(port, "127.0.0.1", () => tcp.write(Buffer.concat([Buffer.from(upgrade), tooLarge])))
            tcp.on("error", () => {})
            tcp.resume()
            tcp.on("close", () => done())
          })
      )
      yield* gaugeIs("sessions_active", 50)
      for (const { ws } of others) ws.terminate()
      yield* gaugeIs("sessions_active", 0)
    }).pipe(Effect.provide(server(tickers)))
  )

  it.live("cannot leak by resetting, half-opening or vanishing during the upgrade", () =>
    Effect.gen(function* () {
      const { port } = yield* HttpListener
      const peers = yield* Effect.forEach(Array.from({ length: 30 }), () => peer(), { concurrency: 10 })
      yield* gaugeIs("sessions_active", 30)
      peers.forEach(({ ws }, index) => {
        if (index % 2 === 0) ws.terminate()
        else ws.close()
      })
      const half = tcpConnect(port, "127.0.0.1", () => {
        half.write("GET /rpc HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        half.resetAndDestroy()
      })
      half.on("error", () => {})
      yield* gaugeIs("sessions_active", 0)
      yield* gaugeIs("actors_active", 0)
    }).pipe(Effect.provide(server(tickers)))
  )
})
