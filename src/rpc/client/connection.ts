/**
 * One server, one socket at a time, for ever: connect, watch over received bytes, drop, wait, connect again. Comes from:
 * socket.ts (bytes). Goes to: protocol.ts (lines).
 */
import { Clock, Deferred, Effect, Latch, Option, Random, type Scope } from "effect"
import { CloseCode, retryAfterOf, WATCHDOG_MILLIS } from "../sessions.ts"
import type { Authentication, AuthenticationAnswer } from "./authentication.ts"
import { type Ended, freshBackoff, nextWait } from "./backoff.ts"
import type { MakeWebSocket, WebSocketEvent, WebSocketLike } from "./socket.ts"
import type { ConnectionState } from "./types.ts"

/** An attempt whose upgrade, or then whose credential, is not answered within this is given up. */
export const CONNECT_TIMEOUT_MILLIS = 10_000
/** After half of the watchdog's time in silence, the server is asked; any answer will do. */
const PROBE_MILLIS = WATCHDOG_MILLIS / 2
const CLOSE_TIMEOUT_MILLIS = 1_000
const OPEN = 1
const PING = '{"_tag":"Ping"}\n'

/** Who speaks over the connection. Both are called synchronously. */
export interface Conversation {
  /** One socket message. Throws if it is not what the server may say. */
  readonly onMessage: (text: string) => void
  /** After the state changed to reconnecting. */
  readonly onLost: (reason: string, code: number | null) => void
}

export interface Connection {
  readonly url: string
  readonly state: () => ConnectionState
  readonly onState: (listener: (state: ConnectionState) => void) => () => void
  /** ms since epoch of the last received byte; null before it. */
  readonly lastReceived: () => number | null
  /** Completes once (or when next) the connection is open. */
  readonly awaitOpen: Effect.Effect<void>
  /** Completes with the reason when there will be no connection any more, and everybody has been told that this one is lost. */
  readonly awaitSignedOut: Effect.Effect<string>
  /** False if there is no open connection: nothing was sent. */
  readonly send: (text: string) => boolean
  /** How long from now to stay away once the connection has ended. */
  readonly drain: (retryAfterMillis: number) => void
  /** Ends this connection as if it had been lost, because what came over it made no sense. */
  readonly drop: (reason: string) => void
}

const describe = (event: WebSocketEvent): string => event.message ?? ""

const decoder = new TextDecoder()
const asText = (data: unknown): string => {
  if (typeof data === "string") return data
  if (data instanceof ArrayBuffer || data instanceof Uint8Array) return decoder.decode(data)
  throw new TypeError("a socket message that is neither text nor bytes")
}

/** Completes when it is closed, or after a second. */
const closed = (ws: WebSocketLike, how: () => void): Effect.Effect<boolean> =>
  Effect.callback<void>((resume) => {
    ws.addEventListener("close", () => resume(Effect.void))
    how()
  }).pipe(Effect.timeoutOption(CLOSE_TIMEOUT_MILLIS), Effect.map(Option.isSome))

/** With a closing handshake if the peer answers it; else by force, where the socket can. */
const closeSocket = (ws: WebSocketLike): Effect.Effect<void> =>
  Effect.gen(function* () {
    const polite = yield* closed(ws, () => ws.close(1000))
    if (!polite && ws.terminate !== undefined) yield* closed(ws, () => ws.terminate?.())
  })

const ignore = (): void => {}

