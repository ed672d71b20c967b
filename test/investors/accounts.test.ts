/** Accounts as their owners, and others, use them: over a real embedded database. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { AuditLog } from "../../src/actors/investors/AuditLog.ts"
import { Credentials } from "../../src/actors/investors/Credentials.ts"
import { type Browser, Investors } from "../../src/actors/investors/Investors.ts"
import { SignIns } from "../../src/actors/investors/SignIns.ts"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { ATTEMPTS_OF_ACCOUNT } from "../../src/rpc/investors.ts"
import { type Revoked, revokedTopic } from "../../src/rpc/topics.ts"
import { DAY, eventsOf, makeAccounts } from "../support/investors.ts"

const accounts = makeAccounts()
const at = (address: string): Browser => ({ address, userAgent: "curl/8" })
const home = at("192.0.2.1")
const ada = { email: "Ada@Example.com ", password: "correct battery horse" }
const eve = { email: "eve@example.com", password: "purple monkey dishwasher" }

const revocations = Effect.gen(function* () {
  const said: Array<Revoked> = []
  yield* (yield* Bus).subscribe(revokedTopic, (message) => void said.push(message))
  return said
})
const tag = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => error._tag)

describe("an account", () => {
  it.effect("is signed up for once, whatever the e-mail address looks like, and tells so in the outbox", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const sql = yield* SqlClient.SqlClient
      const { cookie, endsAt, investor } = yield* investors.signUp(ada, home)
      assert.strictEqual(investor.email, "ada@example.com")
      assert.strictEqual(endsAt, 90 * DAY)
      assert.deepInclude(yield* (yield* Credentials).byCookie(cookie), {
        via: "cookie",
        investor: investor.id,
        access: "account"
      })
      for (const email of ["ada@example.com", "ADA@EXAMPLE.COM", "\u00a0ada@example.com", "ａda@example.com"]) {
        assert.strictEqual(yield* tag(investors.signUp({ ...eve, email }, home)), "EmailTaken")
      }
      const events = yield* sql<{ readonly body: unknown }>`SELECT body FROM outbox`
      assert.deepStrictEqual(
        events.map(({ body }) => body),
        [{ _tag: "investor.signed_up", investor: investor.id }]
      )
      const [stored] = yield* sql<{ readonly hash: string }>`SELECT password_hash AS hash FROM investors`
      assert.match(stored?.hash ?? "", /^\$argon2id\$/)
    }).pipe(Effect.scoped, Effect.provide(accounts()))
  )

  it.effect("is made by an operator without a sign-in, with a password of its own or a random one", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const signIns = yield* SignIns
      const { investor, password } = yield* investors.add({ email: ada.email, password: null }, "192.0.2.9")
      assert.deepStrictEqual(yield* signIns.list(investor.id, 0), [])
      assert.deepStrictEqual(yield* eventsOf(investor.id, 1), ["account-added done"])
      yield* investors.signIn({ email: ada.email, password }, home, null)
      assert.strictEqual((yield* investors.add(eve, null)).password, eve.password)
      yield* investors.signIn(eve, home, null)
      for (const [email, chosen, refusal] of [
        [ada.email, null, "EmailTaken"],
        ["ada", null, "InvalidRequest"],
        ["bob@example.com", "short", "WeakPassword"]
      ] as const) {
        assert.strictEqual(yield* tag(investors.add({ email, password: chosen }, null)), refusal)
      }
    }).pipe(Effect.provide(accounts()))
  )

  it.effect("is refused with the field that is wrong, before anything is hashed", () =>
    Effect.gen(function* () {
      const { signUp } = yield* Investors
      const gauges = yield* Gauges
      const hashes = gauges.get("password_hashes_total")
      for (const email of [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "a b@example.com",
        "a\0b@example.com",
        "a\ud800@example.com",
        `${"a".repeat(250)}@b.cd`
      ]) {
        const error = yield* Effect.flip(signUp({ ...ada, email }, home))
        assert.deepInclude(error, { _tag: "InvalidRequest", field: "email" })
      }
      for (const password of ["short", "aaaaaaaaaaaaaaaa", "ada@example.com!"]) {
        assert.strictEqual(yield* tag(signUp({ ...ada, password }, home)), "WeakPassword")
      }
      assert.strictEqual(gauges.get("password_hashes_total"), hashes)
    }).pipe(Effect.provide(accounts()))
  )

  it.effect(
    "answers the same to a wrong password as to nobody's, at the same cost, and notes only what is somebody's",
    () =>
      Effect.gen(function* () {
        const investors = yield* Investors
        const gauges = yield* Gauges
        const { investor } = yield* investors.signUp(ada, home)
        const cost = Effect.fnUntraced(function* (email: string) {
          const before = gauges.get("password_hashes_total")
          const error = yield* Effect.flip(investors.signIn({ email, password: "wrong wrong wrong" }, home, null))
          return { error, hashes: gauges.get("password_hashes_total") - before }
        })
        const wrong = yield* cost(ada.email)
        const nobody = yield* cost("nobody@example.com")
        assert.strictEqual(wrong.error._tag, "SignInRefused")
        assert.deepStrictEqual(
          [nobody.error._tag, nobody.error.message, nobody.hashes],
          [wrong.error._tag, wrong.error.message, wrong.hashes]
        )
        assert.deepStrictEqual(yield* eventsOf(investor.id, 2), ["sign-in-refused refused", "signed-up done"])
      }).pipe(Effect.provide(accounts()))
  )

  it.effect("gives a new cookie at each sign-in and ends the one that the browser had: nobody can plant one", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const credentials = yield* Credentials
      const said = yield* revocations
      const first = yield* investors.signUp(ada, home)
      const planted = yield* investors.signUp(eve, home)
      const second = yield* investors.signIn(ada, home, planted.cookie)
      assert.notStrictEqual(second.cookie, first.cookie)
      assert.strictEqual(yield* tag(credentials.byCookie(planted.cookie)), "CredentialRefused")
      assert.strictEqual((yield* credentials.byCookie(first.cookie)).investor, second.investor.id)
      assert.deepStrictEqual(
        said.map(({ investor }) => investor),
        [planted.investor.id]
      )
      // a refused one ends nothing
      yield* Effect.flip(investors.signIn({ ...ada, password: "wrong wrong wrong" }, home, second.cookie))
      yield* credentials.byCookie(second.cookie)
    }).pipe(Effect.scoped, Effect.provide(accounts()))
  )

  it.effect("is signed out of by its cookie alone, and sockets are told", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const credentials = yield* Credentials
      const said = yield* revocations
      const { cookie, investor } = yield* investors.signUp(ada, home)
      const other = yield* investors.signIn(ada, at("192.0.2.2"), null)
      const [id = ""] = cookie.split(".")
      for (const wrong of ["", "x", `${id}.${"A".repeat(43)}`, id, `${cookie}x`]) yield* investors.signOut(wrong, home)
      yield* credentials.byCookie(cookie)
      assert.deepStrictEqual(said, [])
      yield* investors.signOut(cookie, home)
      assert.strictEqual(yield* tag(credentials.byCookie(cookie)), "CredentialRefused")
      yield* credentials.byCookie(other.cookie)
      assert.deepStrictEqual(said, [{ investor: investor.id, at: 0, what: [id], why: "signed-out" }])
    }).pipe(Effect.scoped, Effect.provide(accounts()))
  )

  it.effect("stays signed in while it is used, and not for ever", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const credentials = yield* Credentials
      const signIns = yield* SignIns
      const { cookie } = yield* investors.signUp(ada, home)
      const [id = ""] = cookie.split(".")
      for (let day = 0; day < 84; day += 28) {
        yield* TestClock.adjust("28 days")
        yield* credentials.byCookie(cookie)
        yield* signIns.seen([id], (day + 28) * DAY, 30 * DAY)
      }
      yield* TestClock.adjust("6 days")
      assert.strictEqual(yield* tag(credentials.byCookie(cookie)), "CredentialRefused")
      const { cookie: unused } = yield* investors.signIn(ada, home, null)
      yield* TestClock.adjust("30 days")
      assert.strictEqual(yield* tag(credentials.byCookie(unused)), "CredentialRefused")
    }).pipe(Effect.provide(accounts()))
  )

  it.effect("changes its password only with the present one; every other browser is out, tokens stay", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const credentials = yield* Credentials
      const { cookie, investor } = yield* investors.signUp(ada, home)
      const other = yield* investors.signIn(ada, at("192.0.2.2"), null)
      const principal = yield* credentials.byCookie(cookie)
      const change = (current: string, next: string) => investors.changePassword(principal, { current, next }, home)
      assert.strictEqual(yield* tag(change("wrong wrong wrong", "something else entirely")), "SignInRefused")
      assert.strictEqual(yield* tag(change(ada.password, "short")), "WeakPassword")
      assert.strictEqual(yield* tag(change(ada.password, ada.password)), "WeakPassword")
      yield* credentials.byCookie(other.cookie)
      const said = yield* revocations
      const next = yield* change(ada.password, "something else entirely")
      for (const old of [cookie, other.cookie])
        assert.strictEqual(yield* tag(credentials.byCookie(old)), "CredentialRefused")
      yield* credentials.byCookie(next.cookie)
      assert.deepStrictEqual(said, [{ investor: investor.id, at: 0, what: "browsers", why: "password-changed" }])
      assert.strictEqual(yield* tag(investors.signIn(ada, home, null)), "SignInRefused")
      yield* investors.signIn({ ...ada, password: "something else entirely" }, home, null)
      assert.include(yield* eventsOf(investor.id, 6), "password-change-refused refused")
    }).pipe(Effect.scoped, Effect.provide(accounts()))
  )

  it.effect("of two changes at once makes one, and says so to the other", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const { cookie } = yield* investors.signUp(ada, home)
      const principal = yield* (yield* Credentials).byCookie(cookie)
      const exits = yield* Effect.forEach(
        ["the first new password", "the second new password"],
        (next) => Effect.exit(investors.changePassword(principal, { current: ada.password, next }, home)),
        { concurrency: 2 }
      )
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      assert.include(String(exits.find(Exit.isFailure)?.cause), "SignInRefused")
    }).pipe(Effect.provide(accounts()))
  )

  it.effect("is deleted only with its password, and then nothing is left but that it was", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const credentials = yield* Credentials
      const sql = yield* SqlClient.SqlClient
      const said = yield* revocations
      const { cookie, investor } = yield* investors.signUp(ada, home)
      const principal = yield* credentials.byCookie(cookie)
      assert.strictEqual(yield* tag(investors.remove(principal, "wrong wrong wrong", home)), "SignInRefused")
      yield* credentials.byCookie(cookie)
      yield* investors.remove(principal, ada.password, home)
      assert.strictEqual(yield* tag(credentials.byCookie(cookie)), "CredentialRefused")
      assert.deepStrictEqual(said.at(-1), {
        investor: investor.id,
        at: 1,
        what: "everything",
        why: "account-deleted"
      })
      assert.strictEqual(yield* tag(investors.signIn(ada, home, null)), "SignInRefused")
      const events = yield* eventsOf(investor.id, 3)
      assert.strictEqual(events[0], "account-deleted done")
      const kept = yield* sql`
        SELECT 1 FROM security_events WHERE investor = ${investor.id} AND (address, device, detail) IS DISTINCT FROM (NULL, NULL, NULL)`
      assert.strictEqual(kept.length, 0)
      const bodies = yield* sql<{ readonly body: unknown }>`SELECT body FROM outbox ORDER BY id`
      assert.deepStrictEqual(bodies.at(-1)?.body, { _tag: "investor.deleted", investor: investor.id })
      // the address is free again
      assert.notStrictEqual((yield* investors.signUp(ada, home)).investor.id, investor.id)
      assert.strictEqual(yield* tag(investors.remove(principal, ada.password, home)), "NotSignedIn")
    }).pipe(Effect.scoped, Effect.provide(accounts()))
  )
})

/** Those noted in the audit log, once there are so many: where from, and whose account was tried. */
const limitedAttempts = Effect.fnUntraced(function* (many: number) {
  const audit = yield* AuditLog
  for (;;) {
    const { entries } = yield* audit.everything(null, 100)
    const limited = entries.filter(({ event }) => event === "attempts-limited")
    if (limited.length >= many) return limited.map(({ address, investor }) => [address, investor])
    yield* Effect.promise(() => new Promise((done) => setImmediate(done)))
  }
})

