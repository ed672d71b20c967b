/** When to try again. Pure: `random` is a number in [0, 1). */
import { CloseCode } from "../sessions.ts"

export const BACKOFF_BASE_MILLIS = 250
export const BACKOFF_CAP_MILLIS = 10_000
/** Open for this long, a connection counts as healthy and the back-off starts over. */
export const HEALTHY_MILLIS = 10_000
/** After "full" or "too many messages", the least wait is half of this; doubles each time, to the cap. */
export const COOL_DOWN_MILLIS = 10_000
export const COOL_DOWN_CAP_MILLIS = 60_000

/** Full jitter: anywhere between at once and the bound, so that clients dropped together do not come back together. */
export const fullJitter = (attempt: number, random: number): number =>
  Math.floor(random * Math.min(BACKOFF_CAP_MILLIS, BACKOFF_BASE_MILLIS * 2 ** Math.min(attempt - 1, 30)))

/** The server said "not now": at least half of the wait is certain. */
export const coolDown = (refusals: number, random: number): number => {
  const wait = Math.min(COOL_DOWN_CAP_MILLIS, COOL_DOWN_MILLIS * 2 ** Math.min(refusals - 1, 30))
  return Math.floor(wait / 2 + (random * wait) / 2)
}

const refuses = (code: number | null): boolean => code === CloseCode.TryAgainLater || code === CloseCode.TooManyMessages

/** How a connection ended. */
export interface Ended {
  readonly reason: string
  readonly code: number | null
  /** How long it was open, ms; 0 if it never was. */
  readonly openMillis: number
  /** What the server said: in a `Draining` event, a refusal or the close reason. */
  readonly retryAfterMillis: number | null
}

export interface BackoffState {
  /** Attempts since the last healthy connection. */
  readonly attempt: number
  /** Refusals since then. */
  readonly refusals: number
}

export const freshBackoff: BackoffState = { attempt: 0, refusals: 0 }

/** The wait before the next attempt, and the state to judge the one after it by. */
export const nextWait = (
  state: BackoffState,
  ended: Ended,
  random: number
): { readonly state: BackoffState; readonly waitMillis: number } => {
  const from = ended.openMillis >= HEALTHY_MILLIS ? freshBackoff : state
  const refusals = refuses(ended.code) ? from.refusals + 1 : from.refusals
  const attempt = from.attempt + 1
  const jittered = refuses(ended.code) ? coolDown(refusals, random) : fullJitter(attempt, random)
  return { state: { attempt, refusals }, waitMillis: Math.max(jittered, ended.retryAfterMillis ?? 0) }
}
