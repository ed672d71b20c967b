import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Queue, Random, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { type BareConnection, makeBareWebSocketServer } from "../../../test/support/BareWebSocketServer.ts"
import { snapshot, update, watching } from "../../../test/support/ScriptedMarket.ts"
import { type ClientEvent, type ConnectionState, LZStockClient } from "../client.ts"
import { WatchEvent } from "../market.ts"
import { CloseCode, WATCHDOG_MILLIS } from "../sessions.ts"
import { openWatch } from "./watching.ts"

/** Every draw is this: the wait is that share of its bound. */
const drawing = (value: number) =>
  Effect.provideService(Random.Random, { nextDoubleUnsafe: () => value, nextIntUnsafe: () => 0 })

type Of<S extends ConnectionState["status"]> = Extract<ConnectionState, { readonly status: S }>

const setUp = Effect.gen(function* () {
  const server = yield* makeBareWebSocketServer
  const client = yield* LZStockClient.make({ url: server.url })
  const states = yield* Queue.unbounded<ConnectionState>()
  client.session.connection.onState((state) => {
    Queue.offerUnsafe(states, state)
  })
  /** The next change to this state; other changes before it are passed over. */
  const until = <S extends ConnectionState["status"]>(status: S): Effect.Effect<Of<S>> =>
    Effect.flatMap(Queue.take(states), (state) => (isStatus(status)(state) ? Effect.succeed(state) : until(status)))
  return { server, client, until }
})
const isStatus =
  <S extends ConnectionState["status"]>(status: S) =>
  (state: ConnectionState): state is Of<S> =>
    state.status === status

const chunk = (id: string | number | undefined, ...values: ReadonlyArray<unknown>) => ({
  _tag: "Chunk",
  requestId: id,
  values
})
const encodeWatchEvent = Schema.encodeSync(Schema.toCodecJson(WatchEvent))
const encodeEvent = (event: WatchEvent) => encodeWatchEvent(event)
const nextLine = (connection: BareConnection) => Queue.take(connection.lines)
/** A byte the client is known to have handled. */
const heard = (client: LZStockClient["Service"], connection: BareConnection) =>
  Effect.gen(function* () {
    const asked = yield* Effect.forkChild(Effect.exit(client.status))
    const request = yield* nextLine(connection)
    connection.say({
      _tag: "Exit",
      requestId: request.id,
      exit: { _tag: "Failure", cause: [{ _tag: "Die", defect: "x" }] }
    })
    return yield* Fiber.join(asked)
  })

describe("back-off", () => {
  it.effect("doubles its bound while connections do not last, and starts over after 10 healthy seconds", () =>
    Effect.gen(function* () {
      const { server, client, until } = yield* setUp
      const waits: Array<number> = []
      const lose = (openMillis: number) =>
        Effect.gen(function* () {
          const connection = yield* server.next
          yield* until("open")
          // in steps, with bytes in between, or the watchdog would end it
          for (let left = openMillis; left > 0; left -= 2_000) {
            yield* TestClock.adjust(Math.min(left, 2_000))
            yield* heard(client, connection)
          }
          connection.socket.terminate()
          const { attempt, retryAt } = yield* until("reconnecting")
          const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          waits.push(attempt, retryAt - now)
          yield* TestClock.adjust(retryAt - now)
        })
      for (const openMillis of [0, 9_999, 0, 10_000, 0]) yield* lose(openMillis)
      expect(waits).toEqual([1, 200, 2, 400, 3, 800, 1, 200, 2, 400])
    }).pipe(drawing(0.8))
  )

  it.effect("waits as long as a draining server asked", () =>
    Effect.gen(function* () {
      const { server, client, until } = yield* setUp
      const events: Array<ClientEvent> = []
      yield* Effect.forkScoped(
        Stream.runForEach(client.watch({ symbols: ["AAPL"] }), (e) => Effect.sync(() => events.push(e)))
      )
      const connection = yield* server.next
      const { id } = yield* nextLine(connection)
      connection.say(chunk(id, watching(["AAPL"]), { _tag: "Draining", retryAfterMillis: 4_000 }))
      // the server closes one after the other: who is closed late has waited already
      yield* TestClock.adjust(3_000)
      connection.socket.close(CloseCode.Draining, "draining")
      const lost = yield* until("reconnecting")
      expect(lost).toMatchObject({ code: 1012, reason: "draining", retryAt: 4_000 })
      yield* TestClock.adjust(999)
      expect(yield* server.pending).toBe(0)
      yield* TestClock.adjust(1)
      yield* server.next
      expect(events.map(({ _tag }) => _tag)).toEqual(["Watching", "Draining", "Disconnected"])
    }).pipe(drawing(0.5))
  )

  it.effect("keeps away much longer from a server that is full", () =>
    Effect.gen(function* () {
      const { server, until } = yield* setUp
      const connection = yield* server.next
      yield* until("open")
      connection.socket.close(CloseCode.TryAgainLater, "full")
      expect(yield* until("reconnecting")).toMatchObject({ code: 1013, retryAt: 7_500 })
    }).pipe(drawing(0.5))
  )
})

