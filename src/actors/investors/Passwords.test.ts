import { argon2Sync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { Gauges } from "../kernel/Gauges.ts"
import { Passwords } from "./Passwords.ts"

const pool = (atOnce: number, waiting: number) => Layer.provideMerge(Passwords.layer({ atOnce, waiting }), Gauges.layer)

describe("passwords", () => {
  it.live("are verified by their hash, whose form says how it was made", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const hash = yield* passwords.hash("correct battery horse")
      assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
      assert.isTrue(yield* passwords.verify("correct battery horse", hash))
      assert.isFalse(yield* passwords.verify("correct battery horsf", hash))
      assert.isFalse(yield* passwords.verify("", hash))
      // salted
      assert.notStrictEqual(yield* passwords.hash("correct battery horse"), hash)
      assert.isTrue(passwords.isCurrent(hash))
      // é as one character and as two
      const accented = yield* passwords.hash("caf\u00e9 caf\u00e9 caf\u00e9")
      assert.isTrue(yield* passwords.verify("cafe\u0301 cafe\u0301 cafe\u0301", accented))
    }).pipe(Effect.provide(pool(2, 2)))
  )

  it.live("of other costs are still verified, and known to be old", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const salt = Buffer.from("somesaltsomesalt")
      const key = argon2Sync("argon2id", {
        message: "an old password",
        nonce: salt,
        memory: 1_024,
        passes: 1,
        parallelism: 1,
        tagLength: 32
      })
      const plain = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "")
      const old = `$argon2id$v=19$m=1024,t=1,p=1$${plain(salt)}$${plain(key)}`
      assert.isTrue(yield* passwords.verify("an old password", old))
      assert.isFalse(passwords.isCurrent(old))
      assert.isFalse(yield* passwords.verify("wrong", old))
    }).pipe(Effect.provide(pool(2, 2)))
  )

  it.live("of nobody, and hashes that are none, are wrong, and cost what a hash costs", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const gauges = yield* Gauges
      for (const hash of [null, "", "$2b$10$abcdefghijklmnopqrstuu", "$argon2id$v=19$m=1,t=1,p=1$a$b"]) {
        const before = gauges.get("password_hashes_total")
        assert.isFalse(yield* passwords.verify("correct battery horse", hash))
        assert.strictEqual(gauges.get("password_hashes_total"), before + 1)
      }
    }).pipe(Effect.provide(pool(2, 2)))
  )

  it.live("are hashed a few at a time: a bounded number waits, the rest is told to try again; nothing stays", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const gauges = yield* Gauges
      const tries = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, i) => i),
        (i) => Effect.forkChild(Effect.exit(passwords.hash(`password number ${i}`)), { startImmediately: true })
      )
      assert.strictEqual(gauges.get("password_hashes_active"), 3)
      const exits = yield* Effect.forEach(tries, Fiber.join)
      const refused = exits.filter(Exit.isFailure)
      assert.strictEqual(refused.length, 7)
      assert.include(String(refused[0]?.cause), "Unavailable")
      assert.strictEqual(gauges.get("password_hashes_refused_total"), 7)
      assert.strictEqual(gauges.get("password_hashes_active"), 0)
      assert.strictEqual(gauges.get("password_hashes_total"), 3)
    }).pipe(Effect.provide(pool(1, 2)))
  )

  it.live("whose asker has gone make room at once if they wait, and when they are done if they run", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const gauges = yield* Gauges
      const running = yield* Effect.forkChild(passwords.hash("the one that runs"), { startImmediately: true })
      const waiting = yield* Effect.forkChild(passwords.hash("the one that waits"), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(gauges.get("password_hashes_active"), 1)
      const gone = yield* Deferred.make<void>()
      yield* Effect.forkChild(Effect.andThen(Fiber.interrupt(running), Deferred.succeed(gone, undefined)))
      yield* passwords.hash("the next one")
      yield* Deferred.await(gone)
      assert.strictEqual(gauges.get("password_hashes_active"), 0)
    }).pipe(Effect.provide(pool(1, 1)))
  )
})
