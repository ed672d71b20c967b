/**
 * The audit log in the table `security_events`. Entries wait in memory and are written together by one fiber, which tries again
 * while the database is away; what was written already, though the answer was lost, is told by the batch's number in `audit_writers`.
 */
import { randomUUID } from "node:crypto"
import { Effect, Fiber, Latch, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type AuditEntry, AuditLog } from "../../actors/investors/AuditLog.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import type { SecurityEvent } from "../../rpc/investors.ts"
import { whenAway } from "./Database.ts"
import { int4 } from "./params.ts"

/** Entries in memory at most, those being written included; what comes beyond is dropped: the first ones tell how it began. */
export const MOST_WAITING = 2_000
const MOST_ROWS = 500
const RETRY_PAUSE = "1 second"
const CLOSING_RETRY_PAUSE = "200 millis"
const CLOSE_WITHIN = "2 seconds"

/**
 * $1: entries as JSON, in order; $2: who writes; $3: the batch's number, from 1: one that is there already is not written again.
 * What comes late of an account that was deleted is kept without particulars: an account is held until its entries are there,
 * for the deletion to see them; one that went while this statement waited for it is known to it, but cannot be held. Exported
 * for the test that writes twice.
 */
export const WRITE = `
WITH next AS (
  INSERT INTO audit_writers (writer, batch) VALUES ($2, $3)
  ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch, at = excluded.at WHERE audit_writers.batch < excluded.batch
  RETURNING batch
), entry AS (
  SELECT entry.* FROM next, ROWS FROM (json_to_recordset($1::json) AS (
    at bigint, investor text, event text, result text, address text, device text, detail text
  )) WITH ORDINALITY AS entry (at, investor, event, result, address, device, detail, place)
), known AS (
  SELECT id FROM investors WHERE id IN (SELECT investor FROM entry)
), held AS MATERIALIZED (
  SELECT id FROM investors WHERE id IN (SELECT investor FROM entry) FOR KEY SHARE
), gone AS (
  SELECT id FROM known WHERE id NOT IN (SELECT id FROM held)
  UNION ALL
  SELECT id FROM deleted_investors WHERE id IN (SELECT investor FROM entry)
), told AS (
  SELECT entry.*, NOT EXISTS (SELECT 1 FROM gone WHERE gone.id = entry.investor) AS whole FROM entry
)
INSERT INTO security_events (at, investor, event, result, address, device, detail)
SELECT at, investor, event, result, CASE WHEN whole THEN address END, CASE WHEN whole THEN device END,
  CASE WHEN whole THEN detail END
FROM told ORDER BY place`

/** With those that a process left which ended otherwise. */
const FORGET = "DELETE FROM audit_writers WHERE writer = $1 OR at < now() - interval '1 day'"

const EVENT = "id::text, at::float8, event, result, address, device, detail"

/** $1: the investor; $2: the id before which; $3: how many. Exported, as what follows, for the test that reads its plan. */
export const PAGE = `
SELECT ${EVENT} FROM security_events WHERE investor = $1 AND security_events.id < $2::bigint
ORDER BY security_events.id DESC LIMIT $3`

/** $1: the id before which; $2: how many. */
export const EVERYTHING = `
SELECT ${EVENT}, investor FROM security_events WHERE security_events.id < $1::bigint
ORDER BY security_events.id DESC LIMIT $2`

const NEWEST = "9223372036854775807"

/** One that PostgreSQL cannot hold would stand in the way of all after it. */
const storable = (text: string | null): string | null => text?.toWellFormed().replaceAll("\0", "\ufffd") ?? null

/** As it is stored: what else the caller's object may carry is nobody's business. */
const rowOf = ({ address, at, detail, device, event, investor, result }: AuditEntry): AuditEntry => ({
  at,
  investor: storable(investor),
  event,
  result,
  address: storable(address),
  device: storable(device),
  detail: storable(detail)
})

/** Of one more than were asked for: the page, and where the next one begins. */
const pageOf = <A extends { readonly id: string }>(rows: ReadonlyArray<A>, limit: number) => {
  const page = rows.slice(0, limit)
  return { page, before: rows.length > limit ? (page.at(-1)?.id ?? null) : null }
}

const layer: Layer.Layer<AuditLog, never, Gauges | SqlClient.SqlClient> = Layer.effect(
  AuditLog,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const gauges = yield* Gauges
    const waiting: Array<AuditEntry> = []
    const self = randomUUID()
    /** Being written: its number, and how many of those that wait are in it, for ever the same. */
    let batch = { number: 0, size: 0 }
    const due = Latch.makeUnsafe(false)
    const closing = Latch.makeUnsafe(false)
    let isClosing = false
    let away = false
    let dropping = false

    const write = Effect.gen(function* () {
      if (batch.size === 0) batch = { number: batch.number + 1, size: Math.min(waiting.length, MOST_ROWS) }
      const { number, size } = batch
      yield* whenAway(sql.unsafe(WRITE, [JSON.stringify(waiting.slice(0, size)), self, int4(number)]))
      waiting.splice(0, size)
      batch = { number, size: 0 }
      dropping = false
      if (away) yield* Effect.logInfo("The audit log is written again")
      away = false
    }).pipe(
      Effect.catchCause((cause) => {
        const told = away ? Effect.void : Effect.logWarning("The audit log cannot be written: its entries wait", cause)
        away = true
        const pause = isClosing
          ? Effect.sleep(CLOSING_RETRY_PAUSE)
          : Effect.raceFirst(Effect.sleep(RETRY_PAUSE), closing.await)
        return Effect.andThen(told, pause)
      })
    )

    const writer = yield* Effect.gen(function* () {
      for (;;) {
        while (waiting.length > 0) yield* write
        if (isClosing)
          return yield* Effect.ignoreCause(batch.number === 0 ? Effect.void : whenAway(sql.unsafe(FORGET, [self])))
        due.closeUnsafe()
        yield* due.await
      }
    }).pipe(Effect.forkDetach)

    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        isClosing = true
        closing.openUnsafe()
        due.openUnsafe()
        yield* Fiber.await(writer).pipe(Effect.interruptible, Effect.timeoutOption(CLOSE_WITHIN))
        yield* Fiber.interrupt(writer)
        if (waiting.length === 0) return
        gauges.add("audit_entries_dropped_total", waiting.length)
        yield* Effect.logWarning("Entries of the audit log were lost at the end", { entries: waiting.length })
      })
    )

    return AuditLog.of({
      record: (entry) =>
        Effect.suspend(() => {
          if (waiting.length < MOST_WAITING && !isClosing) {
            waiting.push(rowOf(entry))
            due.openUnsafe()
            return Effect.void
          }
          gauges.add("audit_entries_dropped_total", 1)
          if (dropping) return Effect.void
          dropping = true
          return Effect.logWarning("Entries of the audit log are dropped: too many wait for the database")
        }),
      page: (investor, before, limit) =>
        whenAway(sql.unsafe<SecurityEvent>(PAGE, [investor, before ?? NEWEST, int4(limit + 1)])).pipe(
          Effect.map((rows) => {
            const { before: next, page } = pageOf(rows, limit)
            return { events: page, before: next }
          })
        ),
      everything: (before, limit) =>
        whenAway(
          sql.unsafe<AuditEntry & { readonly id: string }>(EVERYTHING, [before ?? NEWEST, int4(limit + 1)])
        ).pipe(
          Effect.map((rows) => {
            const { before: next, page } = pageOf(rows, limit)
            return { entries: page, before: next }
          })
        )
    })
  })
)

export const AuditLogSql = { layer }
