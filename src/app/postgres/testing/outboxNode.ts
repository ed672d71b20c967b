/** A relay of the outbox on an EventLog that does as it is told, and what the two let a test wait for. */
import { Context, Effect, Layer, Queue, References } from "effect"
import { SqlClient } from "effect/sql"
import { EventLog, EventLogUnavailable } from "../../../actors/kernel/EventLog.ts"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import type { DomainEvent } from "../../../rpc/events.ts"
import { OutboxRelay } from "../OutboxRelay.ts"

/** What an append does: keeps so many, then fails; or keeps all, and succeeds, fails, or says nothing for ever. */
export type Answer = number | "succeeds" | "fails" | "hangs"

/** Keeps one of an event's copies, as every EventLog does. */
export class ScriptedEventLog {
  readonly kept: Array<DomainEvent> = []
  /** Events of each append, kept or not. */
  readonly appends: Array<number> = []
  /** For the appends to come, one after the other; then `otherwise`. */
  readonly answers: Array<Answer> = []
  otherwise: Answer = "succeeds"
  readonly #ids = new Set<string>()
  readonly #called = Effect.runSync(Queue.unbounded<void>())

  readonly service = EventLog.of({
    append: (events) =>
      Effect.suspend(() => {
        const answer = this.answers.shift() ?? this.otherwise
        this.appends.push(events.length)
        for (const event of typeof answer === "number" ? events.slice(0, answer) : events) {
          if (!this.#ids.has(event.id)) this.kept.push(event)
          this.#ids.add(event.id)
        }
        Queue.offerUnsafe(this.#called, undefined)
        if (answer === "succeeds") return Effect.void
        return answer === "hangs" ? Effect.never : Effect.fail(new EventLogUnavailable({ reason: "scripted" }))
      })
  })

  /** Done at an append after which the condition holds. */
  readonly when = (condition: () => boolean): Effect.Effect<void> =>
    Effect.suspend(() =>
      condition()
        ? Effect.void
        : Effect.andThen(
            Queue.take(this.#called),
            Effect.suspend(() => this.when(condition))
          )
    )

  readonly whenKept = (count: number): Effect.Effect<void> => this.when(() => this.kept.length >= count)
}

export type Told = "empty" | "waiting" | "failed" | "parked" | "published"

/** A relay of its own, as on a node. */
export const relayOn = Effect.fnUntraced(function* (log: EventLog["Service"]) {
  const told = yield* Queue.unbounded<Told>()
  const gauges = Context.get(yield* Layer.build(Layer.fresh(Gauges.layer)), Gauges)
  const heard = Gauges.of({
    ...gauges,
    add: (name, delta, labels) => {
      gauges.add(name, delta, labels)
      if (name === "outbox_failures_total") Queue.offerUnsafe(told, "failed")
      if (name === "outbox_parked_total") Queue.offerUnsafe(told, "parked")
      if (name === "outbox_published_total" && delta > 0) Queue.offerUnsafe(told, "published")
    },
    set: (name, value, labels) => {
      gauges.set(name, value, labels)
      if (name === "outbox_waiting") Queue.offerUnsafe(told, value === 0 ? "empty" : "waiting")
    }
  })
  const { poke } = Context.get(
    yield* Layer.build(
      Layer.fresh(OutboxRelay.layer).pipe(
        Layer.provide(Layer.succeed(EventLog, log)),
        Layer.provide(Layer.succeed(Gauges, heard)),
        Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
      )
    ),
    OutboxRelay
  )
  /** Until it tells one of these, and which; what it told before is forgotten. After "failed" and "empty" it sleeps. */
  const until = (...what: ReadonlyArray<Told>): Effect.Effect<Told> =>
    Effect.flatMap(Queue.take(told), (one) => (what.includes(one) ? Effect.succeed(one) : until(...what)))
  return { poke, gauges, until }
})

/** As a repository does, in a transaction of its own. */
export const commit = (...events: ReadonlyArray<DomainEvent>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(
      Effect.forEach(
        events,
        ({ at, body, id }) =>
          sql`INSERT INTO outbox (event_id, at, body) VALUES (${id}, ${at}::bigint, ${JSON.stringify(body)}::jsonb)`,
        { discard: true }
      )
    )
  )

/** Nothing waits, nothing is parked, nobody is at it. */
export const emptied = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.andThen(sql`TRUNCATE outbox, outbox_parked`, sql`UPDATE outbox_relay SET until = '-infinity', holder = NULL`)
)

export const left = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ readonly id: string }>`SELECT event_id AS id FROM outbox ORDER BY outbox.id`, (rows) =>
    rows.map(({ id }) => id)
  )
)
