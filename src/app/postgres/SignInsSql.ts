/**
 * Sign-ins in the table `sign_ins`, tickets that were taken in `used_tickets`: where there is no Redis. Finds and redeems of all
 * connections are gathered (Batches.ts): thousands come at once when a gateway died.
 */
import { Cause, Effect, Exit, Layer, Schema } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { MOST_BROWSERS, SignIns, type StoredSignIn } from "../../actors/investors/SignIns.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Unavailable } from "../../rpc/market.ts"
import { tryAgainIn } from "../../rpc/sessions.ts"
import { makeBatches } from "../Batches.ts"
import { DatabaseUnreachable, whenAway } from "./Database.ts"
import { float8, float8s, texts } from "./params.ts"

/** Sign-ins or tickets of one statement, at most. */
const MOST_ROWS = 1_000
const MOST_WAITING = 4_096
/** Those that have expired go as others come: at most so many by one statement, never fewer than come. */
const MOST_DELETED = MOST_ROWS
/** A ticket is remembered for longer than it is good for: another node's clock may be behind. */
const REMEMBERED_MILLIS = 60_000

const SIGN_IN = `id, kind, investor, secret_hash AS "secretHash", created_at::float8 AS "createdAt",
  last_seen_at::float8 AS "lastSeenAt", expires_at::float8 AS "expiresAt", ends_at::float8 AS "endsAt",
  user_agent AS "userAgent", address`

/** $1: id; $2 … $10: the rest; $6, when it was last seen, is now. */
const PUT = `
WITH old AS (
  DELETE FROM sign_ins WHERE id = ANY (ARRAY (
    SELECT id FROM sign_ins WHERE expires_at <= $6::bigint AND id <> $1 ORDER BY expires_at LIMIT ${MOST_DELETED}
    FOR UPDATE SKIP LOCKED
  ))
), beyond AS (
  DELETE FROM sign_ins WHERE id = ANY (ARRAY (
    SELECT id FROM sign_ins WHERE id = ANY (ARRAY (
      SELECT id FROM sign_ins
      WHERE $2 = 'browser' AND investor = $3 AND kind = 'browser' AND expires_at > $6::bigint AND id <> $1
      ORDER BY last_seen_at DESC, id OFFSET ${MOST_BROWSERS - 1}
    ))
    FOR UPDATE SKIP LOCKED
  ))
)
INSERT INTO sign_ins (id, kind, investor, secret_hash, created_at, last_seen_at, expires_at, ends_at, user_agent, address)
VALUES ($1, $2, $3, $4, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9, $10)
ON CONFLICT (id) DO UPDATE SET
  kind = excluded.kind, investor = excluded.investor, secret_hash = excluded.secret_hash,
  created_at = excluded.created_at, last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at,
  ends_at = excluded.ends_at, user_agent = excluded.user_agent, address = excluded.address`

/** $1: the investor; $2: now. Exported, as what follows, for the test that reads its plan. */
export const LIST = `
SELECT ${SIGN_IN} FROM sign_ins
WHERE investor = $1 AND kind = 'browser' AND expires_at > $2::bigint ORDER BY sign_ins.last_seen_at DESC, sign_ins.id`

/** $1: ids; $2: now; $3: ms. Locked in one order, so that two nodes do not wait for one another in a circle. */
export const SEEN = `
WITH held AS (
  SELECT id FROM sign_ins WHERE id = ANY ($1::text[]) AND expires_at > $2::bigint ORDER BY id FOR NO KEY UPDATE
)
UPDATE sign_ins SET
  last_seen_at = greatest(last_seen_at, $2::bigint),
  expires_at = greatest(expires_at, least($2::bigint + $3::bigint, ends_at))
FROM held WHERE sign_ins.id = held.id
RETURNING sign_ins.id`

/**
 * $1: nonces; $2: the sign-ins they stand on; $3: until when they are remembered; $4: when they are shown; $5: what was to be
 * remembered until then may go. Gives for each whether its sign-in is there, and whether its nonce is new with this statement.
 * Put in order of the nonces, so that two nodes do not wait for one another in a circle.
 */
export const REDEEM = `
WITH shown AS (
  SELECT shown.*, EXISTS (
    SELECT 1 FROM sign_ins WHERE sign_ins.id = shown.sign_in AND sign_ins.expires_at > shown.now::bigint
  ) AS stands
  FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[]) WITH ORDINALITY
    AS shown (nonce, sign_in, expires_at, now, place)
), taken AS (
  INSERT INTO used_tickets (nonce, expires_at)
  SELECT nonce, max(expires_at)::bigint FROM shown WHERE stands GROUP BY nonce ORDER BY nonce COLLATE "C"
  ON CONFLICT (nonce) DO NOTHING RETURNING nonce
), old AS (
  DELETE FROM used_tickets WHERE nonce = ANY (ARRAY (
    SELECT nonce FROM used_tickets WHERE expires_at <= $5::bigint ORDER BY expires_at LIMIT ${MOST_DELETED}
    FOR UPDATE SKIP LOCKED
  ))
)
SELECT stands, EXISTS (SELECT 1 FROM taken WHERE taken.nonce = shown.nonce) AS taken FROM shown ORDER BY place`

type Ticket = Parameters<typeof SignIns.Service.redeem>[0]
interface Id {
  readonly id: string
}

const copyOf = (row: StoredSignIn): StoredSignIn => ({ ...row, secretHash: Uint8Array.from(row.secretHash) })

const isAway = (defect: unknown): boolean => SqlError.isSqlError(defect) || Schema.is(DatabaseUnreachable)(defect)

