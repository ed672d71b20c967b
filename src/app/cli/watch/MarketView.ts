/**
 * What `watch` knows: a fold of the client's events, read by the table and by the plain lines. No clock, no terminal.
 * Every quote is absolute state, so a row is its newest event.
 */
import type {
  ClientEvent,
  ConnectionState,
  FeedLabel,
  Liveness,
  Missed,
  Snapshot,
  Update
} from "../../../rpc/client.ts"
import { count, duration } from "../format.ts"

export interface Row {
  readonly symbol: string
  quote: Snapshot | Update | undefined
  /** When it came, by our clock. */
  receivedAt: number
  /** Which way the last price moved with its newest change. */
  moved: "up" | "down" | undefined
  movedAt: number
  /** Why the server does not tell it; undefined when it does. */
  refused: string | undefined
  /** Its value stands still while the market may not: a snapshot that mends it is due. */
  awaiting: boolean
}

/** A message about the stream itself, kept until others push it out. */
export interface Notice {
  readonly at: number
  readonly text: string
}

const MOST_NOTICES = 3

export class MarketView {
  readonly rows: ReadonlyArray<Row>
  label: FeedLabel | undefined
  connection: ConnectionState = { status: "connecting" }
  feedDownSince: number | undefined
  /** From the loss of the stream until it is resumed: every value stands still, also on an open connection. */
  resuming = false
  windowMillis: number
  notices: ReadonlyArray<Notice> = []
  /** Update events taken in, over all symbols. */
  updates = 0
  readonly #rows = new Map<string, Row>()

  constructor(symbols: ReadonlyArray<string>, windowMillis: number) {
    this.windowMillis = windowMillis
    for (const symbol of symbols) {
      const row: Row = {
        symbol,
        quote: undefined,
        receivedAt: 0,
        moved: undefined,
        movedAt: 0,
        refused: undefined,
        awaiting: false
      }
      this.#rows.set(symbol, row)
    }
    this.rows = [...this.#rows.values()]
  }

  /** Takes an event in; returns what it means to people, where that is more than a new price. */
  apply(event: ClientEvent, now: number): string | undefined {
    const text = this.#fold(event, now)
    if (text !== undefined) this.notices = [...this.notices, { at: now, text }].slice(-MOST_NOTICES)
    return text
  }

  #fold(event: ClientEvent, now: number): string | undefined {
    switch (event._tag) {
      case "Snapshot":
        this.label = event.label
        this.#quote(event, now)
        return undefined
      case "Update":
        this.updates++
        this.#quote(event, now)
        return undefined
      case "Watching": {
        for (const symbol of event.accepted) {
          const row = this.#rows.get(symbol)
          if (row?.refused === undefined) continue
          row.refused = undefined
          row.awaiting = true
        }
        const refusals = event.refused.map(({ message, reason, symbol }) => {
          const row = this.#rows.get(symbol)
          if (row !== undefined) row.refused = reason
          return message.includes(symbol) ? message : `${symbol}: ${message}`
        })
        return refusals.length === 0 ? undefined : refusals.join("; ")
      }
      case "Gap":
        this.#await(event.symbol)
        return gapText(event)
      case "Liveness":
        return this.#liveness(event)
      case "Conflating":
        this.windowMillis = event.windowMillis
        return event.reason === "requested" ? undefined : conflatingText(event.windowMillis, event.reason)
      case "Draining":
        return "the server is going away; reconnecting soon"
      case "Disconnected":
        // the next connection says it anew
        this.feedDownSince = undefined
        this.resuming = true
        return `connection lost: ${event.reason}${event.code === null ? "" : ` (code ${event.code})`}`
      case "Resumed":
        this.resuming = false
        for (const symbol of event.awaiting) this.#await(symbol)
        return resumedText(event)
      case "WatchRefused":
        return `the server refused: ${event.error.message}`
    }
  }

  /** Said after every `Watching`: news only where it is not what was known. */
  #liveness({ since, state }: Liveness): string | undefined {
    const wasDown = this.feedDownSince !== undefined
    this.feedDownSince = state === "live" ? undefined : since
    if (wasDown === (state === "feed-down")) return undefined
    return wasDown ? "the feed is live again" : "the feed is down: values stand still"
  }

  #await(symbol: string): void {
    const row = this.#rows.get(symbol)
    if (row !== undefined) row.awaiting = true
  }

  #quote(quote: Snapshot | Update, now: number): void {
    const row = this.#rows.get(quote.symbol)
    if (row === undefined) return
    const before = row.quote?.last ?? null
    if (quote.last !== null && before !== null && quote.last !== before) {
      row.moved = quote.last > before ? "up" : "down"
      row.movedAt = now
    }
    row.quote = quote
    row.receivedAt = now
    row.refused = undefined
    row.awaiting = false
  }
}

/** Nothing on the screen is of now: no stream, or nothing behind it. */
export const allStale = ({ connection, feedDownSince, resuming }: MarketView): boolean =>
  connection.status !== "open" || feedDownSince !== undefined || resuming

/** How old a row's newest tick is: its age when it was sent, by the server's clock, and what passed since, by ours. */
export const ageOf = (row: Row, now: number): number | undefined => {
  const { quote, receivedAt } = row
  if (quote === undefined || quote.ingestTime === 0) return undefined
  return Math.max(0, quote.sentTime - quote.ingestTime) + Math.max(0, now - receivedAt)
}

const gapText = (gap: { symbol: string; from: number; to: number | null; reason: string }): string => {
  const size = gap.to === null ? "an unknown number of" : count(gap.to - gap.from + 1)
  return `${gap.symbol}: ${size} updates lost (${gap.reason}); a snapshot follows`
}

const conflatingText = (windowMillis: number, reason: "slow-reader" | "node-busy"): string =>
  `updates come every ${windowMillis} ms now: ${reason === "slow-reader" ? "we read too slowly" : "the server is busy"}`

const missedText = (missed: Missed): string =>
  `${missed.updates === null ? "an unknown number" : count(missed.updates)} of ${missed.symbol}`

const MOST_NAMED = 6

const resumedText = (event: {
  readonly downMillis: number
  readonly recovered: boolean
  readonly missed: ReadonlyArray<Missed>
  readonly awaiting: ReadonlyArray<string>
}): string => {
  const down = `connected again after ${duration(event.downMillis)}`
  const due = event.awaiting.length
  const late = due === 0 ? "" : `; ${due === 1 ? event.awaiting[0] : `${count(due)} symbols`} still on the way`
  if (event.missed.length === 0) return `${down}${due === 0 ? ", nothing missed" : late}`
  const named = event.missed.slice(0, MOST_NAMED).map(missedText).join(", ")
  const others = event.missed.length - MOST_NAMED
  return `${down}, updates missed: ${named}${others > 0 ? ` and ${others} more symbols` : ""}${late}`
}
