/**
 * A ticker's state as bytes, for a database, and back: `checkpoint`'s JSON, and the trade log's columns behind it as the
 * differences from one trade to the next, mostly one or two bytes each where JSON needs five to eleven.
 *
 * Layout: magic (4 bytes), length of the JSON (uint32, little-endian), the JSON, the columns in the order it lists them.
 */
import type { TradeLogData } from "./TradeLog.ts"
import { checkpoint, restore, type TickerCheckpoint } from "./tickerCheckpoint.ts"
import { initialTickerState, type TickerState } from "./tickerState.ts"

/** "LZT" and the layout's version. What is in the JSON has its own (TickerCheckpoint.version). */
const MAGIC = Uint8Array.of(0x4c, 0x5a, 0x54, 1)
const VERSION: TickerCheckpoint["version"] = 1

const columnNames = ["keys", "prices", "sizes", "ids", "moves"] as const
type ColumnName = (typeof columnNames)[number]

interface Column {
  readonly name: ColumnName
  readonly bytes: number
  /** Differences; else the values as they lie in memory. */
  readonly packed: boolean
}

type Header = Omit<TickerCheckpoint, "log"> & { readonly keptFrom: number; readonly columns: ReadonlyArray<Column> }

/** Differences of values up to here, doubled, are exact. */
const MOST = 2 ** 51

/** undefined: some value is no integer, or too great. */
export const packIntegers = (values: ArrayLike<number>): Uint8Array | undefined => {
  // eight times seven bits hold the greatest difference
  const out = new Uint8Array(values.length * 8)
  let at = 0
  let before = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if (!Number.isInteger(value) || value > MOST || value < -MOST || Object.is(value, -0)) return undefined
    const difference = value - before
    before = value
    let rest = difference >= 0 ? difference * 2 : -difference * 2 - 1
    while (rest >= 2 ** 31) {
      out[at++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    // what 32 bits hold is several times faster
    let small = rest | 0
    while (small >= 128) {
      out[at++] = (small & 127) | 128
      small >>>= 7
    }
    out[at++] = small
  }
  return out.subarray(0, at)
}

/** Calls `write` with each value. Throws when the bytes end within one. */
export const unpackIntegers = (bytes: Uint8Array, write: (value: number, i: number) => void): number => {
  let count = 0
  let before = 0
  for (let at = 0; at < bytes.length; ) {
    let rest = 0
    let scale = 1
    let byte = 128
    while (byte >= 128) {
      if (at >= bytes.length) throw new RangeError("A number is cut off")
      byte = bytes[at++] ?? 0
      rest += (byte % 128) * scale
      scale *= 128
    }
    before += rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2
    write(before, count++)
  }
  return count
}

const ofBase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, "base64"))
const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

/** A column's numbers as they lie in memory (TradeLog). */
const view = (name: ColumnName, bytes: Uint8Array<ArrayBuffer>): Uint32Array | Float64Array | Uint8Array => {
  if (name === "keys") return new Uint32Array(bytes.buffer)
  return name === "moves" ? bytes : new Float64Array(bytes.buffer)
}

const encodeColumn = (name: ColumnName, text: string): { readonly column: Column; readonly bytes: Uint8Array } => {
  const raw = ofBase64(text)
  const packed = name === "moves" ? undefined : packIntegers(view(name, raw))
  const bytes = packed ?? raw
  return { column: { name, bytes: bytes.length, packed: packed !== undefined }, bytes }
}

const decodeColumn = ({ name, packed }: Column, bytes: Uint8Array<ArrayBuffer>, trades: number): string => {
  if (!packed) return toBase64(bytes)
  const width = name === "keys" ? 4 : 8
  const raw = new Uint8Array(trades * width)
  const values = view(name, raw)
  const count = unpackIntegers(bytes, (value, i) => {
    values[i] = value
  })
  if (count !== trades) throw new RangeError(`${count} of ${trades} values`)
  return toBase64(raw)
}

export const encodeCheckpoint = (state: TickerState): Uint8Array<ArrayBuffer> => {
  const { log, ...rest } = checkpoint(state)
  const columns = columnNames.map((name) => encodeColumn(name, log[name]))
  const header: Header = { ...rest, keptFrom: log.keptFrom, columns: columns.map(({ column }) => column) }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const out = new Uint8Array(8 + json.length + columns.reduce((sum, { bytes }) => sum + bytes.length, 0))
  out.set(MAGIC)
  new DataView(out.buffer).setUint32(4, json.length, true)
  out.set(json, 8)
  let at = 8 + json.length
  for (const { bytes } of columns) {
    out.set(bytes, at)
    at += bytes.length
  }
  return out
}

/** Whether `value` has every member of `like`, of the same kind: what another version of this code wrote has not. */
const isLike = (value: unknown, like: unknown): boolean => {
  if (typeof like !== "object" || like === null || Array.isArray(like)) {
    return typeof value === typeof like && Array.isArray(value) === Array.isArray(like)
  }
  if (typeof value !== "object" || value === null) return false
  const members = new Map(Object.entries(value))
  return Object.entries(like).every(([name, member]) => isLike(members.get(name), member))
}

const isHeader = (value: unknown): value is Header => {
  const { log: _, ...like } = checkpoint(initialTickerState(""))
  return isLike(value, { ...like, keptFrom: 0, columns: [] })
}

const decode = (bytes: Uint8Array): TickerState => {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true)
  const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  if (!isHeader(header) || header.version !== VERSION) throw new TypeError("Another version's")
  const { columns, keptFrom, ...rest } = header
  const parts = new Map<ColumnName, { readonly column: Column; readonly bytes: Uint8Array<ArrayBuffer> }>()
  let at = 8 + length
  for (const column of columns) {
    parts.set(column.name, { column, bytes: Uint8Array.from(bytes.subarray(at, at + column.bytes)) })
    at += column.bytes
  }
  if (at !== bytes.length) throw new RangeError("Its end is missing")
  const trades = parts.get("moves")?.bytes.length ?? 0
  const text = (name: ColumnName): string => {
    const part = parts.get(name)
    if (part === undefined) throw new TypeError(`No column ${name}`)
    return decodeColumn(part.column, part.bytes, trades)
  }
  const log: TradeLogData = {
    keys: text("keys"),
    prices: text("prices"),
    sizes: text("sizes"),
    ids: text("ids"),
    moves: text("moves"),
    keptFrom
  }
  return restore({ ...rest, log })
}

/** undefined: no checkpoint of this version, or a damaged one. Never throws. */
export const decodeCheckpoint = (bytes: Uint8Array): TickerState | undefined => {
  if (bytes.length < 8 || MAGIC.some((byte, i) => bytes[i] !== byte)) return undefined
  try {
    return decode(bytes)
  } catch {
    return undefined
  }
}
