/**
 * What arrived, counted over all sessions and looked at closely in some of them: latency from the intended send time (the
 * quote's volume carries it, in µs), and whether every item follows the one before it.
 */
import { microsNow } from "./clock.ts"
import { Histogram, type Percentiles } from "./Histogram.ts"

const UPDATE = Buffer.from('"_tag":"Update"')
/** No update is shorter: lets the count skip ahead. */
const SHORTEST_UPDATE = 150

export interface Received {
  readonly updates: number
  readonly messages: number
  readonly bytes: number
  /** Of the sampled sessions only. */
  readonly sampledUpdates: number
  /** Updates that were folded into others, in the sampled sessions. */
  readonly folded: number
  /** Items that did not follow the one before, unannounced. Must be 0. */
  readonly broken: number
  readonly latency: Percentiles
}

export interface Item {
  readonly _tag: string
  readonly s: string
  readonly e: number
  readonly q: number
  readonly f: number
  readonly v: number
  readonly i: number
}

export class Counter {
  private updates = 0
  private messages = 0
  private bytes = 0
  private sampledUpdates = 0
  private folded = 0
  private broken = 0
  private readonly latency = new Histogram()
  private readonly age: (item: Item, arrivedMicros: number) => number

  /** `age`: how old an item is on arrival, µs. */
  constructor(age: (item: Item, arrivedMicros: number) => number = (item, arrived) => arrived - item.v) {
    this.age = age
  }

  count(message: Buffer): void {
    this.messages++
    this.bytes += message.length
    for (let at = message.indexOf(UPDATE); at !== -1; at = message.indexOf(UPDATE, at + SHORTEST_UPDATE)) this.updates++
  }

  /** Parses the message as a client would, and checks it against what this session saw before. */
  inspect(message: Buffer, positions: Map<string, { epoch: number; seq: number }>): void {
    const arrived = microsNow()
    for (const line of message.toString("latin1").split("\n")) {
      if (line === "") continue
      const parsed = JSON.parse(line) as Item & { readonly values?: ReadonlyArray<Item> }
      const items = parsed._tag === "Chunk" ? (parsed.values ?? []) : [parsed]
      for (const item of items) {
        if (item._tag === "Snapshot") positions.set(item.s, { epoch: item.e, seq: item.q })
        if (item._tag !== "Update") continue
        const position = positions.get(item.s)
        if (position === undefined) positions.set(item.s, { epoch: item.e, seq: item.q })
        else {
          if (item.e !== position.epoch || item.q !== position.seq + item.f + 1) this.broken++
          position.epoch = item.e
          position.seq = item.q
        }
        this.sampledUpdates++
        this.folded += item.f
        this.latency.record(this.age(item, arrived))
      }
    }
  }

  /** What came since the last call. */
  take(): Received {
    const { broken, bytes, folded, messages, sampledUpdates, updates } = this
    const received = { updates, messages, bytes, sampledUpdates, folded, broken, latency: this.latency.percentiles() }
    this.updates = this.messages = this.bytes = this.sampledUpdates = this.folded = this.broken = 0
    this.latency.reset()
    return received
  }
}
