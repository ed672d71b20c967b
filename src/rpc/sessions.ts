/** What a WebSocket session and its client agree on besides the RPC groups. Browser-safe. */

/** Path of the RPC WebSocket (ndjson, text frames). */
export const RPC_PATH = "/rpc"

/** Why the server closes a socket. 4xxx are ours; the reason text says what to do, and where waiting helps for how long. */
export const CloseCode = {
  /** Server going away or restarting: reconnect, after the hint of the `Draining` event if there was one. */
  Draining: 1012,
  /** Node full: try again later, or elsewhere. */
  TryAgainLater: 1013,
  MessageTooLarge: 1009,
  /** Not JSON lines of Effect RPC. */
  Malformed: 4400,
  /** Not signed in within the time there is for that, or no longer: the sign-in or token has ended. Coming back needs another. */
  SignedOut: 4401,
  /** Messages came faster than the limit allows. */
  TooManyMessages: 4429,
  /** The peer did not read: more than the hard limit of bytes was waiting for it. */
  SlowConsumer: 4408,
  /** The session actor failed and its supervisor gave up. */
  SessionFailed: 4500
} as const
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode]

/** The end of a refusal's text, for people and for `retryAfterOf`: a close frame has room for a text alone. */
export const tryAgainIn = (millis: number): string => `try again in ${Math.max(1, Math.ceil(millis / 1_000))} s`

/** The wait that a close reason tells, ms; null: it tells none. */
export const retryAfterOf = (reason: string): number | null => {
  const [, seconds] = /\btry again in (\d{1,5}) s\b/.exec(reason) ?? []
  return seconds === undefined ? null : Number(seconds) * 1_000
}

/** Whom a busy server sends away comes back after this. */
export const BUSY_MILLIS = 5_000
/** Inbound messages larger than this close the socket (F11). */
export const MAX_MESSAGE_BYTES = 64 * 1024
/** With nothing else sent for this long, the server sends a heartbeat. */
export const HEARTBEAT_MILLIS = 2_000
/** With nothing received for this long, a client takes the connection for dead. */
export const WATCHDOG_MILLIS = 5_000
