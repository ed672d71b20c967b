/**
 * What a consumer slower than the stream has not taken yet: the latest state of each symbol, with the number of updates
 * folded into it, and the latest of each other kind of event. Bounded by the watched set, whatever the wait.
 */

import type { Gap, Snapshot, Update } from "../market.ts"
import type { ClientEvent, FoundGap, Missed, Resumed } from "./types.ts"

const fold = (held: ClientEvent | undefined, next: Update): Update | Snapshot => {
  if (held?._tag === "Update") return { ...next, folded: held.folded + next.folded + 1 }
  if (held?._tag === "Snapshot") return { ...next, _tag: "Snapshot", folded: 0, label: held.label }
  return next
}

/**
 * A snapshot that follows the untaken update without a hole (a resume gives such) is an update to the consumer, who would
 * otherwise see a hole where that update was folded away.
 */
const join = (held: ClientEvent | undefined, next: Snapshot): Update | Snapshot => {
  if (held?._tag !== "Update" || held.epoch !== next.epoch) return next
  const more = next.seq - held.seq
  if (more !== 0 && more !== 1) return next
  const { label: _, ...quote } = next
  return { ...quote, _tag: "Update", folded: held.folded + more }
}

/** The hole as the consumer sees it: it begins where the untaken state began. */
const widen = (heldGap: ClientEvent | undefined, heldState: ClientEvent | undefined, gap: Gap | FoundGap) => {
  if (heldGap?._tag === "Gap") {
    return { ...gap, epoch: heldGap.epoch, from: heldGap.from, to: heldGap.epoch === gap.epoch ? gap.to : null }
  }
  if (heldState?._tag === "Update" && heldState.epoch === gap.epoch) {
    return { ...gap, from: Math.min(gap.from, heldState.seq - heldState.folded) }
  }
  return gap
}

const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b)

const merge = (held: Resumed, next: Resumed): Resumed => {
  const missed = new Map<string, Missed>(held.missed.map((one) => [one.symbol, one]))
  for (const one of next.missed) {
    const earlier = missed.get(one.symbol)
    missed.set(
      one.symbol,
      earlier === undefined ? one : { ...one, from: earlier.from, updates: sum(earlier.updates, one.updates) }
    )
  }
  return {
    _tag: "Resumed",
    downMillis: held.downMillis + next.downMillis,
    recovered: held.recovered && next.recovered,
    missed: Array.from(missed.values()),
    awaiting: next.awaiting
  }
}

export class Pending {
  private readonly events = new Map<string, ClientEvent>()
  /** Never taken, because the connection was lost again: part of the next one. */
  private overtaken: Resumed | undefined

  get size(): number {
    return this.events.size
  }

  push(events: ReadonlyArray<ClientEvent>): void {
    for (const event of events) this.add(event)
  }

  /** Takes out what was held of symbols that left the set. */
  keepOnly(symbols: ReadonlySet<string>): void {
    for (const [key, event] of this.events) {
      if ("symbol" in event && !symbols.has(event.symbol)) this.events.delete(key)
    }
  }

  takeAll(): Array<ClientEvent> {
    const events = Array.from(this.events.values())
    this.events.clear()
    return events
  }

  private add(event: ClientEvent): void {
    if (event._tag === "Update") {
      const state = `=${event.symbol}`
      const held = this.events.get(state)
      const folded = fold(held, event)
      // a snapshot stays before the Resumed that says what it left out
      if (held?._tag === "Snapshot") this.events.set(state, folded)
      else this.last(state, folded)
    } else if (event._tag === "Snapshot") {
      const state = `=${event.symbol}`
      this.last(state, join(this.events.get(state), event))
    } else if (event._tag === "Gap") {
      const state = `=${event.symbol}`
      const gap = `!${event.symbol}`
      const wider = widen(this.events.get(gap), this.events.get(state), event)
      this.events.delete(state)
      this.last(gap, wider)
    } else if (event._tag === "Resumed") {
      const held = this.resumed()
      this.last("Resumed", held === undefined ? event : merge(held, event))
      this.overtaken = undefined
    } else if (event._tag === "Disconnected") {
      // down again before it heard that it was up: one outage to the consumer, which the next Resumed tells whole
      this.overtaken = this.resumed()
      this.events.delete("Resumed")
      this.events.set("Disconnected", event)
    } else {
      this.last(event._tag, event)
    }
  }

  private resumed(): Resumed | undefined {
    const held = this.events.get("Resumed")
    return held?._tag === "Resumed" ? held : this.overtaken
  }

  /** Behind all others. */
  private last(key: string, event: ClientEvent): void {
    this.events.delete(key)
    this.events.set(key, event)
  }
}
