/** What every ApiTokens must do, as a function of its layer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { accountOf, deleted, signedUp } from "./Accounts.suite.ts"
import { Accounts } from "./Accounts.ts"
import { ApiTokens, type StoredToken } from "./ApiTokens.ts"

const NOW = 1_800_000_000_000
const DAY = 24 * 60 * 60_000

export const tokenOf = (investor: string, id: string, more: Partial<StoredToken> = {}): StoredToken => ({
  id,
  investor,
  name: `Token ${id}`,
  access: "read",
  createdAt: NOW,
  expiresAt: NOW + 90 * DAY,
  lastUsedAt: null,
  secretHash: Uint8Array.from({ length: 32 }, (_, n) => (n * 37 + id.length) % 256),
  ...more
})

const shown = ({ investor: _, secretHash: __, ...token }: StoredToken) => token
const MOST = 50

/** `layer` must give no accounts and no tokens each time it is built. */
export const apiTokensSuite = <E>(name: string, layer: Layer.Layer<Accounts | ApiTokens, E>): void => {
  /** With accounts of ann and bob. */
  const check = <F>(title: string, body: (tokens: typeof ApiTokens.Service) => Effect.Effect<void, F, Accounts>) =>
    it.effect(title, () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        for (const id of ["ann", "bob"]) yield* accounts.create(accountOf(id), signedUp(id))
        yield* body(yield* ApiTokens)
      }).pipe(Effect.provide(layer))
    )

  describe(name, () => {
    check("gives back what was made, the secret's hash only to who looks for the token", (tokens) =>
      Effect.gen(function* () {
        const one = tokenOf("ann", "one", { name: 'Ünder "quotes" 🍏', access: "write", createdAt: NOW + 1 })
        const older = tokenOf("ann", "older")
        const sameTime = tokenOf("ann", "same-time", { lastUsedAt: NOW + 5 })
        const other = tokenOf("bob", "other")
        for (const token of [older, one, sameTime, other]) assert.isTrue(yield* tokens.create(token, MOST, NOW))
        assert.deepStrictEqual(yield* tokens.find("one"), one)
        assert.deepStrictEqual(yield* tokens.find("same-time"), sameTime)
        for (const none of ["on", "ONE", ""]) assert.isUndefined(yield* tokens.find(none))
        assert.deepStrictEqual(yield* tokens.list("ann", NOW), [one, older, sameTime].map(shown))
        assert.deepStrictEqual(yield* tokens.list("nobody", NOW), [])
      })
    )

    check("an investor has no more than they may; expired ones do not count", (tokens) =>
      Effect.gen(function* () {
        yield* tokens.create(tokenOf("ann", "expires-now", { createdAt: NOW - DAY, expiresAt: NOW }), 2, NOW)
        yield* tokens.create(tokenOf("ann", "expires-soon", { createdAt: NOW - DAY, expiresAt: NOW + 1 }), 2, NOW)
        yield* tokens.create(tokenOf("bob", "other"), 2, NOW)
        assert.isTrue(yield* tokens.create(tokenOf("ann", "a"), 2, NOW))
        assert.isFalse(yield* tokens.create(tokenOf("ann", "b"), 2, NOW))
        assert.isUndefined(yield* tokens.find("b"))
        // a place that became free can be taken
        assert.isTrue(yield* tokens.revoke("ann", "a"))
        assert.isTrue(yield* tokens.create(tokenOf("ann", "b"), 2, NOW))
        assert.isTrue(yield* tokens.create(tokenOf("bob", "another"), 2, NOW))
      })
    )

    check("nor by making many at once", (tokens) =>
      Effect.gen(function* () {
        // more each time: the first ones may come one by one, as connections are opened
        for (const most of [3, 6, 9, 12]) {
          yield* Effect.forEach(
            Array.from({ length: 20 }, (_, n) => `${most}-${n}`),
            (id) => tokens.create(tokenOf("ann", id), most, NOW),
            { concurrency: "unbounded" }
          )
          assert.lengthOf(yield* tokens.list("ann", NOW), most)
        }
      })
    )

    check("only its owner revokes a token, and once", (tokens) =>
      Effect.gen(function* () {
        for (const id of ["a", "b", "c"]) yield* tokens.create(tokenOf("ann", id), MOST, NOW)
        yield* tokens.create(tokenOf("bob", "d"), MOST, NOW)
        assert.isFalse(yield* tokens.revoke("bob", "a"))
        assert.isFalse(yield* tokens.revoke("ann", "none"))
        assert.isDefined(yield* tokens.find("a"))
        assert.isTrue(yield* tokens.revoke("ann", "a"))
        assert.isFalse(yield* tokens.revoke("ann", "a"))
        assert.isUndefined(yield* tokens.find("a"))
        assert.deepStrictEqual([...(yield* tokens.revokeAll("ann"))].sort(), ["b", "c"])
        assert.deepStrictEqual(yield* tokens.revokeAll("ann"), [])
        assert.deepStrictEqual(yield* tokens.list("ann", NOW), [])
        assert.isDefined(yield* tokens.find("d"))
      })
    )

    check("those that have expired are shown for 30 days, then gone when somebody lists or makes one", (tokens) =>
      Effect.gen(function* () {
        const expiresAt = NOW + DAY
        for (const id of ["a", "b"]) yield* tokens.create(tokenOf("ann", id, { expiresAt }), MOST, NOW)
        const last = expiresAt + 30 * DAY - 1
        assert.lengthOf(yield* tokens.list("ann", last), 2)
        assert.isDefined(yield* tokens.find("a"))
        assert.deepStrictEqual(yield* tokens.list("ann", last + 1), [])
        assert.isUndefined(yield* tokens.find("a"))
        yield* tokens.create(tokenOf("ann", "c", { expiresAt }), MOST, NOW)
        yield* tokens.create(tokenOf("bob", "d", { createdAt: last, expiresAt: last + DAY }), MOST, NOW)
        assert.isDefined(yield* tokens.find("c"))
        yield* tokens.create(tokenOf("bob", "e", { createdAt: last + 1, expiresAt: last + DAY }), MOST, NOW)
        assert.isUndefined(yield* tokens.find("c"))
        assert.lengthOf(yield* tokens.list("bob", last + 1), 2)
      })
    )

    check("notes use, never backwards, and says which are still good", (tokens) =>
      Effect.gen(function* () {
        yield* tokens.create(tokenOf("ann", "a"), MOST, NOW)
        yield* tokens.create(tokenOf("bob", "b"), MOST, NOW)
        yield* tokens.create(tokenOf("ann", "unused"), MOST, NOW)
        yield* tokens.create(tokenOf("ann", "expires", { expiresAt: NOW + 10 }), MOST, NOW)
        const all = ["a", "b", "expires", "none", "a"]
        const lastUsed = (id: string) => Effect.map(tokens.find(id), (token) => token?.lastUsedAt)
        assert.deepStrictEqual([...(yield* tokens.used(all, NOW + 9))].sort(), ["a", "b", "expires"])
        assert.deepStrictEqual([...(yield* tokens.used(all, NOW + 10))].sort(), ["a", "b"])
        assert.deepStrictEqual([...(yield* tokens.used(["a"], NOW + 3))], ["a"])
        assert.strictEqual((yield* tokens.used([], NOW)).size, 0)
        assert.strictEqual(yield* lastUsed("a"), NOW + 10)
        assert.strictEqual(yield* lastUsed("b"), NOW + 10)
        assert.strictEqual(yield* lastUsed("expires"), NOW + 9)
        assert.isNull(yield* lastUsed("unused"))
      })
    )

    check("many note the use of the same ones at once", (tokens) =>
      Effect.gen(function* () {
        const ids = Array.from({ length: 40 }, (_, n) => `t${n}`)
        for (const id of ids) yield* tokens.create(tokenOf("ann", id), MOST, NOW)
        const rounds = Array.from({ length: 20 }, (_, n) => n)
        const answers = yield* Effect.forEach(
          rounds,
          (n) => tokens.used(n % 2 === 0 ? ids : ids.toReversed(), NOW + n),
          { concurrency: "unbounded" }
        )
        for (const answer of answers) assert.strictEqual(answer.size, 40)
        for (const { lastUsedAt } of yield* tokens.list("ann", NOW)) assert.strictEqual(lastUsedAt, NOW + 19)
      })
    )

    check("go with their account", (tokens) =>
      Effect.gen(function* () {
        yield* tokens.create(tokenOf("ann", "a"), MOST, NOW)
        yield* tokens.create(tokenOf("bob", "b"), MOST, NOW)
        yield* (yield* Accounts).remove("ann", deleted("ann"))
        assert.isUndefined(yield* tokens.find("a"))
        assert.isDefined(yield* tokens.find("b"))
      })
    )
  })
}