describe("attempts", () => {
  it.effect(
    "for one account from one address are bounded, also with the right password, and say when to try again",
    () =>
      Effect.gen(function* () {
        const investors = yield* Investors
        const { investor: hers } = yield* investors.signUp(ada, home)
        const wrong = (address: string) =>
          tag(investors.signIn({ ...ada, password: "wrong wrong wrong" }, at(address), null))
        for (let i = 0; i < 3; i++) assert.strictEqual(yield* wrong("198.51.100.7"), "SignInRefused")
        const gauges = yield* Gauges
        const hashes = gauges.get("password_hashes_total")
        const refused = yield* Effect.flip(investors.signIn(ada, at("198.51.100.7"), null))
        assert.deepInclude(refused, { _tag: "LimitExceeded", retryAfterMillis: 60_000, limit: ATTEMPTS_OF_ACCOUNT })
        for (let i = 0; i < 5; i++) yield* Effect.flip(investors.signIn(ada, at("198.51.100.7"), null))
        // once, however often, and in the owner's own activity
        assert.deepStrictEqual(yield* limitedAttempts(1), [["198.51.100.7", hers.id]])
        // not even a hash
        assert.strictEqual(gauges.get("password_hashes_total"), hashes)
        // its owner, elsewhere, is not kept out
        yield* investors.signIn(ada, home, null)
        yield* TestClock.adjust("1 minute")
        yield* investors.signIn(ada, at("198.51.100.7"), null)
      }).pipe(Effect.provide(accounts(undefined, { attempts: 3 })))
  )

  it.effect("for one account from everywhere, and from one address for all accounts, are bounded too", () =>
    Effect.gen(function* () {
      const investors = yield* Investors
      const wrong = (email: string, address: string) =>
        tag(investors.signIn({ email, password: "wrong wrong wrong" }, at(address), null))
      const everywhere: Array<string> = []
      for (let i = 0; i < 21; i++) everywhere.push(yield* wrong(ada.email, `198.51.100.${i}`))
      assert.deepStrictEqual(everywhere.slice(-2), ["SignInRefused", "LimitExceeded"])
      const all: Array<string> = []
      for (let i = 0; i < 6; i++) all.push(yield* wrong(`user${i}@example.com`, "203.0.113.1"))
      assert.deepStrictEqual(all.slice(-2), ["SignInRefused", "LimitExceeded"])
      const signUps = yield* tag(investors.signUp(ada, at("203.0.113.1")))
      assert.strictEqual(signUps, "LimitExceeded")
      // of an account from everywhere, and of an address: nobody's, all of them
      const noted = yield* limitedAttempts(2)
      assert.deepStrictEqual(new Set(noted.map(([, investor]) => investor)), new Set([null]))
    }).pipe(Effect.provide(accounts(undefined, { attempts: 1 })))
  )
})
