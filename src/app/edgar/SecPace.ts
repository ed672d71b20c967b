/**
 * When the next request to the SEC may start. Everything of this process that asks the SEC takes its turn here: evenly spaced,
 * and nobody while the SEC wants a pause.
 */
import { Clock, Effect } from "effect"
import { SourceError } from "../../actors/companies/CompanySource.ts"

/** Through a shorter pause one waits; a longer one is told. */
export const LONGEST_WAIT_MILLIS = 60_000

/** More than the SEC ever wants. */
export const LONGEST_PAUSE_MILLIS = 15 * 60_000

export interface PauseReason {
  readonly kind: "busy" | "refused"
  readonly message: string
}

export class SecPace {
  private readonly spacing: number
  private nextAt = 0
  private pausedUntil = 0
  private reason: PauseReason = { kind: "busy", message: "" }

  constructor(requestsPerSecond: number) {
    this.spacing = Math.ceil(1_000 / requestsPerSecond)
  }

  /** Done when a request may start. Fails while a pause is on that is too long to wait. */
  readonly turn: Effect.Effect<void, SourceError> = Effect.gen({ self: this }, function* () {
    for (;;) {
      const now = yield* Clock.currentTimeMillis
      // a clock that was set back must not stop us for as long
      this.pausedUntil = Math.min(this.pausedUntil, now + LONGEST_PAUSE_MILLIS)
      this.nextAt = Math.min(this.nextAt, now + this.spacing)
      const paused = this.pausedUntil - now
      if (paused > LONGEST_WAIT_MILLIS) return yield* new SourceError({ ...this.reason, retryAfterMillis: paused })
      const millis = Math.max(paused, this.nextAt - now)
      if (millis <= 0) {
        this.nextAt = now + this.spacing
        return
      }
      // another may take the turn, or a pause begin
      yield* Effect.sleep(millis)
    }
  })

  /** Nobody starts for so long. A pause that is on already is not shortened. */
  pause(millis: number, reason: PauseReason): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      const until = now + Math.ceil(Math.min(millis, LONGEST_PAUSE_MILLIS))
      if (until <= this.pausedUntil) return
      this.pausedUntil = until
      this.reason = reason
    })
  }

  /** What is left of the pause; 0 if none is on. */
  readonly paused: Effect.Effect<number> = Effect.map(Clock.currentTimeMillis, (now) =>
    Math.max(0, this.pausedUntil - now)
  )
}
