/** A thousand real sockets leave in the three ways there are, while quotes flow; nothing of them may stay. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { RpcGroup, RpcServer } from "effect/rpc"
import { describe } from "vitest"
import { countFibers, fibersActive } from "../../bench/support/fibers.ts"
import { PeerSocket } from "../../bench/support/PeerSocket.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { Authenticator } from "../../src/app/gateway/Authenticator.ts"
import { HttpListener } from "../../src/app/gateway/HttpListener.ts"
import { layerProtocol } from "../../src/app/gateway/WebSocketGateway.ts"
import { makeWatchHandlers } from "../../src/app/gateway/watchHandlers.ts"
import { SetWatched, Watch } from "../../src/rpc/market.ts"
import { ScriptedTickers } from "../support/ScriptedTickers.ts"
import { sessionNode } from "../support/sessionNode.ts"

const SESSIONS = 1_000
const SYMBOLS = Array.from({ length: 200 }, (_, n) => `S${String.fromCharCode(65 + (n % 26))}${n}`)
const PER_SESSION = 10

const Streams = RpcGroup.make(Watch, SetWatched).prefix("market.")

const server = (tickers: ScriptedTickers) =>
  RpcServer.layer(Streams, { disableFatalDefects: true }).pipe(
    Layer.provide(
      Streams.toLayer(
        Effect.map(makeWatchHandlers, ({ setWatched, watch }) => ({
          "market.Watch": watch,
          "market.SetWatched": setWatched
        }))
      )
    ),
    Layer.provide(Layer.provide(layerProtocol({ allowedOrigins: [] }), Authenticator.layerLocal)),
    Layer.provideMerge(HttpListener.layer({ host: "127.0.0.1", port: 0 })),
    Layer.provideMerge(sessionNode(tickers, { policy: { pingAfterMillis: 500, deadAfterPingMillis: 1_500 } }))
  )

interface Peer {
  readonly socket: PeerSocket
  gone: boolean
}

/** Connected, watching, and answered. */
const join = (port: number, index: number) =>
  new Promise<Peer>((resolve, reject) => {
    const symbols = Array.from({ length: PER_SESSION }, (_, n) => SYMBOLS[(index * 7 + n) % SYMBOLS.length])
    const payload = { watchId: "w", symbols, conflation: 100 }
    const socket = new PeerSocket(port, "127.0.0.1", {
      onOpen: () =>
        socket.send(`${JSON.stringify({ _tag: "Request", id: "0", tag: "market.Watch", payload, headers: [] })}\n`),
      onText: () => resolve(peer),
      onGone: (code) => {
        peer.gone = true
        reject(new Error(`session ${index} was closed: ${code ?? "no code"}`))
      }
    })
    const peer: Peer = { socket, gone: false }
  })

const turn = Effect.promise(() => new Promise<void>((done) => setImmediate(done)))

const handles = (kind: string) => process.getActiveResourcesInfo().filter((name) => name.startsWith(kind)).length

/** What a session opens, directly or not. */
const HELD = ["sessions_active", "watches_active", "watched_slots_active", "watched_symbols_active"] as const

describe("a thousand sessions", () => {
  it.live(
    "leave by close frame, by reset, and without a word: gauges at 0, fibers, sockets and timers as before",
    () => {
      const tickers = new ScriptedTickers(SYMBOLS)
      return Effect.gen(function* () {
        const { port } = yield* HttpListener
        const gauges = yield* Gauges
        yield* turn
        const before = {
          fibers: fibersActive(),
          sockets: handles("TCPSocketWrap"),
          timers: handles("Timeout"),
          topics: gauges.get("topic_subscriptions_active")
        }
        const peers = yield* Effect.forEach(
          Array.from({ length: SESSIONS }, (_, index) => index),
          (index) => Effect.promise(() => join(port, index)),
          { concurrency: 100 }
        )
        assert.strictEqual(gauges.get("sessions_active"), SESSIONS)
        assert.strictEqual(gauges.get("watched_slots_active"), SESSIONS * PER_SESSION)

        for (const symbol of SYMBOLS) yield* tickers.tick(symbol, 1)
        const silent = peers.filter((_, index) => index % 3 === 2)
        peers.forEach(({ socket }, index) => {
          if (index % 3 === 0) socket.close()
          else if (index % 3 === 1) socket.reset()
          else {
            socket.answering = false
            socket.tcp.pause()
          }
        })
        while (HELD.some((name) => gauges.get(name) !== 0)) {
          for (const symbol of SYMBOLS.slice(0, 20)) yield* tickers.tick(symbol, 1)
          yield* turn
        }
        assert.strictEqual(gauges.get("actors_active", 'kind="session"'), 0)
        // nobody of the silent ones said anything: the server found them (on a busy machine, also some whose goodbye was late)
        assert.isAtLeast(gauges.get("session_reaped_total"), silent.length)
        for (const { socket } of silent) socket.tcp.destroy()

        while (fibersActive() > before.fibers) yield* turn
        while (handles("TCPSocketWrap") > before.sockets || handles("Timeout") > before.timers) yield* turn
        assert.strictEqual(gauges.get("topic_subscriptions_active"), before.topics)
        assert.strictEqual(gauges.get("session_failures_total"), 0)
        assert.strictEqual(gauges.get("wheel_task_failures"), 0)
        assert.isTrue(peers.every((peer) => peer.gone))
      }).pipe(Effect.provide(server(tickers)), countFibers)
    },
    120_000
  )
})
