/**
 * One recorded file of ticks, trades or quotes, as a source for the merge. Holds the ticks of one chunk at most.
 *
 *   trades: ms since midnight, price ×10,000, size, exchange, condition flags (hex), suspicious
 *   quotes: ms since midnight, bid ×10,000, bid size, ask ×10,000, ask size, exchange, condition (hex), suspicious
 *
 * A quote line gives one side of the best bid and offer, and the other side's line follows at the same millisecond: the
 * lines of a millisecond make one TopOfBook, so that a half-changed book is never shown.
 */
import { basename } from "node:path"
import { Effect, type Scope } from "effect"
import type { Tick, TopOfBook } from "../../../rpc/ticks.ts"
import { leanTradeConditions } from "./conditions.ts"
import { Fields } from "./Fields.ts"
import type { ParkedLines } from "./ParkedLines.ts"
import { type Chunks, openZipCsv, type UnreadableZip } from "./zipCsv.ts"

const LINE_FEED = 0x0a
const DAY = 86_400_000
/** Longer than any line can be: a file without line feeds must not grow in memory. */
const LONGEST_LINE = 4_096
const EMPTY = Buffer.alloc(0)

export type TickKind = "trade" | "quote"

export class TickFile {
  readonly symbol: string
  /** Time of the next tick, ms since epoch; +∞ when there is none left. */
  nextTime = Number.POSITIVE_INFINITY
  private readonly path: string
  private readonly kind: TickKind
  private readonly midnight: number
  private readonly chunks: Chunks
  private readonly parked: ParkedLines
  private readonly fields = new Fields()
  private readonly conditions = new Map<number, number>()
  private ticks: Array<Tick> = []
  private at = 0
  private rest: Buffer = EMPTY
  private line = 0
  private ended = false
  private book: { -readonly [K in keyof TopOfBook]: TopOfBook[K] } | undefined

  constructor(symbol: string, path: string, kind: TickKind, midnight: number, chunks: Chunks, parked: ParkedLines) {
    this.symbol = symbol
    this.path = path
    this.kind = kind
    this.midnight = midnight
    this.chunks = chunks
    this.parked = parked
  }

  /**
   * Moves ticks with time < `until` to `out`, until it holds `max`. True: stopped for want of the next chunk, `fill` and
   * take again.
   */
  take(until: number, max: number, out: Array<Tick>): boolean {
    const { ticks } = this
    let at = this.at
    for (; at < ticks.length && out.length < max; at++) {
      const tick = ticks[at]
      if (tick === undefined || tick.time >= until) break
      out.push(tick)
    }
    this.at = at
    const next = ticks[at]
    if (next !== undefined) {
      this.nextTime = next.time
      return false
    }
    if (this.ended) this.nextTime = Number.POSITIVE_INFINITY
    return !this.ended
  }

  /** Reads on until there is a tick, or the end. A file that breaks off ends there, and is parked. */
  readonly fill: Effect.Effect<void> = Effect.suspend(() => this.read)

