/** What ends, ends: with the store of sign-ins away, with a caller who hangs up, and where nobody was told. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { Accounts } from "../../src/actors/investors/Accounts.ts"
import { ApiTokens } from "../../src/actors/investors/ApiTokens.ts"
import { Credentials, hashSecret, mintToken } from "../../src/actors/investors/Credentials.ts"
import { Investors } from "../../src/actors/investors/Investors.ts"
import { SignIns } from "../../src/actors/investors/SignIns.ts"
import { SessionActors } from "../../src/actors/sessions/SessionActors.ts"
import { makeAccountOperations } from "../../src/app/gateway/accountOperations.ts"
import { layerPresence } from "../../src/app/gateway/Presence.ts"
import type { Principal } from "../../src/rpc/access.ts"
import { Unavailable } from "../../src/rpc/market.ts"
import { CloseCode } from "../../src/rpc/sessions.ts"
import { DAY, makeAccounts } from "../support/investors.ts"
import { RecordingSocket } from "../support/RecordingSocket.ts"
import { ScriptedTickers } from "../support/ScriptedTickers.ts"
import { sessionLayers, settle } from "../support/sessionNode.ts"

const accounts = makeAccounts()
const home = { address: "192.0.2.1", userAgent: "curl/8" }
const ada = { email: "ada@example.com", password: "correct battery horse" }

/** Says no to whatever ends something, while it is away. */
class Away {
  isAway = false
  readonly layer = Layer.effect(
    SignIns,
    Effect.map(SignIns, (store) => {
      const when = <A>(ask: Effect.Effect<A, Unavailable>) =>
        Effect.suspend(() =>
          this.isAway ? Effect.fail(new Unavailable({ what: "sign-ins", retryAfterMillis: 1, message: "away" })) : ask
        )
      return SignIns.of({
        ...store,
        end: (investor, id) => when(store.end(investor, id)),
        endAll: (investor, options) => when(store.endAll(investor, options))
      })
    })
  )
}

/** Retries of the store are given their time. */
const within = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  while (fiber.pollUnsafe() === undefined) {
    // the database too goes by this clock: it is not to think that it had no answer for long
    for (let turn = 0; turn < 100; turn++) yield* Effect.promise(() => new Promise((done) => setImmediate(done)))
    yield* TestClock.adjust("100 millis")
  }
  return yield* Fiber.join(fiber)
})

const signedUp = Effect.gen(function* () {
  const { cookie, investor } = yield* (yield* Investors).signUp(ada, home)
  const principal = yield* (yield* Credentials).byCookie(cookie)
  yield* TestClock.adjust("1 second")
  return { cookie, investor: investor.id, principal }
})
const token = Effect.fnUntraced(function* (investor: string) {
  const { id, secret, text } = mintToken()
  const made = {
    id,
    investor,
    name: "script",
    access: "write",
    createdAt: 500,
    expiresAt: 365 * DAY,
    lastUsedAt: null,
    secretHash: hashSecret(secret)
  } as const
  yield* (yield* ApiTokens).create(made, 50, 0)
  return { id, text }
})

const session = Effect.fnUntraced(function* (principal: Principal) {
  const sessions = yield* SessionActors
  const socket = new RecordingSocket()
  const inbox = sessions.open(
    { address: "192.0.2.1", principal: null },
    socket,
    () => Effect.void,
    () => {}
  )
  if (typeof inbox === "string") return yield* Effect.die(new Error(inbox))
  yield* settle
  assert.strictEqual(sessions.identify(inbox.session, principal), "ok")
  return socket
})

/** Sessions, and the look at what they stand on once a minute. */
const node = (away: Away) =>
  layerPresence({ idleMillis: 30 * DAY }).pipe(
    Layer.provideMerge(sessionLayers({ policy: { pingAfterMillis: 86_400_000 } })),
    Layer.provide(new ScriptedTickers(["AAPL"]).layer),
    Layer.provideMerge(accounts(away.layer))
  )

/** The next look, or the one after it, has seen to it. A look takes real time, of which this clock knows nothing. */
const soonRefused = Effect.fnUntraced(function* <A, E extends { readonly _tag: string }>(shown: Effect.Effect<A, E>) {
  yield* TestClock.adjust("1 minute")
  for (let turn = 1; ; turn++) {
    const answer = yield* Effect.result(shown)
    if (Result.isFailure(answer)) return assert.strictEqual(answer.failure._tag, "CredentialRefused")
    if (turn % 50 === 0) yield* TestClock.adjust("1 second")
  }
})

