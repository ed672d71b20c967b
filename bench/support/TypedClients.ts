/** Clients of `lzstock/client` whose sockets are cut from outside: they come back by themselves, and say what they missed. */
import WebSocket from "ws"
import { connect, type MarketClient } from "../../src/rpc/client.ts"
import { browserHeaders } from "./accounts.ts"
import type { CrowdPlan, Storm } from "./ReturningCrowd.ts"
import { percentile } from "./report.ts"
import { pick, randomOf } from "./topology.ts"

export class TypedClients {
  private readonly clients: ReadonlyArray<MarketClient>
  private readonly sockets = new Map<number, WebSocket>()
  private startedAt = 0
  private times: Array<number> = []
  private recovered = 0
  private readonly lost = new Map<string, number>()
  private gaps = 0
  private told: () => void = () => {}

  constructor({ accounts, perSession, ports, sessions, symbols }: CrowdPlan) {
    const random = randomOf(12)
    this.clients = Array.from({ length: sessions }, (_, index) => {
      const account = accounts[(index >> 1) % accounts.length]
      let tries = index >> 1
      const isBrowser = index % 2 === 0
      const client = connect({
        url: `http://127.0.0.1:${ports[0]}`,
        token: isBrowser ? undefined : account?.token,
        makeWebSocket: () => {
          const port = ports[tries++ % ports.length] ?? 0
          const headers = isBrowser ? browserHeaders(port, account?.cookie ?? "") : {}
          const socket = new WebSocket(`ws://127.0.0.1:${port}/rpc`, { headers })
          this.sockets.set(index, socket)
          return socket
        }
      })
      client.onState((state) => {
        // the first one is ours
        if (state.status !== "reconnecting" || state.attempt === 1) return
        this.lost.set(state.reason, (this.lost.get(state.reason) ?? 0) + 1)
      })
      client.watch({ symbols: pick(symbols, perSession, random) }, (events) => {
        for (const event of events) {
          if (event._tag === "Gap") this.gaps++
          if (event._tag !== "Watching") continue
          this.times.push(performance.now() - this.startedAt)
          if (event.recovered === true) this.recovered++
          this.told()
        }
      })
      return client
    })
  }

  async opened(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.opened()))
    await this.settled(this.clients.length, 60_000)
  }

  begin(): void {
    this.times = []
    this.recovered = this.gaps = 0
    this.lost.clear()
    this.startedAt = performance.now()
  }

  drop(): void {
    for (const socket of this.sockets.values()) socket.terminate()
  }

  async settled(expected: number, giveUpMillis: number): Promise<Storm> {
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, giveUpMillis)
      this.told = () => {
        if (this.times.length < expected) return
        clearTimeout(late)
        resolve()
      }
      this.told()
    })
    const share = (of: number) => percentile(this.times, of)
    return {
      expected,
      back: this.times.length,
      millis: { p50: share(0.5), p90: share(0.9), p99: share(0.99), max: share(1) },
      recovered: this.recovered,
      lost: Object.fromEntries(this.lost),
      out: this.clients.filter(({ state }) => state.status === "signed-out").length,
      gaps: this.gaps
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()))
  }
}
