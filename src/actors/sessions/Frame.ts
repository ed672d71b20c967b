/**
 * Where a flush is put together: one scratch buffer a node, because a flush is synchronous. The socket takes a copy.
 */
import { eventTail } from "../../rpc/wire.ts"

export class Frame {
  private buffer: Buffer
  length = 0
  private tailTime = -1
  private readonly tails = new Map<number, Buffer>()

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  reset(): void {
    this.length = 0
  }

  /** ASCII only: what is not was escaped by whoever encoded it. */
  text(ascii: string): void {
    this.reserve(ascii.length)
    this.length += this.buffer.write(ascii, this.length, "latin1")
  }

  /** JSON that may hold any character. */
  json(text: string): void {
    this.reserve(text.length * 3)
    this.length += this.buffer.write(text, this.length, "utf8")
  }

  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }

  /** An event that starts with a comma: its first byte gives way to the bracket before it when the list is still empty. */
  element(bytes: Uint8Array, first: boolean): void {
    if (!first) {
      this.bytes(bytes)
      return
    }
    this.length--
    const bracket = this.buffer[this.length] ?? 0
    const at = this.length
    this.bytes(bytes)
    this.buffer[at] = bracket
  }

  /** Ends an event: folded count and send time. Few different ones exist within a millisecond, so they are kept. */
  tail(folded: number, now: number): void {
    if (now !== this.tailTime) {
      this.tails.clear()
      this.tailTime = now
    }
    let tail = this.tails.get(folded)
    if (tail === undefined) {
      tail = Buffer.from(eventTail(folded, now), "latin1")
      this.tails.set(folded, tail)
    }
    this.bytes(tail)
  }

  /** Valid until the next write to this frame. */
  view(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  private reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + more))
    this.buffer.copy(grown, 0, 0, this.length)
    this.buffer = grown
  }
}
