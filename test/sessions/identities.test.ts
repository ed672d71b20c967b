/** Whose sessions are whose on a node: strangers, limits, and what ends with a sign-in. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { Identities, type Visitor } from "../../src/actors/sessions/Identities.ts"
import { SessionActors } from "../../src/actors/sessions/SessionActors.ts"
import type { Principal } from "../../src/rpc/access.ts"
import { CloseCode } from "../../src/rpc/sessions.ts"
import { type Revoked, revokedTopic } from "../../src/rpc/topics.ts"
import { RecordingSocket } from "../support/RecordingSocket.ts"
import { ScriptedTickers } from "../support/ScriptedTickers.ts"
import { localVisitor, type SessionNodeOptions, sessionNode, settle } from "../support/sessionNode.ts"

const stranger: Visitor = { address: "192.0.2.1", principal: null }
const of = (investor: string, grant: string | null = `${investor}-1`): Principal => ({
  via: "cookie",
  investor,
  access: "account",
  grant,
  since: 0,
  expiresAt: null
})

const arrive = Effect.fnUntraced(function* (visitor: Visitor) {
  const sessions = yield* SessionActors
  const socket = new RecordingSocket()
  const inbox = sessions.open(
    visitor,
    socket,
    () => Effect.void,
    () => {}
  )
  yield* settle
  if (typeof inbox === "string") return yield* Effect.die(new Error(inbox))
  return { socket, ...inbox }
})
const refusal = Effect.fnUntraced(function* (visitor: Visitor) {
  return (yield* SessionActors).refusal(visitor)
})
const node = (options: SessionNodeOptions = {}) => sessionNode(new ScriptedTickers(["AAPL"]), options)
const revoke = Effect.fnUntraced(function* (investor: string, what: Revoked["what"], at = 1) {
  yield* (yield* Bus).publish(revokedTopic, { investor, at, what })
  // time for the answer to whoever asked for it
  yield* TestClock.adjust(30)
})

describe("a stranger", () => {
  it.effect("is closed after five seconds, to the second, and not when they have said who they are", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      const gauges = yield* Gauges
      const silent = yield* arrive(stranger)
      const known = yield* arrive(stranger)
      assert.strictEqual(gauges.get("strangers_active"), 2)
      yield* TestClock.adjust(4_900)
      assert.strictEqual(sessions.identify(known.session, of("ada")), "ok")
      assert.isUndefined(silent.socket.closedWith)
      yield* TestClock.adjust(200)
      assert.strictEqual(silent.socket.closedWith, CloseCode.SignedOut)
      assert.isUndefined(known.socket.closedWith)
      silent.closed()
      yield* settle
      assert.strictEqual(gauges.get("strangers_active"), 0)
      known.closed()
      yield* settle
      assert.strictEqual(gauges.get("sessions_active"), 0)
    }).pipe(Effect.provide(node({ policy: { pingAfterMillis: 60_000 } })))
  )

  it.effect("finds room as long as there are few; those who are known take none of it", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      const first = yield* arrive(stranger)
      yield* arrive({ ...stranger, address: "192.0.2.2" })
      assert.strictEqual(yield* refusal({ ...stranger, address: "192.0.2.3" }), "strangers")
      // one whose own machine it is comes in all the same
      yield* arrive(localVisitor)
      sessions.identify(first.session, of("ada"))
      yield* arrive({ ...stranger, address: "192.0.2.3" })
      assert.strictEqual(yield* refusal({ ...stranger, address: "192.0.2.4" }), "strangers")
    }).pipe(Effect.provide(node({ visitors: { strangers: 2 } })))
  )

  it.effect("may ask little: a flood closes a stranger long before it would close who is known", () =>
    Effect.gen(function* () {
      const { session } = yield* arrive(stranger)
      let asked = 0
      while (session.charge(1)) asked++
      assert.strictEqual(asked, 10)
    }).pipe(Effect.provide(node()))
  )
})

describe("who it is", () => {
  it.effect("is waited for a little by requests; looked up for too long it may come again, it is not signed out", () =>
    Effect.gen(function* () {
      const { session, socket } = yield* arrive(stranger)
      session.identifying = Deferred.makeUnsafe<void>()
      yield* TestClock.adjust(5_100)
      assert.strictEqual(socket.closedWith, CloseCode.TryAgainLater)
    }).pipe(Effect.provide(node({ policy: { pingAfterMillis: 60_000 } })))
  )
})

describe("limits", () => {
  it.effect("of an address count every session from it, known or not, and give back what leaves", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      const one = yield* arrive(stranger)
      const two = yield* arrive(stranger)
      sessions.identify(two.session, of("ada"))
      assert.strictEqual(yield* refusal(stranger), "address")
      assert.isUndefined(yield* refusal({ ...stranger, address: "192.0.2.2" }))
      // who was not counted when they came takes nothing away when they go, whoever they are by then
      const local = yield* arrive({ ...localVisitor, address: stranger.address })
      sessions.identify(local.session, { ...of("operator", null), via: "operator" })
      local.closed()
      yield* settle
      assert.strictEqual(yield* refusal(stranger), "address")
      one.closed()
      yield* settle
      assert.isUndefined(yield* refusal(stranger))
    }).pipe(Effect.provide(node({ visitors: { sessionsPerAddress: 2 } })))
  )

  it.effect("of an investor count theirs alone, wherever from; the local one has none", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      const identify = Effect.fnUntraced(function* (investor: string) {
        return sessions.identify((yield* arrive(stranger)).session, of(investor))
      })
      assert.deepStrictEqual(yield* Effect.forEach(["ada", "ada", "ada", "eve"], identify), [
        "ok",
        "ok",
        "too-many",
        "ok"
      ])
      for (let i = 0; i < 5; i++) yield* arrive(localVisitor)
      // who says so again takes no more room
      const again = yield* arrive(stranger)
      for (let i = 0; i < 3; i++) assert.strictEqual(sessions.identify(again.session, of("eve", `e${i}`)), "ok")
    }).pipe(Effect.provide(node({ visitors: { sessionsPerInvestor: 2 } })))
  )
})

describe("a sign-in is connected", () => {
  it.effect("while it has a session here, or another node has seen it since", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      const isConnected = (seenMillis: number) => sessions.isConnected("ada", "a1", seenMillis)
      assert.isFalse(isConnected(Number.POSITIVE_INFINITY))
      const { closed, session } = yield* arrive(stranger)
      sessions.identify(session, of("ada", "a1"))
      assert.isTrue(isConnected(Number.POSITIVE_INFINITY))
      assert.isFalse(sessions.isConnected("eve", "a1", Number.POSITIVE_INFINITY))
      closed()
      yield* settle
      yield* TestClock.adjust("20 seconds")
      // that was this node
      assert.isFalse(isConnected(30_000))
      assert.isTrue(isConnected(10_000))
      yield* TestClock.adjust("2 minutes")
      // each node looks once a minute
      assert.isTrue(isConnected(60_000))
      assert.isFalse(isConnected(80_000))
    }).pipe(Effect.provide(node({ policy: { pingAfterMillis: 600_000 } })))
  )
})

describe("what ends", () => {
  it.effect("closes the sessions that stand on it, and nobody else's", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      const known = Effect.fnUntraced(function* (principal: Principal) {
        const arrived = yield* arrive(stranger)
        assert.strictEqual(sessions.identify(arrived.session, principal), "ok")
        return arrived.socket
      })
      const first = yield* known(of("ada", "a1"))
      const alike = yield* known(of("ada", "a1"))
      const second = yield* known(of("ada", "a2"))
      const eve = yield* known(of("eve", "e1"))
      const local = (yield* arrive(localVisitor)).socket
      yield* revoke("ada", ["a1"])
      assert.deepStrictEqual([first.closedWith, alike.closedWith], [CloseCode.SignedOut, CloseCode.SignedOut])
      // ids of another's are none of theirs
      yield* revoke("ada", ["e1"])
      assert.deepStrictEqual([second.closedWith, eve.closedWith, local.closedWith], [undefined, undefined, undefined])
      yield* revoke("ada", "everything")
      assert.strictEqual(second.closedWith, CloseCode.SignedOut)
      assert.deepStrictEqual([eve.closedWith, local.closedWith], [undefined, undefined])
      sessions.signOut(new Set(["e1"]))
      assert.isUndefined(eve.closedWith)
      yield* TestClock.adjust(30)
      assert.strictEqual(eve.closedWith, CloseCode.SignedOut)
    }).pipe(Effect.scoped, Effect.provide(node()))
  )

  it.effect("closes its session once what it asked last is answered, or after half a second", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      const asking = Effect.fnUntraced(function* (grant: string, answer: Effect.Effect<void>) {
        const { session, socket } = yield* arrive(stranger)
        sessions.identify(session, of("ada", grant))
        yield* Effect.forkChild(session.asks(answer))
        yield* settle
        return socket
      })
      const answer = yield* Deferred.make<void>()
      const answered = yield* asking("a1", Deferred.await(answer))
      const waiting = yield* asking("a2", Effect.never)
      sessions.signOut(new Set(["a1", "a2"]))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual([answered.closedWith, waiting.closedWith], [undefined, undefined])
      yield* Deferred.succeed(answer, undefined)
      yield* settle
      // the answer itself is to go out first
      assert.isUndefined(answered.closedWith)
      yield* TestClock.adjust(50)
      assert.deepStrictEqual([answered.closedWith, waiting.closedWith], [CloseCode.SignedOut, undefined])
      yield* TestClock.adjust(400)
      assert.strictEqual(waiting.closedWith, CloseCode.SignedOut)
    }).pipe(Effect.scoped, Effect.provide(node()))
  )

  it.effect("in the moment in which it was shown is refused, for a minute", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      // the store was read before it ended, the session is told after
      yield* revoke("ada", ["a1"])
      yield* revoke("eve", "everything")
      const { session } = yield* arrive(stranger)
      assert.strictEqual(sessions.identify(session, of("ada", "a1")), "revoked")
      assert.strictEqual(sessions.identify(session, of("eve", "e9")), "revoked")
      assert.isNull(session.principal)
      // what began after it is not meant
      assert.strictEqual(sessions.identify((yield* arrive(stranger)).session, { ...of("eve", "e10"), since: 1 }), "ok")
      yield* revoke("bob", "browsers")
      const program = { ...of("bob", "b1"), via: "token" } as const
      assert.strictEqual(sessions.identify((yield* arrive(stranger)).session, program), "ok")
      assert.strictEqual(sessions.identify((yield* arrive(stranger)).session, of("bob", "b2")), "revoked")
      assert.strictEqual(sessions.identify(session, of("ada", "a2")), "ok")
      yield* TestClock.adjust("1 minute")
      const later = yield* arrive(stranger)
      assert.strictEqual(sessions.identify(later.session, of("eve", "e9")), "ok")
    }).pipe(Effect.scoped, Effect.provide(node({ policy: { identifyMillis: 600_000 } })))
  )

  it.effect("is told by grant: what is standing on what", () =>
    Effect.gen(function* () {
      const sessions = yield* SessionActors
      sessions.identify((yield* arrive(stranger)).session, of("ada", "a1"))
      sessions.identify((yield* arrive(stranger)).session, { ...of("ada", "t1"), via: "token" })
      yield* arrive(localVisitor)
      assert.deepStrictEqual(
        Array.from(sessions.grants(), ([id, { via }]) => [id, via]),
        [
          ["a1", "cookie"],
          ["t1", "token"]
        ]
      )
    }).pipe(Effect.provide(node()))
  )
})

describe("the register", () => {
  const names = ["ada", "eve", "bob"]
  type Step =
    | { readonly do: "come"; readonly who: number | null }
    | { readonly do: "identify" | "go"; readonly which: number; readonly who: number }
    | { readonly do: "revoke"; readonly who: number }
  const index = fc.nat(2)
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant("come" as const), who: fc.option(index) }),
    fc.record({ do: fc.constantFrom("identify" as const, "go" as const), which: fc.nat(30), who: index }),
    fc.record({ do: fc.constant("revoke" as const), who: index })
  )

  it.effect("counts as many as there are, whatever happens in which order, and in the end nobody", () =>
    Effect.gen(function* () {
      const arrived = yield* Effect.forEach(Array.from({ length: 40 }), () => arrive(stranger))
      const sessions = arrived.map(({ session }) => session)
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          let strangers = 0
          const identities = new Identities(
            { sessionsPerInvestor: 3, sessionsPerAddress: 4, strangers: 5 },
            (_, delta) => (strangers += delta)
          )
          let now = 0
          const here = new Set<(typeof sessions)[number]>()
          const free = Array.from(sessions)
          const go = (session: (typeof sessions)[number]) => {
            identities.gone(session, now)
            session.principal = null
            here.delete(session)
          }
          for (const one of steps) {
            now += 100
            const name = names[one.do === "come" ? (one.who ?? 0) : one.who] ?? ""
            if (one.do === "come") {
              const session = free.pop()
              const principal = one.who === null ? null : of(name)
              // all of them have one address
              if (session === undefined || identities.refusal({ address: session.address, principal })) continue
              identities.came(session, principal)
              here.add(session)
            } else if (one.do === "revoke") {
              const ended = identities.revoke({ investor: name, at: 1, what: "everything" }, now)
              assert.sameMembers(
                Array.from(ended),
                Array.from(here).filter(({ principal }) => principal?.investor === name)
              )
              for (const session of ended) go(session)
            } else {
              const session = Array.from(here)[one.which % Math.max(1, here.size)]
              if (session === undefined) continue
              if (one.do === "go") go(session)
              else identities.identify(session, of(name), now)
            }
            assert.strictEqual(strangers, Array.from(here).filter(({ principal }) => principal === null).length)
            assert.isAtMost(here.size, 4)
          }
          for (const session of Array.from(here)) go(session)
          assert.strictEqual(strangers, 0)
          assert.strictEqual(identities.grants().size, 0)
          assert.isUndefined(identities.refusal(stranger))
        })
      )
    }).pipe(Effect.provide(node()))
  )
})
