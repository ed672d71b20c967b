/** Peers that send as fast as they can what is cheap to send: each is closed, and those beside them get every update. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { type Account, browserHeaders, listedSymbols, makeAccounts, requestLine } from "../../bench/support/accounts.ts"
import { frame, textFrame } from "../../bench/support/fuzz/frames.ts"
import { HealthySessions } from "../../bench/support/HealthySessions.ts"
import { PeerSocket } from "../../bench/support/PeerSocket.ts"
import { type RealServer, startServer } from "../../bench/support/realServer.ts"
import { until } from "../../scripts/services/processes.mjs"
import { CloseCode } from "../../src/rpc/sessions.ts"

const HEALTHY = 4
const PATIENCE_MILLIS = 30_000
const PING = '{"_tag":"Ping"}\n'
const ACK = '{"_tag":"Ack","requestId":"1"}\n'

const many = (count: number, one: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => one))
const floods: ReadonlyArray<readonly [name: string, bytes: Buffer]> = [
  ["empty messages", many(5_000, frame({ opcode: 1, payload: Buffer.alloc(0) }))],
  ["messages that end no line", many(5_000, textFrame(" "))],
  ["ends of lines", textFrame("\n".repeat(60_000))],
  ["acknowledgements", textFrame(ACK.repeat(1_900))],
  ["pongs", many(5_000, frame({ opcode: 10, payload: Buffer.alloc(0) }))],
  ["pings of the protocol", many(50, textFrame(PING.repeat(20)))],
  ["requests", textFrame(Array.from({ length: 300 }, (_, n) => requestLine(String(n), "market.Status", null)).join(""))]
]

let server: RealServer
let accounts: ReadonlyArray<Account>
let healthy: HealthySessions

beforeAll(async () => {
  server = await startServer(["--symbols", "40", "--date", "2026-03-06", "--start", "10:30", "--sign-in", "required"])
  accounts = await makeAccounts(server.port, 2)
  const symbols = await listedSymbols(server.port, accounts[0]?.cookie ?? "")
  healthy = new HealthySessions({
    port: server.port,
    sessions: HEALTHY,
    accounts: accounts.slice(0, 1),
    symbols,
    perSession: 20,
    conflation: 0
  })
  await healthy.open()
}, 120_000)

afterAll(async () => {
  healthy?.leave()
  await server?.end()
})

/** A peer that has said `bytes` again and again until it is gone, with the code it was told. */
const flood = (bytes: Buffer, headers: Readonly<Record<string, string>>) =>
  new Promise<number | undefined>((resolve) => {
    const peer = new PeerSocket(
      server.port,
      "127.0.60.1",
      {
        onOpen: () => say(),
        onText: () => {},
        onGone: resolve
      },
      headers
    )
    const say = () => {
      if (peer.tcp.destroyed || !peer.tcp.writable) return
      if (peer.tcp.write(bytes)) setImmediate(say)
      else peer.tcp.once("drain", say)
    }
  })

const goOn = async () => {
  healthy.take()
  expect(await until(() => healthy.updatedSoFar() === HEALTHY, PATIENCE_MILLIS)).toBe(true)
  expect(healthy.take()).toMatchObject({ sessions: HEALTHY, gaps: 0, broken: 0 })
}

describe("whoever floods the server", () => {
  it.each(floods)("with %s is closed with 4429, signed in or not; nobody else notices", async (_, bytes) => {
    expect(await flood(bytes, browserHeaders(server.port, accounts[1]?.cookie ?? ""))).toBe(CloseCode.TooManyMessages)
    expect(await flood(bytes, {})).toBe(CloseCode.TooManyMessages)
    await goOn()
  })

  it("with pings, each answered before the next, is closed with 4429 too", async () => {
    for (const headers of [browserHeaders(server.port, accounts[1]?.cookie ?? ""), {}]) {
      const peer = new WebSocket(`ws://127.0.0.1:${server.port}/rpc`, { headers, localAddress: "127.0.60.3" })
      const code = new Promise<number>((resolve) => peer.once("close", resolve))
      let unanswered = 0
      const say = () => {
        for (; unanswered < 40; unanswered++) peer.ping()
      }
      peer.once("open", say).on("pong", () => {
        if (--unanswered === 0 && peer.readyState === WebSocket.OPEN) say()
      })
      expect(await code).toBe(CloseCode.TooManyMessages)
    }
    await goOn()
  })

  it("with pings faster than they can be answered is cut off, signed in or not", async () => {
    const pings = many(500, frame({ opcode: 9, payload: Buffer.alloc(125) }))
    for (const headers of [browserHeaders(server.port, accounts[1]?.cookie ?? ""), {}]) {
      // not for having said nothing for too long
      expect([undefined, CloseCode.TooManyMessages]).toContain(await flood(pings, headers))
    }
    await goOn()
  })

  it("but not who acknowledges a thousand chunks at once, as a stock client does that was away for a while", async () => {
    const answered = await new Promise<boolean>((resolve) => {
      const peer = new PeerSocket(
        server.port,
        "127.0.60.2",
        {
          onOpen: () => peer.send(requestLine("1", "investors.Me", null)),
          onText: (bytes) => {
            // the first answer says that it is known: strangers get no chunks
            if (!bytes.includes("Pong")) return peer.send(ACK.repeat(1_000) + PING)
            resolve(true)
            peer.close()
          },
          onGone: () => resolve(false)
        },
        browserHeaders(server.port, accounts[1]?.cookie ?? "")
      )
    })
    expect(answered).toBe(true)
    expect(server.troubles).toEqual([])
  })
})
