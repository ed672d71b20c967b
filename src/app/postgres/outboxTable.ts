/**
 * The outbox as its relay sees it: rows of the table `outbox` in order, a lease on emptying it (`outbox_relay`), and what could not
 * be read (`outbox_parked`). Filled by repositories, in the transaction of the change that an event tells of.
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { whenAway } from "./Database.ts"
import { float8, float8s, int4 } from "./params.ts"

/** Rows of which it is known how many they are; more are called so many. */
const MOST_COUNTED = 10_000
/** Parked rows that are looked at again when a relay starts. */
const MOST_UNPARKED = 1_000
/** No event is longer: it must fit into a message of NATS, and many of them into memory. */
const MOST_BYTES = 64 * 1024
const MOST_REASON = 500
/** Else it ends by itself. */
const RELEASED_WITHIN = "2 seconds"

export interface OutboxRow {
  readonly id: number
  readonly eventId: string
  readonly at: number
  /** JSON; null: longer than any event is. */
  readonly body: string | null
}

/** $1: how many, $2: the longest body in bytes. */
export const READ = `
SELECT id::float8 AS id, event_id AS "eventId", at::float8 AS at,
  CASE WHEN octet_length(body::text) <= $2 THEN body::text END AS body
FROM outbox ORDER BY outbox.id LIMIT $1`

export const outboxTable = (sql: SqlClient.SqlClient, holder: string, leaseSeconds: number) => ({
  /** How many wait; nothing is written, so that looking costs next to nothing. */
  waiting: whenAway(
    Effect.map(
      sql<{ readonly rows: number }>`
        SELECT count(*)::int AS rows FROM (SELECT FROM outbox LIMIT ${int4(MOST_COUNTED)}) AS counted`,
      ([count]) => count?.rows ?? 0
    )
  ),

  /** Takes the lease, or takes it for longer. False: another relay has it. By the database's clock, as all nodes do. */
  hold: whenAway(
    Effect.map(
      sql`
        UPDATE outbox_relay
        SET holder = ${holder}, until = clock_timestamp() + make_interval(secs => ${int4(leaseSeconds)})
        WHERE holder = ${holder} OR until < clock_timestamp()
        RETURNING only_row`,
      (rows) => rows.length === 1
    )
  ),

  release: whenAway(
    sql`UPDATE outbox_relay SET until = '-infinity' WHERE holder = ${holder} AND until > '-infinity'`,
    RELEASED_WITHIN
  ),

  /** The oldest so many. */
  read: (most: number) => whenAway(sql.unsafe<OutboxRow>(READ, [int4(most), int4(MOST_BYTES)])),

  /** How many of them were still there. */
  drop: (ids: ReadonlyArray<number>) =>
    whenAway(
      Effect.map(
        sql`DELETE FROM outbox WHERE id = ANY (${float8s(ids)}::float8[]::bigint[]) RETURNING id`,
        ({ length }) => length
      )
    ),

  /** Out of the others' way, with the reason. False: it was there no more. */
  park: (id: number, reason: string) =>
    whenAway(
      Effect.map(
        sql`
          WITH gone AS (
            DELETE FROM outbox WHERE id = ${float8(id)}::bigint RETURNING id, at, created_at, event_id, body
          )
          INSERT INTO outbox_parked (id, at, created_at, event_id, body, reason)
          SELECT id, at, created_at, event_id, body, ${reason.slice(0, MOST_REASON)} FROM gone
          ON CONFLICT (id) DO NOTHING
          RETURNING id`,
        (rows) => rows.length === 1
      )
    ),

  /** What is parked waits again, in its old place. How many. */
  unpark: whenAway(
    Effect.map(
      sql`
        WITH back AS (
          DELETE FROM outbox_parked WHERE id IN (SELECT id FROM outbox_parked ORDER BY id LIMIT ${int4(MOST_UNPARKED)})
          RETURNING id, at, created_at, event_id, body
        )
        INSERT INTO outbox (id, at, created_at, event_id, body)
        OVERRIDING SYSTEM VALUE SELECT id, at, created_at, event_id, body FROM back
        ON CONFLICT DO NOTHING
        RETURNING id`,
      ({ length }) => length
    )
  )
})
