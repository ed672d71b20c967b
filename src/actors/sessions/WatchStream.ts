/**
 * One open `market.Watch`: a set of symbols, a conflation window, and what has to be said next. Rendered straight to bytes.
 * Per slot only "dirty" is kept: a slot renders the topic's latest state, so waiting folds updates and never queues them.
 */
import type { Conflating, Conflation, Gap } from "../../rpc/market.ts"
import { CHUNK_TAIL, chunkHead } from "../../rpc/wire.ts"
import type { Frame } from "./Frame.ts"
import type { Slot } from "./Topic.ts"

/** What a stream needs of its session: to be flushed by `at`. */
export interface StreamOwner {
  readonly arm: (at: number, now: number) => void
}

/** Told of each delivered item, for the latency histogram. */
export type OnDelivered = (ingestTime: number, sentTime: number) => void

const gapJson = ({ epoch, seq, topic: { symbol } }: Slot, reason: Gap["reason"]): string => {
  const gap: Gap = { _tag: "Gap", symbol, epoch, from: seq + 1, to: null, reason }
  return JSON.stringify(gap)
}

export class WatchStream {
  readonly watchId: string
  readonly requestId: string | number
  readonly slots = new Map<string, Slot>()
  conflation: Conflation
  /** A window is open until then; leading edge: what comes after it goes at once. */
  windowEnds = 0
  private readonly owner: StreamOwner
  private readonly release: (stream: WatchStream) => void
  private readonly head: string
  private readonly snapshotHead: string
  private readonly dirty: Array<Slot> = []
  private readonly control: Array<string> = []
  /** Gaps to be told, unless their symbol has left the set by then. */
  private readonly losses: Array<{ readonly slot: Slot; readonly json: string }> = []
  private started = false
  private wideWindow = 0

  constructor(
    watchId: string,
    requestId: string | number,
    conflation: Conflation,
    snapshotHead: string,
    owner: StreamOwner,
    release: (stream: WatchStream) => void
  ) {
    this.watchId = watchId
    this.requestId = requestId
    this.conflation = conflation
    this.snapshotHead = snapshotHead
    this.head = chunkHead(requestId)
    this.owner = owner
    this.release = release
  }

  get windowMillis(): number {
    return Math.max(this.conflation, this.wideWindow)
  }

  get hasOutput(): boolean {
    return this.started && (this.dirty.length > 0 || this.control.length > 0 || this.losses.length > 0)
  }

  /** The slot has something newer to say. */
  mark(slot: Slot, now: number): void {
    slot.dirty = true
    this.dirty.push(slot)
    if (this.started && this.dirty.length === 1) this.owner.arm(this.windowEnds, now)
  }

  /** Continues a slot from where an earlier connection stopped: the next item folds what was missed. */
  standAt(slot: Slot, epoch: number, seq: number): void {
    slot.epoch = epoch
    slot.seq = seq
    if (seq === slot.topic.seq) slot.dirty = false
  }

  /** What is known of the slot's symbol is not current any more: says so at once; a Snapshot follows when there is one. */
  lose(slot: Slot, now: number): void {
    this.losses.push({ slot, json: gapJson(slot, "unavailable") })
    slot.epoch = 0
    slot.dirty = false
    if (this.started) this.owner.arm(now, now)
  }

  /** Queues an event of the stream itself (JSON of a WatchEvent); goes before any quote, at the next flush, without waiting for the window. */
  say(json: string, now: number): void {
    this.control.push(json)
    if (this.started) this.owner.arm(now, now)
  }

  /** Begins with `watching` (JSON of the Watching event); whatever was to be said before comes after it. */
  start(watching: string, now: number): void {
    this.control.unshift(watching)
    this.started = true
    this.owner.arm(now, now)
  }

  /** At least this long between quotes, whatever was asked; 0 = as asked. Says so. */
  widen(windowMillis: number, reason: Conflating["reason"], now: number): void {
    if (windowMillis === this.wideWindow) return
    this.wideWindow = windowMillis
    const event: Conflating = { _tag: "Conflating", windowMillis: this.windowMillis, reason }
    this.say(JSON.stringify(event), now)
  }

  /** The end, called once: whatever was still to be said is not, and its symbols are let go. */
  end(): void {
    this.release(this)
    this.dirty.length = 0
    this.control.length = 0
    this.losses.length = 0
    this.started = false
  }

  /**
   * Writes one chunk with what is due: control events always, quotes if their window is over, as many as fit in
   * `budget` bytes; what does not fit stays dirty and gets fresher. Returns how many quotes it wrote.
   */
  render(frame: Frame, now: number, wall: number, budget: number, onDelivered: OnDelivered): number {
    if (!this.started) return 0
    const { dirty } = this
    let items = 0
    for (const json of this.control) {
      frame.text(items++ === 0 ? this.head : ",")
      frame.json(json)
    }
    this.control.length = 0
    for (const { json, slot } of this.losses) {
      if (slot.index < 0) continue
      frame.text(items++ === 0 ? this.head : ",")
      frame.json(json)
    }
    this.losses.length = 0
    let written = 0
    if (now >= this.windowEnds) {
      let taken = 0
      while (taken < dirty.length && frame.length < budget) {
        const slot = dirty[taken++]
        // detached or lost meanwhile: it has nothing more to say
        if (slot === undefined || slot.index < 0 || !slot.dirty) continue
        if (items === 0) frame.text(this.head)
        // an old state that starts a stream was not delivered late
        if (slot.epoch === slot.topic.epoch && slot.topic.fresh) onDelivered(slot.topic.ingestTime, wall)
        this.renderSlot(slot, frame, wall, items++ === 0)
        written++
      }
      if (taken === dirty.length) dirty.length = 0
      else dirty.splice(0, taken)
      if (written > 0) this.windowEnds = now + this.windowMillis
    }
    if (items > 0) frame.text(CHUNK_TAIL)
    return written
  }

  private renderSlot(slot: Slot, frame: Frame, wall: number, first: boolean): void {
    const { topic } = slot
    slot.dirty = false
    if (slot.epoch === topic.epoch) {
      frame.element(topic.update, first)
      frame.tail(topic.seq - slot.seq - 1, wall)
    } else {
      if (!first) frame.text(",")
      if (slot.epoch > 0) {
        frame.json(gapJson(slot, "actor-restarted"))
        frame.text(",")
      }
      frame.text(this.snapshotHead)
      frame.bytes(topic.body)
      frame.tail(0, wall)
      slot.epoch = topic.epoch
    }
    slot.seq = topic.seq
  }
}
