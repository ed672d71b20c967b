/** Investors' stores on a PostgreSQL that goes away and comes back. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { postgresAt } from "../../../test/support/databases.ts"
import { ownServices } from "../../../test/support/services.ts"
import { accountOf, deleted, signedUp } from "../../actors/investors/Accounts.suite.ts"
import { Accounts } from "../../actors/investors/Accounts.ts"
import { ApiTokens } from "../../actors/investors/ApiTokens.ts"
import { entryOf, whenThere } from "../../actors/investors/AuditLog.suite.ts"
import { AuditLog } from "../../actors/investors/AuditLog.ts"
import { NOW, signInOf, ticketOf } from "../../actors/investors/SignIns.suite.ts"
import { SignIns } from "../../actors/investors/SignIns.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { AccountsSql } from "./AccountsSql.ts"
import { ApiTokensSql } from "./ApiTokensSql.ts"
import { AuditLogSql } from "./AuditLogSql.ts"
import { migrate } from "./Migrations.ts"
import { SignInsSql } from "./SignInsSql.ts"

const dies = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.exit(effect), (exit) => assert.isTrue(Exit.hasDies(exit)))

const SAID = JSON.stringify(["The database gives no answer about sign-ins"])

/** All stores, and what they wrote into the log, for `body`. */
const on = <A, E>(
  databaseUrl: string,
  body: (logged: ReadonlyArray<string>) => Effect.Effect<A, E, Accounts | ApiTokens | AuditLog | SignIns | Gauges>
) => {
  const logged: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => {
    const line = JSON.stringify(message)
    // not what the test's own clock has to say
    if (/sign-ins|audit log/.test(line)) logged.push(line)
  })
  const stores = Layer.mergeAll(AccountsSql.layer, ApiTokensSql.layer, AuditLogSql.layer, SignInsSql.layer)
  return body(logged).pipe(
    Effect.provide(
      stores.pipe(
        Layer.provideMerge(Layer.effectDiscard(migrate())),
        Layer.provideMerge(postgresAt(databaseUrl)),
        Layer.provideMerge(Logger.layer([logger]))
      )
    )
  )
}

describe("Investors' stores on a PostgreSQL that goes away", () => {
  it.effect("say so and work again when it is back; sign-ins say it as an error, once in the log", () =>
    Effect.gen(function* () {
      const { control, databaseUrl } = yield* ownServices(["postgres"])
      yield* on(databaseUrl, (logged) =>
        Effect.gen(function* () {
          const signIns = yield* SignIns
          const accounts = yield* Accounts
          const tokens = yield* ApiTokens
          yield* signIns.put(signInOf("ann", "a"))
          yield* accounts.create(accountOf("ann"), signedUp("ann"))
          const calls = [
            signIns.put(signInOf("ann", "b")),
            signIns.find("a", NOW),
            signIns.list("ann", NOW),
            signIns.end("bob", "a"),
            signIns.endAll("bob", { tokens: true }),
            signIns.seen(["a"], NOW, 1_000),
            signIns.redeem(ticketOf("n1", "a"))
          ]
          for (let round = 1; round <= 2; round++) {
            yield* control("postgres", "kill")
            for (const call of calls) {
              const error = yield* Effect.flip(call)
              assert.deepInclude(error, { _tag: "Unavailable", what: "sign-ins", retryAfterMillis: 2_000 })
              assert.strictEqual(error.message, "The store of sign-ins is away: try again in 2 s")
            }

            assert.deepStrictEqual(
              logged,
              Array.from({ length: round }, () => SAID)
            )

            yield* dies(accounts.byId("ann"))
            yield* dies(accounts.create(accountOf("bob"), signedUp("bob")))
            yield* dies(accounts.remove("ann", deleted("ann")))
            yield* dies(tokens.list("ann", NOW))
            yield* dies(tokens.used(["t"], NOW))
            yield* control("postgres", "start")
            assert.isDefined(yield* Effect.retry(signIns.find("a", NOW), { times: 20 }))
            assert.strictEqual(yield* signIns.redeem(ticketOf(`round-${round}`, "a")), "good")
          }
          assert.isAtLeast((yield* Gauges).get("sign_ins_unavailable_total"), 2 * calls.length)
        })
      )
    }).pipe(Effect.scoped)
  )

  it.effect("its silence is an answer too, for everybody who shows a ticket", () =>
    Effect.gen(function* () {
      const { control, databaseUrl } = yield* ownServices(["postgres"])
      yield* on(databaseUrl, () =>
        Effect.gen(function* () {
          const signIns = yield* SignIns
          yield* signIns.put(signInOf("ann", "a"))
          yield* control("postgres", "pause")
          const shown = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: 10_000 }, (_, n) => ticketOf(`n${n}`, "a")),
              (ticket) => Effect.flip(signIns.redeem(ticket)),
              { concurrency: "unbounded" }
            ),
            { startImmediately: true }
          )
          // those of the later batches do not wait for as long again
          yield* TestClock.adjust("9 seconds")
          assert.isUndefined(shown.pollUnsafe())
          yield* TestClock.adjust("1 second")
          for (const error of yield* Fiber.join(shown)) assert.strictEqual(error._tag, "Unavailable")
          yield* control("postgres", "continue")
          assert.isDefined(yield* Effect.retry(signIns.find("a", NOW), { times: 20 }))
        })
      )
    }).pipe(Effect.scoped)
  )

  it.effect("entries of the audit log wait for it, in order", () =>
    Effect.gen(function* () {
      const { control, databaseUrl } = yield* ownServices(["postgres"])
      yield* on(databaseUrl, (logged) =>
        Effect.gen(function* () {
          const log = yield* AuditLog
          yield* log.record(entryOf("ann", "e0"))
          yield* whenThere(log, 1)
          yield* control("postgres", "kill")
          for (let n = 1; n <= 700; n++) yield* log.record(entryOf("ann", `e${n}`))
          // tried again and again
          yield* Effect.repeat(TestClock.adjust("1 second"), { until: () => logged.length > 0, times: 1_000 })
          for (let n = 0; n < 5; n++) yield* TestClock.adjust("1 second")
          assert.lengthOf(logged, 1)
          assert.include(logged[0], "its entries wait")
          yield* control("postgres", "start")
          yield* Effect.repeat(TestClock.adjust("1 second"), { until: () => logged.length > 1 })
          const entries = yield* whenThere(log, 701)
          assert.deepStrictEqual(
            entries.map(({ event }) => event),
            Array.from({ length: 701 }, (_, n) => `e${700 - n}`)
          )
          assert.strictEqual((yield* Gauges).get("audit_entries_dropped_total"), 0)
        })
      )
    }).pipe(Effect.scoped)
  )
})
