/** What a session's requests find once its cookie has been looked up. */
import { BlockList } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import { RecordingSocket } from "../../../test/support/RecordingSocket.ts"
import { ScriptedTickers } from "../../../test/support/ScriptedTickers.ts"
import { sessionNode, settle } from "../../../test/support/sessionNode.ts"
import { AuditLog } from "../../actors/investors/AuditLog.ts"
import { Credentials } from "../../actors/investors/Credentials.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { NotAllowed, type Principal } from "../../rpc/access.ts"
import { CredentialRefused } from "../../rpc/investors.ts"
import { Unavailable } from "../../rpc/market.ts"
import { CloseCode } from "../../rpc/sessions.ts"
import { Authenticator } from "./Authenticator.ts"
import { Operator } from "./Operator.ts"

type Answer = Effect.Effect<Principal, CredentialRefused | Unavailable>

const ada: Principal = { via: "cookie", investor: "ada", access: "account", grant: "g", expiresAt: null }
const nothing = { events: [], entries: [], before: null }

/** `answer`: what the store of sign-ins says in the end. */
const node = (answer: Deferred.Deferred<Answer>) => {
  const lookUp = () => Effect.flatten(Deferred.await(answer))
  const scripted = Layer.mergeAll(
    Layer.succeed(Credentials, {
      byCookie: lookUp,
      byToken: lookUp,
      byTicket: lookUp,
      ticketFor: () => Effect.succeed(undefined)
    }),
    Layer.succeed(Operator, { check: () => Effect.fail(new NotAllowed({ message: "no" })) }),
    Layer.succeed(AuditLog, {
      record: () => Effect.void,
      page: () => Effect.succeed(nothing),
      everything: () => Effect.succeed(nothing)
    })
  )
  return Authenticator.layer({ mode: "accounts", proxies: new BlockList(), sessionsPerInvestor: 1 }).pipe(
    Layer.provide(scripted),
    Layer.provideMerge(sessionNode(new ScriptedTickers(["AAPL"]), { visitors: { sessionsPerInvestor: 1 } }))
  )
}

/** What a request that came while the cookie was looked up finds: whose the session is, or that it is closed, with the code. */
const found = Effect.fnUntraced(function* (answered: Answer, others = 0) {
  const answer = yield* Deferred.make<Answer>()
  return yield* Effect.gen(function* () {
    const sessions = yield* SessionActors
    const authenticator = yield* Authenticator
    const arrive = () => {
      const socket = new RecordingSocket()
      const inbox = sessions.open(
        { address: "192.0.2.1", principal: null },
        socket,
        () => Effect.void,
        () => {}
      )
      return typeof inbox === "string" ? assert.fail(inbox) : { socket, session: inbox.session }
    }
    for (let n = 0; n < others; n++) sessions.identify(arrive().session, ada)
    const { session, socket } = arrive()
    yield* Effect.forkChild(authenticator.showCookie(session, "cookie"), { startImmediately: true })
    const request = yield* Effect.forkChild(
      Effect.gen(function* () {
        if (session.identifying !== null) yield* Deferred.await(session.identifying)
        return session.isOpen ? (session.principal?.investor ?? "nobody") : `closed ${socket.closedWith}`
      }),
      { startImmediately: true }
    )
    yield* Deferred.succeed(answer, answered)
    yield* settle
    return request.pollUnsafe()
  }).pipe(Effect.provide(node(answer)))
})

const unavailable = new Unavailable({ what: "sign-ins", retryAfterMillis: 1, message: "away" })

describe("a cookie that is looked up", () => {
  it.effect("is somebody's: requests that waited go on", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* found(Effect.succeed(ada)), yield* Effect.exit(Effect.succeed("ada")))
    })
  )

  it.effect(
    "is nobody's, or cannot be looked up: the session is closed before anybody who waited is told to sign in",
    () =>
      Effect.gen(function* () {
        const closed = (code: number) => Effect.exit(Effect.succeed(`closed ${code}`))
        const refused = Effect.fail(new CredentialRefused({ message: "no" }))
        assert.deepEqual(yield* found(refused), yield* closed(CloseCode.SignedOut))
        assert.deepEqual(yield* found(Effect.fail(unavailable)), yield* closed(CloseCode.TryAgainLater))
        assert.deepEqual(yield* found(Effect.die("a defect")), yield* closed(CloseCode.TryAgainLater))
        assert.deepEqual(yield* found(Effect.succeed(ada), 1), yield* closed(CloseCode.TryAgainLater))
      })
  )
})
