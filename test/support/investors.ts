/** Accounts over an embedded database, everything real: what a gateway has, without its sockets. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Attempts } from "../../src/actors/investors/Attempts.ts"
import { AuditLog } from "../../src/actors/investors/AuditLog.ts"
import { Credentials } from "../../src/actors/investors/Credentials.ts"
import { Endings } from "../../src/actors/investors/Endings.ts"
import { Investors, type InvestorsConfig } from "../../src/actors/investors/Investors.ts"
import { Passwords } from "../../src/actors/investors/Passwords.ts"
import { SignIns } from "../../src/actors/investors/SignIns.ts"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { AccountsSql } from "../../src/app/postgres/AccountsSql.ts"
import { ApiTokensSql } from "../../src/app/postgres/ApiTokensSql.ts"
import { AuditLogSql } from "../../src/app/postgres/AuditLogSql.ts"
import { SignInsSql } from "../../src/app/postgres/SignInsSql.ts"
import { SigningKeySql } from "../../src/app/postgres/SigningKeySql.ts"
import { databases, sharedByFile } from "./databases.ts"

export const DAY = 86_400_000

const emptied = Layer.effectDiscard(
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`TRUNCATE investors, api_tokens, sign_ins, used_tickets, security_events, outbox CASCADE`
  )
)

const asTheyAre = Layer.effect(SignIns, SignIns)

/** One database for the file, empty for each test. `between`: put between the store of sign-ins and who asks it. */
export const makeAccounts = () => {
  const [embedded] = databases
  if (embedded === undefined) throw new Error("no database")
  const database = sharedByFile(embedded.layer)
  return (between: Layer.Layer<SignIns, never, SignIns> = asTheyAre, config: Partial<InvestorsConfig> = {}) =>
    Layer.mergeAll(
      Investors.layer({ passwords: { minLength: 12 }, idleMillis: 30 * DAY, attempts: 10, ...config }),
      Credentials.layer
    ).pipe(
      Layer.provideMerge(Endings.layer),
      Layer.provideMerge(between),
      Layer.provideMerge(
        Layer.mergeAll(
          AccountsSql.layer,
          ApiTokensSql.layer,
          AuditLogSql.layer,
          SigningKeySql.layer,
          SignInsSql.layer,
          Attempts.layerMemory,
          Bus.layerInProcess,
          Passwords.layer({ atOnce: 2, waiting: 32 })
        )
      ),
      Layer.provideMerge(emptied),
      Layer.provideMerge(database)
    )
}

/** Newest first; waits until those recorded so far are written. */
export const eventsOf = Effect.fnUntraced(function* (investor: string, atLeast: number) {
  const audit = yield* AuditLog
  for (;;) {
    const { events } = yield* audit.page(investor, null, 100)
    if (events.length >= atLeast) return events.map(({ event, result }) => `${event} ${result}`)
    yield* Effect.promise(() => new Promise((done) => setImmediate(done)))
  }
})
