/**
 * The way of events out of the outbox: rows go to the EventLog in order, and leave the table when the log has them. At least once;
 * the log keeps one of an event's copies (docs/adr/0021). Any number of nodes run one; a lease lets one at a time be at it, and
 * whatever a killed node left behind is another's.
 */
import { randomUUID } from "node:crypto"
import { Cause, Context, Duration, Effect, Fiber, Layer, Queue, Result, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { EventLog, EventLogUnavailable } from "../../actors/kernel/EventLog.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { DomainEvent } from "../../rpc/events.ts"
import { type OutboxRow, outboxTable } from "./outboxTable.ts"

/** Looked at by itself so often: for what others have left. */
const LOOK_EVERY = "5 seconds"
/** Rows that are moved at once; after a failure one, so that a log that is slow takes something all the same. */
const MOST_ROWS = 100
/** A log that does not answer for so long is away. Well under the lease, so that a process that was frozen goes on with nothing. */
const APPENDED_WITHIN = "10 seconds"
const LEASE_SECONDS = 20

/** 100 ms, doubling up to five seconds. */
const backOff = Schedule.exponential("100 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.fromInputUnsafe(LOOK_EVERY))))
)

export class OutboxRelay extends Context.Service<
  OutboxRelay,
  {
    /** After a commit: what it put into the outbox goes out at once, not with the next look. Waits for nothing. */
    readonly poke: Effect.Effect<void>
  }
>()("lzstock/app/postgres/OutboxRelay") {
  /** Moves what is there, and what comes, until the Scope closes. Whoever hears events in this process is to be built before it. */
  static readonly layer: Layer.Layer<OutboxRelay, never, EventLog | Gauges | SqlClient.SqlClient> = Layer.effect(
    OutboxRelay,
    Effect.suspend(() => make)
  )
}

const isEvent = Schema.is(DomainEvent)
const decode = Schema.decodeUnknownResult(DomainEvent)

/** What a row tells; members that this version does not know are kept. Else why it tells nothing. */
const eventOf = ({ at, body, eventId }: OutboxRow): Result.Result<DomainEvent, string> => {
  if (body === null) return Result.fail("longer than any event is")
  try {
    const value: unknown = { id: eventId, at, body: JSON.parse(body) }
    return isEvent(value) ? Result.succeed(value) : Result.mapError(decode(value), ({ message }) => message)
  } catch (cause) {
    return Result.fail(`not even its error can be told: ${cause}`)
  }
}

const make = Effect.gen(function* () {
  const gauges = yield* Gauges
  const log = yield* EventLog
  const table = outboxTable(yield* SqlClient.SqlClient, randomUUID(), LEASE_SECONDS)
  const wake = yield* Queue.sliding<void>(1)
  let failing = false
  let unparked = false

  const append = (events: ReadonlyArray<DomainEvent>) =>
    Effect.timeoutOrElse(log.append(events), {
      duration: APPENDED_WITHIN,
      orElse: () => Effect.fail(new EventLogUnavailable({ reason: `no answer within ${APPENDED_WITHIN}` }))
    })

  const park = Effect.fnUntraced(function* ({ eventId, id }: OutboxRow, reason: string) {
    if (!(yield* table.park(id, reason))) return
    gauges.add("outbox_parked_total", 1)
    yield* Effect.logError("An event cannot be read and is set aside, in outbox_parked", { id, eventId, reason })
  })

  /** As long as the lease is ours. False: it is another's. */
  const empty = Effect.gen(function* () {
    let held = false
    while (yield* table.hold) {
      held = true
      const rows = yield* table.read(failing ? 1 : MOST_ROWS)
      if (rows.length === 0) break
      const events: Array<DomainEvent> = []
      const ids: Array<number> = []
      for (const row of rows) {
        const event = eventOf(row)
        if (Result.isFailure(event)) {
          yield* park(row, event.failure)
          continue
        }
        events.push(event.success)
        ids.push(row.id)
      }
      yield* append(events)
      gauges.add("outbox_published_total", yield* table.drop(ids))
      if (failing) yield* Effect.logInfo("Events leave the outbox again")
      failing = false
    }
    return held
  })

  // a fiber of its own: a database that does not answer holds up no shutdown for long
  const release = Effect.flatMap(Effect.forkDetach(table.release), Fiber.await)

  const look = Effect.tap(table.waiting, (rows) => Effect.sync(() => gauges.set("outbox_waiting", rows)))

  const turn = Effect.flatMap(look, (rows) => (rows === 0 ? Effect.succeed(false) : Effect.ensuring(empty, release)))

  const move = Effect.gen(function* () {
    // parked by a version that did not know what this one does, perhaps
    if (!unparked && (yield* table.unpark) > 0) yield* Effect.logInfo("Events that were set aside are tried again")
    unparked = true
    // looks once more after each time: whoever came meanwhile found that we were at it
    yield* Effect.repeat(turn, { while: (again) => again })
  })

  /** Log or database away, or a mistake of ours: whatever it is, the rows stay. */
  const failed = Effect.fnUntraced(function* (cause: Cause.Cause<EventLogUnavailable>) {
    if (Cause.hasInterruptsOnly(cause)) return yield* Effect.failCause(cause)
    gauges.add("outbox_failures_total", 1)
    if (!failing) yield* Effect.logWarning("Events cannot leave the outbox; trying again", cause)
    failing = true
    return yield* Effect.fail("again" as const)
  })

  yield* move.pipe(
    Effect.catchCause(failed),
    Effect.retry(backOff),
    Effect.andThen(Effect.timeoutOption(Queue.take(wake), LOOK_EVERY)),
    Effect.forever,
    Effect.forkScoped
  )
  return OutboxRelay.of({ poke: Effect.asVoid(Queue.offer(wake, undefined)) })
})
