/**
 * One end of a virtual connection between two processes over NATS: a byte stream each way, as TCP would be.
 *
 * Each end subscribes to an inbox of its own and publishes to the other's with that inbox as the reply subject. So
 * nats-server itself answers "no responders" as soon as the other end is gone, whoever it was and however it ended: a frame for a
 * connection that is no more closes the end that sent it. Pings provoke that answer on an idle connection.
 *
 * Frames are numbered: one that is lost ends the connection, as does a break of this process's connection to NATS.
 * The receiver grants what may be sent, in bytes, as its reader gets on: a slow reader makes the writer wait, and neither
 * end keeps more than the window. What makes no sense is counted and touches this connection at most.
 */
import { createInbox, type Msg } from "@nats-io/transport-node"
import { Array as Arr, Effect } from "effect"
import { Socket } from "effect/socket"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import type { Nats } from "./NatsConnection.ts"
import {
  decodeFrame,
  type End,
  encodeClose,
  encodeCredit,
  encodeData,
  encodePing,
  FRAME_COST,
  HEADER_BYTES
} from "./NatsSocketFrames.ts"

export interface LinkOptions {
  /** Bytes that may wait here for the reader. */
  readonly windowBytes: number
  /** How often the other end is asked whether it is there: a dead one is noticed within this time. */
  readonly keepAliveMillis: number
  /** An end not heard of for so long is taken for gone although its subscription is there: frozen, or cut off. */
  readonly silentMillis: number
}

/** A frame is at most this long, so that one message does not hold up NATS for the others. */
const LARGEST_CHUNK = 256 * 1024
/** RFC 6455's codes, as Effect's sockets use them. */
const CLOSED = 1000
const PROTOCOL_ERROR = 1002
const LOST = 1006

export const closeError = (code: number, closeReason?: string) =>
  new Socket.SocketError({ reason: new Socket.SocketCloseError({ code, closeReason }) })

interface Pending {
  readonly bytes: Uint8Array
  offset: number
  /** True: all of it is with NATS. False: the connection ended first. */
  readonly done: (sent: boolean) => void
}

export class NatsSocketLink {
  private readonly nats: Nats["Service"]
  private readonly gauges: Gauges["Service"]
  private readonly options: LinkOptions
  private readonly unlisten: () => void
  private readonly unwatch: () => void
  private readonly timer: NodeJS.Timeout

  /** What the other end has to know of this one. */
  readonly own: End
  private peer: End | undefined
  private error: Socket.SocketError | undefined

  private received: Array<Uint8Array> = []
  private receivedCost = 0
  /** Cost of the batch the reader is at work on. */
  private readingCost = 0
  /** Totals since the beginning: done with by the reader, and granted to the other end. */
  private consumed = 0
  private granted: number
  private arrived = 0
  private nextIn = 0
  private waiter: (() => void) | undefined

  private outbox: Array<Pending> = []
  /** Totals since the beginning: sent, and allowed by the other end. */
  private sent = 0
  private allowance = 0
  private nextOut = 0

  private lastHeard = Date.now()
  private lastTick = Date.now()

  constructor(nats: Nats["Service"], gauges: Gauges["Service"], options: LinkOptions) {
    this.nats = nats
    this.gauges = gauges
    this.options = options
    this.granted = options.windowBytes
    this.own = { inbox: createInbox(), token: Math.floor(Math.random() * 2 ** 32), window: options.windowBytes }
    this.unlisten = nats.listen(this.own.inbox, (message) => this.hear(message))
    this.unwatch = nats.watchDisconnect(() => this.end(closeError(LOST, "the connection to NATS broke")))
    this.timer = setInterval(() => this.tick(), options.keepAliveMillis)
    this.timer.unref()
    gauges.add("nats_links_active", 1)
  }

  /** The handshake is over: from here on it may be written to. */
  establish(peer: End): void {
    this.peer = peer
    this.allowance = peer.window
    this.lastHeard = Date.now()
    this.pump()
  }

  get ended(): boolean {
    return this.error !== undefined
  }

  /** The next bytes; fails with the close's code once it has ended and all was read. For one reader at a time. */
  readonly pull: Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError> = Effect.suspend(() => {
    this.credit()
    const batch = this.received
    if (Arr.isArrayNonEmpty(batch)) {
      this.readingCost = this.receivedCost
      this.received = []
      this.receivedCost = 0
      return Effect.succeed(batch)
    }
    if (this.error !== undefined) return Effect.fail(this.error)
    return Effect.callback<Arr.NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>((resume) => {
      const waiter = () => resume(this.pull)
      this.waiter = waiter
      return Effect.sync(() => {
        if (this.waiter === waiter) this.waiter = undefined
      })
    })
  })