export const makeConnection = (options: {
  readonly url: string
  readonly makeWebSocket: MakeWebSocket
  readonly conversation: Conversation
  /** What has to be said and answered before the connection counts as open. */
  readonly authentication?: Authentication | undefined
}): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { url, conversation, authentication } = options
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe()
    const opened = yield* Latch.make(false)
    const signedOut = yield* Deferred.make<string>()
    const listeners = new Set<(state: ConnectionState) => void>()
    let state: ConnectionState = { status: "connecting" }
    let lastReceived: number | null = null
    /** When the upgrade, or then a credential, was answered; null before it. */
    let answeredAt: number | null = null
    let retryAfterMillis: number | null = null
    /** What a server that goes away said: not to come back before then. */
    let comeBackAt: number | null = null
    let isRefused = false
    let socket: WebSocketLike | null = null
    let end: (ended: Ended) => void = ignore

    const become = (next: ConnectionState) => {
      state = next
      for (const listener of Array.from(listeners)) listener(next)
    }
    const openSince = () => (state.status === "open" ? state.since : null)
    const openMillis = () => now() - (openSince() ?? now())
    const ended = (reason: string, code: number | null): Ended => ({
      reason,
      code,
      openMillis: openMillis(),
      retryAfterMillis:
        comeBackAt === null ? (retryAfterMillis ?? retryAfterOf(reason)) : Math.max(0, comeBackAt - now())
    })

    /** One socket, from the attempt to its end. Interruption closes it properly. */
    const oneSocket = Effect.callback<Ended>((resume) => {
      let failure = ""
      let ws: WebSocketLike
      try {
        ws = options.makeWebSocket(url)
      } catch (cause) {
        resume(Effect.succeed(ended(String(cause), null)))
        return
      }
      ws.binaryType = "arraybuffer"
      const admitted = () => {
        socket = ws
        lastReceived = now()
        become({ status: "open", since: lastReceived })
        opened.openUnsafe()
      }
      const onOpen = () => {
        lastReceived = answeredAt = now()
        if (authentication === undefined) admitted()
        else ws.send(authentication.begin())
      }
      const onAnswer = (answer: AuthenticationAnswer) => {
        switch (answer._tag) {
          case "Accepted":
            return admitted()
          case "Say":
            answeredAt = now()
            return ws.send(answer.line)
          case "Later":
            retryAfterMillis = answer.retryAfterMillis
            return end(ended(answer.reason, null))
          case "Refused":
            isRefused = true
            return end(ended(answer.reason, CloseCode.SignedOut))
        }
      }
      const onMessage = (event: WebSocketEvent) => {
        lastReceived = now()
        try {
          const text = asText(event.data)
          if (socket !== null) return conversation.onMessage(text)
          const answer = authentication?.answered(text)
          if (answer !== undefined) onAnswer(answer)
        } catch (cause) {
          end(ended(`unreadable: ${String(cause)}`, null))
        }
      }
      const onError = (event: WebSocketEvent) => {
        // the first says why, the next that it is over
        if (failure === "") failure = describe(event)
      }
      const onClose = (event: WebSocketEvent) => {
        const why = event.reason !== undefined && event.reason !== "" ? event.reason : failure
        end(ended(why === "" ? (openSince() === null ? "cannot connect" : "connection lost") : why, event.code ?? null))
      }
      const silence = () => {
        socket = null
        opened.closeUnsafe()
        end = ignore
        ws.removeEventListener("open", onOpen)
        ws.removeEventListener("message", onMessage)
        ws.removeEventListener("close", onClose)
      }
      end = (how) => {
        silence()
        // not waited for: whoever lost us has no time to spend on the old socket
        if (how.code === null) (ws.terminate ?? ws.close).call(ws)
        else ws.close(1000)
        resume(Effect.succeed(how))
      }
      ws.addEventListener("open", onOpen)
      ws.addEventListener("message", onMessage)
      // stays for good: `ws` throws an error that nobody listens to
      ws.addEventListener("error", onError)
      ws.addEventListener("close", onClose)
      return Effect.suspend(() => {
        silence()
        return closeSocket(ws)
      })
    })

    /**
     * Ends a socket that is silent, or never opens. Asks before it judges, so that a process that slept, or was busy
     * while bytes were waiting to be read, does not mistake its own silence for the server's.
     */
    const watchdog = Effect.gen(function* () {
      const started = now()
      while (openSince() === null) {
        // a server that answered the upgrade lives: who gives it up while it looks at the credential makes it begin again
        const left = (answeredAt ?? started) + CONNECT_TIMEOUT_MILLIS - now()
        if (left <= 0) return end(ended("no answer to the connection attempt", null))
        yield* Effect.timeoutOption(opened.await, left)
      }
      let askedAt: number | null = null
      while (true) {
        const heard = lastReceived ?? started
        if (askedAt !== null && askedAt < heard) askedAt = null
        const due = askedAt === null ? heard + PROBE_MILLIS : Math.max(heard + WATCHDOG_MILLIS, askedAt + PROBE_MILLIS)
        if (now() < due) {
          yield* Effect.sleep(due - now())
        } else if (askedAt === null) {
          askedAt = now()
          send(PING)
        } else {
          return end(ended(`nothing received for ${now() - heard} ms`, null))
        }
      }
    })

    const send = (text: string): boolean => {
      // a browser would complain of what is said while it closes
      if (socket === null || socket.readyState !== OPEN) return false
      try {
        socket.send(text)
        return true
      } catch {
        return false
      }
    }

    /**
     * For good. Not so when the server closed before it judged the credential we have: it got it too late, e.g. over a
     * slow link, or because this process slept. Without a credential, a socket is open before it can be closed so.
     */
    const isSignedOut = ({ code }: Ended) => code === CloseCode.SignedOut && (isRefused || openSince() !== null)

    const keepConnected = Effect.gen(function* () {
      const random = yield* Random.Random
      let backoff = freshBackoff
      while (true) {
        retryAfterMillis = comeBackAt = answeredAt = null
        const how = yield* Effect.raceFirst(oneSocket, Effect.andThen(watchdog, Effect.never))
        if (isSignedOut(how)) {
          become({ status: "signed-out", reason: how.reason })
          conversation.onLost(how.reason, how.code)
          return yield* Deferred.succeed(signedOut, how.reason)
        }
        const next = nextWait(backoff, how, random.nextDoubleUnsafe())
        backoff = next.state
        become({
          status: "reconnecting",
          attempt: backoff.attempt,
          retryAt: now() + next.waitMillis,
          reason: how.reason,
          code: how.code,
          retryAfterMillis: how.retryAfterMillis
        })
        conversation.onLost(how.reason, how.code)
        yield* Effect.sleep(next.waitMillis)
      }
    })

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        if (state.status !== "signed-out") become({ status: "closed", reason: "closed by this client" })
        listeners.clear()
      })
    )
    yield* Effect.forkScoped(keepConnected)

    return {
      url,
      state: () => state,
      onState: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      lastReceived: () => lastReceived,
      awaitOpen: opened.await,
      awaitSignedOut: Deferred.await(signedOut),
      send,
      drain: (millis) => {
        comeBackAt = now() + millis
      },
      drop: (reason) => end(ended(reason, null))
    }
  })
