/** What the SEC's answers mean: how long it wants us to wait, and what may be tried again. */
import { Data, Duration } from "effect"
import { SourceError } from "../../actors/companies/CompanySource.ts"
import { LONGEST_PAUSE_MILLIS } from "./SecPace.ts"

const MINUTE = 60_000
/** How long the SEC shuts an address out that asked too often. */
export const BLOCKED_MILLIS = 10 * MINUTE
/** After a failure that says nothing about it. */
export const AGAIN_AFTER_MILLIS = MINUTE

/** May be better the next time. `result` is how it is counted. */
export class Again extends Data.TaggedError("Again")<{
  readonly result: "busy" | "failed" | "malformed"
  readonly message: string
}> {}

export const malformed = (message: string): SourceError =>
  new SourceError({ kind: "malformed", message, retryAfterMillis: AGAIN_AFTER_MILLIS })

/** Retry-After, as seconds or an HTTP date, in ms and within bounds; null: it is not there, or makes no sense. */
export const retryAfterMillis = (header: string | undefined, now: number): number | null => {
  const text = header?.trim() ?? ""
  let millis = Number.NaN
  if (/^\d+$/.test(text)) millis = Number(text) * 1_000
  else if (/^[A-Z][a-z]{2}/.test(text)) millis = Date.parse(text) - now
  return Number.isNaN(millis) ? null : Math.min(Math.max(millis, 0), LONGEST_PAUSE_MILLIS)
}

/** For people: "30 seconds", "10 minutes". */
export const inWords = (millis: number): string => {
  const seconds = Math.ceil(Duration.toSeconds(Duration.millis(millis)))
  const [count, unit] = seconds < 120 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"]
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}

/** One line: the code of the system's error where there is one, else what it says. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "no reason given"
  if ("code" in error && typeof error.code === "string") return error.code
  if (error.cause instanceof Error) return reasonOf(error.cause)
  return firstLine(error.message === "" ? error.name : error.message)
}

const LONGEST_REASON = 200
export const firstLine = (text: string): string => {
  const [line = ""] = text.split("\n")
  return line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON)}…` : line
}
