/** The little of a WebSocket that this client uses: browsers, Node's global one and `ws` all have it. */
import { Effect } from "effect"
import { RPC_PATH } from "../sessions.ts"
import { ConnectFailed } from "./errors.ts"

export interface WebSocketEvent {
  readonly type?: string
  readonly data?: unknown
  readonly code?: number
  readonly reason?: string
  /** What Node's WebSocket says of a refused connection; browsers keep it to themselves. */
  readonly message?: string
}

export interface WebSocketLike {
  binaryType: string
  /** 1: open. */
  readonly readyState: number
  addEventListener(type: "open" | "message" | "error" | "close", listener: (event: WebSocketEvent) => void): void
  removeEventListener(type: "open" | "message" | "error" | "close", listener: (event: WebSocketEvent) => void): void
  send(data: string): void
  close(code?: number, reason?: string): void
  /** `ws` only: drop at once, without a closing handshake that a dead peer would never answer. */
  terminate?(): void
}

/** Opens a socket, e.g. `(url) => new WebSocket(url)`. */
export type MakeWebSocket = (url: string) => WebSocketLike

const globalWebSocket: MakeWebSocket = (url) => new globalThis.WebSocket(url)

export const resolveMakeWebSocket = (
  url: string,
  given: MakeWebSocket | undefined
): Effect.Effect<MakeWebSocket, ConnectFailed> => {
  if (given !== undefined) return Effect.succeed(given)
  if (typeof globalThis.WebSocket === "function") return Effect.succeed(globalWebSocket)
  return Effect.fail(
    new ConnectFailed({ url, message: "this runtime has no global WebSocket; pass makeWebSocket (Node ≥ 22 has one)" })
  )
}

const schemes: Readonly<Record<string, string>> = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }

/** "http://h:1" → "ws://h:1/rpc"; a path of its own is kept; no url = the page's origin. */
export const resolveUrl = (given: string | undefined): Effect.Effect<string, ConnectFailed> => {
  const text = given ?? globalThis.location?.origin
  if (text === undefined) {
    return Effect.fail(new ConnectFailed({ url: "", message: "no url given, and there is no page to take it from" }))
  }
  if (!URL.canParse(text)) return Effect.fail(new ConnectFailed({ url: text, message: `not a URL: ${text}` }))
  const url = new URL(text)
  const scheme = schemes[url.protocol]
  if (scheme === undefined) {
    return Effect.fail(new ConnectFailed({ url: text, message: `not an http, https, ws or wss URL: ${text}` }))
  }
  url.protocol = scheme
  url.hash = ""
  if (url.pathname === "/" || url.pathname === "") url.pathname = RPC_PATH
  return Effect.succeed(url.href)
}
