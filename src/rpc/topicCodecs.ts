/**
 * The bytes of bus messages between processes. Everything decoded is checked, whoever sent it: a codec throws `WrongMessage`,
 * and whoever listens counts it and goes on. JSON, so that a message can be read in a log; a quote's body is copied as it is.
 */
import { Schema } from "effect"
import { DomainEvent } from "./events.ts"
import { Bar } from "./market.ts"
import type { Tick, TickBatch } from "./ticks.ts"
import type {
  BarsChanged,
  Codec,
  CompaniesChanged,
  FeedClock,
  FeedLiveness,
  OwnedShards,
  QuoteUpdate,
  Revoked
} from "./topics.ts"

/** Bytes that are no message of their topic; `message` says what was expected. */
export class WrongMessage extends Error {
  override readonly name = "WrongMessage"
}

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder("utf-8", { fatal: true })

const wrong = (expected: string): never => {
  throw new WrongMessage(`expected ${expected}`)
}

const parse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(strictUtf8.decode(bytes))
  } catch {
    return wrong("JSON")
  }
}

/** JSON of a schema; for what is said at most a few times a second and topic. */
const json = <A>(schema: Schema.Codec<A, unknown>): Codec<A> => {
  const is = Schema.is(schema)
  return {
    encode: (message) => utf8.encode(JSON.stringify(message)),
    decode: (bytes) => {
      const value = parse(bytes)
      return is(value) ? value : wrong("another shape")
    }
  }
}

const Millis = Schema.Int

export const livenessCodec: Codec<FeedLiveness> = json(
  Schema.Struct({ state: Schema.Literals(["live", "feed-down"]), since: Millis })
)

export const feedClockCodec: Codec<FeedClock> = json(
  Schema.Struct({
    state: Schema.Literals(["starting", "live", "ended", "down"]),
    marketTime: Millis,
    publishedUpTo: Millis,
    speed: Schema.Finite,
    ticks: Schema.Int,
    malformed: Schema.Int
  })
)

export const ownedShardsCodec: Codec<OwnedShards> = json(
  Schema.Struct({ shards: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 63 }))) })
)

export const barsCodec: Codec<BarsChanged> = json(
  Schema.Struct({
    symbol: Schema.String,
    interval: Schema.Literals(["1s", "1m", "1d"]),
    bars: Schema.Array(Bar)
  })
)

export const companiesCodec: Codec<CompaniesChanged> = json(Schema.Struct({ version: Schema.Int }))

export const revokedCodec: Codec<Revoked> = json(
  Schema.Struct({
    investor: Schema.String,
    at: Schema.Int,
    what: Schema.Union([Schema.Array(Schema.String), Schema.Literals(["browsers", "everything"])]),
    why: Schema.optionalKey(Schema.String)
  })
)

export const eventCodec: Codec<DomainEvent> = json(DomainEvent)

// ---- quotes: a line of four numbers and the symbol, then the body ------------------------------------------------------

const NEWLINE = 0x0a

export const quoteCodec: Codec<QuoteUpdate> = {
  encode: ({ body, epoch, exchangeTime, ingestTime, seq, symbol }) => {
    const head = `${symbol} ${epoch} ${seq} ${exchangeTime} ${ingestTime}\n`
    const bytes = new Uint8Array(head.length + body.length)
    utf8.encodeInto(head, bytes)
    bytes.set(body, head.length)
    return bytes
  },
  decode: (bytes) => {
    const end = bytes.indexOf(NEWLINE)
    if (end < 0 || end > 128) return wrong("a quote")
    const [symbol = "", ...rest] = String.fromCharCode(...bytes.subarray(0, end)).split(" ")
    const [epoch, seq, exchangeTime, ingestTime] = rest.map(Number)
    // epoch 0 is no actor's: it stands for "nothing sent yet" downstream
    if (rest.length !== 4 || !isInteger(epoch) || !isInteger(seq) || epoch < 1 || seq < 0) return wrong("a quote")
    if (!isInteger(exchangeTime) || !isInteger(ingestTime)) return wrong("a quote")
    const body = bytes.subarray(end + 1)
    // it is spliced into every watcher's frame: what is no JSON would cost them their connection
    const members = objectOf(body)
    if (members.s !== symbol || members.e !== epoch || members.q !== seq) return wrong("a quote's body")
    return { symbol, epoch, seq, exchangeTime, ingestTime, body }
  }
}

const isInteger = (value: number | undefined): value is number => Number.isSafeInteger(value)

const objectOf = (body: Uint8Array): { readonly s?: unknown; readonly e?: unknown; readonly q?: unknown } => {
  try {
    return JSON.parse(`{${strictUtf8.decode(body)}}`)
  } catch {
    return wrong("a quote's body")
  }
}