describe("a server that says when to come again", () => {
  it.effect("is left alone for so long, and whoever looks at the state is told", () =>
    Effect.gen(function* () {
      const { server, until } = yield* setUp
      const connection = yield* server.next
      yield* until("open")
      connection.socket.close(CloseCode.TryAgainLater, "This node is full: try again in 20 s")
      expect(yield* until("reconnecting")).toMatchObject({ retryAt: 20_000, retryAfterMillis: 20_000 })
    }).pipe(drawing(0.5))
  )

  it.effect("is there: who waits for the connection hears so, and one that says nothing is not", () =>
    Effect.gen(function* () {
      const server = yield* makeBareWebSocketServer
      const client = yield* LZStockClient.make({ url: server.url, token: "lzs_mine" })
      const opened = yield* Effect.forkChild(Effect.flip(client.opened), { startImmediately: true })
      const { socket } = yield* server.next
      socket.close(CloseCode.TryAgainLater, "This node is full: try again in 20 s")
      const refused = yield* Fiber.join(opened)
      expect(refused).toMatchObject({ _tag: "ConnectFailed", retryAfterMillis: 20_000 })
      const url = yield* Effect.scoped(Effect.map(makeBareWebSocketServer, (gone) => gone.url))
      const absent = yield* Effect.flip((yield* LZStockClient.make({ url })).opened)
      expect(absent).not.toHaveProperty("retryAfterMillis")
    })
  )
})

describe("the watchdog", () => {
  it.effect("asks a silent server, and takes it for dead when nothing comes", () =>
    Effect.gen(function* () {
      const { server, until } = yield* setUp
      const connection = yield* server.next
      yield* until("open")
      yield* TestClock.adjust(WATCHDOG_MILLIS / 2)
      expect(yield* nextLine(connection)).toEqual({ _tag: "Ping" })
      yield* TestClock.adjust(WATCHDOG_MILLIS / 2)
      expect(yield* until("reconnecting")).toMatchObject({ code: null, reason: "nothing received for 5000 ms" })
      yield* TestClock.adjust(250)
      yield* until("open")
    })
  )

  it.effect("is content with any byte", () =>
    Effect.gen(function* () {
      const { server, client, until } = yield* setUp
      const connection = yield* server.next
      yield* until("open")
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust(WATCHDOG_MILLIS / 2 - 1)
        yield* heard(client, connection)
      }
      expect((yield* client.state).status).toBe("open")
      expect(yield* client.lastReceived).toBe(5 * (WATCHDOG_MILLIS / 2 - 1))
    })
  )

  it.effect("takes a server for dead that cannot be read, and says why", () =>
    Effect.gen(function* () {
      const { server, until } = yield* setUp
      const connection = yield* server.next
      yield* until("open")
      connection.socket.send("<html>\n")
      expect((yield* until("reconnecting")).reason).toMatch(/^unreadable: SyntaxError/)
    })
  )
})

