/**
 * A watcher of a cluster through its public protocol, that checks every word it hears: whatever happens to nodes and services,
 * no update may be missing without having been announced.
 */

import type { ClientEvent, Watch } from "../../src/rpc/client/types.ts"
import { connect, type MarketClient } from "../../src/rpc/client.ts"

export interface Heard {
  readonly epoch: number
  readonly seq: number
  readonly last: number | null
  readonly exchangeTime: number
  /** performance.now() */
  readonly at: number
}

export class ClusterWatcher {
  readonly client: MarketClient
  /** Sentences about what must not be. */
  readonly violations: Array<string> = []
  readonly newest = new Map<string, Heard>()
  /** Announced and not mended yet. */
  private readonly holes = new Set<string>()
  private readonly watch: Watch
  private listeners: Array<() => boolean> = []
  updates = 0
  readonly gaps: Array<string> = []
  disconnects = 0
  liveness: "live" | "feed-down" = "live"

  constructor(url: string, symbols: ReadonlyArray<string>, conflation: 0 | 100 = 0) {
    this.client = connect({ url })
    this.watch = this.client.watch({ symbols, conflation }, (events) => {
      for (const event of events) this.hear(event)
      this.listeners = this.listeners.filter((listener) => !listener())
    })
  }

  /** Resolves once `condition` holds; looked at after every message. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (condition()) return resolve()
      this.listeners.push(() => {
        if (!condition()) return false
        resolve()
        return true
      })
    })
  }

  isCurrent(symbol: string): boolean {
    return this.newest.has(symbol) && !this.holes.has(symbol)
  }

  async close(): Promise<void> {
    await this.watch.close()
    await this.client.close()
  }

  private hear(event: ClientEvent): void {
    switch (event._tag) {
      case "Snapshot":
      case "Update": {
        const { epoch, exchangeTime, folded, last, seq, symbol } = event
        const before = this.newest.get(symbol)
        const isHole = this.holes.delete(symbol)
        if (event._tag === "Update") {
          this.updates++
          if (before === undefined) this.violations.push(`${symbol}: an update before any snapshot`)
          else if (isHole) this.violations.push(`${symbol}: an update where a snapshot was due`)
          else if (epoch !== before.epoch || seq !== before.seq + folded + 1) {
            this.violations.push(
              `${symbol}: ${epoch}/${seq} with ${folded} folded does not follow ${before.epoch}/${before.seq}`
            )
          }
        } else if (before !== undefined && !isHole) {
          this.violations.push(`${symbol}: a snapshot at ${epoch}/${seq} that no gap announced`)
        }
        if (before !== undefined && epoch < before.epoch) this.violations.push(`${symbol}: back to epoch ${epoch}`)
        this.newest.set(symbol, { epoch, seq, last, exchangeTime, at: performance.now() })
        break
      }
      case "Gap":
        this.gaps.push(`${event.symbol}: ${event.reason}`)
        // the server announces; this client must never have to find one
        if (event.reason === "out-of-sequence") this.violations.push(`${event.symbol}: a gap nobody announced`)
        this.holes.add(event.symbol)
        break
      case "Disconnected":
        this.disconnects++
        for (const symbol of this.newest.keys()) this.holes.add(symbol)
        break
      case "Watching":
        // continued from every position: updates follow as if nothing had been
        if (event.recovered === true) this.holes.clear()
        break
      case "Liveness":
        this.liveness = event.state
        break
    }
  }
}
