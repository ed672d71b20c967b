/**
 * The bytes of a quote on the wire: encoded once by the ticker actor that owns the symbol (`encodeQuoteBody`), then only
 * copied. A stock RpcClient decodes the spliced frames as chunks of `market.Watch` (see WatchEvent in market.ts).
 *
 *   {"_tag":"Chunk","requestId":7,"values":[ {"_tag":"Update", BODY ,"f":0,"w":1700000000000} , … ]}\n
 *                                            ^ head            ^ body  ^ tail: folded count and send time, per session
 */
import type { FeedLabel, SessionPhase } from "./market.ts"
import { PRICE_SCALE, type Price } from "./ticks.ts"

/** What a ticker knows of its symbol, in inside units (integer prices; 0 = not known yet). */
export interface QuoteState {
  readonly symbol: string
  readonly epoch: number
  readonly seq: number
  readonly last: Price
  readonly lastSize: number
  readonly previousClose: Price
  readonly open: Price
  readonly high: Price
  readonly low: Price
  readonly volume: number
  readonly trades: number
  readonly bid: Price
  readonly bidSize: number
  readonly ask: Price
  readonly askSize: number
  readonly session: SessionPhase
  readonly halted: boolean
  readonly exchangeTime: number
  readonly ingestTime: number
}

const ascii = new TextEncoder()
const money = (price: Price): string => (price === 0 ? "null" : String(price / PRICE_SCALE))

/** The quote's members from `s` to `i`, without braces: same bytes for every watcher. ASCII by construction. */
export const encodeQuoteBody = (q: QuoteState): Uint8Array =>
  ascii.encode(
    `"s":"${q.symbol}","e":${q.epoch},"q":${q.seq},"p":${money(q.last)},"z":${q.lastSize},"c":${money(q.previousClose)}` +
      `,"o":${money(q.open)},"h":${money(q.high)},"l":${money(q.low)},"v":${q.volume},"n":${q.trades}` +
      `,"b":${money(q.bid)},"bz":${q.bidSize},"a":${money(q.ask)},"az":${q.askSize}` +
      `,"ss":"${q.session}","x":${q.halted},"t":${q.exchangeTime},"i":${q.ingestTime}`
  )

export const UPDATE_HEAD = '{"_tag":"Update",'
export const snapshotHead = (label: FeedLabel): string => `{"_tag":"Snapshot","L":"${label}",`
export const eventTail = (folded: number, sentTime: number): string => `,"f":${folded},"w":${sentTime}}`

/** `requestId` exactly as the client wrote it: a number stays a number. */
export const chunkHead = (requestId: string | number): string =>
  `{"_tag":"Chunk","requestId":${JSON.stringify(requestId)},"values":[`
export const CHUNK_TAIL = "]}\n"

/** Sent when nothing else was for a while: any RPC client ignores it, and its watchdog sees bytes. */
export const HEARTBEAT = '{"_tag":"Pong"}\n'