// ---- tick batches: a tuple a tick, its kind first ----------------------------------------------------------------------

/** A batch as JSON text; see `batchOf`. */
export const batchJson = ({ ingestTime, origin, previousClose, symbol, ticks }: TickBatch): string => {
  const from = origin === undefined ? "" : `,"r":${JSON.stringify(origin.run)},"n":${origin.no},"f":${origin.from}`
  return `{"s":"${symbol}","i":${ingestTime},"c":${previousClose}${from},"t":[${ticks.map(tickJson).join(",")}]}`
}

const tickJson = (tick: Tick): string => {
  switch (tick._tag) {
    case "Trade":
      return `[0,${tick.id},${tick.time},${tick.price},${tick.size},${JSON.stringify(tick.exchange)},${tick.conditions}]`
    case "TopOfBook":
      return `[1,${tick.time},${tick.bid},${tick.bidSize},${tick.ask},${tick.askSize}]`
    case "TradeCancel":
      return `[2,${tick.time},${tick.id}]`
    case "TradeCorrection":
      return `[3,${tick.time},${tick.id},${tick.price},${tick.size},${tick.conditions}]`
    case "TradingStatus":
      return `[4,${tick.time},${tick.halted ? 1 : 0}]`
    case "DaySoFar":
      return (
        `[5,${tick.time},${tick.open},${tick.high},${tick.low},${tick.close},${tick.last},${tick.lastSize},` +
        `${tick.volume},${tick.trades},${tick.regularVolume},${tick.regularTrades}]`
      )
  }
}

/** The batch that parsed JSON stands for. Throws WrongMessage. */
export const batchOf = (value: unknown): TickBatch => {
  if (typeof value !== "object" || value === null) return wrong("a batch of ticks")
  const { c, f, i, n, r, s, t }: { [member in "c" | "f" | "i" | "n" | "r" | "s" | "t"]?: unknown } = value
  if (
    typeof s !== "string" ||
    s === "" ||
    s.length > 32 ||
    typeof i !== "number" ||
    !Array.isArray(t) ||
    t.length === 0
  )
    return wrong("a batch of ticks")
  if (c !== null && typeof c !== "number") return wrong("a previous close or null")
  const hasOrigin = typeof r === "string" && isCount(n) && isCount(f)
  if (!hasOrigin && (r !== undefined || n !== undefined || f !== undefined)) return wrong("an origin")
  const batch = { symbol: s, ingestTime: i, previousClose: c, ticks: t.map(tickOf) }
  return hasOrigin ? { ...batch, origin: { run: r, no: n, from: f } } : batch
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0

/** Numbers in a tuple of each kind, after the kind itself. */
const WIDTHS = [6, 5, 2, 5, 2, 11] as const

const tickOf = (value: unknown): Tick => {
  if (!Array.isArray(value)) return wrong("a tick")
  const tuple: ReadonlyArray<unknown> = value
  const kind = tuple[0]
  if (typeof kind !== "number" || tuple.length - 1 !== WIDTHS[kind]) return wrong("a tick")
  const number = (at: number): number => {
    const field = tuple[at]
    return typeof field === "number" ? field : wrong("a number")
  }
  switch (kind) {
    case 0: {
      const exchange = tuple[5]
      if (typeof exchange !== "string") return wrong("an exchange")
      return {
        _tag: "Trade",
        id: number(1),
        time: number(2),
        price: number(3),
        size: number(4),
        exchange,
        conditions: number(6)
      }
    }
    case 1:
      return {
        _tag: "TopOfBook",
        time: number(1),
        bid: number(2),
        bidSize: number(3),
        ask: number(4),
        askSize: number(5)
      }
    case 2:
      return { _tag: "TradeCancel", time: number(1), id: number(2) }
    case 3:
      return {
        _tag: "TradeCorrection",
        time: number(1),
        id: number(2),
        price: number(3),
        size: number(4),
        conditions: number(5)
      }
    case 4:
      return { _tag: "TradingStatus", time: number(1), halted: number(2) === 1 }
    default:
      return {
        _tag: "DaySoFar",
        time: number(1),
        open: number(2),
        high: number(3),
        low: number(4),
        close: number(5),
        last: number(6),
        lastSize: number(7),
        volume: number(8),
        trades: number(9),
        regularVolume: number(10),
        regularTrades: number(11)
      }
  }
}

export const tickBatchCodec: Codec<TickBatch> = {
  encode: (batch) => utf8.encode(batchJson(batch)),
  decode: (bytes) => batchOf(parse(bytes))
}
