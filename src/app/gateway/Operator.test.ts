import { chmod, readFile, stat, writeFile } from "node:fs/promises"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, References } from "effect"
import { TestClock } from "effect/testing"
import { temporaryFolder } from "../../../test/support/databases.ts"
import { Operator } from "./Operator.ts"
import { TOKEN_FILE } from "./operatorToken.ts"

const withToken = (token: string | undefined, dataDir: string) =>
  Effect.provide(
    Operator.use((operator) => Effect.succeed(operator)),
    Operator.layer({ token: token === undefined ? undefined : Redacted.make(token), dataDir })
  )

describe("the operator", () => {
  it.effect("is who shows the token of the settings", () =>
    Effect.gen(function* () {
      const { check } = yield* withToken("s3cret", "/nowhere")
      yield* check("s3cret", "192.0.2.1")
      for (const wrong of ["", "s3cre", "s3cret ", "S3CRET", "x".repeat(200)]) {
        const refused = yield* Effect.flip(check(wrong, "192.0.2.1"))
        assert.strictEqual(refused._tag, "NotAllowed")
        assert.notInclude(refused.message, "s3cret")
      }
    })
  )

  it.effect("may be guessed twenty times from one address, then once in three seconds; others are not kept out", () =>
    Effect.gen(function* () {
      const { check } = yield* withToken("s3cret", "/nowhere")
      for (let i = 0; i < 20; i++) yield* Effect.flip(check(`guess ${i}`, "192.0.2.9"))
      // not even the right one is looked at
      assert.include((yield* Effect.flip(check("s3cret", "192.0.2.9"))).message, "try again in 3 s")
      yield* check("s3cret", "192.0.2.1")
      yield* TestClock.adjust("3 seconds")
      yield* check("s3cret", "192.0.2.9")
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  )

  it.live("has one of its own in the data folder, that nobody else reads and that stays the same", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [{ check }, other] = yield* Effect.all([withToken(undefined, folder), withToken(undefined, folder)], {
        concurrency: "unbounded"
      })
      const file = path.join(folder, TOKEN_FILE)
      const token = (yield* Effect.promise(() => readFile(file, "utf8"))).trim()
      assert.isAtLeast(token.length, 40)
      assert.strictEqual((yield* Effect.promise(() => stat(file))).mode & 0o777, 0o600)
      yield* check(token, "192.0.2.1")
      yield* other.check(token, "192.0.2.1")
      yield* (yield* withToken(undefined, folder)).check(token, "192.0.2.1")
      yield* Effect.flip(check("", "192.0.2.1"))
    }).pipe(Effect.scoped)
  )

  it.live("is nobody where the file holds no token", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      for (const content of ["", "\n", "short"]) {
        yield* Effect.promise(() => writeFile(path.join(folder, TOKEN_FILE), content))
        const error = yield* Effect.flip(withToken(undefined, folder))
        assert.include(error.message, "holds no token")
      }
    }).pipe(Effect.scoped)
  )

  it.live("says where it cannot be kept", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => chmod(folder, 0o500))
      const error = yield* Effect.flip(withToken(undefined, path.join(folder, "missing")))
      assert.strictEqual(error._tag, "OperatorTokenError")
      assert.include(error.message, "missing")
    }).pipe(Effect.scoped)
  )
})
