/**
 * One client's connection: its streams, and the only writer of its socket. Plain state and synchronous code, because the
 * flush is the hottest path there is; its lifetime belongs to the session actor (SessionActors.ts).
 */

import { type Deferred, Effect } from "effect"
import type { Principal } from "../../rpc/access.ts"
import { endingText } from "../../rpc/endings.ts"
import type { Draining, Liveness } from "../../rpc/market.ts"
import { BUSY_MILLIS, CloseCode, HEARTBEAT_MILLIS, tryAgainIn } from "../../rpc/sessions.ts"
import { HEARTBEAT } from "../../rpc/wire.ts"
import type { TimingWheel, WheelTask } from "../kernel/TimingWheel.ts"
import type { Frame } from "./Frame.ts"
import { TokenBucket } from "./TokenBucket.ts"
import type { OnDelivered, StreamOwner, WatchStream } from "./WatchStream.ts"

/** What a session needs of a WebSocket. Adapter: app/gateway. None of these may throw. */
export interface SessionSocket {
  /** Sends one text message; takes a copy of `bytes`. */
  readonly send: (bytes: Uint8Array) => void
  /** Bytes accepted by `send` that the kernel has not taken yet. */
  readonly pending: () => number
  readonly ping: () => void
  /** Orderly close; the peer may never answer. */
  readonly close: (code: CloseCode, reason: string) => void
  /** Gone at once, buffers and all. */
  readonly terminate: () => void
  readonly pauseReading: () => void
  readonly resumeReading: () => void
}

export interface SessionPolicy {
  /** Waiting bytes above which quotes fold instead of queueing (F7). */
  readonly softLimitBytes: number
  /** Waiting bytes above which the session is closed. */
  readonly hardLimitBytes: number
  /** Above the soft limit for this long: closed. */
  readonly slowCloseMillis: number
  /** No byte from the peer for this long: ping. */
  readonly pingAfterMillis: number
  /** No byte from the peer for this long after a ping: gone. */
  readonly deadAfterPingMillis: number
  /** Requests a session may make at once, and regain each second; a large page of bars counts for several. */
  readonly requestBurst: number
  readonly requestsPerSecond: number
  /** Whoever has not said by then who they are is closed (S2). */
  readonly identifyMillis: number
}

export const defaultPolicy: SessionPolicy = {
  softLimitBytes: 256 * 1024,
  hardLimitBytes: 1024 * 1024,
  slowCloseMillis: 10_000,
  pingAfterMillis: 3_000,
  deadAfterPingMillis: 5_000,
  requestBurst: 200,
  requestsPerSecond: 50,
  identifyMillis: 5_000
}

/** What all sessions of a node share. */
export interface SessionNode {
  readonly wheel: TimingWheel["Service"]
  readonly frame: Frame
  readonly policy: SessionPolicy
  readonly onDelivered: OnDelivered
  readonly count: (name: string, delta: number, labels?: string) => void
  /** Time spent flushing, for the load governor. */
  readonly spent: (millis: number) => void
  /** A defect of ours; the session is closed for it. */
  readonly onDefect: (session: number, defect: unknown) => void
}

/** What somebody unknown may ask at once: they need one or two. */
const STRANGER_REQUESTS = 10
/** From the answer to what it asked last until it closes; and how long it waits for that answer. */
const SIGN_OUT_MILLIS = 20
const LAST_ANSWER_MILLIS = 500
const HOUSEKEEPING_MILLIS = 1_000
const RETRY_BLOCKED_MILLIS = 50
/** A slow reader's window, step by step. */
const WIDER = [250, 1_000, 2_000] as const
/** Quick again for this long: back to the window it asked for. */
const CALM_MILLIS = 5_000
const heartbeat = new TextEncoder().encode(HEARTBEAT)

export class Session implements StreamOwner, WheelTask {
  readonly id: number
  readonly streams = new Map<string, WatchStream>()
  /** Open streams of live bars; counted here because the limit is the session's. */
  liveBars = 0
  /** Where it comes from. */
  readonly address: string
  /** Null: it has not said who it is. Set by SessionActors. */
  principal: Principal | null = null
  isSignedOut = false
  /** While that is being found out: what requests wait for. */
  identifying: Deferred.Deferred<void> | null = null
  /** Requests about its account that are not answered yet, and when the last one was. */
  private asking = 0
  private answeredAt = Number.NEGATIVE_INFINITY
  private readonly socket: SessionSocket
  private readonly node: SessionNode
  private open = true
  private lastSent: number
  private lastHeard: number
  /** When the peer was pinged for its silence; 0 = it was not. */
  private pingedAt = 0
  private readonly requests: TokenBucket
  /** Earliest flush that is scheduled; Infinity = none. */
  private dueAt = Number.POSITIVE_INFINITY
  private blockedSince = 0
  private lastBlocked = 0
  private slowness = 0
  private nodeWindow: number
  private readonly housekeeping: WheelTask

