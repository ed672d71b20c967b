/**
 * The trades of one symbol's current day, sorted by key, so that a cancel or a late report can rebuild exactly the bars it
 * touches. Columns in chunks: an empty log holds nothing, a copy shares chunks until one side writes, a late trade moves
 * at most one chunk. About 29 bytes a trade; bounded by `limit` and by age, beyond which the oldest chunk goes.
 */
const CHUNK = 2_048
const FIRST_ROOM = 16
/** Keys are quarters of a millisecond (tradeFold.ts). An hour: a day of the whole market would take gigabytes. */
const KEPT_SPAN = 4 * 60 * 60 * 1_000

/** Plain numbers as base64, so that a checkpoint is JSON. */
export interface TradeLogData {
  readonly keys: string
  readonly prices: string
  readonly sizes: string
  readonly ids: string
  readonly moves: string
  /** Trades with a smaller key were dropped. */
  readonly keptFrom: number
}

interface Chunk {
  owner: object
  count: number
  keys: Uint32Array
  prices: Float64Array
  sizes: Float64Array
  ids: Float64Array
  moves: Uint8Array
}

const makeChunk = (owner: object, room: number): Chunk => ({
  owner,
  count: 0,
  keys: new Uint32Array(room),
  prices: new Float64Array(room),
  sizes: new Float64Array(room),
  ids: new Float64Array(room),
  moves: new Uint8Array(room)
})

/** Copies `from`'s trades start..end to the beginning of a new chunk. */
const sliceChunk = (owner: object, from: Chunk, start: number, end: number, room: number): Chunk => {
  const chunk = makeChunk(owner, room)
  chunk.keys.set(from.keys.subarray(start, end))
  chunk.prices.set(from.prices.subarray(start, end))
  chunk.sizes.set(from.sizes.subarray(start, end))
  chunk.ids.set(from.ids.subarray(start, end))
  chunk.moves.set(from.moves.subarray(start, end))
  chunk.count = end - start
  return chunk
}

const write = (c: Chunk, at: number, key: number, price: number, size: number, id: number, moves: number): void => {
  c.keys[at] = key
  c.prices[at] = price
  c.sizes[at] = size
  c.ids[at] = id
  c.moves[at] = moves
}

const lastKey = (chunk: Chunk | undefined): number => chunk?.keys[chunk.count - 1] ?? 0

/** Where a trade is, and a cursor over trades: good until the log is next changed. */
export class Place {
  chunk = 0
  at = 0
}

export class TradeLog {
  readonly limit: number
  length = 0
  /** Every trade with this key or a greater one is here; smaller ones may have been dropped. */
  keptFrom = 0
  // what it writes to must carry this token; a copy changes both sides' tokens, so all chunks become shared
  #owner: object = {}
  #chunks: Array<Chunk> = []

  constructor(limit: number) {
    this.limit = limit
  }

  /** Adds a trade after those with the same or a smaller key. */
  add(key: number, price: number, size: number, id: number, moves: number): void {
    const last = this.#chunks.length - 1
    const tail = this.#chunks[last]
    if (tail !== undefined && key < (tail.keys[tail.count - 1] ?? 0)) {
      this.#insert(key, price, size, id, moves)
    } else {
      const chunk = tail === undefined || tail.count === CHUNK ? this.#grow(last + 1) : this.#writable(last, 1)
      write(chunk, chunk.count++, key, price, size, id, moves)
    }
    this.length++
  }

  /** Over its limit in number or age: `dropOldest` is due. */
  get full(): boolean {
    const chunks = this.#chunks
    if (chunks.length < 2) return false
    return this.length > this.limit || lastKey(chunks[chunks.length - 1]) - lastKey(chunks[0]) > KEPT_SPAN
  }

  /** Drops the oldest chunk, showing each of its trades first. */
  dropOldest(visit: (key: number, price: number, size: number, moves: number) => void): void {
    const oldest = this.#chunks.shift()
    if (oldest === undefined) return
    for (let at = 0; at < oldest.count; at++) {
      visit(oldest.keys[at] ?? 0, oldest.prices[at] ?? 0, oldest.sizes[at] ?? 0, oldest.moves[at] ?? 0)
    }
    this.length -= oldest.count
    this.keptFrom = (oldest.keys[oldest.count - 1] ?? 0) + 1
  }

  removeAt(place: Place): void {
    const chunk = this.#writable(place.chunk, 0)
    const { at } = place
    chunk.keys.copyWithin(at, at + 1, chunk.count)
    chunk.prices.copyWithin(at, at + 1, chunk.count)
    chunk.sizes.copyWithin(at, at + 1, chunk.count)
    chunk.ids.copyWithin(at, at + 1, chunk.count)
    chunk.moves.copyWithin(at, at + 1, chunk.count)
    chunk.count--
    this.length--
    if (chunk.count === 0) this.#chunks.splice(place.chunk, 1)
  }

  /** Changes a trade where it stands; its key stays. */
  setAt(place: Place, price: number, size: number, moves: number): void {
    const chunk = this.#writable(place.chunk, 0)
    write(chunk, place.at, chunk.keys[place.at] ?? 0, price, size, chunk.ids[place.at] ?? 0, moves)
  }

  /** Finds a trade by id, newest first: what is cancelled is mostly recent. */
  find(id: number, place: Place): boolean {
    for (let c = this.#chunks.length - 1; c >= 0; c--) {
      const chunk = this.#chunks[c]
      if (chunk === undefined) continue
      const at = chunk.ids.lastIndexOf(id, chunk.count - 1)
      if (chunk.count > 0 && at >= 0) {
        place.chunk = c
        place.at = at
        return true
      }
    }
    return false
  }

