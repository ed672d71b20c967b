/**
 * What one watch has delivered, and so what may be delivered next: the rule "no hole unannounced, nothing twice, nothing
 * after it was dropped from the set", as a fold without I/O. Comes from: decode.ts. Goes to: the watch's listener.
 */
import {
  type FeedLabel,
  normaliseSymbol,
  type Position,
  type Snapshot,
  type Update,
  type WatchEvent,
  type Watching
} from "../market.ts"
import type { ClientEvent, FoundGap, Missed } from "./types.ts"

/** The last state held of a symbol; a bare Position where only that was handed in by the user. */
type State = Update | Snapshot | (Position & { readonly _tag?: undefined })

/** What was never delivered between two states delivered one after the other; null when nothing. `to` null: unknown. */
const stretchBetween = (from: Position, to: Position): Pick<FoundGap, "epoch" | "from" | "to"> | null => {
  const same = from.epoch === to.epoch && to.seq >= from.seq
  if (same && to.seq <= from.seq + 1) return null
  return { epoch: from.epoch, from: from.seq + 1, to: same ? to.seq - 1 : null }
}

/** An absolute state is as good as a snapshot: it starts the count anew. */
const toSnapshot = (state: Update | Snapshot, label: FeedLabel): Snapshot => ({
  ...state,
  _tag: "Snapshot",
  folded: 0,
  label
})

export const normaliseSet = (symbols: ReadonlyArray<string>): ReadonlyArray<string> =>
  Array.from(new Set(symbols.map(normaliseSymbol)))

export class Tracker {
  private desired: Set<string>
  private readonly states = new Map<string, State>()
  /** Left the set by the user's word, not yet by the server's: kept up to date, not delivered. */
  private readonly hidden = new Set<string>()
  /** Where the stream stands, of symbols for which it stands behind what was delivered (another node, a little late). */
  private readonly behind = new Map<string, number>()
  private label: FeedLabel | null = null
  /** Where delivery stopped, of the symbols not current again since the disconnect. */
  private readonly before = new Map<string, Position>()
  private downSince: number | null = null
  /** The symbols whose position the server was told: it can say "recovered" of those only. */
  private presented: ReadonlySet<string> = new Set()
  private presentedAll = true
  /** Set by `Watching` after a disconnect, until `Resumed` is told. */
  private resuming: {
    readonly recovered: boolean
    /** Of these the server sends nothing before something is new: they are current as they are. */
    readonly continued: ReadonlySet<string>
    readonly downMillis: number
    readonly missed: Array<Missed>
  } | null = null

  /** `positions`: where an earlier watch stopped; starting from them counts as resuming. */
  constructor(symbols: ReadonlyArray<string>, positions: ReadonlyArray<Position>, now: number) {
    this.desired = new Set(normaliseSet(symbols))
    for (const { symbol, epoch, seq } of positions) {
      const position = { symbol: normaliseSymbol(symbol), epoch, seq }
      if (!this.desired.has(position.symbol)) continue
      this.states.set(position.symbol, position)
      this.before.set(position.symbol, position)
      this.downSince = now
    }
  }

  get symbols(): ReadonlyArray<string> {
    return Array.from(this.desired)
  }

  get positions(): ReadonlyArray<Position> {
    const positions: Array<Position> = []
    for (const { symbol, epoch, seq } of this.states.values()) {
      if (this.desired.has(symbol)) positions.push({ symbol, epoch, seq })
    }
    return positions
  }

  /** The next stream opens with these positions, all that are held or as many as fit. */
  present(positions: ReadonlyArray<Position>): void {
    this.presented = new Set(positions.map(({ symbol }) => symbol))
    this.presentedAll = positions.length === this.positions.length
  }

  /** Waiting for symbols to become current before `Resumed` can be told. */
  get isResuming(): boolean {
    return this.resuming !== null
  }

  /** The user's new set, from this moment on. */
  want(symbols: ReadonlyArray<string>): void {
    const next = new Set(normaliseSet(symbols))
    for (const symbol of this.desired) {
      if (next.has(symbol)) continue
      // no stream: nothing is told of it meanwhile, and the next one hears only of what is wanted then
      if (this.downSince !== null) this.states.delete(symbol)
      else if (this.states.has(symbol)) this.hidden.add(symbol)
      this.before.delete(symbol)
    }
    this.desired = next
  }

  /**
   * The server's set is now exactly `symbols`. A symbol that left and came back before the server heard of either gets no
   * snapshot from it: it gets one here.
   */
  acknowledge(symbols: ReadonlySet<string>, out: Array<ClientEvent>): void {
    for (const symbol of this.hidden) {
      const state = this.states.get(symbol)
      if (!symbols.has(symbol)) this.states.delete(symbol)
      else if (!this.desired.has(symbol)) continue
      else if (state?._tag !== undefined && this.label !== null) out.push(toSnapshot(state, this.label))
      this.hidden.delete(symbol)
    }
  }

  /** The stream is gone. Says so once per loss. */
  lost(reason: string, code: number | null, now: number, out: Array<ClientEvent>): void {
    this.settle(out)
    if (this.downSince === null) {
      this.downSince = now
      out.push({ _tag: "Disconnected", reason, code })
    }
    for (const symbol of this.hidden) this.states.delete(symbol)
    this.hidden.clear()
    this.behind.clear()
    for (const { symbol, epoch, seq } of this.states.values()) {
      if (!this.before.has(symbol)) this.before.set(symbol, { symbol, epoch, seq })
    }
  }

