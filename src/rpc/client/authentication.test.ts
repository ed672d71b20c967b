/** A client with a token against a scripted server: what it shows when, and what it makes of the answers. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  type BareConnection,
  type BareRequest,
  makeBareWebSocketServer
} from "../../../test/support/BareWebSocketServer.ts"
import { type ConnectionState, LZStockClient } from "../client.ts"
import { CloseCode } from "../sessions.ts"

const setUp = Effect.gen(function* () {
  const server = yield* makeBareWebSocketServer
  const client = yield* LZStockClient.make({ url: server.url, token: "lzs_secret" })
  const states = yield* Queue.unbounded<ConnectionState>()
  client.session.connection.onState((state) => {
    Queue.offerUnsafe(states, state)
  })
  return { server, client, states }
})
const request = (connection: BareConnection) => Queue.take(connection.lines)
const credential = ({ payload }: BareRequest): unknown =>
  typeof payload === "object" && payload !== null && "credential" in payload ? payload.credential : undefined
const answer = (connection: BareConnection, { id }: BareRequest, value: unknown) =>
  connection.say({ _tag: "Exit", requestId: id, exit: { _tag: "Success", value } })
const refuse = (connection: BareConnection, { id }: BareRequest, error: Readonly<Record<string, unknown>>) =>
  connection.say({ _tag: "Exit", requestId: id, exit: { _tag: "Failure", cause: [{ _tag: "Fail", error }] } })
const ada = { investor: "ada", access: "read", expiresAt: null }

const admitted = Effect.fnUntraced(function* (connection: BareConnection, ticket: string, lifetimeMillis = 120_000) {
  const first = yield* request(connection)
  answer(connection, first, ada)
  const second = yield* request(connection)
  expect(second.tag).toBe("investors.Ticket")
  answer(connection, second, { ticket, lifetimeMillis })
  return first
})
/** Whatever the client said and heard so far, it has made something of. */
const settled = Effect.gen(function* () {
  for (let turn = 0; turn < 20; turn++) yield* Effect.promise(() => new Promise<void>((done) => setImmediate(done)))
})
const untilStatus = (
  states: Queue.Dequeue<ConnectionState>,
  status: ConnectionState["status"]
): Effect.Effect<ConnectionState> =>
  Effect.flatMap(Queue.take(states), (state) =>
    state.status === status ? Effect.succeed(state) : untilStatus(states, status)
  )

/** The connection that it makes with the ticket, after one that was admitted with the token has broken. */
const comesBack = Effect.fnUntraced(function* ({ server, states }: Effect.Success<typeof setUp>) {
  const first = yield* server.next
  yield* admitted(first, "ticket 1")
  yield* settled
  first.socket.terminate()
  yield* untilStatus(states, "reconnecting")
  yield* TestClock.adjust(300)
  return yield* server.next
})

