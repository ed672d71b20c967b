/** A session on a bare WebSocket that watches symbols and keeps what it was told: a thousand of them fit in one test. */
import { PeerSocket } from "../../bench/support/PeerSocket.ts"

export interface Position {
  readonly epoch: number
  readonly seq: number
}

/** An update as it was delivered. */
export interface Delivered extends Position {
  readonly symbol: string
  /** Ticks folded into it, beside its own. */
  readonly folded: number
}

interface Item {
  readonly _tag: string
  readonly s: string
  readonly e: number
  readonly q: number
  readonly f: number
}
interface Line {
  readonly _tag: string
  readonly values?: ReadonlyArray<Item>
}

export class QuoteSession {
  readonly newest = new Map<string, Position>()
  /** In order, since the last `forget`. */
  delivered: Array<Delivered> = []
  /** As the server wrote them, from the beginning. */
  gaps: Array<string> = []
  /** Anything it said instead of quotes. */
  refusals: Array<string> = []
  isGone = false
  private readonly socket: PeerSocket

  constructor(url: string, symbols: ReadonlyArray<string>) {
    this.socket = new PeerSocket(Number(new URL(url).port), "127.0.0.1", {
      onOpen: () => {
        const payload = { watchId: "w", symbols, conflation: 0 }
        this.socket.send(`${JSON.stringify({ _tag: "Request", id: "0", tag: "market.Watch", payload, headers: [] })}\n`)
      },
      onText: (bytes) => {
        for (const line of bytes.toString("latin1").split("\n")) if (line !== "") this.hear(JSON.parse(line))
      },
      onGone: () => {
        this.isGone = true
      }
    })
  }

  forget(): void {
    this.delivered = []
  }

  /** As the protocol wants it. */
  close(): void {
    this.socket.close()
  }

  /** Without a word. */
  reset(): void {
    this.socket.reset()
  }

  private hear(line: Line): void {
    if (line._tag === "Exit" || line._tag === "Defect") this.refusals.push(JSON.stringify(line))
    for (const item of line.values ?? []) {
      const { _tag, e, f, q, s } = item
      if (_tag === "Gap") this.gaps.push(JSON.stringify(item))
      if (_tag !== "Update" && _tag !== "Snapshot") continue
      if (_tag === "Update") this.delivered.push({ symbol: s, epoch: e, seq: q, folded: f })
      this.newest.set(s, { epoch: e, seq: q })
    }
  }
}