describe("with the store of sign-ins away", () => {
  it.effect(
    "a changed password ends other browsers all the same: where they stand at once, in the store with the next look",
    () => {
      const away = new Away()
      return Effect.gen(function* () {
        const investors = yield* Investors
        const credentials = yield* Credentials
        const { cookie, principal } = yield* signedUp
        const socket = yield* session(principal)
        away.isAway = true
        const request = { current: ada.password, next: "something else entirely" }
        const { cookie: next } = yield* within(investors.changePassword(principal, request, home))
        yield* TestClock.adjust(50)
        assert.strictEqual(socket.closedWith, CloseCode.SignedOut)
        // the store still has it: but it opens no account
        assert.strictEqual((yield* credentials.byCookie(cookie)).grant, principal.grant)
        assert.isUndefined(yield* investors.investor(principal))
        assert.strictEqual(
          (yield* Effect.flip(investors.remove(principal, "something else entirely", home)))._tag,
          "NotSignedIn"
        )
        away.isAway = false
        yield* soonRefused(credentials.byCookie(cookie))
        yield* credentials.byCookie(next)
      }).pipe(Effect.provide(node(away)))
    }
  )

  it.effect("a revoked token's tickets end with the next look, and its row is gone at once", () => {
    const away = new Away()
    return Effect.gen(function* () {
      const credentials = yield* Credentials
      const { investor } = yield* signedUp
      const { id, text } = yield* token(investor)
      const principal = yield* credentials.byToken(text, "a")
      const ticket = yield* credentials.ticketFor(principal)
      // as if the store had not been told
      yield* (yield* ApiTokens).revoke(investor, id)
      const thief = yield* session(yield* credentials.byTicket(ticket?.ticket ?? "", "a"))
      const another = Effect.flatMap(credentials.ticketFor(principal), (next) =>
        credentials.byTicket(next?.ticket ?? "", "a")
      )
      yield* soonRefused(another)
      yield* TestClock.adjust(50)
      assert.strictEqual(thief.closedWith, CloseCode.SignedOut)
    }).pipe(Effect.provide(node(away)))
  })

  it.effect("a deleted account's cookie opens nothing, and goes with the next look", () => {
    const away = new Away()
    return Effect.gen(function* () {
      const investors = yield* Investors
      const credentials = yield* Credentials
      const signIns = yield* SignIns
      const { cookie, principal } = yield* signedUp
      const kept = yield* signIns.find(principal.grant ?? "", 0)
      if (kept === undefined) return assert.fail("not signed in")
      away.isAway = true
      yield* within(investors.remove(principal, ada.password, home))
      away.isAway = false
      // a store that is not the database has it still
      yield* signIns.put(kept)
      assert.isUndefined(yield* investors.investor(principal))
      yield* TestClock.adjust("2 minutes")
      const back = yield* session(yield* credentials.byCookie(cookie))
      yield* soonRefused(credentials.byCookie(cookie))
      yield* TestClock.adjust(50)
      assert.strictEqual(back.closedWith, CloseCode.SignedOut)
    }).pipe(Effect.provide(node(away)))
  })
})

describe("who hangs up in the middle", () => {
  it.effect("has changed the password and signed out the others, or neither", () => {
    const away = new Away()
    return Effect.gen(function* () {
      const reached = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const store = yield* Accounts
      const slow = Layer.succeed(Accounts, {
        ...store,
        changePassword: (...change) =>
          store
            .changePassword(...change)
            .pipe(Effect.tap(Deferred.succeed(reached, undefined)), Effect.tap(Deferred.await(goOn)))
      })
      const { cookie, principal } = yield* signedUp
      const change = yield* Effect.gen(function* () {
        const investors = yield* Investors
        const request = { current: ada.password, next: "something else entirely" }
        return yield* Effect.forkChild(investors.changePassword(principal, request, home), { startImmediately: true })
      }).pipe(
        Effect.provide(
          Investors.layer({ passwords: { minLength: 12 }, idleMillis: DAY, attempts: 10 }).pipe(Layer.provide(slow))
        )
      )
      yield* Deferred.await(reached)
      const gone = yield* Effect.forkChild(Fiber.interrupt(change), { startImmediately: true })
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(gone)
      assert.strictEqual((yield* Effect.flip((yield* Credentials).byCookie(cookie)))._tag, "CredentialRefused")
      yield* (yield* Investors).signIn({ ...ada, password: "something else entirely" }, home, null)
    }).pipe(Effect.provide(node(away)))
  })
})

describe("a ban", () => {
  it.effect("leaves no token, however many are made in that moment, and none is made after", () => {
    const away = new Away()
    return Effect.gen(function* () {
      const { investor } = yield* signedUp
      const operations = yield* makeAccountOperations
      const making = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 30 }), () => Effect.exit(token(investor)), { concurrency: 3 }),
        { startImmediately: true }
      )
      const facts = yield* operations.setBan(ada.email, true, null)
      yield* Fiber.join(making)
      assert.deepInclude(facts, { tokens: 0, browsers: 0 })
      assert.deepStrictEqual(yield* (yield* ApiTokens).list(investor, 1_000), [])
      assert.strictEqual((yield* Effect.flip(token(investor)))._tag, "NotSignedIn")
      yield* operations.setBan(ada.email, false, null)
      // signed out before: what a socket of then makes is nothing either
      assert.strictEqual((yield* Effect.flip(token(investor)))._tag, "NotSignedIn")
    }).pipe(Effect.provide(node(away)))
  })
})
