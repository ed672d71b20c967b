/** Clusters of real processes for a test: with the real server or its stand-in, from JavaScript or by the command. */
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { Effect, type Scope } from "effect"
import { type Cluster, type ClusterOptions, startCluster } from "../../scripts/cluster/client.mjs"
import { identify, killAll, until } from "../../scripts/services/processes.mjs"
import { TICK_SHARDS } from "../../src/rpc/topics.ts"
import { identityOf, ownTempFolder } from "./keepers.ts"
import { freshDatabase, freshPrefix, services } from "./services.ts"

/** A name for LZSTOCK_CLUSTER, of its own on the run's services. */
export const freshCluster = (): string => freshPrefix("c").toLowerCase()

/**
 * The real server in many processes, on the run's services: a database and a name of its own. Drained and gone with the
 * Scope; dies when it does not start.
 */
export const cluster = (options: ClusterOptions = {}): Effect.Effect<Cluster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const databaseUrl = yield* freshDatabase
    const { natsUrl, redisUrl } = yield* Effect.promise(services)
    return yield* Effect.acquireRelease(
      Effect.promise(() =>
        startCluster({
          drainSeconds: 5,
          cluster: freshCluster(),
          services: { databaseUrl, natsUrl, redisUrl },
          ...options
        })
      ),
      (started) => Effect.promise(started.stop)
    )
  })

// ---- with the stand-in ---------------------------------------------------------------------------------------------

export const standInMain = path.resolve(import.meta.dirname, "clusterStandIn.ts")

/** Nobody listens there: the stand-in asks for nothing. */
export const noServices = {
  databaseUrl: "postgres://127.0.0.1:1/none",
  natsUrl: "nats://127.0.0.1:1",
  redisUrl: "redis://127.0.0.1:1"
}

const UNTIL_MS = 25_000

export const eventually = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  if (!(await until(condition, UNTIL_MS))) throw new Error(`never: ${what}`)
}

/** A metric of a node as it stands, by its name with its labels; 0 where it has none. */
export const gauge = async (url: string, name: string): Promise<number> => {
  const line = (await (await fetch(`${url}/metrics`)).text()).split("\n").find((one) => one.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1) ?? 0)
}

/** Every tick shard has an owner, and none is about to move: each of the market nodes has its share. */
export const settledDown = ({ nodes }: Cluster): Promise<void> =>
  eventually("every shard is where it stays", async () => {
    const markets = nodes.filter(({ role }) => role === "market")
    const owned = await Promise.all(markets.map(({ url }) => gauge(url, "tick_shards_active")))
    const share = Math.floor(TICK_SHARDS / markets.length)
    return owned.every((shards) => Math.abs(shards - share) <= 1) && owned.reduce((a, b) => a + b) === TICK_SHARDS
  })

/** What the nodes of one cluster did. */
export const openJournal = () => {
  const file = path.join(ownTempFolder(), "journal")
  const lines = (): ReadonlyArray<string> => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [])
  const pids = () =>
    lines()
      .flatMap((line) => / runs (\d+)$/.exec(line)?.[1] ?? [])
      .map(Number)
  return {
    file,
    lines,
    pids,
    /** Those of its processes that run. */
    alive: () =>
      pids()
        .map(identify)
        .filter((one) => one !== undefined)
  }
}

const stops: Array<() => unknown> = []
/** After each test, before cleanUp of keepers.ts. */
export const endClusters = async (): Promise<void> => {
  for (const stop of stops.splice(0).reverse()) await stop()
}

/** What happened in it, a line each, is in `said`. */
export const standInCluster = async (options: ClusterOptions = {}) => {
  const said: Array<string> = []
  const started = await startCluster({
    main: standInMain,
    services: noServices,
    drainSeconds: 5,
    say: (line) => said.push(line),
    ...options
  })
  stops.push(() => {
    started.kill()
    return started.stop()
  })
  return { ...started, said }
}

// ---- the command ---------------------------------------------------------------------------------------------------

const script = path.resolve(import.meta.dirname, "../../scripts/cluster.mjs")

/** `npm run cluster`, with the stand-in unless `main` is said to be the server's. */
export const clusterCommand = (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}) => {
  const child = spawn(process.execPath, [script, "--port", "0", "--main", standInMain, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  stops.push(() => child.kill("SIGKILL"))
  const said = { out: "", err: "" }
  child.stdout.on("data", (chunk) => {
    said.out += String(chunk)
  })
  child.stderr.on("data", (chunk) => {
    said.err += String(chunk)
  })
  const ended: Promise<number | null> = new Promise((resolve) => child.once("close", resolve))
  let hasEnded = false
  void ended.then(() => {
    hasEnded = true
  })
  const shown = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const find = () => pattern.exec(`${said.out}${said.err}`)
    await eventually(`${pattern} in:\n${said.out}${said.err}`, () => find() !== null || hasEnded)
    const found = find()
    if (found === null) throw new Error(`no ${pattern} in:\n${said.out}${said.err}`)
    return found
  }
  /** Resolves with where everything is, as the table says. */
  const table = async () => {
    const [, url = ""] = await shown(/Dashboard\s+(\S+)/)
    await shown(/Ctrl-C stops everything/)
    const rows = [...said.out.matchAll(/^ {2}(\w+-\d+) +\w+ +(\d+) +(http:\S+) +\S+\/metrics$/gm)]
    const nodes = rows.map(([, name = "", pid, own = ""]) => ({ name, process: identityOf(Number(pid)), url: own }))
    // a test that fails leaves none either
    stops.push(() => killAll(nodes.map((node) => node.process)))
    return { url, logs: /Logs\s+(\S+)/.exec(said.out)?.[1] ?? "", nodes }
  }
  return { child, ended, said, shown, table }
}