  /**
   * True once NATS has all of it, which waits for the other end's reader. False if the connection ended first.
   * Interrupted, what has begun still goes out whole: the stream's other writers rely on it.
   */
  write(bytes: Uint8Array): Effect.Effect<boolean> {
    return Effect.callback((resume) => {
      if (this.error !== undefined) return resume(Effect.succeed(false))
      if (bytes.length === 0) return resume(Effect.succeed(true))
      const pending: Pending = { bytes, offset: 0, done: (sent) => resume(Effect.succeed(sent)) }
      this.outbox.push(pending)
      this.pump()
      return Effect.sync(() => {
        if (pending.offset === 0) this.outbox = this.outbox.filter((other) => other !== pending)
      })
    })
  }

  /** Tells the other end, and fails what reads or writes here. */
  close(code: number = CLOSED, reason = ""): void {
    if (this.error !== undefined) return
    this.received = []
    if (this.peer !== undefined) this.publish(encodeClose(this.peer.token, this.nextOut, code, reason))
    this.end(closeError(code, reason === "" ? undefined : reason))
  }

  private end(error: Socket.SocketError): void {
    if (this.error !== undefined) return
    this.error = error
    clearInterval(this.timer)
    this.unwatch()
    this.unlisten()
    this.gauges.add("nats_links_active", -1)
    const unsent = this.outbox
    this.outbox = []
    for (const { done } of unsent) done(false)
    this.wake()
  }

  private wake(): void {
    const waiter = this.waiter
    this.waiter = undefined
    waiter?.()
  }

  private hear(message: Msg) {
    if (this.error !== undefined) return
    if (message.headers?.code === 503) return this.end(closeError(LOST, "the other end is gone"))
    const frame = decodeFrame(message.data, this.own.token)
    if (frame === undefined) return void this.gauges.add("nats_frames_refused_total", 1)
    this.lastHeard = Date.now()
    switch (frame.op) {
      case "data": {
        const cost = frame.bytes.length + FRAME_COST
        if (frame.seq !== this.nextIn) return this.refuse(`frame ${frame.seq} came instead of ${this.nextIn}`)
        if (this.arrived + cost > this.granted) return this.refuse("more came than was granted")
        this.nextIn = (this.nextIn + 1) >>> 0
        this.arrived += cost
        this.received.push(frame.bytes)
        this.receivedCost += cost
        return this.wake()
      }
      case "close":
        if (frame.seq !== this.nextIn) return this.refuse(`the close came as ${frame.seq} instead of ${this.nextIn}`)
        return this.end(closeError(frame.code, frame.reason === "" ? undefined : frame.reason))
      case "ping":
        return
      case "credit":
        // never less than before, never more than what was sent and a window
        if (frame.allowance < this.allowance || frame.allowance > this.sent + (this.peer?.window ?? 0)) {
          return this.refuse("a credit that cannot be")
        }
        this.allowance = frame.allowance
        return this.pump()
    }
  }

  private refuse(reason: string): void {
    this.gauges.add("nats_frames_refused_total", 1)
    this.close(PROTOCOL_ERROR, reason)
  }

  /** The reader is done with its last batch: tell the writer, though not about every trifle. */
  private credit(): void {
    this.consumed += this.readingCost
    this.readingCost = 0
    const allowed = this.consumed + this.options.windowBytes
    if (this.peer === undefined || this.error !== undefined) return
    if (allowed - this.granted < this.options.windowBytes / 2) return
    this.granted = allowed
    this.publish(encodeCredit(this.peer.token, allowed))
  }

  /** Sends what may be sent, in order. */
  private pump(): void {
    const peer = this.peer
    if (peer === undefined) return
    const largest = Math.min(
      LARGEST_CHUNK,
      (this.nats.connection.info?.max_payload ?? LARGEST_CHUNK) - HEADER_BYTES,
      // always within reach: the other end grants anew when half of its window has been read
      Math.floor(peer.window / 2) - FRAME_COST
    )
    for (let head = this.outbox[0]; head !== undefined; head = this.outbox[0]) {
      const { bytes, done } = head
      while (head.offset < bytes.length) {
        const size = Math.min(largest, bytes.length - head.offset)
        if (this.sent + size + FRAME_COST > this.allowance) return
        const chunk = bytes.subarray(head.offset, head.offset + size)
        head.offset += size
        this.sent += size + FRAME_COST
        this.publish(encodeData(peer.token, this.nextOut, chunk))
        if (this.error !== undefined) return
        this.nextOut = (this.nextOut + 1) >>> 0
      }
      this.outbox.shift()
      done(true)
    }
  }

  private publish(frame: Uint8Array): void {
    if (this.peer === undefined) return
    try {
      this.nats.connection.publish(this.peer.inbox, frame, { reply: this.own.inbox })
    } catch (cause) {
      // closed or draining
      this.end(closeError(LOST, cause instanceof Error ? cause.message : "NATS does not take it"))
    }
  }

  private tick() {
    const now = Date.now()
    // after a pause of this process itself nobody is silent: what has come meanwhile is still to be read
    const stalled = now - this.lastTick > 2 * this.options.keepAliveMillis
    this.lastTick = now
    if (stalled) this.lastHeard = now
    if (now - this.lastHeard > this.options.silentMillis) return this.close(LOST, "the other end is silent")
    if (this.peer !== undefined) this.publish(encodePing(this.peer.token))
  }
}
