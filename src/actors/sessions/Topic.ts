/** One watched symbol on this node: its latest bytes, and the slots of the streams that watch it. */
import { UPDATE_HEAD } from "../../rpc/wire.ts"
import type { WatchStream } from "./WatchStream.ts"

/** A symbol in a stream: where that stream stands. epoch 0 = nothing sent yet, so a Snapshot comes first. */
export interface Slot {
  readonly topic: Topic
  readonly stream: WatchStream
  epoch: number
  seq: number
  /** In the stream's dirty list. */
  dirty: boolean
  /** Place in topic.slots; −1 once detached. */
  index: number
}

/** Newer state of a symbol, as QuoteUpdate (bus) and TickerSnapshot (entity) both have it. */
export interface TopicState {
  readonly epoch: number
  readonly seq: number
  readonly ingestTime: number
  readonly body: Uint8Array
}

const NOTHING = new Uint8Array(0)
const UPDATE_LEAD = new TextEncoder().encode(`,${UPDATE_HEAD}`)

export class Topic {
  readonly symbol: string
  readonly slots: Array<Slot> = []
  /** 0 until the first state arrived. */
  epoch = 0
  seq = 0
  ingestTime = 0
  body: Uint8Array = NOTHING
  /** `,{"_tag":"Update",` and the body: an update's bytes up to its tail, put together once for every watcher. */
  update: Uint8Array = NOTHING
  /** The latest state came with a tick, not by the passing of time: its age says how quickly it was delivered. */
  fresh = false
  /** Its actor cannot be reached: what is known is not to be shown as current. */
  private lost = false
  /** Its actor itself has said where it stands, since the last loss. */
  private confirmed = false
  /** All that is known comes from the cache. */
  private cached = false
  private waiters: Array<() => void> = []

  constructor(symbol: string) {
    this.symbol = symbol
  }

  /** There is a state to show. */
  get ready(): boolean {
    return this.epoch > 0 && !this.lost
  }

  /**
   * The state is no older than what a client can have been told by any node before it asked here: only then does it say
   * whether a position can be resumed from. A cached state may be older, and so may an update that was overtaken.
   */
  get settled(): boolean {
    return this.confirmed && this.ready
  }

  /** A state its actor published: taken if it is newer, and every slot marked. Older and repeated ones change nothing. */
  accept(state: TopicState, now: number): void {
    this.take(state, now, state.ingestTime > this.ingestTime)
  }

  /** The last state known of, to be shown until its actor answers. Nothing if something is known, or known to be lost. */
  offer(state: TopicState, now: number): void {
    if (this.epoch > 0 || this.lost) return
    this.take(state, now, false)
    this.cached = true
  }

  /** Where its actor says that it stands, asked for. */
  confirm(state: TopicState, now: number): void {
    // the cache may have outlived what epochs are counted by: what is only cached gives way
    if (this.cached && state.epoch < this.epoch) {
      this.lose(now)
      this.epoch = 0
      this.ingestTime = 0
    }
    this.take(state, now, false)
    if (!this.ready) return
    this.confirmed = true
    const { waiters } = this
    if (waiters.length === 0) return
    this.waiters = []
    for (const waiter of waiters) waiter()
  }

  private take(state: TopicState, now: number, fresh: boolean): void {
    // after a loss the same state again is news: it is current
    const least = this.lost ? this.seq : this.seq + 1
    if (state.epoch < this.epoch || (state.epoch === this.epoch && state.seq < least)) return
    this.lost = false
    this.cached = false
    this.fresh = fresh
    this.epoch = state.epoch
    this.seq = state.seq
    this.ingestTime = state.ingestTime
    this.body = state.body
    this.update = Buffer.allocUnsafe(UPDATE_LEAD.length + state.body.length)
    this.update.set(UPDATE_LEAD, 0)
    this.update.set(state.body, UPDATE_LEAD.length)
    for (const slot of this.slots) if (!slot.dirty) slot.stream.mark(slot, now)
  }

  /** Nothing is known from now on until the next state; every stream that watches is told. */
  lose(now: number): void {
    if (this.lost) return
    this.lost = true
    this.confirmed = false
    for (const slot of this.slots) slot.stream.lose(slot, now)
  }

  get isLost(): boolean {
    return this.lost
  }

  attach(stream: WatchStream): Slot {
    const slot: Slot = { topic: this, stream, epoch: 0, seq: 0, dirty: false, index: this.slots.length }
    this.slots.push(slot)
    return slot
  }

  detach(slot: Slot): void {
    const { index } = slot
    if (index < 0) return
    slot.index = -1
    const last = this.slots.pop()
    if (last === undefined || last === slot) return
    this.slots[index] = last
    last.index = index
  }

  /** Calls back once it is settled. Returns the way to stop waiting. */
  onSettled(callback: () => void): () => void {
    this.waiters.push(callback)
    return () => {
      this.waiters = this.waiters.filter((waiter) => waiter !== callback)
    }
  }
}
