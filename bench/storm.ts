/** All sessions lose their connection in one moment, and come back: how long it takes, and what it costs. */
import { startCluster } from "../scripts/cluster/client.mjs"
import { pause } from "./support/clock.ts"
import { type Child, start } from "./support/processes.ts"
import type { Storm } from "./support/ReturningCrowd.ts"
import { sampleOf, startServer } from "./support/realServer.ts"
import { against, type Report, thousands } from "./support/report.ts"
import type { ReturningProcess } from "./support/returning.ts"
import { serviceVersions, withServices } from "./support/services.ts"

const SESSIONS = 10_000
const INVESTORS = 100
const CLIENTS = 100
const PER_SESSION = 10
/** Their back-off starts over, as that of anybody who has been there for a while. */
const CALM_MILLIS = 11_000
const GIVE_UP_MILLIS = 90_000
const LOOP_WINDOW_MILLIS = 10_000

/** A quiet market at mid-morning: some 10,000 updates a second to all sessions together. */
const market = ["--date", "2026-03-06", "--start", "10:30", "--rate", "0.06"]
/** What one machine with so many sessions of few investors needs; what a node takes in all is the default. */
const limits = [
  ...["--sign-in", "required", "--sign-in-attempts", "1000", "--max-investor-sessions", "1000"],
  ...["--max-address-sessions", "1000", "--max-address-upgrades", "1000"]
]

/** Of one server's /metrics. */
type Metrics = () => Promise<(name: string) => number>

interface Outcome {
  readonly name: string
  readonly crowd: Storm
  readonly clients: Storm
  readonly hashes: number
  readonly reads: number
  /** Event-loop delay of the worst window of 10 s that the storm was in, ms. */
  readonly loopP99: number
  readonly loopMax: number
  /** CPU seconds until the last one was back. */
  readonly serverCpu: number
  readonly generatorCpu: number
}

/** What the storm does to the server that it comes to. */
const measure = async (
  name: string,
  generator: Child<ReturningProcess>,
  metrics: Metrics,
  expected: { readonly sessions: number; readonly clients: number },
  befall: () => Promise<void>
): Promise<Outcome> => {
  await generator.ask("renewTickets", null)
  const before = await metrics()
  const cpuBefore = await generator.ask("cpuSeconds", null)
  await generator.ask("begin", null)
  const started = performance.now()
  await befall()
  const { clients, crowd } = await generator.ask("settled", { ...expected, giveUpMillis: GIVE_UP_MILLIS })
  const after = await metrics()
  const generatorCpu = (await generator.ask("cpuSeconds", null)) - cpuBefore
  const grown = (metric: string) => after(metric) - before(metric)
  let [loopP99, loopMax] = [0, 0]
  const until = Math.max(performance.now(), started + LOOP_WINDOW_MILLIS) + LOOP_WINDOW_MILLIS
  while (performance.now() < until) {
    const sample = await metrics()
    loopP99 = Math.max(loopP99, sample("nodejs_eventloop_delay_p99_seconds") * 1_000)
    loopMax = Math.max(loopMax, sample("nodejs_eventloop_delay_max_seconds") * 1_000)
    await pause(1_000)
  }
  const outcome = {
    name,
    crowd,
    clients,
    hashes: grown("password_hashes_total"),
    reads: grown("credential_store_reads_total"),
    loopP99,
    loopMax,
    serverCpu: grown("process_cpu_seconds_total"),
    generatorCpu
  }
  process.stderr.write(`  ${rowOf(outcome).join("  ")}\n`)
  return outcome
}

/** One server whose sessions all break, as when a network between does. */
const cut = async (name: string, sessions: number): Promise<Outcome> => {
  const server = await startServer([...market, ...limits])
  const generator = await start<ReturningProcess>("support/returning.ts")
  try {
    const plan = { ports: [server.port], sessions, perSession: PER_SESSION, investors: INVESTORS, clients: CLIENTS }
    const took = await generator.ask("open", plan)
    process.stderr.write(
      `  ${INVESTORS} accounts in ${(took.accounts / 1_000).toFixed(1)} s, ${sessions} sessions in ${(took.sessions / 1_000).toFixed(1)} s\n`
    )
    await pause(CALM_MILLIS)
    return await measure(name, generator, server.metrics, { sessions, clients: CLIENTS }, () =>
      generator.ask("drop", null)
    )
  } finally {
    await generator.end()
    await server.end()
  }
}

