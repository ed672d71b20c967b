/** API tokens in the table `api_tokens`. Those that expired long ago are deleted by whoever lists or creates, some at a time. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { ApiTokens, type StoredToken } from "../../actors/investors/ApiTokens.ts"
import { NotSignedIn } from "../../rpc/access.ts"
import type { ApiToken } from "../../rpc/investors.ts"
import { whenAway } from "./Database.ts"
import { float8, int4, texts } from "./params.ts"

/** How long one that has expired can still be seen. */
const SHOWN_EXPIRED_MILLIS = 30 * 24 * 60 * 60_000
/** Deleted by one statement at most, whosever they are. */
const MOST_DELETED = 100

const TOKEN = `id, name, access, created_at::float8 AS "createdAt", expires_at::float8 AS "expiresAt",
  last_used_at::float8 AS "lastUsedAt"`

/** $1: now less what they are shown for. */
const DELETE_OLD = `
DELETE FROM api_tokens WHERE id = ANY (ARRAY (
  SELECT id FROM api_tokens WHERE expires_at <= $1::bigint ORDER BY expires_at LIMIT ${MOST_DELETED} FOR UPDATE SKIP LOCKED
))`

/** $1: as above; $2: the investor. Exported for the test that reads its plan. */
export const LIST = `
WITH old AS (${DELETE_OLD})
SELECT ${TOKEN} FROM api_tokens
WHERE investor = $2 AND expires_at > $1::bigint ORDER BY api_tokens.created_at DESC, api_tokens.id`

/** $1: ids; $2: now. Locked in one order, so that nodes that note the same ones do not wait for one another in a circle. */
export const USED = `
WITH held AS (
  SELECT id FROM api_tokens WHERE id = ANY ($1::text[]) AND expires_at > $2::bigint ORDER BY id FOR NO KEY UPDATE
)
UPDATE api_tokens SET last_used_at = greatest(last_used_at, $2::bigint) FROM held WHERE api_tokens.id = held.id
RETURNING api_tokens.id`

interface Id {
  readonly id: string
}

const layer: Layer.Layer<ApiTokens, never, SqlClient.SqlClient> = Layer.effect(
  ApiTokens,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    return ApiTokens.of({
      create: (token, most, since) =>
        Effect.gen(function* () {
          const { access, createdAt, expiresAt, id, investor, lastUsedAt, name, secretHash } = token
          // of several at once each counts what the one before it made
          const held = yield* sql`
            SELECT 1 FROM investors WHERE id = ${investor} AND banned_at IS NULL
              AND signed_out_before <= coalesce(${float8(since)}::bigint, signed_out_before)
            FOR NO KEY UPDATE`
          if (held.length === 0) return yield* new NotSignedIn({ message: "You have been signed out: sign in again" })
          yield* sql.unsafe(DELETE_OLD, [float8(createdAt - SHOWN_EXPIRED_MILLIS)])
          const made = yield* sql`
            INSERT INTO api_tokens (id, investor, name, access, created_at, expires_at, last_used_at, secret_hash)
            SELECT ${id}, ${investor}, ${name}, ${access}, ${float8(createdAt)}::bigint, ${float8(expiresAt)}::bigint,
              ${float8(lastUsedAt)}::bigint, ${secretHash}
            WHERE ${int4(most)} > (SELECT count(*) FROM api_tokens
              WHERE investor = ${investor} AND expires_at > ${float8(createdAt)}::bigint)
            RETURNING id`
          return made.length === 1
        }).pipe(sql.withTransaction, whenAway),
      list: (investor, now) => whenAway(sql.unsafe<ApiToken>(LIST, [float8(now - SHOWN_EXPIRED_MILLIS), investor])),
      find: (id) =>
        sql
          .unsafe<StoredToken>(`SELECT ${TOKEN}, investor, secret_hash AS "secretHash" FROM api_tokens WHERE id = $1`, [
            id
          ])
          .pipe(
            // copied: a view would keep all that arrived with it
            Effect.map(([token]) => token && { ...token, secretHash: Uint8Array.from(token.secretHash) }),
            whenAway
          ),
      revoke: (investor, id) =>
        sql`DELETE FROM api_tokens WHERE investor = ${investor} AND id = ${id} RETURNING id`.pipe(
          Effect.map((rows) => rows.length === 1),
          whenAway
        ),
      revokeAll: (investor) =>
        sql<Id>`DELETE FROM api_tokens WHERE investor = ${investor} RETURNING id`.pipe(
          Effect.map((rows) => rows.map(({ id }) => id)),
          whenAway
        ),
      used: (ids, now) =>
        ids.length === 0
          ? Effect.succeed(new Set())
          : sql.unsafe<Id>(USED, [texts([...new Set(ids)]), float8(now)]).pipe(
              Effect.map((rows) => new Set(rows.map(({ id }) => id))),
              whenAway
            )
    })
  })
)

export const ApiTokensSql = { layer }
