/**
 * Supervision: run an actor's life, start it again when it crashes, give up when it crashes too often (A5).
 *
 * A crash is any failure or defect; success ends the life and interruption passes through untouched. More than
 * `intensity` restarts within `period` is an escalation: the supervisor stops and the caller's `onEscalate` decides what
 * that means (answer Unavailable, close a socket …). Times come from Clock, so TestClock drives them.
 *
 * Counted: `actor_restarts_total{kind}`, `actor_escalations_total{kind}`.
 */
import { Cause, Clock, Data, Duration, Effect, Exit } from "effect"
import { Gauges } from "./Gauges.ts"

/** The supervisor gave up: too many crashes in too short a time. `cause` is the last one. */
export class Escalated extends Data.TaggedError("Escalated")<{
  readonly kind: string
  readonly id: string
  readonly cause: Cause.Cause<unknown>
}> {}

export interface Supervision {
  /** Label of the counters, e.g. "ticker". */
  readonly kind: string
  /** Which one; only for logs. */
  readonly id: string
  /** Restarts allowed within `period`; one more escalates. */
  readonly intensity: number
  readonly period: Duration.Input
  /** Wait before a restart: `first`, doubling with each restart still inside the period, at most `most`. Default 10 ms … 1 s. */
  readonly backOff?: { readonly first: Duration.Input; readonly most: Duration.Input }
  /** Runs at each crash that will be restarted, before the wait: tell whoever watches the actor (A7). */
  readonly onRestart?: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** Runs once, when the supervisor gives up. */
  readonly onEscalate?: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
}

/** A life under supervision: `life` is run from its beginning at each restart and must build its own fresh state. */
export const supervise =
  (options: Supervision) =>
  <A, E, R>(life: Effect.Effect<A, E, R>): Effect.Effect<A, Escalated, R | Gauges> =>
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const labels = `kind="${options.kind}"`
      const period = Duration.toMillis(options.period)
      const first = Duration.toMillis(options.backOff?.first ?? 10)
      const most = Duration.toMillis(options.backOff?.most ?? 1_000)
      // when the restarts still inside the period happened; never longer than `intensity`
      let recent: ReadonlyArray<number> = []

      const crashed = (cause: Cause.Cause<unknown>): Effect.Effect<void, Escalated> =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          recent = recent.filter((time) => time > now - period)
          if (recent.length >= options.intensity) {
            gauges.add("actor_escalations_total", 1, labels)
            yield* Effect.logError("Actor crashed too often, giving up", cause)
            if (options.onEscalate) yield* options.onEscalate(cause)
            return yield* new Escalated({ kind: options.kind, id: options.id, cause })
          }
          const wait = Math.min(most, first * 2 ** recent.length)
          recent = [...recent, now]
          gauges.add("actor_restarts_total", 1, labels)
          yield* Effect.logWarning("Actor crashed, restarting", cause)
          if (options.onRestart) yield* options.onRestart(cause)
          yield* Effect.sleep(wait)
        }).pipe(Effect.annotateLogs({ actor: options.kind, id: options.id }))

      // a loop, not recursion: an actor may live for months and restart now and then
      while (true) {
        const exit = yield* Effect.exit(life)
        if (Exit.isSuccess(exit)) return exit.value
        if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
        yield* crashed(exit.cause)
      }
    })
