/** What is wrong with a form, in words beside its fields or above them. Pure. */
import { ATTEMPTS_OF_ACCOUNT, MAX_PASSWORD_LENGTH, normaliseEmail } from "../../../../src/rpc/investors.ts"
import type { Problem } from "../answers.ts"

/** By the name of the field. */
export type FieldErrors = Readonly<Record<string, string>>

export interface Trouble {
  readonly fields: FieldErrors
  /** What is read out first; null: the fields say it all. */
  readonly summary: string | null
  /** Where the cursor goes when no field is wrong by itself. */
  readonly focus: string | null
  /** Until then nothing is sent; null: at once. */
  readonly retryAfterMillis: number | null
  /** The wait is for whoever sent this, and for nobody else. */
  readonly ofSender: boolean
}

export const noTrouble: Trouble = { fields: {}, summary: null, focus: null, retryAfterMillis: null, ofSender: false }

export const emailError = (text: string): string | null =>
  text.trim() === ""
    ? "Enter your e-mail address."
    : normaliseEmail(text) === undefined
      ? "This is not an e-mail address. One looks like name@example.org."
      : null

/** In characters as people count them, which is how the server does. */
const lengthOf = (password: string): number => Array.from(password.normalize("NFKC")).length

export const newPasswordError = (text: string, least: number): string | null =>
  text === ""
    ? "Choose a password."
    : lengthOf(text) < least
      ? `Use at least ${least} characters; this has ${lengthOf(text)}.`
      : text.length > MAX_PASSWORD_LENGTH
        ? `Use at most ${MAX_PASSWORD_LENGTH} characters; this has ${text.length}.`
        : null

/** Longer ones are no one's password: the server takes none. */
export const knownPasswordError = (text: string): string | null =>
  text === ""
    ? "Enter your password."
    : text.length > MAX_PASSWORD_LENGTH
      ? `A password has at most ${MAX_PASSWORD_LENGTH} characters.`
      : null

/** Those that say something. */
export const fieldErrors = (errors: Readonly<Record<string, string | null>>): FieldErrors =>
  Object.fromEntries(Object.entries(errors).flatMap(([name, text]) => (text === null ? [] : [[name, text]])))

export const troubleOfFields = (fields: FieldErrors): Trouble => {
  const count = Object.keys(fields).length
  return count === 0
    ? noTrouble
    : {
        ...noTrouble,
        fields,
        summary: count === 1 ? "Please check the field marked below." : `Please check the ${count} fields marked below.`
      }
}

export const sentence = (text: string): string => {
  const trimmed = text.trim()
  return /[.?!…]$/.test(trimmed) ? trimmed : `${trimmed}.`
}

/** `fields`: for problems that belong to one field, its name and what to say of it, "" for the server's own words. */
export const troubleOf = (
  problem: Problem,
  names: ReadonlyArray<string>,
  fields: Readonly<Record<string, readonly [name: string, text: string]>> = {}
): Trouble => {
  const at = Object.hasOwn(fields, problem.error) ? fields[problem.error] : undefined
  if (at !== undefined) return troubleOfFields({ [at[0]]: at[1] === "" ? sentence(problem.message) : at[1] })
  const { retryAfterMillis } = problem
  switch (problem.error) {
    case "Unreachable":
      return {
        ...noTrouble,
        summary: "The server could not be reached. Check your connection, then try again. Nothing you typed is lost."
      }
    case "LimitExceeded": {
      const ofSender = problem.limit === ATTEMPTS_OF_ACCOUNT
      const whose = ofSender && names.includes("email") ? " with this e-mail address" : ""
      return {
        ...noTrouble,
        // the button counts the time
        summary:
          retryAfterMillis === null ? sentence(problem.message) : `Too many tries${whose}. Please wait a little.`,
        retryAfterMillis,
        ofSender
      }
    }
    case "Unavailable":
    case "Unreadable":
      return {
        ...noTrouble,
        summary: "The server cannot do this just now. Please try again in a moment.",
        retryAfterMillis
      }
    default: {
      const { field } = problem
      return field !== null && names.includes(field)
        ? troubleOfFields({ [field]: sentence(problem.message) })
        : { ...noTrouble, summary: sentence(problem.message), retryAfterMillis }
    }
  }
}

/** "12 s", "3 min". */
export const waitText = (seconds: number): string => (seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`)