  keyAt(place: Place): number {
    return this.#chunks[place.chunk]?.keys[place.at] ?? 0
  }
  priceAt(place: Place): number {
    return this.#chunks[place.chunk]?.prices[place.at] ?? 0
  }
  sizeAt(place: Place): number {
    return this.#chunks[place.chunk]?.sizes[place.at] ?? 0
  }
  movesAt(place: Place): number {
    return this.#chunks[place.chunk]?.moves[place.at] ?? 0
  }

  /** Puts the cursor on the first trade with key ≥ `key`; false, and past the end, when there is none. */
  seek(key: number, place: Place): boolean {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const chunk = this.#chunks[middle]
      if (chunk !== undefined && (chunk.keys[chunk.count - 1] ?? 0) < key) low = middle + 1
      else high = middle
    }
    const chunk = this.#chunks[low]
    place.chunk = low
    place.at = chunk === undefined ? 0 : lowerBound(chunk, key)
    return chunk !== undefined
  }

  /** To the next trade; false, and past the end, when there is none. */
  next(place: Place): boolean {
    const chunk = this.#chunks[place.chunk]
    if (chunk === undefined) return false
    if (++place.at < chunk.count) return true
    place.chunk++
    place.at = 0
    return place.chunk < this.#chunks.length
  }

  /** To the trade before, also from past the end; false when there is none. */
  previous(place: Place): boolean {
    if (--place.at >= 0) return true
    const chunk = this.#chunks[--place.chunk]
    if (chunk === undefined) return false
    place.at = chunk.count - 1
    return true
  }

  /** A log that shares this one's chunks until either writes. */
  copy(): TradeLog {
    const twin = new TradeLog(this.limit)
    twin.length = this.length
    twin.keptFrom = this.keptFrom
    twin.#chunks = this.#chunks.slice()
    this.#owner = {}
    return twin
  }

  toData(): TradeLogData {
    const pack = (column: (chunk: Chunk) => Uint8Array | Uint32Array | Float64Array): string =>
      Buffer.concat(
        this.#chunks.map((chunk) => {
          const values = column(chunk).subarray(0, chunk.count)
          return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
        })
      ).toString("base64")
    return {
      keys: pack((chunk) => chunk.keys),
      prices: pack((chunk) => chunk.prices),
      sizes: pack((chunk) => chunk.sizes),
      ids: pack((chunk) => chunk.ids),
      moves: pack((chunk) => chunk.moves),
      keptFrom: this.keptFrom
    }
  }

  static fromData(data: TradeLogData, limit: number): TradeLog {
    const unpack = (text: string): ArrayBuffer => Uint8Array.from(Buffer.from(text, "base64")).buffer
    const all: Chunk = {
      owner: {},
      count: 0,
      keys: new Uint32Array(unpack(data.keys)),
      prices: new Float64Array(unpack(data.prices)),
      sizes: new Float64Array(unpack(data.sizes)),
      ids: new Float64Array(unpack(data.ids)),
      moves: new Uint8Array(unpack(data.moves))
    }
    const log = new TradeLog(limit)
    log.length = all.keys.length
    log.keptFrom = data.keptFrom
    for (let start = 0; start < log.length; start += CHUNK) {
      const end = Math.min(start + CHUNK, log.length)
      log.#chunks.push(sliceChunk(log.#owner, all, start, end, end - start))
    }
    return log
  }

  /** The chunk, ours to write, with room for `more` trades (up to CHUNK). */
  #writable(index: number, more: number): Chunk {
    const chunk = this.#chunks[index]
    if (chunk === undefined) return this.#grow(index)
    const enough = chunk.count + more <= chunk.keys.length
    if (chunk.owner === this.#owner && enough) return chunk
    const room = enough ? chunk.keys.length : Math.min(CHUNK, Math.max(FIRST_ROOM, chunk.count * 2))
    const ours = sliceChunk(this.#owner, chunk, 0, chunk.count, room)
    this.#chunks[index] = ours
    return ours
  }

  #grow(index: number): Chunk {
    const chunk = makeChunk(this.#owner, index === 0 ? FIRST_ROOM : CHUNK)
    this.#chunks[index] = chunk
    return chunk
  }

  #insert(key: number, price: number, size: number, id: number, moves: number): void {
    const place = new Place()
    this.seek(key + 1, place)
    const full = this.#chunks[place.chunk]
    let at = place.at
    if (full !== undefined && full.count === CHUNK) {
      const half = CHUNK >> 1
      this.#chunks.splice(
        place.chunk,
        1,
        sliceChunk(this.#owner, full, 0, half, CHUNK),
        sliceChunk(this.#owner, full, half, CHUNK, CHUNK)
      )
      if (at > half) {
        place.chunk++
        at -= half
      }
    }
    const chunk = this.#writable(place.chunk, 1)
    chunk.keys.copyWithin(at + 1, at, chunk.count)
    chunk.prices.copyWithin(at + 1, at, chunk.count)
    chunk.sizes.copyWithin(at + 1, at, chunk.count)
    chunk.ids.copyWithin(at + 1, at, chunk.count)
    chunk.moves.copyWithin(at + 1, at, chunk.count)
    write(chunk, at, key, price, size, id, moves)
    chunk.count++
  }
}

/** Index of the first trade in the chunk with key ≥ `key`. */
const lowerBound = (chunk: Chunk, key: number): number => {
  let low = 0
  let high = chunk.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((chunk.keys[middle] ?? 0) < key) low = middle + 1
    else high = middle
  }
  return low
}