  private readonly read: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    this.ticks = []
    this.at = 0
    while (this.ticks.length === 0 && !this.ended) {
      const chunk = yield* this.chunks.next
      if (chunk === undefined) this.finish()
      else this.decode(chunk)
    }
    this.nextTime = this.ticks[0]?.time ?? Number.POSITIVE_INFINITY
  }).pipe(Effect.catchTag("UnreadableZip", (broken) => this.breakOff(broken)))

  private breakOff(broken: UnreadableZip): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.finish()
      this.nextTime = this.ticks[0]?.time ?? Number.POSITIVE_INFINITY
      const file = basename(this.path)
      this.parked.add({ symbol: this.symbol, file, line: 0, reason: broken.message, text: "" })
      return Effect.logError("A recorded file is broken; the replay goes on without the rest of it", {
        file: this.path,
        afterLine: this.line,
        reason: broken.message
      })
    })
  }

  private decode(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let from = 0
    for (;;) {
      const to = bytes.indexOf(LINE_FEED, from)
      if (to < 0) break
      this.decodeLine(bytes, from, to)
      from = to + 1
    }
    this.rest = bytes.subarray(from)
    if (this.rest.length > LONGEST_LINE) {
      this.line++
      this.park("the line is too long", this.rest, 0, this.rest.length)
      this.rest = EMPTY
    }
  }

  private finish(): void {
    if (this.rest.length > 0) this.decodeLine(this.rest, 0, this.rest.length)
    this.rest = EMPTY
    if (this.book !== undefined) this.ticks.push(this.book)
    this.book = undefined
    this.ended = true
  }

  private decodeLine(bytes: Buffer, from: number, to: number): void {
    this.line++
    if (to === from) return
    this.fields.start(bytes, from, to)
    if (this.kind === "trade") this.decodeTrade()
    else this.decodeQuote()
    if (this.fields.problem !== undefined) this.park(this.fields.problem, bytes, from, to)
  }

  private decodeTrade(): void {
    const { fields } = this
    const ms = fields.integer("time")
    const price = fields.integer("price")
    const size = fields.integer("size")
    const exchange = fields.text("exchange")
    const flags = fields.hex("condition flags")
    const suspicious = fields.integer("suspicious flag")
    fields.finish()
    if (fields.problem !== undefined) return
    if (ms >= DAY) fields.problem = "time is past the day's end"
    else if (price === 0) fields.problem = "price is zero"
    else if (size === 0) fields.problem = "size is zero"
    else {
      const time = this.midnight + ms
      const conditions = this.conditionsOf(flags, suspicious !== 0)
      this.ticks.push({ _tag: "Trade", id: this.line, time, price, size, exchange, conditions })
    }
  }

  private decodeQuote(): void {
    const { fields } = this
    const ms = fields.integer("time")
    const bid = fields.integer("bid")
    const bidSize = fields.integer("bid size")
    const ask = fields.integer("ask")
    const askSize = fields.integer("ask size")
    fields.text("exchange")
    fields.hex("condition")
    const suspicious = fields.integer("suspicious flag")
    fields.finish()
    if (fields.problem !== undefined) return
    if (ms >= DAY) {
      fields.problem = "time is past the day's end"
      return
    }
    if (suspicious !== 0) return
    const time = this.midnight + ms
    let { book } = this
    if (book === undefined) book = { _tag: "TopOfBook", time, bid: 0, bidSize: 0, ask: 0, askSize: 0 }
    else if (book.time !== time) {
      this.ticks.push(book)
      book = { ...book, time }
    }
    if (bid > 0) {
      book.bid = bid
      book.bidSize = bidSize
    }
    if (ask > 0) {
      book.ask = ask
      book.askSize = askSize
    }
    this.book = book
  }

  private conditionsOf(flags: number, suspicious: boolean): number {
    const key = suspicious ? -1 - flags : flags
    let conditions = this.conditions.get(key)
    if (conditions === undefined) {
      conditions = leanTradeConditions(flags, suspicious)
      // a bad file could hold a new code on every line
      if (this.conditions.size < 4_096) this.conditions.set(key, conditions)
    }
    return conditions
  }

  private park(reason: string, bytes: Buffer, from: number, to: number): void {
    const text = bytes.toString("latin1", from, Math.min(to, from + LONGEST_LINE))
    this.parked.add({ symbol: this.symbol, file: basename(this.path), line: this.line, reason, text })
  }
}

/** Opens a file and reads its first ticks. It closes with the Scope. */
export const openTickFile = Effect.fnUntraced(function* (
  symbol: string,
  path: string,
  kind: TickKind,
  midnight: number,
  parked: ParkedLines
): Effect.fn.Return<TickFile, UnreadableZip, Scope.Scope> {
  const chunks = yield* openZipCsv(path)
  const file = new TickFile(symbol, path, kind, midnight, chunks, parked)
  yield* file.fill
  return file
})
