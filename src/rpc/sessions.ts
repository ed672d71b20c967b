/** What a WebSocket session and its client agree on besides the RPC groups. Browser-safe. */

/** Path of the RPC WebSocket (ndjson, text frames). */
export const RPC_PATH = "/rpc"

/** Why the server closes a socket. 4xxx are ours; the reason text says what to do. */
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

/** Inbound messages larger than this close the socket (F11). */
export const MAX_MESSAGE_BYTES = 64 * 1024
/** With nothing else sent for this long, the server sends a heartbeat. */
export const HEARTBEAT_MILLIS = 2_000
/** With nothing received for this long, a client takes the connection for dead. */
export const WATCHDOG_MILLIS = 5_000
