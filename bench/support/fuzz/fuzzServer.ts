/** A real server under fuzzing peers, with sessions beside them that only watch: what became of either. */
import { fileURLToPath } from "node:url"
import { listedSymbols, makeAccounts } from "../accounts.ts"
import { pause } from "../clock.ts"
import { type Health, HealthySessions } from "../HealthySessions.ts"
import { type RealServer, startServer } from "../realServer.ts"
import { type FuzzOutcome, FuzzRun } from "./FuzzRun.ts"
import { makeLeaks } from "./leaks.ts"
import { Victims } from "./Victims.ts"

export interface FuzzOptions {
  readonly seed: number
  readonly peers: number
  /** Whether there is a case more, by its number. */
  readonly goesOn: (index: number) => boolean
  readonly onProgress?: (outcome: FuzzOutcome) => void
}

/** After full collections. */
export interface Left {
  readonly heap: number
  readonly external: number
  readonly rss: number
  readonly fibers: number
  /** To the embedded database: a pool's worth. */
  readonly connections: number
}

export interface Fuzzed {
  readonly outcome: FuzzOutcome
  readonly seconds: number
  /** Accounts that were used up. */
  readonly victims: number
  readonly healthy: Health
  readonly before: Left
  /** On the way, every `MEMORY_MINUTES`: what grows with time differs from what takes its size once. */
  readonly underway: ReadonlyArray<Left>
  readonly after: Left
  /** Gauges that are not what the healthy sessions alone make them. */
  readonly stillOpen: ReadonlyArray<string>
  readonly troubles: ReadonlyArray<string>
  /** Warnings of Node, on stderr. */
  readonly warnings: ReadonlyArray<string>
  readonly isRunning: boolean
}

/** Sessions that only watch. */
export const HEALTHY = 6
const PER_SESSION = 20
const VICTIMS = 4
/** Code is compiled and tables have their size before anything is compared. */
const WARM_UP_CASES = 200
const PROGRESS_MILLIS = 10_000
export const MEMORY_MINUTES = 2
const SETTLE_MILLIS = 20_000

const serverOptions = [
  ...["--symbols", "60", "--date", "2026-03-06", "--start", "10:30"],
  ...["--sign-in", "required", "--sign-in-attempts", "1000", "--max-investor-sessions", "1000"],
  ...["--max-address-upgrades", "1000", "--max-messages", "500"]
]
export const fuzzServerOptions: string = serverOptions.join(" ")

const leftOf = async (server: RealServer): Promise<Left> => {
  process.kill(server.pid, "SIGUSR2")
  await pause(1_000)
  const metric = await server.metrics()
  return {
    heap: metric("nodejs_heap_size_used_bytes"),
    external: metric("nodejs_external_memory_bytes"),
    rss: metric("process_resident_memory_bytes"),
    fibers: metric("effect_fibers_active"),
    connections: metric("database_connections_active")
  }
}

/** What is open when only the healthy sessions are. */
const expected: Readonly<Record<string, number>> = {
  sessions_active: HEALTHY,
  'actors_active{kind="session"}': HEALTHY,
  strangers_active: 0,
  watches_active: HEALTHY,
  watched_slots_active: HEALTHY * PER_SESSION,
  live_bars_active: 0,
  password_hashes_active: 0
}

const notAsExpected = async (server: RealServer): Promise<ReadonlyArray<string>> => {
  const metric = await server.metrics()
  return Object.entries(expected).flatMap(([name, count]) =>
    metric(name) === count ? [] : [`${name}: ${metric(name)} instead of ${count}`]
  )
}

/** Until everybody who left is gone, or for so long. */
const settled = async (server: RealServer): Promise<ReadonlyArray<string>> => {
  const started = performance.now()
  for (;;) {
    const found = await notAsExpected(server)
    if (found.length === 0 || performance.now() - started > SETTLE_MILLIS) return found
    await pause(100)
  }
}

export const fuzzServer = async ({ goesOn, onProgress, peers, seed }: FuzzOptions): Promise<Fuzzed> => {
  const collect = fileURLToPath(new URL("../collectOnSignal.ts", import.meta.url))
  const server = await startServer(serverOptions, ["--expose-gc", "--import", collect])
  try {
    const accounts = await makeAccounts(server.port, 2)
    const symbols = await listedSymbols(server.port, accounts[0]?.cookie ?? "")
    const healthy = new HealthySessions({
      port: server.port,
      sessions: HEALTHY,
      accounts,
      symbols,
      perSession: PER_SESSION,
      conflation: 0
    })
    await healthy.open()
    const victims = new Victims(server.port)
    await victims.open(VICTIMS)
    const root = fileURLToPath(new URL("../../../", import.meta.url))
    const plan = {
      port: server.port,
      peers,
      victims,
      operator: server.operator(),
      leaks: makeLeaks([root, server.folder])
    }

    await new FuzzRun({ ...plan, seed: seed + 1, goesOn: (index) => index < WARM_UP_CASES }).run()
    await settled(server)
    const before = await leftOf(server)
    healthy.take()

    const started = performance.now()
    const run = new FuzzRun({ ...plan, seed, goesOn: (index) => server.isRunning() && goesOn(index) })
    const telling = setInterval(() => onProgress?.(run.outcome()), PROGRESS_MILLIS)
    const underway: Array<Left> = []
    // where the server is gone there is nothing to weigh, and it is told of below
    const weigh = () =>
      leftOf(server).then(
        (left) => void underway.push(left),
        () => undefined
      )
    const weighing = setInterval(weigh, MEMORY_MINUTES * 60_000)
    const outcome = await run.run().finally(() => {
      clearInterval(telling)
      clearInterval(weighing)
    })
    const seconds = (performance.now() - started) / 1_000
    if (!server.isRunning()) throw new Error(`the server ended: ${server.said()}`)
    const stillOpen = await settled(server)
    const after = await leftOf(server)
    return {
      underway,
      outcome,
      seconds,
      victims: victims.count,
      healthy: healthy.take(),
      before,
      after,
      stillOpen,
      troubles: [...server.troubles],
      warnings: server
        .said()
        .split("\n")
        .filter((line) => /\(node:\d+\)|Warning/.test(line)),
      isRunning: server.isRunning()
    }
  } catch (error) {
    throw new Error([String(error), ...server.troubles.slice(-3), server.said()].join("\n"))
  } finally {
    await server.end()
  }
}
