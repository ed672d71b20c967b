/** Accounts in the table `investors`; what the other contexts must hear of goes into `outbox` with the change itself. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type Account, Accounts } from "../../actors/investors/Accounts.ts"
import type { DomainEvent } from "../../rpc/events.ts"
import { EmailTaken } from "../../rpc/investors.ts"
import { whenAway } from "./Database.ts"
import { float8, texts } from "./params.ts"

const ACCOUNT = `
SELECT id, email, password_hash AS "passwordHash", created_at::float8 AS "createdAt",
  banned_at::float8 AS "bannedAt", signed_out_before::float8 AS "signedOutBefore"
FROM investors`

/** $1: ids. */
const STANDING = `
SELECT id, signed_out_before::float8 AS at FROM investors WHERE id = ANY ($1::text[]) AND banned_at IS NULL`

/** $1 … $4: the account; $5 … $7: the event. One statement, so never one without the other. */
const CREATE = `
WITH made AS (
  INSERT INTO investors (id, email, password_hash, created_at) VALUES ($1, $2, $3, $4::bigint)
  ON CONFLICT (email) DO NOTHING RETURNING id
)
INSERT INTO outbox (event_id, at, body) SELECT $5, $6::bigint, $7::jsonb FROM made RETURNING id`

const eventParams = ({ at, body, id }: DomainEvent) => [id, float8(at), JSON.stringify(body)] as const

const layer: Layer.Layer<Accounts, never, SqlClient.SqlClient> = Layer.effect(
  Accounts,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    const one = (column: "id" | "email", value: string) =>
      Effect.map(sql.unsafe<Account>(`${ACCOUNT} WHERE ${column} = $1`, [value]), ([account]) => account)

    return Accounts.of({
      create: ({ createdAt, email, id, passwordHash }, event) =>
        sql.unsafe(CREATE, [id, email, passwordHash, float8(createdAt), ...eventParams(event)]).pipe(
          Effect.flatMap((rows) =>
            rows.length === 1
              ? Effect.void
              : Effect.fail(new EmailTaken({ message: "There is an account with this e-mail address already" }))
          ),
          whenAway
        ),
      ensure: ({ createdAt, email, id, passwordHash }) =>
        sql`
          INSERT INTO investors (id, email, password_hash, created_at)
          VALUES (${id}, ${email}, ${passwordHash}, ${float8(createdAt)}::bigint)
          ON CONFLICT (id) DO NOTHING`.pipe(
          Effect.andThen(one("id", id)),
          Effect.flatMap((account) =>
            account === undefined
              ? Effect.die(new Error(`The account ${id} went while it was made`))
              : Effect.succeed(account)
          ),
          whenAway
        ),
      byEmail: (email) => whenAway(one("email", email)),
      byId: (id) => whenAway(one("id", id)),
      changePassword: (id, from, to, signedOutBefore) =>
        sql`
          UPDATE investors
          SET password_hash = ${to}, signed_out_before = greatest(signed_out_before, ${float8(signedOutBefore)}::bigint)
          WHERE id = ${id} AND password_hash = ${from} RETURNING id`.pipe(
          Effect.map((rows) => rows.length === 1),
          whenAway
        ),
      setPassword: (id, to, signedOutBefore) =>
        sql`
          UPDATE investors
          SET password_hash = ${to}, signed_out_before = greatest(signed_out_before, ${float8(signedOutBefore)}::bigint)
          WHERE id = ${id} AND email IS NOT NULL RETURNING id`.pipe(
          Effect.map((rows) => rows.length === 1),
          whenAway
        ),
      signOutBefore: (id, at) =>
        sql`
          UPDATE investors SET signed_out_before = greatest(signed_out_before, ${float8(at)}::bigint)
          WHERE id = ${id}`.pipe(Effect.asVoid, whenAway),
      standing: (ids) =>
        ids.length === 0
          ? Effect.succeed(new Map())
          : sql.unsafe<{ readonly id: string; readonly at: number }>(STANDING, [texts([...new Set(ids)])]).pipe(
              Effect.map((rows) => new Map(rows.map(({ at, id }) => [id, at]))),
              whenAway
            ),
      setBanned: (id, at) =>
        sql`
          UPDATE investors
          SET banned_at = CASE WHEN ${float8(at)}::bigint IS NULL THEN NULL ELSE coalesce(banned_at, ${float8(at)}::bigint) END,
            signed_out_before = greatest(signed_out_before, ${float8(at)}::bigint)
          WHERE id = ${id} RETURNING id`.pipe(
          Effect.map((rows) => rows.length === 1),
          whenAway
        ),
      remove: (id, event) =>
        Effect.gen(function* () {
          // alone, and first: what is being written into the audit log meanwhile holds this row, and is there for the statements
          // after it; what comes later finds the account among the deleted (AuditLogSql.ts)
          const gone = yield* sql`DELETE FROM investors WHERE id = ${id} RETURNING id`
          if (gone.length === 0) return false
          yield* sql`INSERT INTO deleted_investors (id, at) VALUES (${id}, ${float8(event.at)}::bigint)`
          yield* sql`DELETE FROM sign_ins WHERE investor = ${id}`
          yield* sql`
            UPDATE security_events SET address = NULL, device = NULL, detail = NULL
            WHERE investor = ${id} AND num_nonnulls(address, device, detail) > 0`
          yield* sql.unsafe("INSERT INTO outbox (event_id, at, body) VALUES ($1, $2::bigint, $3::jsonb)", [
            ...eventParams(event)
          ])
          return true
        }).pipe(sql.withTransaction, whenAway)
    })
  })
)

export const AccountsSql = { layer }