describe("a client with a token", () => {
  it.effect("shows it before anything else, and is open when it is taken", () =>
    Effect.gen(function* () {
      const { client, server, states } = yield* setUp
      const asked = yield* Effect.forkChild(client.quote("AAPL"), { startImmediately: true })
      const connection = yield* server.next
      const first = yield* request(connection)
      expect(first.tag).toBe("investors.Authenticate")
      expect(credential(first)).toEqual({ _tag: "Token", token: "lzs_secret" })
      expect((yield* client.state).status).toBe("connecting")
      answer(connection, first, ada)
      yield* untilStatus(states, "open")
      const rest = [(yield* request(connection)).tag, (yield* request(connection)).tag]
      expect(rest.toSorted()).toEqual(["investors.Ticket", "market.Quote"])
      yield* Fiber.interrupt(asked)
    }).pipe(Effect.scoped)
  )

  it.effect("comes back with a ticket, once; without a fresh one with the token", () =>
    Effect.gen(function* () {
      const { server, states } = yield* setUp
      const shown: Array<unknown> = []
      let connection = yield* server.next
      shown.push(credential(yield* admitted(connection, "ticket 1")))
      const again = Effect.fnUntraced(function* (how: "with" | "without", afterMillis: number) {
        yield* settled
        connection.socket.terminate()
        yield* untilStatus(states, "reconnecting")
        yield* TestClock.adjust(afterMillis)
        connection = yield* server.next
        if (how === "with") shown.push(credential(yield* admitted(connection, `ticket ${shown.length + 1}`)))
        else {
          const first = yield* request(connection)
          shown.push(credential(first))
          answer(connection, first, ada)
          yield* request(connection)
        }
      })
      yield* again("with", 300)
      yield* again("without", 600)
      // the ticket it came with is used up, and it was given no other
      yield* again("with", 1_000)
      expect(shown).toEqual([
        { _tag: "Token", token: "lzs_secret" },
        { _tag: "Ticket", ticket: "ticket 1" },
        { _tag: "Ticket", ticket: "ticket 2" },
        { _tag: "Token", token: "lzs_secret" }
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("asks for another ticket when half of its time is over", () =>
    Effect.gen(function* () {
      const { server } = yield* setUp
      const connection = yield* server.next
      // before the watchdog minds that this server is silent
      yield* admitted(connection, "ticket 1", 4_000)
      yield* settled
      yield* TestClock.adjust(1_999)
      yield* settled
      expect(Queue.sizeUnsafe(connection.lines)).toBe(0)
      yield* TestClock.adjust(1)
      expect((yield* request(connection)).tag).toBe("investors.Ticket")
    }).pipe(Effect.scoped)
  )

  it.effect("whose ticket is refused shows the token on the same connection", () =>
    Effect.gen(function* () {
      const client = yield* setUp
      const { states } = client
      const connection = yield* comesBack(client)
      const first = yield* request(connection)
      expect(credential(first)).toEqual({ _tag: "Ticket", ticket: "ticket 1" })
      refuse(connection, first, { _tag: "CredentialRefused", message: "used before" })
      const second = yield* request(connection)
      expect(credential(second)).toEqual({ _tag: "Token", token: "lzs_secret" })
      answer(connection, second, ada)
      yield* untilStatus(states, "open")
    }).pipe(Effect.scoped)
  )

  it.effect("that is refused is signed out for good: calls and watches fail at once, and nothing is tried again", () =>
    Effect.gen(function* () {
      const { client, server, states } = yield* setUp
      const asked = yield* Effect.forkChild(Effect.flip(client.quote("AAPL")), { startImmediately: true })
      const watched = yield* Effect.forkChild(Effect.flip(Stream.runDrain(client.watch({ symbols: ["AAPL"] }))), {
        startImmediately: true
      })
      const connection = yield* server.next
      refuse(connection, yield* request(connection), { _tag: "CredentialRefused", message: "no such token" })
      expect(yield* untilStatus(states, "signed-out")).toEqual({ status: "signed-out", reason: "no such token" })
      const told = { _tag: "NotSignedIn", message: "no such token" }
      expect(yield* Fiber.join(asked)).toMatchObject(told)
      expect(yield* Fiber.join(watched)).toMatchObject(told)
      expect(yield* Effect.flip(client.opened)).toMatchObject({ _tag: "NotSignedIn" })
      expect(yield* Effect.flip(client.status)).toMatchObject({ _tag: "NotSignedIn" })
      yield* TestClock.adjust("10 minutes")
      expect((yield* client.state).status).toBe("signed-out")
      expect(Queue.sizeUnsafe(states)).toBe(0)
    }).pipe(Effect.scoped)
  )

  it.effect("that is told to try later does, after that long and no sooner", () =>
    Effect.gen(function* () {
      const { server, states } = yield* setUp
      const connection = yield* server.next
      refuse(connection, yield* request(connection), {
        _tag: "Unavailable",
        what: "sign-ins",
        retryAfterMillis: 7_000,
        message: "the store is away"
      })
      const lost = yield* untilStatus(states, "reconnecting")
      expect(lost).toMatchObject({ reason: "the store is away" })
      expect(lost.status === "reconnecting" ? lost.retryAt : 0).toBeGreaterThanOrEqual(7_000)
    }).pipe(Effect.scoped)
  )

  it.effect("that is closed with 4401 later is signed out too", () =>
    Effect.gen(function* () {
      const { client, server, states } = yield* setUp
      const connection = yield* server.next
      yield* admitted(connection, "ticket 1")
      yield* untilStatus(states, "open")
      connection.socket.close(CloseCode.SignedOut, "Signed out: sign in again")
      expect(yield* untilStatus(states, "signed-out")).toMatchObject({ reason: "Signed out: sign in again" })
      expect(yield* Effect.flip(client.status)).toMatchObject({ _tag: "NotSignedIn" })
    }).pipe(Effect.scoped)
  )

  it.effect("that is closed with 4401 before its token was judged was too slow: it comes again, and waits longer", () =>
    Effect.gen(function* () {
      const { client, server, states } = yield* setUp
      const asked = yield* Effect.forkChild(client.quote("AAPL"), { startImmediately: true })
      for (const attempt of [1, 2]) {
        const connection = yield* server.next
        yield* request(connection)
        connection.socket.close(CloseCode.SignedOut, "Sign in: nobody said who this is")
        expect(yield* untilStatus(states, "reconnecting")).toMatchObject({
          attempt,
          code: CloseCode.SignedOut,
          reason: "Sign in: nobody said who this is"
        })
        yield* TestClock.adjust(500)
      }
      const connection = yield* server.next
      answer(connection, yield* request(connection), ada)
      yield* untilStatus(states, "open")
      expect((yield* client.state).status).toBe("open")
      yield* Fiber.interrupt(asked)
    }).pipe(Effect.scoped)
  )

  it.effect("whose ticket was refused, and that is closed before its token was judged, comes again", () =>
    Effect.gen(function* () {
      const client = yield* setUp
      const { states } = client
      let connection = yield* comesBack(client)
      refuse(connection, yield* request(connection), { _tag: "CredentialRefused", message: "used before" })
      yield* request(connection)
      connection.socket.close(CloseCode.SignedOut, "Sign in: nobody said who this is")
      expect(yield* untilStatus(states, "reconnecting")).toMatchObject({ code: CloseCode.SignedOut })
      yield* TestClock.adjust(500)
      connection = yield* client.server.next
      expect(credential(yield* request(connection))).toEqual({ _tag: "Token", token: "lzs_secret" })
    }).pipe(Effect.scoped)
  )

  it.effect("that is given no answer is given up after 10 s, and tried again", () =>
    Effect.gen(function* () {
      const { server, states } = yield* setUp
      yield* request(yield* server.next)
      yield* TestClock.adjust("10 seconds")
      expect(yield* untilStatus(states, "reconnecting")).toMatchObject({
        reason: "no answer to the connection attempt"
      })
    }).pipe(Effect.scoped)
  )

  it.effect("gives a server that answers as long again for its next answer: it is busy and not dead", () =>
    Effect.gen(function* () {
      const client = yield* setUp
      const { states } = client
      const connection = yield* comesBack(client)
      const ticket = yield* request(connection)
      yield* TestClock.adjust("8 seconds")
      refuse(connection, ticket, { _tag: "CredentialRefused", message: "used before" })
      const token = yield* request(connection)
      yield* TestClock.adjust("8 seconds")
      answer(connection, token, ada)
      const next = yield* Effect.raceFirst(untilStatus(states, "open"), untilStatus(states, "reconnecting"))
      expect(next.status).toBe("open")
    }).pipe(Effect.scoped)
  )

  it.effect("gives up a server that only says that it lives", () =>
    Effect.gen(function* () {
      const client = yield* setUp
      const connection = yield* comesBack(client)
      yield* request(connection)
      for (let second = 0; second < 10; second++) {
        connection.say('{"_tag":"Pong"}')
        yield* TestClock.adjust("1 second")
      }
      yield* untilStatus(client.states, "reconnecting")
    }).pipe(Effect.scoped)
  )
})

it.effect("a client without a token that is closed with 4401 before it has heard anything is signed out for good", () =>
  Effect.gen(function* () {
    const server = yield* makeBareWebSocketServer
    const client = yield* LZStockClient.make({ url: server.url })
    const connection = yield* server.next
    connection.socket.close(CloseCode.SignedOut, "Sign in: nobody said who this is")
    expect(yield* Effect.flip(client.status)).toMatchObject({ _tag: "NotSignedIn" })
    yield* TestClock.adjust("10 minutes")
    expect((yield* client.state).status).toBe("signed-out")
    expect(yield* server.pending).toBe(0)
  }).pipe(Effect.scoped)
)
