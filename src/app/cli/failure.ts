/** How a command ends other than well: one line for people, one number for scripts (docs/cli.md). */
import { Data } from "effect"
import { endingOf } from "../../rpc/endings.ts"
import { retryAfterOf, tryAgainIn } from "../../rpc/sessions.ts"
import { isHttpAnswer } from "./webSocket.ts"

export const ExitCode = {
  Ok: 0,
  /** Anything without a number of its own. */
  Failure: 1,
  /** The command line was wrong; nothing was done. */
  Usage: 2,
  /** No server at --url. */
  CannotConnect: 3,
  UnknownSymbol: 4,
  /** The server wants a token (LZSTOCK_TOKEN), or another than this. */
  NotSignedIn: 6,
  /** The server did not answer in time, or said "not now". Worth another try. */
  TryAgain: 5,
  /** Ctrl-C, and SIGTERM: 128 + the signal's number, as shells have it. */
  Interrupted: 130,
  Terminated: 143
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** `message` is one line without a full stop at its end. */
export class Failure extends Data.TaggedError("Failure")<{ readonly message: string; readonly code: ExitCode }> {}

export const usage = (message: string): Failure => new Failure({ message, code: ExitCode.Usage })

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim()

/** The client's and the contract's errors, by tag. */
const codes = {
  ConnectFailed: ExitCode.CannotConnect,
  Timeout: ExitCode.TryAgain,
  Unavailable: ExitCode.TryAgain,
  UnknownSymbol: ExitCode.UnknownSymbol,
  InvalidArguments: ExitCode.Usage,
  InvalidRequest: ExitCode.Usage,
  NotAllowed: ExitCode.Failure,
  NotFound: ExitCode.Failure,
  EmailTaken: ExitCode.Failure,
  NotSignedIn: ExitCode.NotSignedIn,
  Forbidden: ExitCode.NotSignedIn,
  LimitExceeded: ExitCode.Failure,
  WatchIdConflict: ExitCode.Failure,
  ServerFailed: ExitCode.Failure,
  Closed: ExitCode.Failure
} as const

interface Reported {
  readonly _tag: keyof typeof codes
  readonly message: string
  readonly symbol?: string | undefined
  readonly retryAfterMillis?: number | null | undefined
}

/** The server is there and said "not now". */
const isLater = ({ _tag, retryAfterMillis }: Reported): boolean =>
  _tag === "ConnectFailed" ? retryAfterMillis !== undefined : typeof retryAfterMillis === "number"

/** In the server's words, and when it may be asked again, where it knows. */
const wordsOf = ({ message, retryAfterMillis }: Reported): string => {
  const line = oneLine(message)
  const isSaid = typeof retryAfterMillis !== "number" || retryAfterOf(line) !== null
  return isSaid ? line : `${line} (${tryAgainIn(retryAfterMillis)})`
}

const cannotConnect = (url: string, why: string): string => {
  if (why === "cannot connect") return `cannot connect to ${url} (is the server running? npm start)`
  // something is there, though not what was looked for
  const hint = isHttpAnswer(why) ? "" : " (is the server running? npm start)"
  return `cannot connect to ${url}: ${why}${hint}`
}

const isOver = (message: string): boolean => ["banned", "account-deleted"].includes(endingOf(message) ?? "")

const messageOf = (url: string, error: Reported): string => {
  const words = wordsOf(error)
  switch (error._tag) {
    case "UnknownSymbol":
      return error.symbol === undefined ? words : `${error.symbol} is not listed here (see lzstock listings)`
    case "NotSignedIn":
      // another token would not help
      if (isOver(error.message)) return `${url}: ${words}`
      return `${url} wants to know who asks: set LZSTOCK_TOKEN to a token of yours, made on its account page (${words})`
    case "ConnectFailed":
      return isLater(error) ? `${url} takes no connection now: ${words}` : cannotConnect(url, words)
    default:
      return words
  }
}

/** What the client reports, as a command's end. `url` as it was typed, not the WebSocket address made of it. */
export const fromServer =
  (url: string) =>
  (error: Reported): Failure =>
    new Failure({
      code: isLater(error) ? ExitCode.TryAgain : codes[error._tag],
      message: messageOf(url, error)
    })