  /** After `lost`: present no positions, so that the next stream begins with snapshots. */
  forget(): void {
    this.states.clear()
    this.hidden.clear()
  }

  /** Takes one event of the stream and appends what may be delivered. False: only a new stream with snapshots can mend it. */
  accept(event: WatchEvent, now: number, out: Array<ClientEvent>): boolean {
    switch (event._tag) {
      case "Update":
        return this.onUpdate(event, out)
      case "Snapshot":
        this.onSnapshot(event, out)
        return true
      case "Gap":
        if (!this.desired.has(event.symbol) || this.hidden.has(event.symbol)) {
          this.states.delete(event.symbol)
          return true
        }
        out.push(event)
        return true
      case "Watching":
        this.onWatching(event, now, out)
        return true
      default:
        out.push(event)
        return true
    }
  }

  /** Tells `Resumed`; what is not current by now is named in it, and what it missed announced when it comes. */
  settle(out: Array<ClientEvent>): void {
    if (this.resuming === null) return
    const { continued, ...resumed } = this.resuming
    const awaiting = Array.from(this.before.keys()).filter((symbol) => !continued.has(symbol))
    out.push({ _tag: "Resumed", ...resumed, awaiting })
    this.resuming = null
  }

  private onWatching(event: Watching, now: number, out: Array<ClientEvent>): void {
    out.push(event)
    const accepted = new Set(event.accepted)
    for (const symbol of this.states.keys()) if (!accepted.has(symbol)) this.states.delete(symbol)
    for (const symbol of this.before.keys()) if (!accepted.has(symbol)) this.before.delete(symbol)
    if (this.downSince === null) return
    const recovered = event.recovered === true && this.presentedAll
    const continued = event.recovered === true ? this.presented : new Set<string>()
    this.resuming = { recovered, continued, downMillis: now - this.downSince, missed: [] }
    this.downSince = null
    if (this.before.size === 0) this.settle(out)
  }

  private onUpdate(update: Update, out: Array<ClientEvent>): boolean {
    const { symbol } = update
    const state = this.states.get(symbol)
    if (this.hidden.has(symbol)) {
      this.states.set(symbol, update)
      return true
    }
    if (!this.desired.has(symbol)) return true
    if (state === undefined) {
      // an Update without a Snapshot before it: whole all the same, if its label is known
      if (this.label === null) return false
      this.deliver(toSnapshot(update, this.label), out)
      return true
    }
    const same = update.epoch === state.epoch
    const behind = this.behind.size === 0 ? undefined : this.behind.get(symbol)
    if (same ? update.seq <= state.seq : update.epoch < state.epoch) {
      if (behind !== undefined) this.behind.set(symbol, update.seq)
      return true
    }
    if (same && update.seq === state.seq + update.folded + 1) {
      this.deliver(update, out)
      return true
    }
    if (same && behind !== undefined && update.seq === behind + update.folded + 1) {
      this.behind.delete(symbol)
      this.deliver({ ...update, folded: update.seq - state.seq - 1 }, out)
      return true
    }
    if (this.label === null) return false
    const stretch = stretchBetween(state, update)
    if (stretch !== null) out.push({ _tag: "Gap", symbol, ...stretch, reason: "out-of-sequence" })
    this.deliver(toSnapshot(update, this.label), out)
    return true
  }

  private onSnapshot(snapshot: Snapshot, out: Array<ClientEvent>): void {
    const { symbol } = snapshot
    this.label = snapshot.label
    if (!this.desired.has(symbol)) {
      // dropped before its first snapshot came: the server tells it until it hears of that, and no second time
      this.hidden.add(symbol)
      this.states.set(symbol, snapshot)
      return
    }
    const shown = this.hidden.delete(symbol) ? undefined : this.states.get(symbol)
    if (shown !== undefined && shown.epoch === snapshot.epoch && shown.seq > snapshot.seq) {
      this.behind.set(symbol, snapshot.seq)
      return
    }
    this.behind.delete(symbol)
    this.deliver(snapshot, out)
  }

  private deliver(item: Update | Snapshot, out: Array<ClientEvent>): void {
    const { symbol } = item
    this.states.set(symbol, item)
    const from = this.before.size === 0 ? undefined : this.before.get(symbol)
    if (from === undefined) {
      out.push(item)
      return
    }
    this.before.delete(symbol)
    const stretch = stretchBetween(from, item)
    if (this.resuming !== null) {
      out.push(item)
      if (stretch !== null) {
        this.resuming.missed.push({
          symbol,
          from: { epoch: from.epoch, seq: from.seq },
          to: { epoch: item.epoch, seq: item.seq },
          updates: stretch.to === null ? null : stretch.to - stretch.from + 1
        })
      }
      if (this.before.size === 0) this.settle(out)
      return
    }
    if (item._tag === "Snapshot" && stretch !== null) {
      out.push({ _tag: "Gap", symbol, ...stretch, reason: "disconnected" })
    }
    out.push(item)
  }
}
