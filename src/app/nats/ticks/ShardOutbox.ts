/**
 * What a shard's next messages will hold: batches in the order they were accepted, and marks, each behind everything that
 * had been accepted when it was read. Pure; TickPublisher sends what it gives.
 */
export interface OutMessage {
  readonly batches: ReadonlyArray<string>
  readonly mark: number | undefined
}

export class ShardOutbox {
  /** A batch as text, or a mark. */
  private entries: Array<string | number> = []
  private waiting = 0

  /** Characters of the batches that wait. */
  get size(): number {
    return this.waiting
  }

  get isEmpty(): boolean {
    return this.entries.length === 0
  }

  accept(batch: string): void {
    this.entries.push(batch)
    this.waiting += batch.length
  }

  clear(): void {
    this.entries = []
    this.waiting = 0
  }

  /** Behind all that was accepted; the newest says it all when nothing came between. */
  mark(publishedUpTo: number): void {
    const last = this.entries.length - 1
    if (typeof this.entries[last] === "number") this.entries[last] = publishedUpTo
    else this.entries.push(publishedUpTo)
  }

  /** The next message: as many batches as fit into so many characters, but at least one. Undefined when nothing waits. */
  next(maxSize: number): OutMessage | undefined {
    if (this.entries.length === 0) return undefined
    const batches: Array<string> = []
    let mark: number | undefined
    let size = 0
    let taken = 0
    for (const entry of this.entries) {
      if (typeof entry === "number") mark = entry
      else {
        if (batches.length > 0 && size + entry.length > maxSize) break
        size += entry.length
        batches.push(entry)
      }
      taken++
    }
    this.entries.splice(0, taken)
    this.waiting -= size
    return { batches, mark }
  }
}

/** Bytes of a shard that are in the stream and that its owner has not settled. Pure. */
export class UnsettledBytes {
  private messages: Array<{ readonly seq: number; readonly bytes: number }> = []
  private sum = 0

  get total(): number {
    return this.sum
  }

  published(seq: number, bytes: number): void {
    this.messages.push({ seq, bytes })
    this.sum += bytes
  }

  /** Everything up to and including this sequence. */
  settled(seq: number): void {
    let done = 0
    for (const message of this.messages) {
      if (message.seq > seq) break
      this.sum -= message.bytes
      done++
    }
    if (done > 0) this.messages.splice(0, done)
  }

  /** The stream has lost what came after this sequence, as far as it was there before `upTo`. */
  lost(after: number, upTo = Number.POSITIVE_INFINITY): void {
    this.messages = this.messages.filter(({ bytes, seq }) => {
      const stays = seq <= after || seq > upTo
      if (!stays) this.sum -= bytes
      return stays
    })
  }

  clear(): void {
    this.messages = []
    this.sum = 0
  }
}