describe("calls", () => {
  it.effect("fail with Timeout at their deadline", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp
      const connection = yield* server.next
      const asked = yield* Effect.forkChild(Effect.exit(client.status))
      yield* nextLine(connection)
      yield* TestClock.adjust(10_000)
      expect(yield* Fiber.join(asked)).toMatchObject({
        _tag: "Failure",
        cause: { reasons: [{ error: { _tag: "Timeout" } }] }
      })
    })
  )

  it.effect("fail with ConnectFailed where there never was a connection", () =>
    Effect.gen(function* () {
      const url = yield* Effect.scoped(Effect.map(makeBareWebSocketServer, (gone) => gone.url))
      const client = yield* LZStockClient.make({ url })
      expect(yield* Effect.flip(client.opened)).toMatchObject({ _tag: "ConnectFailed" })
      const asked = yield* Effect.forkChild(Effect.flip(client.status))
      yield* Effect.yieldNow
      yield* TestClock.adjust(10_000)
      expect(yield* Fiber.join(asked)).toMatchObject({ _tag: "ConnectFailed" })
    })
  )

  it.effect("fail with ServerFailed on a defect, and ask again when the server only gave up", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp
      const connection = yield* server.next
      const failed = yield* heard(client, connection)
      expect(Exit.isFailure(failed) && Cause.squash(failed.cause)).toMatchObject({ _tag: "ServerFailed", message: "x" })
      const asked = yield* Effect.forkChild(Effect.exit(client.status))
      const first = yield* nextLine(connection)
      const gaveUp = { _tag: "Failure", cause: [{ _tag: "Interrupt", fiberId: 1 }] }
      connection.say({ _tag: "Exit", requestId: first.id, exit: gaveUp })
      yield* heardPong(connection)
      yield* TestClock.adjust(250)
      const second = yield* nextLine(connection)
      expect(second.id).not.toBe(first.id)
      yield* Fiber.interrupt(asked)
    })
  )
})

/** Nothing the client answers to; what was said before it has been read once the next line is asked for. */
const heardPong = (connection: BareConnection) =>
  Effect.callback<void>((resume) => {
    connection.socket.once("pong", () => resume(Effect.void))
    connection.socket.ping()
  })

