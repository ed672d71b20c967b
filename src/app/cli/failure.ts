/** How a command ends other than well: one line for people, one number for scripts (docs/cli.md). */
import { Data } from "effect"

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
  NotSignedIn: ExitCode.NotSignedIn,
  Forbidden: ExitCode.NotSignedIn,
  LimitExceeded: ExitCode.Failure,
  WatchIdConflict: ExitCode.Failure,
  ServerFailed: ExitCode.Failure,
  Closed: ExitCode.Failure
} as const

/** What the client reports, as a command's end. `url` as it was typed, not the WebSocket address made of it. */
export const fromServer =
  (url: string) =>
  (error: {
    readonly _tag: keyof typeof codes
    readonly message: string
    readonly symbol?: string | undefined
  }): Failure => {
    const message =
      error._tag === "UnknownSymbol" && error.symbol !== undefined
        ? `${error.symbol} is not listed here (see lzstock listings)`
        : error._tag === "NotSignedIn"
          ? `${url} wants to know who asks: set LZSTOCK_TOKEN to a token of yours, made on its account page (${oneLine(error.message)})`
          : oneLine(error.message)
    return new Failure({
      code: codes[error._tag],
      message:
        error._tag === "ConnectFailed"
          ? `cannot connect to ${url}${message === "cannot connect" ? "" : `: ${message}`} (is the server running? npm start)`
          : message
    })
  }