  constructor(id: number, address: string, socket: SessionSocket, node: SessionNode, nodeWindow: number) {
    this.id = id
    this.address = address
    this.socket = socket
    this.node = node
    this.nodeWindow = nodeWindow
    this.lastSent = this.lastHeard = node.wheel.now()
    this.requests = new TokenBucket(node.policy.requestBurst, node.policy.requestsPerSecond, this.lastSent)
    this.housekeeping = { onWheel: (now) => this.guard(() => this.keepHouse(now)) }
    // spread over the second, or sessions that came together would be looked at together
    node.wheel.schedule(HOUSEKEEPING_MILLIS + ((id * 10) % HOUSEKEEPING_MILLIS), this.housekeeping)
  }

  get requestsPerSecond(): number {
    return this.node.policy.requestsPerSecond
  }

  get isOpen(): boolean {
    return this.open
  }

  arm(at: number, now: number): void {
    if (!this.open || at >= this.dueAt) return
    this.dueAt = at
    if (at <= now) this.node.wheel.soon(this)
    else this.node.wheel.schedule(at - now, this)
  }

  /** A flush that was scheduled; a stale one finds nothing due. */
  onWheel(now: number): void {
    if (this.open) this.guard(() => this.flush(now))
  }

  /** False: the peer asks for more than it may; what `cost` requests are worth is taken otherwise. A stranger may ask little. */
  charge(cost: number): boolean {
    const price = this.principal === null ? this.node.policy.requestBurst / STRANGER_REQUESTS : 1
    return this.requests.take(price * cost, this.node.wheel.now())
  }

  /** The end of a peer that asks too much. It may come again when it would have its whole allowance back. */
  closeForFlood(what: string): void {
    const wait = this.requests.untilFull(this.node.wheel.now())
    this.close(CloseCode.TooManyMessages, `${what}: slow down, and ${tryAgainIn(wait)}`)
  }

  /** Half a flush must not go unnoticed: the peer would miss what it held. */
  private guard(work: () => void): void {
    try {
      work()
    } catch (defect) {
      this.node.onDefect(this.id, defect)
      this.close(CloseCode.SessionFailed, "The session failed: reconnect")
    }
  }

  private flush(now: number): void {
    this.dueAt = Number.POSITIVE_INFINITY
    const { node, socket } = this
    const waiting = socket.pending()
    if (waiting >= node.policy.softLimitBytes) {
      this.onBlocked(now)
      return
    }
    this.blockedSince = 0
    const started = performance.now()
    const { frame } = node
    frame.reset()
    const budget = node.policy.softLimitBytes - waiting
    const wall = node.wheel.wall()
    let delivered = 0
    for (const stream of this.streams.values()) delivered += stream.render(frame, now, wall, budget, node.onDelivered)
    if (frame.length > 0) {
      socket.send(frame.view())
      this.lastSent = now
      node.count("session_flushes_total", 1)
      node.count("updates_delivered_total", delivered)
      node.count("session_bytes_total", frame.length)
    }
    this.rearm(now)
    node.spent(performance.now() - started)
  }

  /** One RPC message that is no quote. Over the hard limit nothing more is queued: the session ends. */
  reply(line: string): void {
    if (!this.open) return
    this.socket.send(Buffer.from(line, "utf8"))
    this.lastSent = this.node.wheel.now()
    if (this.socket.pending() > this.node.policy.hardLimitBytes) {
      this.close(CloseCode.SlowConsumer, "Too much unread data: read faster or ask for less at a time")
    }
  }

  heard(): void {
    this.lastHeard = this.node.wheel.now()
    this.pingedAt = 0
  }

  /** Everything is folded to at least this window while the node is over budget; 0 = as asked. */
  nodeBusy(windowMillis: number): void {
    this.nodeWindow = windowMillis
    this.widen(this.node.wheel.now())
  }

  say(event: Liveness | Draining): void {
    const now = this.node.wheel.now()
    const json = JSON.stringify(event)
    for (const stream of this.streams.values()) stream.say(json, now)
  }

  addStream(stream: WatchStream): void {
    this.streams.set(stream.watchId, stream)
    if (this.nodeWindow > 0 || this.slowness > 0) this.widen(this.node.wheel.now())
  }

  /** Ends a stream: from here on not a byte is sent for it. Does nothing the second time. */
  removeStream(stream: WatchStream): void {
    if (this.streams.get(stream.watchId) !== stream) return
    this.streams.delete(stream.watchId)
    stream.end()
  }

  pauseReading(): void {
    if (this.open) this.socket.pauseReading()
  }

  resumeReading(): void {
    if (this.open) this.socket.resumeReading()
  }