describe("a watch", () => {
  it.effect("refused for good fails its stream; refused for a while is opened again then", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp
      const connection = yield* server.next
      const refuse = (id: string | number | undefined, retryAfterMillis: number | null) => {
        const error = { _tag: "LimitExceeded", limit: "watches", allowed: 1, retryAfterMillis, message: "no" }
        connection.say({ _tag: "Exit", requestId: id, exit: { _tag: "Failure", cause: [{ _tag: "Fail", error }] } })
      }
      const outcome = yield* Effect.forkChild(Effect.exit(Stream.runDrain(client.watch({ symbols: ["AAPL"] }))))
      refuse((yield* nextLine(connection)).id, 1_000)
      yield* heardPong(connection)
      yield* TestClock.adjust(1_500)
      refuse((yield* nextLine(connection)).id, null)
      const exit = yield* Fiber.join(outcome)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({ _tag: "LimitExceeded" })
    })
  )

  it.effect("refused for good is opened again when its set changes, even if it did before the refusal came", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp
      const connection = yield* server.next
      const told: Array<ClientEvent> = []
      const watch = yield* openWatch(client.session, { symbols: ["AAPL"] }, (events) => told.push(...events))
      const error = { _tag: "LimitExceeded", limit: "watches", allowed: 1, retryAfterMillis: null, message: "no" }
      const exit = { _tag: "Failure", cause: [{ _tag: "Fail", error }] }
      for (const symbol of ["MSFT", "IBM"]) {
        const { id } = yield* nextLine(connection)
        if (symbol === "MSFT") yield* Effect.forkScoped(Effect.ignore(watch.set([symbol])), { startImmediately: true })
        connection.say({ _tag: "Exit", requestId: id, exit })
        yield* heardPong(connection)
        if (symbol === "IBM") yield* Effect.forkScoped(Effect.ignore(watch.set([symbol])), { startImmediately: true })
      }
      expect((yield* nextLine(connection)).payload).toMatchObject({ symbols: ["IBM"] })
      expect(told.map(({ _tag }) => _tag)).toEqual(["Disconnected", "WatchRefused", "WatchRefused"])
    })
  )

  it.effect("is told why there will be no more of it, once, also if none was open", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp
      const connection = yield* server.next
      const told: Array<ReadonlyArray<ClientEvent>> = []
      yield* openWatch(client.session, { symbols: ["AAPL"] }, (events) => told.push(events))
      const { id } = yield* nextLine(connection)
      connection.say(chunk(id, encodeEvent(watching(["AAPL"]))))
      const streamed = yield* Effect.forkChild(Effect.exit(Stream.runDrain(client.watch({ symbols: ["MSFT"] }))))
      yield* nextLine(connection)
      connection.socket.close(CloseCode.SignedOut, "This token was revoked")
      const exit = yield* Fiber.join(streamed)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({
        _tag: "NotSignedIn",
        message: "This token was revoked"
      })
      expect(told.map((events) => events.map(({ _tag }) => _tag))).toEqual([
        ["Watching"],
        ["Disconnected", "WatchRefused"]
      ])
      const late: Array<ClientEvent> = []
      yield* openWatch(client.session, { symbols: ["IBM"] }, (events) => late.push(...events))
      while (late.length === 0) yield* Effect.yieldNow
      expect(late).toMatchObject([{ _tag: "WatchRefused", error: { _tag: "NotSignedIn" }, retryAfterMillis: null }])
    })
  )

  it.effect("gives a slow consumer one state a symbol, folded, and nothing of what was dropped meanwhile", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp
      const connection = yield* server.next
      const watch = yield* client.openWatch({ symbols: ["AAPL", "MSFT"] })
      const { id } = yield* nextLine(connection)
      const states = yield* Queue.unbounded<ClientEvent>()
      const said: ReadonlyArray<WatchEvent> = [
        watching(["AAPL", "MSFT"]),
        snapshot("AAPL", 1, 1),
        snapshot("MSFT", 1, 1),
        update("AAPL", 1, 2),
        update("MSFT", 1, 4, 2)
      ]
      connection.say(chunk(id, ...said.map(encodeEvent)))
      yield* heardPong(connection)
      yield* Effect.forkScoped(Effect.ignore(watch.set(["MSFT"])), { startImmediately: true })
      yield* Effect.forkScoped(Stream.runForEach(watch.events, (event) => Queue.offer(states, event)))
      expect(yield* Queue.take(states)).toMatchObject({ _tag: "Watching" })
      expect(yield* Queue.take(states)).toEqual({ ...snapshot("MSFT", 1, 4) })
      expect(yield* watch.positions).toEqual([{ symbol: "MSFT", epoch: 1, seq: 4 }])
    })
  )

  it.effect("whose updates do not fit and cannot be mended here is opened anew, without positions", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp
      const first = yield* server.next
      const positions = [{ symbol: "AAPL", epoch: 1, seq: 3 }]
      yield* Effect.forkScoped(Stream.runDrain(client.watch({ symbols: ["AAPL"], positions })))
      const { id, payload } = yield* nextLine(first)
      expect(payload).toMatchObject({ positions })
      first.say(chunk(id, ...[watching(["AAPL"], true), update("AAPL", 1, 9)].map(encodeEvent)))
      yield* Effect.promise(() => first.closed)
      yield* TestClock.adjust(250)
      const second = yield* server.next
      expect((yield* nextLine(second)).payload).not.toHaveProperty("positions")
    })
  )
})
