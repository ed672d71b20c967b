/** A cluster of real processes under a playing feed: its busiest market node is killed, drained or frozen; what a watcher hears meanwhile. */
import { Effect, Layer, ManagedRuntime } from "effect"
import { SqlClient } from "effect/sql"
import { type Cluster, startCluster } from "../../scripts/cluster/client.mjs"
import { connect } from "../../src/rpc/client.ts"
import { tickShard } from "../../src/rpc/topics.ts"
import { ClusterWatcher } from "../../test/support/clusterWatcher.ts"
import { isRecordingAbsent, recordedSymbols, replayOptions } from "../../test/support/recordedDay.ts"
import { pause } from "../support/clock.ts"
import { layerDatabase, quiet } from "../support/marketNode.ts"
import { against, type Report, thousands } from "../support/report.ts"
import { type Silence, Silences } from "../support/Silences.ts"
import { serviceVersions, withServices } from "../support/services.ts"

const LOCK_SECONDS = 5
const FROZEN_MILLIS = 8_000
/** Whoever is heard of so long after the signal has been served through it. */
const AFTERWARDS_MILLIS = 2_000
const GIVE_UP_MILLIS = 30_000
const LOOK_MILLIS = 50
const SHARDS = 64
const DRAIN_SECONDS = 10

type Market = Cluster["nodes"][number]

const feeds = {
  recorded: { name: "recorded day", share: 1, options: replayOptions("60") },
  // many symbols a round: half the rounds
  simulated: { name: "60 simulated symbols", share: 0.5, options: ["--symbols", "60", "--rate", "4"] }
} as const
type FeedName = keyof typeof feeds

const befallings = {
  "kill -9": {
    rounds: 20,
    befall: async (victim: Market) => void (await victim.kill("SIGKILL")),
    isBack: false
  },
  SIGTERM: {
    rounds: 20,
    befall: async (victim: Market) => void (await victim.kill("SIGTERM")),
    isBack: false
  },
  SIGSTOP: {
    rounds: 3,
    befall: async (victim: Market) => {
      await victim.pause()
      await pause(FROZEN_MILLIS)
      victim.resume()
    },
    isBack: true
  }
} as const
type Befalling = keyof typeof befallings

/** What is measured of one befalling, over all rounds and symbols that changed their owner. */
interface Found {
  readonly successor: Array<number>
  readonly silence: Array<number>
  /** The same of planned moves, when a node joins or shards are evened out; and of all symbols while nothing happens. */
  readonly joining: Array<number>
  readonly undisturbed: Array<number>
  readonly befalling: Array<number>
  rounds: number
  /** Waits for all shards to be served and all symbols to be heard of. */
  inVain: ReadonlyArray<string>
  violations: ReadonlyArray<string>
}

/** What was waited for in vain, over a whole run: each a fault, whatever was measured. */
let inVain: Array<string> = []

const until = async (what: () => string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  const started = performance.now()
  while (!(await condition())) {
    if (performance.now() - started > GIVE_UP_MILLIS) {
      inVain.push(what())
      process.stderr.write(`  not within ${GIVE_UP_MILLIS / 1_000} s: ${what()}\n`)
      return
    }
    await pause(LOOK_MILLIS)
  }
}

