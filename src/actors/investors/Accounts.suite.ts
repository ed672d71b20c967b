/** What every Accounts must do, as a function of its layer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Layer } from "effect"
import type { DomainEvent } from "../../rpc/events.ts"
import { type Account, Accounts } from "./Accounts.ts"

export const accountOf = (id: string, more: Partial<Account> = {}): Account => ({
  id,
  email: `${id}@example.org`,
  passwordHash: `$hash$of-${id}`,
  createdAt: 1_800_000_000_000,
  bannedAt: null,
  signedOutBefore: 0,
  ...more
})

export const signedUp = (investor: string): DomainEvent => ({
  id: `up-${investor}`,
  at: 1_800_000_000_000,
  body: { _tag: "investor.signed_up", investor }
})

export const deleted = (investor: string): DomainEvent => ({
  id: `gone-${investor}`,
  at: 1_800_000_000_500,
  body: { _tag: "investor.deleted", investor }
})

type Store = typeof Accounts.Service

/** `layer` must give no accounts each time it is built. */
export const accountsSuite = <E>(name: string, layer: Layer.Layer<Accounts, E>): void => {
  const check = <F>(title: string, body: (accounts: Store) => Effect.Effect<void, F>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(Accounts, body), layer))

  describe(name, () => {
    check("gives back what was made, by id and by e-mail address, each thing as it was", (accounts) =>
      Effect.gen(function* () {
        const ann = accountOf("ann", { email: "ann+öäü@bücher.example" })
        const bob = accountOf("bob")
        yield* accounts.create(ann, signedUp("ann"))
        yield* accounts.create(bob, signedUp("bob"))
        assert.deepStrictEqual(yield* accounts.byId("ann"), ann)
        assert.deepStrictEqual(yield* accounts.byEmail("ann+öäü@bücher.example"), ann)
        assert.deepStrictEqual(yield* accounts.byEmail("bob@example.org"), bob)
        for (const none of ["an", "ANN", "", "ann@example.org"]) {
          assert.isUndefined(yield* accounts.byId(none))
          assert.isUndefined(yield* accounts.byEmail(none))
        }
      })
    )

    check("a ban and a password are set of that account alone, and taken back", (accounts) =>
      Effect.gen(function* () {
        const ann = accountOf("ann")
        const bob = accountOf("bob")
        const local = accountOf("local", { email: null, passwordHash: null })
        yield* accounts.create(ann, signedUp("ann"))
        yield* accounts.create(bob, signedUp("bob"))
        yield* accounts.ensure(local)
        assert.isTrue(yield* accounts.setBanned("ann", 1_800_000_000_007))
        assert.isTrue(yield* accounts.setPassword("ann", "$hash$new", 1_800_000_000_003))
        assert.deepStrictEqual(yield* accounts.byEmail("ann@example.org"), {
          ...ann,
          passwordHash: "$hash$new",
          bannedAt: 1_800_000_000_007,
          signedOutBefore: 1_800_000_000_007
        })
        assert.deepStrictEqual(yield* accounts.byId("bob"), bob)
        // one that is banned already is so since then
        assert.isTrue(yield* accounts.setBanned("ann", 1_800_000_000_009))
        assert.strictEqual((yield* accounts.byId("ann"))?.bannedAt, 1_800_000_000_007)
        assert.isTrue(yield* accounts.setBanned("ann", null))
        assert.isNull((yield* accounts.byId("ann"))?.bannedAt ?? null)
        assert.isFalse(yield* accounts.setBanned("nobody", 1))
        assert.isFalse(yield* accounts.setPassword("nobody", "$hash$new", 1_800_000_000_003))
        // the local investor has none to set
        assert.isFalse(yield* accounts.setPassword("local", "$hash$new", 1_800_000_000_003))
      })
    )

    check("an e-mail address is one account's, however many ask for it at once", (accounts) =>
      Effect.gen(function* () {
        const ids = Array.from({ length: 20 }, (_, n) => `racer-${n}`)
        const exits = yield* Effect.forEach(
          ids,
          (id) => Effect.exit(accounts.create(accountOf(id, { email: "one@example.org" }), signedUp(id))),
          { concurrency: "unbounded" }
        )
        const winners = ids.filter((_, n) => exits[n]?._tag === "Success")
        assert.lengthOf(winners, 1)
        assert.strictEqual((yield* accounts.byEmail("one@example.org"))?.id, winners[0])
        for (const id of ids) assert.strictEqual((yield* accounts.byId(id)) !== undefined, id === winners[0])
        const refused = yield* Effect.flip(
          accounts.create(accountOf("late", { email: "one@example.org" }), signedUp("late"))
        )
        assert.strictEqual(refused._tag, "EmailTaken")
        assert.strictEqual(refused.message, "There is an account with this e-mail address already")
      })
    )

    check("an account that must be there is made once, and is then what it is", (accounts) =>
      Effect.gen(function* () {
        const local = accountOf("local", { email: null, passwordHash: null })
        const answers = yield* Effect.forEach(
          Array.from({ length: 10 }, (_, n) => n),
          (n) => accounts.ensure({ ...local, createdAt: n }),
          { concurrency: "unbounded" }
        )
        const kept = yield* accounts.byId("local")
        assert.isDefined(kept)
        for (const answer of answers) assert.deepStrictEqual(answer, kept)
        // no account has no e-mail address twice: nobody is found by it
        yield* accounts.ensure(accountOf("another", { email: null, passwordHash: null }))
        assert.deepStrictEqual(yield* accounts.ensure({ ...local, createdAt: 99 }), kept)
      })
    )

    check("a password changes only from the one that was looked at", (accounts) =>
      Effect.gen(function* () {
        yield* accounts.create(accountOf("ann", { passwordHash: "one" }), signedUp("ann"))
        yield* accounts.create(accountOf("bob", { passwordHash: "one" }), signedUp("bob"))
        yield* accounts.ensure(accountOf("local", { email: null, passwordHash: null }))
        assert.isFalse(yield* accounts.changePassword("ann", "other", "two", null))
        assert.isFalse(yield* accounts.changePassword("nobody", "one", "two", null))
        assert.isFalse(yield* accounts.changePassword("local", "", "two", null))
        assert.strictEqual((yield* accounts.byId("ann"))?.passwordHash, "one")
        const changes = yield* Effect.forEach(
          ["two", "three", "four", "five"],
          (next) => Effect.map(accounts.changePassword("ann", "one", next, null), (done) => (done ? next : undefined)),
          { concurrency: "unbounded" }
        )
        const done = changes.filter((next) => next !== undefined)
        assert.lengthOf(done, 1)
        assert.strictEqual((yield* accounts.byId("ann"))?.passwordHash, done[0])
        assert.strictEqual((yield* accounts.byId("bob"))?.passwordHash, "one")
        assert.isNull((yield* accounts.byId("local"))?.passwordHash)
      })
    )

    check("an account is removed once, and its e-mail address is free again; others stay", (accounts) =>
      Effect.gen(function* () {
        yield* accounts.create(accountOf("ann"), signedUp("ann"))
        yield* accounts.create(accountOf("bob"), signedUp("bob"))
        assert.isFalse(yield* accounts.remove("nobody", deleted("nobody")))
        const removals = yield* Effect.forEach([1, 2, 3, 4], () => accounts.remove("ann", deleted("ann")), {
          concurrency: "unbounded"
        })
        assert.lengthOf(
          removals.filter((done) => done),
          1
        )
        assert.isUndefined(yield* accounts.byId("ann"))
        assert.isUndefined(yield* accounts.byEmail("ann@example.org"))
        assert.isFalse(yield* accounts.changePassword("ann", "$hash$of-ann", "two", null))
        assert.deepStrictEqual(yield* accounts.byId("bob"), accountOf("bob"))
        const again = accountOf("ann-again", { email: "ann@example.org" })
        assert.deepStrictEqual(yield* Effect.exit(accounts.create(again, signedUp("ann-again"))), Exit.void)
        assert.deepStrictEqual(yield* accounts.byEmail("ann@example.org"), again)
      })
    )
  })
}