  /** Orderly close with a code the client understands; cut off a second later if the peer does not answer. */
  close(code: CloseCode, reason: string): void {
    if (!this.open) return
    this.open = false
    const { node, socket } = this
    node.count("session_closes_total", 1, `code="${code}"`)
    socket.close(code, reason)
    node.wheel.schedule(1_000, { onWheel: () => socket.terminate() })
  }

  /** Closes it unless somebody has been found out to be there by then. */
  expectIdentity(): void {
    const { policy, wheel } = this.node
    wheel.schedule(policy.identifyMillis, {
      onWheel: () => {
        if (this.principal !== null) return
        // what was shown is still being looked up: it may be right
        if (this.identifying !== null)
          this.close(CloseCode.TryAgainLater, `Sign-ins take too long: ${tryAgainIn(BUSY_MILLIS)}`)
        else this.close(CloseCode.SignedOut, "Sign in: nobody said who this is")
      }
    })
  }

  /** It is nobody's any more: asks for nothing from here on, and closes once the answer to what it asked last is out. */
  signOut(why?: string): void {
    if (this.isSignedOut) return
    this.isSignedOut = true
    const { wheel } = this.node
    const signedOutAt = wheel.now()
    const end: WheelTask = {
      onWheel: (now) => {
        const isAnswered = this.asking === 0 && now - this.answeredAt >= SIGN_OUT_MILLIS
        if (!isAnswered && now - signedOutAt < LAST_ANSWER_MILLIS) wheel.schedule(SIGN_OUT_MILLIS, end)
        else this.close(CloseCode.SignedOut, endingText(why, this.principal?.via === "token"))
      }
    }
    wheel.schedule(SIGN_OUT_MILLIS, end)
  }

  /** A request that may end the session which asks: its answer is waited for. */
  asks<A, E, R>(request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      this.asking++
      return Effect.ensuring(
        request,
        Effect.sync(() => {
          this.asking--
          this.answeredAt = this.node.wheel.now()
        })
      )
    })
  }

  /** The socket is closed already. */
  gone(): void {
    this.open = false
  }

  /** The end, by whatever cause; after it nothing is sent and nothing is scheduled. */
  dispose(): void {
    this.open = false
    this.socket.terminate()
    for (const stream of this.streams.values()) this.removeStream(stream)
  }

  private rearm(now: number): void {
    let next = Number.POSITIVE_INFINITY
    for (const stream of this.streams.values()) {
      if (stream.hasOutput) next = Math.min(next, Math.max(stream.windowEnds, now + 1))
    }
    if (next !== Number.POSITIVE_INFINITY) this.arm(next, now)
  }

  /** The peer does not keep up: nothing is queued for it, its window grows, and in the end it is closed. */
  private onBlocked(now: number): void {
    const { node } = this
    this.lastBlocked = now
    if (this.blockedSince === 0) {
      this.blockedSince = now
      if (this.slowness < WIDER.length) this.slowness++
      this.widen(now)
      node.count("session_blocked_total", 1)
    }
    if (now - this.blockedSince >= node.policy.slowCloseMillis) {
      this.close(CloseCode.SlowConsumer, "Not read for too long: read faster or choose a coarser conflation")
      return
    }
    this.dueAt = Number.POSITIVE_INFINITY
    this.arm(now + RETRY_BLOCKED_MILLIS, now)
  }

  private widen(now: number): void {
    const slow = this.slowness === 0 ? 0 : (WIDER[this.slowness - 1] ?? 0)
    const windowMillis = Math.max(slow, this.nodeWindow)
    const reason = windowMillis === 0 ? "requested" : slow >= this.nodeWindow ? "slow-reader" : "node-busy"
    for (const stream of this.streams.values()) stream.widen(windowMillis, reason, now)
  }

  /** Once a second: heartbeat when silent (F10), ping and deadline for peers that vanished, forgiveness for slow ones. */
  private keepHouse(now: number): void {
    if (!this.open) return
    const { policy, wheel } = this.node
    if (this.pingedAt > 0 && now - this.pingedAt >= policy.deadAfterPingMillis) {
      this.node.count("session_reaped_total", 1)
      this.open = false
      this.socket.terminate()
      return
    }
    if (this.pingedAt === 0 && now - this.lastHeard >= policy.pingAfterMillis) {
      this.pingedAt = now
      this.socket.ping()
    }
    if (now - this.lastSent >= HEARTBEAT_MILLIS && this.socket.pending() === 0) {
      this.socket.send(heartbeat)
      this.lastSent = now
    }
    if (this.slowness > 0 && this.blockedSince === 0 && now - this.lastBlocked >= CALM_MILLIS) {
      this.slowness = 0
      this.widen(now)
    }
    wheel.schedule(HOUSEKEEPING_MILLIS, this.housekeeping)
  }
}