const metric = async (url: string, name: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} ([\\d.e+]+)`, "m").exec(text)?.[1] ?? 0)
}

const marketsOf = ({ nodes }: Cluster) => nodes.filter(({ role }) => role === "market")

/** The one that folds most now. */
const busiest = async (running: Cluster): Promise<Market> => {
  const alive = marketsOf(running).filter(({ isRunning }) => isRunning)
  const folded = () => Promise.all(alive.map(({ url }) => metric(url, "ticks_folded_total")))
  const before = await folded()
  await pause(500)
  const rates = (await folded()).map((now, index) => now - (before[index] ?? 0))
  const found = alive[rates.indexOf(Math.max(...rates))]
  if (found === undefined) throw new Error("no market node is left")
  return found
}

/** Every shard is served, every node has some, and every symbol is heard of. */
const settled = async (running: Cluster, watcher: ClusterWatcher, symbols: ReadonlyArray<string>) => {
  let before = ""
  await until(
    () => `${SHARDS} shards are served: ${before}`,
    async () => {
      const shards = await Promise.all(marketsOf(running).map(({ url }) => metric(url, "tick_shards_active")))
      const now = String(shards)
      const isSteady = now === before
      before = now
      return isSteady && shards.every((some) => some > 0) && shards.reduce((sum, some) => sum + some, 0) === SHARDS
    }
  )
  const stale = () => symbols.filter((symbol) => !watcher.isCurrent(symbol))
  await until(
    () => `all symbols are current: not ${stale()}`,
    () => stale().length === 0
  )
  await pause(500)
}

const openTerms = (databaseUrl: string) => {
  const runtime = ManagedRuntime.make(Layer.provideMerge(layerDatabase(databaseUrl), quiet))
  return {
    /** Every owner claims its shard under a greater term: who compares knows which have moved. */
    read: async (): Promise<ReadonlyMap<number, number>> => {
      const rows = await runtime.runPromise(
        Effect.flatMap(
          SqlClient.SqlClient,
          (sql) => sql<{ readonly shard: number; readonly term: number }>`SELECT shard, term::float8 FROM tick_shards`
        )
      )
      return new Map(rows.map(({ shard, term }) => [shard, term]))
    },
    close: () => runtime.dispose()
  }
}

type Terms = ReturnType<typeof openTerms>

/** Of the symbols that moved while `act` ran, and until all are heard of again. */
const watched = async (
  watcher: ClusterWatcher,
  terms: Terms,
  symbols: ReadonlyArray<string>,
  act: () => Promise<unknown>
): Promise<{ readonly moved: ReadonlyArray<Silence>; readonly took: number }> => {
  const before = await terms.read()
  const silences = new Silences(watcher, symbols)
  const started = performance.now()
  await act()
  const took = performance.now() - started
  const silent = () => silences.silentSince(took + AFTERWARDS_MILLIS)
  await until(
    () => `a word of ${silent()}`,
    () => silent().length === 0
  )
  const heard = silences.end()
  const after = await terms.read()
  return {
    moved: heard.filter(({ symbol }) => after.get(tickShard(symbol)) !== before.get(tickShard(symbol))),
    took
  }
}

const play = (feed: FeedName, what: Befalling, scale: number): Promise<Found> =>
  withServices(["postgres", "redis", "nats"], async ({ databaseUrl, natsUrl, redisUrl }) => {
    const { befall, isBack, rounds } = befallings[what]
    const running = await startCluster({
      services: { databaseUrl, natsUrl, redisUrl },
      gateways: 1,
      markets: 3,
      workers: 1,
      drainSeconds: DRAIN_SECONDS,
      nodeOptions: [...feeds[feed].options, "--lock-seconds", String(LOCK_SECONDS), "--max-messages", "5000"]
    })
    const terms = openTerms(databaseUrl)
    const url = running.nodes.find(({ role }) => role === "gateway")?.url ?? ""
    const symbols = feed === "recorded" ? recordedSymbols : await listed(url)
    const watcher = new ClusterWatcher(url, symbols)
    const found: Found = {
      successor: [],
      silence: [],
      joining: [],
      undisturbed: [],
      befalling: [],
      rounds: Math.max(1, Math.round(rounds * scale * feeds[feed].share)),
      inVain: [],
      violations: []
    }
    inVain = []
    try {
      for (let round = 0; round < found.rounds; round++) {
        await settled(running, watcher, symbols)
        const quiet = new Silences(watcher, symbols)
        await pause(AFTERWARDS_MILLIS)
        found.undisturbed.push(...quiet.end().map(({ longest }) => longest))
        const victim = await busiest(running)
        const { moved, took } = await watched(watcher, terms, symbols, () => befall(victim))
        found.befalling.push(took)
        for (const { longest, successor } of moved) {
          if (successor !== undefined) found.successor.push(successor)
          // beside a killed or frozen node's symbols some are handed over in good order: to even out, or to a thawed node
          const isPlanned = what !== "SIGTERM" && successor === undefined
          found[isPlanned ? "joining" : "silence"].push(longest)
        }
        process.stderr.write(
          `  ${feeds[feed].name}, ${what} ${round + 1}: ${victim.name}, ${moved.map(({ longest, successor, symbol }) => `${symbol} ${longest.toFixed(0)}/${successor?.toFixed(0) ?? "same epoch"}`).join(", ")}\n`
        )
        if (isBack) continue
        const joined = await watched(watcher, terms, symbols, async () => {
          await victim.restart()
          await settled(running, watcher, symbols)
        })
        found.joining.push(...joined.moved.map(({ longest }) => longest))
      }
      for (const violation of watcher.violations.slice(0, 5)) process.stderr.write(`  ${violation}\n`)
      return { ...found, inVain, violations: [...watcher.violations] }
    } finally {
      await watcher.close()
      await terms.close()
      await running.stop()
    }
  })

const listed = async (url: string): Promise<ReadonlyArray<string>> => {
  const client = connect({ url })
  const listings = await client.listings()
  await client.close()
  return listings.map(({ symbol }) => symbol)
}

const percentile = (values: ReadonlyArray<number>, share: number): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)]

const row = (name: string, millis: ReadonlyArray<number>): ReadonlyArray<string> => [
  name,
  String(millis.length),
  ...[0, 0.5, 0.9, 0.99, 1].map((share) => {
    const value = percentile(millis, share)
    return value === undefined ? "–" : thousands(value)
  })
]

/** The design's targets: back in service after a kill, and planned hand-over, ms. */
const targets: Readonly<Partial<Record<Befalling, readonly [floor: number, goal: number]>>> = {
  "kill -9": [10_000, 3_000],
  SIGTERM: [1_000, 1_000]
}

const verdictsOf = (feed: FeedName, what: Befalling, found: Found): ReadonlyArray<string> => {
  const { inVain: waits, silence, successor, violations } = found
  const name = `${feeds[feed].name}, ${what}`
  const target = targets[what]
  const p99 = percentile(what === "SIGTERM" ? silence : successor, 0.99)
  const measure = what === "SIGTERM" ? "longest silence, p99" : "next owner's first word, p99"
  return [
    ...(target === undefined || p99 === undefined
      ? []
      : [against(`${name}: ${measure}`, p99, ...target, (value) => `${thousands(value)} ms`, "less")]),
    `${name}: ${violations.length} violations (an update missing, doubled or unannounced), ${waits.length} waits of ${GIVE_UP_MILLIS / 1_000} s in vain for shards to be served or symbols to be heard of.`
  ]
}

const rowsOf = (feed: FeedName, what: Befalling, found: Found): ReadonlyArray<ReadonlyArray<string>> => {
  const { befalling, joining, rounds, silence, successor, undisturbed } = found
  return [
    row(`${feeds[feed].name}, ${rounds} × ${what}: signal → first word of the next owner in a new epoch`, successor),
    row("… longest silence of a symbol that moved", silence),
    ...(what === "SIGTERM" ? [row("… signal → the process has ended", befalling)] : []),
    ...(joining.length > 0
      ? [row("… the node comes back, shards even out: longest silence of a symbol that moved", joining)]
      : []),
    row("… nothing happens for 2 s: longest silence of any symbol", undisturbed)
  ]
}

export const failover = async (scale: number): Promise<Report> => {
  const played: ReadonlyArray<FeedName> = isRecordingAbsent ? ["simulated"] : ["recorded", "simulated"]
  const rows: Array<ReadonlyArray<string>> = []
  const verdicts: Array<string> = []
  for (const feed of played) {
    for (const what of ["kill -9", "SIGTERM", "SIGSTOP"] as const) {
      const found = await play(feed, what, scale)
      rows.push(...rowsOf(feed, what, found))
      verdicts.push(...verdictsOf(feed, what, found))
    }
  }
  return {
    name: "nodes failover",
    title: "Many nodes: an owner goes",
    conditions: [
      `3 market nodes, 1 worker, 1 gateway and a watcher with no window on it, real processes with PostgreSQL, Redis and NATS on this machine (${serviceVersions()}); shard lease ${LOCK_SECONDS} s. Feeds: a recorded day of 4 symbols at speed 60; 60 simulated symbols, four times as busy as usual.`,
      "Each round takes the market node that folds most at that moment, and afterwards starts it again. Symbols that moved: whose shard another owner has claimed in PostgreSQL meanwhile. Milliseconds, a sample a symbol and round, measured by the watcher.",
      "First word of the next owner: update or snapshot of a newer epoch; a hand-over that continues the epoch has none. Longest silence: between two words of a symbol, the last one before the signal included; compare it with what is silent when nothing happens.",
      `SIGSTOP for ${FROZEN_MILLIS / 1_000} s, then SIGCONT: the thawed node must find that its shards are others'.`
    ],
    head: ["ms", "samples", "min", "p50", "p90", "p99", "max"],
    rows,
    verdicts
  }
}
