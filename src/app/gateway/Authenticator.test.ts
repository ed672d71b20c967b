/** What a session's requests find once its cookie has been looked up. */
import { BlockList } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { Rpc, RpcClient, RpcGroup, RpcServer } from "effect/rpc"
import { RecordingSocket } from "../../../test/support/RecordingSocket.ts"
import { ScriptedTickers } from "../../../test/support/ScriptedTickers.ts"
import { sessionNode, settle } from "../../../test/support/sessionNode.ts"
import { AuditLog } from "../../actors/investors/AuditLog.ts"
import { Credentials } from "../../actors/investors/Credentials.ts"
import { SessionActors } from "../../actors/sessions/SessionActors.ts"
import { Authorised, Caller, Needs, NotAllowed, type Principal } from "../../rpc/access.ts"
import { type Credential, CredentialRefused } from "../../rpc/investors.ts"
import { Unavailable } from "../../rpc/market.ts"
import { CloseCode } from "../../rpc/sessions.ts"
import { Authenticator } from "./Authenticator.ts"
import { layerAuthorised } from "./Authorisation.ts"
import { Operator } from "./Operator.ts"

type Answer = Effect.Effect<Principal, CredentialRefused | Unavailable>

const ada: Principal = { via: "cookie", investor: "ada", access: "account", grant: "g", since: 0, expiresAt: null }

/** Whoever is let in is told who asked. */
const Asked = RpcGroup.make(Rpc.make("WhoAsks", { success: Schema.String }).annotate(Needs, "read")).middleware(
  Authorised
)
const asked = Asked.toLayer({ WhoAsks: () => Effect.map(Caller, ({ investor }) => investor) })

/** A client of the server that runs `Asked`, as the session with this id. */
const clientOf = Effect.fnUntraced(function* (session: number) {
  const server = yield* RpcServer.makeNoSerialization(Asked, {
    onFromServer: (answer): Effect.Effect<void> => client.write(answer)
  })
  const client = yield* RpcClient.makeNoSerialization(Asked, {
    supportsAck: true,
    onFromClient: ({ message }) => server.write(session, message)
  })
  return client.client
})

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
    Layer.merge(Layer.merge(layerAuthorised, asked)),
    Layer.provide(scripted),
    Layer.provideMerge(sessionNode(new ScriptedTickers(["AAPL"]), { visitors: { sessionsPerInvestor: 1 } }))
  )
}

/** Null: nothing was said, because the request was given up. */
const told = (exit: Exit.Exit<string, unknown>): string | null => {
  if (Exit.isSuccess(exit)) return exit.value
  return Cause.hasInterruptsOnly(exit.cause) ? null : Cause.pretty(exit.cause)
}

/** What a request that came while the cookie was looked up is answered, and what its session was closed with. */
const found = Effect.fnUntraced(function* (answered: Answer, others = 0, meanwhile?: Credential) {
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
    if (meanwhile !== undefined) {
      yield* Effect.forkChild(Effect.exit(authenticator.show(session, meanwhile)), { startImmediately: true })
      yield* settle
    }
    const client = yield* clientOf(session.id)
    const request = yield* Effect.forkChild(Effect.exit(client.WhoAsks()), { startImmediately: true })
    yield* settle
    assert.isUndefined(request.pollUnsafe())
    yield* Deferred.succeed(answer, answered)
    const exit = yield* Fiber.join(request)
    return { answer: told(exit), closedWith: socket.closedWith }
  }).pipe(Effect.scoped, Effect.provide(node(answer)))
})

const unavailable = new Unavailable({ what: "sign-ins", retryAfterMillis: 1, message: "away" })

describe("a cookie that is looked up", () => {
  it.effect("is somebody's: requests that waited go on", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* found(Effect.succeed(ada)), { answer: "ada", closedWith: undefined })
    })
  )

  it.effect("is not overtaken by a token that is shown meanwhile, a wrong one at that", () =>
    Effect.gen(function* () {
      const token = { _tag: "Token", token: "wrong" } as const
      assert.deepEqual(yield* found(Effect.succeed(ada), 0, token), { answer: "ada", closedWith: undefined })
    })
  )

  it.effect(
    "is nobody's, or cannot be looked up: the session is closed, and nobody who waited is told to sign in",
    () =>
      Effect.gen(function* () {
        const closed = (code: CloseCode) => ({ answer: null, closedWith: code })
        const refused = Effect.fail(new CredentialRefused({ message: "no" }))
        assert.deepEqual(yield* found(refused), closed(CloseCode.SignedOut))
        assert.deepEqual(yield* found(Effect.fail(unavailable)), closed(CloseCode.TryAgainLater))
        assert.deepEqual(yield* found(Effect.die("a defect")), closed(CloseCode.TryAgainLater))
        assert.deepEqual(yield* found(Effect.succeed(ada), 1), closed(CloseCode.TryAgainLater))
      })
  )
})
