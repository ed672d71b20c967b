/**
 * The ratio's denominator: `ws` and arrays, nothing else, written for speed. It reads the same `market.Watch` requests and
 * sends the same updates: framed once each, one socket write per session per window, written past `ws` to the TCP socket.
 * It has no heartbeat, no flow control, no folding, no positions and no teardown worth the name.
 */
import { createServer } from "node:http"
import type { Duplex } from "node:stream"
import { WebSocketServer } from "ws"
import { encodeQuoteBody, eventTail, type QuoteState, UPDATE_HEAD } from "../../src/rpc/wire.ts"
import { answer } from "../support/processes.ts"
import { symbolsOf } from "../support/topology.ts"
import { settledMemory } from "../support/vitals.ts"
import { type BenchServer, measuring } from "./BenchServer.ts"
import { QuoteSource } from "./QuoteSource.ts"

const WINDOW_MILLIS = 100
const SLOTS = 10

const all = symbolsOf(Number(process.argv[2] ?? 2_000))
const indexOf = new Map(all.map((symbol, index) => [symbol, index]))

interface Client {
  readonly tcp: Duplex
  waiting: Array<Buffer>
  bytes: number
  immediate: boolean
}
const watchers = all.map((): Array<Client> => [])
const clients: Array<Client> = []
let writes = 0

const frameOf = (state: QuoteState): Buffer => {
  const head = Buffer.from(UPDATE_HEAD)
  const body = encodeQuoteBody(state)
  const tail = Buffer.from(eventTail(0, state.ingestTime))
  const length = head.length + body.length + tail.length
  return Buffer.concat([Buffer.from([0x81, 126, length >> 8, length & 255]), head, body, tail])
}

const source = new QuoteSource(all.length, (index, state) => {
  const list = watchers[index]
  if (list === undefined || list.length === 0) return
  const frame = frameOf(state)
  for (const client of list) {
    if (client.immediate) {
      client.tcp.write(frame)
      writes++
    } else {
      client.waiting.push(frame)
      client.bytes += frame.length
    }
  }
})

let slot = 0
const flush = () => {
  for (let index = slot; index < clients.length; index += SLOTS) {
    const client = clients[index]
    if (client === undefined || client.bytes === 0) continue
    const bytes = Buffer.allocUnsafeSlow(client.bytes)
    let at = 0
    for (const frame of client.waiting) {
      bytes.set(frame, at)
      at += frame.length
    }
    client.tcp.write(bytes)
    writes++
    client.waiting.length = 0
    client.bytes = 0
  }
  slot = (slot + 1) % SLOTS
}
let due = performance.now()
const turn = () => {
  for (const now = performance.now(); due <= now; due += WINDOW_MILLIS / SLOTS) flush()
  setTimeout(turn, Math.max(0, due - performance.now()))
}
turn()

const http = createServer()
const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false })
http.on("upgrade", (request, tcp, head) => {
  wss.handleUpgrade(request, tcp, head, (ws) => {
    const client: Client = { tcp, waiting: [], bytes: 0, immediate: false }
    clients.push(client)
    ws.on("message", (data) => {
      const { payload } = JSON.parse(String(data)) as {
        readonly payload: { readonly symbols: ReadonlyArray<string>; readonly conflation: number }
      }
      client.immediate = payload.conflation === 0
      for (const symbol of payload.symbols) watchers[indexOf.get(symbol) ?? -1]?.push(client)
      ws.send('{"_tag":"Watching"}\n')
    })
    ws.on("error", () => ws.terminate())
    ws.on("close", () => {
      const index = clients.indexOf(client)
      if (index >= 0) clients.splice(index, 1)
      for (const list of watchers) {
        const place = list.indexOf(client)
        if (place >= 0) list.splice(place, 1)
      }
    })
  })
})

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const address = http.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const server: BenchServer = {
    port: () => port,
    feed: (perSecond) => source.start(perSecond),
    hush: () => source.stop(),
    ...measuring(() => writes),
    memory: settledMemory,
    open: () => ({
      gauges: { "sessions_active{}": clients.length },
      fibers: 0,
      handles: process.getActiveResourcesInfo()
    })
  }
  answer(server)
})
