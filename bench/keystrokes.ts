/** A keystroke from the client to the server and back: the real server over a WebSocket, beside a bare one that echoes as much. */
import { Effect } from "effect"
import { WebSocket } from "ws"
import { readListings } from "../src/app/cli/companyFiles.ts"
import { connect, LZStockClient } from "../src/rpc/client.ts"
import { MAX_IMPORTED } from "../src/rpc/companies.ts"
import type { Echo } from "./servers/echo.ts"
import { recordedTickers, typedBeginnings } from "./support/companies.ts"
import { start } from "./support/processes.ts"
import { startServer } from "./support/realServer.ts"
import { percentile, type Report, thousands } from "./support/report.ts"

/** The palette asks for so many. */
const HITS = 12
const ROUNDS = 3

const timed = async (queries: ReadonlyArray<string>, ask: (text: string) => Promise<unknown>) => {
  const micros: Array<number> = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const query of queries) {
      const started = performance.now()
      await ask(query)
      // the first round compiles
      if (round > 0) micros.push((performance.now() - started) * 1_000)
    }
  }
  return micros
}

/** A server of `ws` alone, in a process of its own. */
const bareEcho = async (bytes: number) => {
  const server = await start<Echo>("servers/echo.ts")
  const socket = new WebSocket(`ws://127.0.0.1:${await server.ask("listen", bytes)}`)
  await new Promise((resolve) => socket.once("open", resolve))
  return {
    ask: (text: string) =>
      new Promise((resolve) => {
        socket.once("message", resolve)
        socket.send(text)
      }),
    end: () => {
      socket.terminate()
      return server.end()
    }
  }
}

/** Every company the SEC lists, as an operator takes them in. */
const importRecorded = (url: string, operator: string) =>
  Effect.gen(function* () {
    const listings = yield* readListings(recordedTickers)
    const client = yield* LZStockClient.make({ url })
    for (let at = 0; at < listings.length; at += MAX_IMPORTED) {
      yield* client.importCompanies(operator, listings.slice(at, at + MAX_IMPORTED))
    }
    // until the gateway has built its index of them
    while ((yield* client.facets({})).instruments < listings.length) yield* Effect.sleep("50 millis")
    return listings
  }).pipe(Effect.scoped)

export const keystrokes = async (scale: number): Promise<Report> => {
  const server = await startServer(["--symbols", "500", "--max-messages", "100000"])
  try {
    const url = `http://127.0.0.1:${server.port}`
    const listings = await Effect.runPromise(importRecorded(url, server.operator()))
    const all = typedBeginnings(listings.map(({ legalName, symbol }) => ({ symbol, name: legalName ?? symbol })))
    const queries = all.filter((_, i) => i % Math.max(1, Math.round(1 / scale)) === 0)
    await using client = connect({ url })
    await client.opened()
    const sizes = await Promise.all(
      queries
        .slice(0, 200)
        .map(async (text) => JSON.stringify(await client.search({ text, limit: HITS, prices: false })).length)
    )
    const bytes = Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length)
    const bare = await bareEcho(bytes)
    const ways = [
      ["bare ws, an answer of as many bytes", await timed(queries, bare.ask)],
      ["companies.Search", await timed(queries, (text) => client.search({ text, limit: HITS, prices: false }))],
      ["companies.Search with last prices", await timed(queries, (text) => client.search({ text, limit: HITS }))]
    ] as const
    await bare.end()
    return {
      name: "keystrokes",
      title: "A keystroke, end to end",
      conditions: [
        `The real server (\`node src/app/main.ts --symbols 500 --max-messages 100000\`, simulated feed) with the SEC's ${thousands(listings.length)} recorded symbols imported; the plain client in another process over loopback, no TLS; one question at a time, ${HITS} hits, ${thousands(bytes)} bytes on average. Decoding and the schema's check are in it, painting is not.`,
        "Queries: every beginning, up to 12 letters, of symbols and names of 120 companies, after a round that compiles. Prices are the ticker actors', kept for a second."
      ],
      head: ["µs a keystroke", "p50", "p99", "max"],
      rows: ways.map(([name, micros]) => [
        name,
        thousands(percentile(micros, 0.5)),
        thousands(percentile(micros, 0.99)),
        thousands(percentile(micros, 1))
      ]),
      verdicts: []
    }
  } finally {
    await server.end()
  }
}