/** Two gateways with half of the sessions each; one is killed, and its half comes to the other. */
const killed = (name: string, sessions: number): Promise<Outcome> =>
  withServices(["postgres", "redis", "nats"], async (services) => {
    const running = await startCluster({
      services,
      gateways: 2,
      markets: 1,
      workers: 1,
      nodeOptions: [...market, ...limits]
    })
    const generator = await start<ReturningProcess>("support/returning.ts")
    try {
      const gateways = running.nodes.filter(({ role }) => role === "gateway")
      const ports = gateways.map(({ url }) => Number(new URL(url).port))
      await generator.ask("open", { ports, sessions, perSession: PER_SESSION, investors: INVESTORS, clients: CLIENTS })
      await pause(CALM_MILLIS)
      const metrics = async () => {
        const text = await (await fetch(`http://127.0.0.1:${ports[1]}/metrics`)).text()
        return (metric: string) => sampleOf(text, metric)
      }
      const half = { sessions: sessions / 2, clients: CLIENTS / 2 }
      return await measure(name, generator, metrics, half, async () => void (await gateways[0]?.kill("SIGKILL")))
    } finally {
      await generator.end()
      await running.stop()
    }
  })

const HEAD = [
  "storm",
  "sessions",
  "50 % s",
  "90 %",
  "99 %",
  "100 %",
  "failed tries",
  "hashes",
  "store reads each",
  "recovered %",
  "loop p99 ms",
  "loop max",
  "server CPU s",
  "generator CPU s"
] as const

const triesOf = ({ lost }: Storm): number => Object.values(lost).reduce((sum, count) => sum + count, 0)
const seconds = (millis: number): string => (millis / 1_000).toFixed(2)
const timesOf = ({ millis }: Storm) => [millis.p50, millis.p90, millis.p99, millis.max].map(seconds)
const shareOf = ({ back, recovered }: Storm): string => ((100 * recovered) / Math.max(1, back)).toFixed(1)

const rowOf = (outcome: Outcome): ReadonlyArray<string> => [
  outcome.name,
  `${thousands(outcome.crowd.back)} of ${thousands(outcome.crowd.expected)}`,
  ...timesOf(outcome.crowd),
  thousands(triesOf(outcome.crowd)),
  String(outcome.hashes),
  (outcome.reads / Math.max(1, outcome.crowd.expected + outcome.clients.expected)).toFixed(2),
  shareOf(outcome.crowd),
  outcome.loopP99.toFixed(0),
  outcome.loopMax.toFixed(0),
  outcome.serverCpu.toFixed(1),
  outcome.generatorCpu.toFixed(1)
]

const clientsRow = ({ clients }: Outcome): ReadonlyArray<string> => [
  "… lzstock/client among them",
  `${clients.back} of ${clients.expected}`,
  ...timesOf(clients),
  thousands(triesOf(clients)),
  "",
  "",
  shareOf(clients),
  "",
  "",
  "",
  ""
]

const reasonsOf = ({ crowd: { lost, out }, name }: Outcome): string => {
  const told = Object.entries(lost).map(([why, count]) => `${thousands(count)} × ${why}`)
  return `${name}: ${told.length === 0 ? "no try failed" : told.join(", ")}${out === 0 ? "" : `; ${out} had to sign in anew`}`
}

export const storm = async (scale: number): Promise<Report> => {
  const sessions = 2 * Math.max(50, Math.round((SESSIONS / 2) * scale))
  const outcomes = [await cut("all cut off", sessions), await killed("1 of 2 gateways killed", sessions)]
  return {
    name: "storm",
    title: `Reconnect storm of ${thousands(sessions)} sessions`,
    conditions: [
      `Sessions of ${INVESTORS} investors who have to sign in, half with a cookie, half with a token and tickets; each watches ${PER_SESSION} of the simulated symbols (\`${market.join(" ")}\`) with a window of 100 ms. All lose their connection at once, wait as the client does (full jitter from 250 ms on) and come back with cookie or ticket and their positions; one is back when its watch is answered. Seconds since the connections broke.`,
      `${CLIENTS} of the real client besides, in the same process. The server: \`node src/app/main.ts ${limits.join(" ")}\`.`,
      `The gateway was killed in a cluster of 2 gateways, 1 market node, 1 worker: its half comes to the other one (${serviceVersions()}). Figures are of the gateway they come to; its own half stays.`,
      `Tries that failed on the way: ${outcomes.map(reasonsOf).join(". ")}.`,
      "Hashes: password_hashes_total; store reads: credential_store_reads_total, by session that came back. Event-loop delay: the worst window of 10 s."
    ],
    head: HEAD,
    rows: outcomes.flatMap((outcome) => [rowOf(outcome), clientsRow(outcome)]),
    verdicts: outcomes.map((outcome) =>
      against(
        `${outcome.name}: all back`,
        outcome.crowd.millis.max,
        20_000,
        10_000,
        (value) => `${seconds(value)} s`,
        "less"
      )
    )
  }
}
