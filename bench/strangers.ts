/** Ten thousand who never sign in come at once: what those notice who have, and what it costs the server. */
import { pause } from "./support/clock.ts"
import type { Health } from "./support/HealthySessions.ts"
import type { HealthyProcess } from "./support/healthy.ts"
import { type Child, start } from "./support/processes.ts"
import { type RealServer, startServer } from "./support/realServer.ts"
import { millis, type Report, thousands } from "./support/report.ts"
import { manners } from "./support/StrangerCrowd.ts"
import type { StrangersProcess } from "./support/strangers.ts"

const STRANGERS = 10_000
const HEALTHY = 50
const PER_SESSION = 20
const QUIET_MILLIS = 10_000
const SETTLE_MILLIS = 5_000
const LOOK_MILLIS = 500

const market = ["--date", "2026-03-06", "--start", "10:30"]
const defaults = ["--sign-in", "required"]
const raised = [
  ...[...defaults, "--max-strangers", "20000", "--max-upgrades", "1000000"],
  ...["--max-address-sessions", "1000", "--max-address-upgrades", "1000"]
]

interface Row extends Health {
  readonly phase: string
  readonly seconds: number
  readonly cpu: number
  /** At most, in MB. */
  readonly rss: number
  readonly strangers: number
}

/** What the healthy sessions and the server have to say of the time that `during` takes. */
const observe = async (
  phase: string,
  server: RealServer,
  healthy: Child<HealthyProcess>,
  during: () => Promise<unknown>
): Promise<Row> => {
  await healthy.ask("take", null)
  const before = await server.metrics()
  const started = performance.now()
  let [rss, most, isOver] = [0, 0, false]
  const over = during().finally(() => {
    isOver = true
  })
  while (!isOver) {
    const metric = await server.metrics()
    rss = Math.max(rss, metric("process_resident_memory_bytes"))
    most = Math.max(most, metric("strangers_active"))
    await Promise.race([over, pause(LOOK_MILLIS)])
  }
  await over
  const after = await server.metrics()
  const health = await healthy.ask("take", null)
  const seconds = (performance.now() - started) / 1_000
  const cpu = (after("process_cpu_seconds_total") - before("process_cpu_seconds_total")) / seconds
  const row = { ...health, phase, seconds, cpu, rss: rss / 2 ** 20, strangers: most }
  process.stderr.write(`  ${lineOf(row).join("  ")}\n`)
  return row
}

const HEAD = [
  "phase",
  "s",
  "strangers",
  "healthy",
  "updates/s",
  "gaps, breaches",
  "to socket p50 ms",
  "p99",
  "max",
  "to client p50 ms",
  "p99",
  "max",
  "server cores",
  "RSS MB"
] as const

const lineOf = (row: Row): ReadonlyArray<string> => [
  row.phase,
  row.seconds.toFixed(1),
  thousands(row.strangers),
  String(row.sessions),
  thousands(row.updates / row.seconds),
  String(row.gaps + row.broken),
  ...[row.toSocket, row.toClient].flatMap(({ max, p50, p99 }) => [p50, p99, max].map(millis)),
  row.cpu.toFixed(2),
  row.rss.toFixed(0)
]

interface Attack {
  readonly rows: ReadonlyArray<Row>
  /** How so many strangers ended. */
  readonly ends: ReadonlyMap<string, number>
  /** Answers to them that were a success. */
  readonly answered: number
  readonly left: string
}

/** Waves of strangers upon a server with these limits, one after the other. */
const attack = async (limits: ReadonlyArray<string>, phases: ReadonlyArray<string>, count: number): Promise<Attack> => {
  const server = await startServer([...market, ...limits])
  const healthy = await start<HealthyProcess>("support/healthy.ts")
  const crowd = await start<StrangersProcess>("support/strangers.ts")
  const ends = new Map<string, number>()
  let answered = 0
  try {
    await healthy.ask("open", { port: server.port, sessions: HEALTHY, perSession: PER_SESSION, conflation: 0 })
    await pause(SETTLE_MILLIS)
    const rows = [await observe("before", server, healthy, () => pause(QUIET_MILLIS))]
    for (const phase of phases) {
      rows.push(
        await observe(phase, server, healthy, async () => {
          await crowd.ask("come", { port: server.port, count })
          const left = await crowd.ask("gone", null)
          for (const [how, times] of Object.entries(left.ends)) ends.set(how, (ends.get(how) ?? 0) + times)
          answered += left.answered
        })
      )
    }
    rows.push(await observe("after", server, healthy, () => pause(QUIET_MILLIS)))
    const metric = await server.metrics()
    const left = ["sessions_active", "strangers_active"].map((name) => `${name} ${metric(name)}`)
    return { rows, ends, answered, left: `${left.join(", ")}, ${server.troubles.length} errors in the log` }
  } finally {
    await crowd.end()
    await healthy.end()
    await server.end()
  }
}

const endsOf = ({ answered, ends, left }: Attack): string =>
  `strangers ended with ${Array.from(ends, ([how, times]) => `${thousands(times)} × ${how}`).join(", ")}, answers to them that were a success: ${answered}; then ${left}`

const command = (limits: ReadonlyArray<string>) => `\`node src/app/main.ts ${[...market, ...limits].join(" ")}\``

export const strangers = async (scale: number): Promise<Report> => {
  const count = manners.length * Math.max(10, Math.round((STRANGERS * scale) / manners.length))
  const open = await attack(raised, ["wave 1", "wave 2", "wave 3"], count)
  const guarded = await attack(defaults, ["wave, guarded"], count)
  return {
    name: "strangers",
    title: `Strangers, ${thousands(count)} at once`,
    conditions: [
      `${HEALTHY} sessions that have signed in, each watching ${PER_SESSION} simulated symbols without a window; each wave is ${thousands(count)} connections that come as fast as they are let in and never sign in: ${manners.join(", ")}, a fifth each (mute: not even HTTP; guessing: shows a wrong token). It lasts until the server has got rid of the last one. Server, strangers and healthy sessions are a process each.`,
      `First with every limit out of the way, so that all of them are let in: ${command(raised)}. Then on another server with the limits that a node has by itself: ${command(defaults)}.`,
      "To socket: from the newest tick's arrival at the server to the writing of its update. To client: from there to the parse. A clock of 1 ms.",
      `All let in: ${endsOf(open)}.`,
      `Guarded: ${endsOf(guarded)}.`
    ],
    head: HEAD,
    rows: [...open.rows, ...guarded.rows].map(lineOf)
  }
}
