/** Sessions leave in three ways; everything they held goes with them. */
import type { BenchServer, Open } from "./servers/BenchServer.ts"
import { pause } from "./support/clock.ts"
import type { Generator } from "./support/generator.ts"
import { type Child, start } from "./support/processes.ts"
import { against, type Report } from "./support/report.ts"

const SYMBOLS = 2_000
const PER_SESSION = 10
const GIVE_UP_SECONDS = 40

const HELD = [
  "sessions_active{}",
  "watches_active{}",
  "watched_slots_active{}",
  "watched_symbols_active{}",
  'actors_active{kind="session"}'
] as const

const held = ({ gauges }: Open): number => HELD.reduce((sum, name) => sum + Math.abs(gauges[name] ?? 0), 0)

const sockets = ({ handles }: Open): number => handles.filter((handle) => handle.startsWith("TCPSocket")).length
const timers = ({ handles }: Open): number => handles.filter((handle) => handle === "Timeout").length

/** Seconds until every gauge is 0 and fibers and sockets are as they were. */
const settled = async (server: Child<BenchServer>, baseline: Open) => {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1_000
  let gauges: number | undefined
  for (;;) {
    const open = await server.ask("open", null)
    if (gauges === undefined && held(open) === 0) gauges = seconds()
    if (gauges !== undefined && open.fibers <= baseline.fibers && sockets(open) <= sockets(baseline)) {
      return { gauges, all: seconds(), open }
    }
    if (seconds() > GIVE_UP_SECONDS) return { gauges: gauges ?? Number.NaN, all: Number.NaN, open }
    await pause(10)
  }
}

export const teardown = async (scale: number): Promise<Report> => {
  const sessions = Math.max(100, Math.round(10_000 * scale))
  const server = await start<BenchServer>("servers/ours.ts", { args: [String(SYMBOLS)], node: ["--expose-gc"] })
  const port = await server.ask("port", null)
  const crowd = { port, symbols: SYMBOLS, perSession: PER_SESSION, conflation: 100, seed: 5, sampleEvery: 1e9 } as const
  try {
    await server.ask("feed", 400)
    const fresh = await server.ask("open", null)
    const round = async (count: number, how: "half" | "vanish") => {
      const generator = await start<Generator>("support/generator.ts")
      try {
        await generator.ask("connect", { ...crowd, sessions: count })
        const before = await server.ask("open", null)
        if (before.gauges["sessions_active{}"] !== count) throw new Error("not everybody is in")
        if (how === "vanish") generator.signal("SIGSTOP")
        else void generator.ask("leave", how).catch(() => undefined)
        const result = await settled(server, fresh)
        // weak references and finalisers are cleared over a few turns
        await pause(2_000)
        const memory = await server.ask("memory", null)
        return { count, before, result, memory }
      } finally {
        if (how === "vanish") generator.signal("SIGCONT")
        await generator.end()
      }
    }
    // as many as later, so that tables have their final size and code is compiled
    const first = await round(sessions, "half")
    const baseline = first.memory
    const ways = [
      ["half close frame, half RST", await round(sessions, "half")],
      ["vanished without FIN (generator stopped)", await round(sessions, "vanish")]
    ] as const
    await server.ask("hush", null)
    const rows = ways.map(([how, { before, memory, result }]) => [
      how,
      `${before.fibers} → ${result.open.fibers} (${fresh.fibers})`,
      String(held(result.open)),
      result.gauges.toFixed(2),
      result.all.toFixed(2),
      `${timers(result.open)} (${timers(fresh)})`,
      `${(((memory.heapUsed - baseline.heapUsed) / baseline.heapUsed) * 100).toFixed(1)} %`
    ])
    const [orderly] = ways
    return {
      name: "teardown",
      title: `Teardown of ${sessions.toLocaleString("en-US")} sessions`,
      conditions: [
        `Each session watches ${PER_SESSION} of ${SYMBOLS.toLocaleString("en-US")} symbols, and updates flow before, while and after they leave. Seconds are from the first one leaving; the server is asked every 10 ms. In brackets: the process before its first session.`,
        "Gauges: sessions, watches, watched slots, watched symbols, session actors. Heap: after full collections, against the end of a first round of the same size.",
        "A peer that vanishes is found by its silence: pinged after 3 s, gone 5 s later, looked at once a second. The time of the orderly ways includes the generator's own work of closing so many sockets."
      ],
      head: ["how they left", "fibers", "gauges left", "s to gauges 0", "s to fibers and sockets", "timers", "heap"],
      rows,
      verdicts: [
        against(
          "Gauges at 0, fibers at baseline",
          orderly[1].result.all,
          10,
          0.5,
          (value) => `${value.toFixed(2)} s`,
          "less"
        )
      ]
    }
  } finally {
    await server.end()
  }
}
