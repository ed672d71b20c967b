/** What an idle session costs, beside a bare `ws` connection. */
import type { BenchServer } from "./servers/BenchServer.ts"
import { pause } from "./support/clock.ts"
import type { Generator } from "./support/generator.ts"
import { start } from "./support/processes.ts"
import { against, kilobytes, type Report } from "./support/report.ts"

const SESSIONS = 10_000
const SYMBOLS = 2_000
const PER_SESSION = 10

const perSession = async (kind: "ours" | "bare") => {
  const server = await start<BenchServer>(`servers/${kind}.ts`, { args: [String(SYMBOLS)], node: ["--expose-gc"] })
  const generator = await start<Generator>("support/generator.ts")
  try {
    const port = await server.ask("port", null)
    const crowd = {
      port,
      symbols: SYMBOLS,
      perSession: PER_SESSION,
      conflation: 100,
      seed: 3,
      sampleEvery: 1e9
    } as const
    // compiled code and grown tables are no session's cost: a first crowd comes and goes
    await generator.ask("connect", { ...crowd, sessions: 1_000 })
    await generator.ask("leave", "half")
    await pause(1_500)
    const before = await server.ask("memory", null)
    await generator.ask("connect", { ...crowd, sessions: SESSIONS })
    await pause(6_000)
    const after = await server.ask("memory", null)
    const { gauges } = await server.ask("open", null)
    if (gauges["sessions_active{}"] !== SESSIONS) throw new Error(`${gauges["sessions_active{}"]} sessions are open`)
    return {
      heap: (after.heapUsed - before.heapUsed) / SESSIONS,
      external: (after.external - before.external) / SESSIONS,
      rss: (after.rss - before.rss) / SESSIONS,
      base: before.rss
    }
  } finally {
    await Promise.all([server.end(), generator.end()])
  }
}

export const memory = async (): Promise<Report> => {
  const ours = await perSession("ours")
  const bare = await perSession("bare")
  return {
    name: "memory",
    title: "Memory per idle session",
    conditions: [
      `${SESSIONS.toLocaleString("en-US")} sessions, each watching ${PER_SESSION} of ${SYMBOLS.toLocaleString("en-US")} symbols that do not move; heartbeats and pings run. Server processes with --expose-gc, measured after full collections, against the same process after a first crowd of 1,000 came and went.`,
      "Bare: the same connections on `ws` with an array of watchers per symbol. The 2,000 hub topics are shared and counted into our figure.",
      "Kernel socket buffers are in neither figure. Sign-in does not exist yet: the sessions are anonymous."
    ],
    head: ["KB a session", "LZStock", "bare ws"],
    rows: [
      ["resident (RSS)", kilobytes(ours.rss), kilobytes(bare.rss)],
      ["JavaScript heap", kilobytes(ours.heap), kilobytes(bare.heap)],
      ["outside the heap", kilobytes(ours.external), kilobytes(bare.external)],
      ["(the process without sessions, MB)", (ours.base / 2 ** 20).toFixed(0), (bare.base / 2 ** 20).toFixed(0)]
    ],
    verdicts: [
      against("Heap per idle session", ours.heap, 30 * 1024, 8 * 1024, (value) => `${kilobytes(value)} KB`, "less"),
      against("RSS per idle session", ours.rss, 30 * 1024, 8 * 1024, (value) => `${kilobytes(value)} KB`, "less")
    ]
  }
}