const AWAY_MILLIS = 2_000
const unavailable = () =>
  new Unavailable({
    what: "sign-ins",
    retryAfterMillis: AWAY_MILLIS,
    message: `The store of sign-ins is away: ${tryAgainIn(AWAY_MILLIS)}`
  })

const layer: Layer.Layer<SignIns, never, Gauges | SqlClient.SqlClient> = Layer.effect(
  SignIns,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const gauges = yield* Gauges
    let away = false

    /** Said once in the log, however many find it away. */
    const orUnavailable = <A>(effect: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, Unavailable> =>
      whenAway(effect).pipe(
        Effect.tap(() =>
          Effect.sync(() => {
            away = false
          })
        ),
        Effect.catchCause((cause) => {
          if (!isAway(Cause.squash(cause))) return Effect.failCause(cause)
          gauges.add("sign_ins_unavailable_total", 1)
          const failed = Effect.fail(unavailable())
          if (away) return failed
          away = true
          return Effect.andThen(Effect.logWarning("The database gives no answer about sign-ins", cause), failed)
        })
      )

    const findAll = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
      const rows = yield* sql.unsafe<StoredSignIn>(`SELECT ${SIGN_IN} FROM sign_ins WHERE id = ANY ($1::text[])`, [
        texts([...new Set(ids)])
      ])
      const found = new Map(rows.map((row) => [row.id, copyOf(row)]))
      return ids.map((id) => Exit.succeed(found.get(id)))
    })

    const redeemAll = Effect.fnUntraced(function* (tickets: ReadonlyArray<Ticket>) {
      const rows = yield* sql.unsafe<{ readonly stands: boolean; readonly taken: boolean }>(REDEEM, [
        texts(tickets.map(({ nonce }) => nonce)),
        texts(tickets.map(({ signIn }) => signIn)),
        float8s(tickets.map(({ ticketExpiresAt }) => ticketExpiresAt)),
        float8s(tickets.map(({ now }) => now)),
        float8(Math.min(...tickets.map(({ now }) => now)) - REMEMBERED_MILLIS)
      ])
      // of one nonce the first gets it: the others in the statement come too late
      const given = new Set<string>()
      return tickets.map(({ nonce }, index) => {
        const { stands, taken } = rows[index] ?? { stands: false, taken: false }
        if (!stands) return Exit.succeed("ended" as const)
        if (!taken || given.has(nonce)) return Exit.succeed("used" as const)
        given.add(nonce)
        return Exit.succeed("good" as const)
      })
    })

    /** When the store is away all in a batch are told so, and all that wait already: it would be as long again for them. */
    const batched = Effect.fnUntraced(function* <A, B>(
      run: (items: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<Exit.Exit<B>>, SqlError.SqlError>
    ) {
      let failures = 0
      const submit = yield* makeBatches<{ readonly item: A; readonly since: number }, B, Unavailable>({
        run: (entries) =>
          Effect.gen(function* () {
            const fresh = entries.filter(({ since }) => since === failures).map(({ item }) => item)
            const answers = yield* fresh.length === 0 ? Effect.succeed([]) : orUnavailable(run(fresh))
            // in the order of asking: those that have waited for too long come first
            return [...entries.slice(fresh.length).map(() => Exit.fail(unavailable())), ...answers]
          }).pipe(
            Effect.catch((error) => {
              failures++
              return Effect.succeed(entries.map(() => Exit.fail(error)))
            })
          ),
        weight: () => 1,
        most: MOST_ROWS,
        waiting: MOST_WAITING
      })
      return (item: A) => Effect.suspend(() => submit({ item, since: failures }))
    })
    const find = yield* batched(findAll)
    const redeem = yield* batched(redeemAll)

    return SignIns.of({
      put: (signIn) =>
        sql
          .unsafe(PUT, [
            signIn.id,
            signIn.kind,
            signIn.investor,
            signIn.secretHash,
            ...[signIn.createdAt, signIn.lastSeenAt, signIn.expiresAt, signIn.endsAt].map(float8),
            signIn.userAgent,
            signIn.address
          ])
          .pipe(orUnavailable, Effect.asVoid),
      find: (id, now) =>
        Effect.map(find(id), (found) => (found !== undefined && found.expiresAt > now ? found : undefined)),
      list: (investor, now) =>
        Effect.map(orUnavailable(sql.unsafe<StoredSignIn>(LIST, [investor, float8(now)])), (rows) => rows.map(copyOf)),
      end: (investor, id) =>
        sql`DELETE FROM sign_ins WHERE investor = ${investor} AND id = ${id} RETURNING id`.pipe(
          Effect.map((rows) => rows.length === 1),
          orUnavailable
        ),
      endAll: (investor, { tokens }) =>
        sql<Id>`
          DELETE FROM sign_ins WHERE investor = ${investor} AND (${tokens}::boolean OR kind = 'browser')
          RETURNING id`.pipe(
          Effect.map((rows) => rows.map(({ id }) => id)),
          orUnavailable
        ),
      seen: Effect.fnUntraced(function* (ids, now, idleMillis) {
        const there = new Set<string>()
        const each = [...new Set(ids)]
        for (let at = 0; at < each.length; at += MOST_ROWS) {
          const params = [texts(each.slice(at, at + MOST_ROWS)), float8(now), float8(idleMillis)]
          for (const { id } of yield* orUnavailable(sql.unsafe<Id>(SEEN, params))) there.add(id)
        }
        return there
      }),
      redeem
    })
  })
)

export const SignInsSql = { layer }
