/**
 * A NATS that tells who listens to what and how often it was told, from its monitoring; and a cluster on it. Counts are
 * nats-server's own: what a process says of itself is not taken for it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Schema, type Scope } from "effect"
import type { Cluster, ClusterOptions } from "../../scripts/cluster/client.mjs"
import { ensureServices } from "../../scripts/services/find.mjs"
import { identify, killAll, start } from "../../scripts/services/processes.mjs"
import { connect as connectClient } from "../../src/rpc/client.ts"
import { cluster, eventually, freshCluster } from "./cluster.ts"
import { freshDatabase, services } from "./services.ts"

/** One subscription of a client. */
export interface Subscription {
  /** The connection's name; "" for none. */
  readonly connection: string
  readonly subject: string
  /** Messages it was sent since it was made. */
  readonly messages: number
}

export interface MonitoredNats {
  readonly natsUrl: string
  /** Of all clients' connections. */
  readonly subscriptions: () => Promise<ReadonlyArray<Subscription>>
}

const Ports = Schema.fromJsonString(
  Schema.Struct({ nats: Schema.Array(Schema.String), monitoring: Schema.Array(Schema.String) })
)
const Connections = Schema.Struct({
  total: Schema.Int,
  num_connections: Schema.Int,
  connections: Schema.Array(
    Schema.Struct({
      name: Schema.optional(Schema.String),
      subscriptions_list_detail: Schema.optional(
        Schema.Array(Schema.Struct({ subject: Schema.String, msgs: Schema.Int }))
      )
    })
  )
})
const isReady = Schema.is(Schema.Struct({ status: Schema.Literal("ok") }))

const MOST = 10_000

const subscriptionsAt = async (monitoring: string): Promise<ReadonlyArray<Subscription>> => {
  const answer: unknown = await (await fetch(`${monitoring}/connz?subs=detail&limit=${MOST}`)).json()
  const { connections, num_connections, total } = Schema.decodeUnknownSync(Connections)(answer)
  if (num_connections < total) throw new Error(`only ${num_connections} of ${total} connections were told`)
  return connections.flatMap(({ name = "", subscriptions_list_detail = [] }) =>
    subscriptions_list_detail.map(({ msgs, subject }) => ({ connection: name, subject, messages: msgs }))
  )
}

/** nats-server with JetStream and monitoring, on free ports; gone with the Scope. */
export const monitoredNats: Effect.Effect<MonitoredNats, never, Scope.Scope> = Effect.gen(function* () {
  const folder = mkdtempSync(path.join(tmpdir(), "lzstock-nats-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true, force: true })))
  // a server of our own, whatever the environment names
  const [found] = yield* Effect.promise(() => ensureServices({ only: ["nats"], env: { ...process.env, NATS_URL: "" } }))
  const command = found?.source.programs?.["nats-server"] ?? "nats-server"
  const args = ["--addr", "127.0.0.1", "--port", "-1", "--http_port", "-1", "--ports_file_dir", folder]
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      start({
        command,
        args: [...args, "--jetstream", "--store_dir", path.join(folder, "store")],
        logFile: path.join(folder, "log"),
        deathSignal: "KILL",
        user: undefined
      })
    ),
    ({ pid = 0 }) =>
      Effect.promise(async () => {
        const running = identify(pid)
        if (running !== undefined) await killAll([running])
      })
  )
  const told = () => readdirSync(folder).find((name) => name.endsWith(".ports"))
  const read = () => readFileSync(path.join(folder, told() ?? ""), "utf8")
  yield* Effect.promise(() =>
    eventually("nats-server tells its ports", () => told() !== undefined && read().trim().endsWith("}"))
  )
  const { monitoring, nats } = Schema.decodeUnknownSync(Ports)(read())
  const [natsUrl = "", monitoringUrl = ""] = [nats[0], monitoring[0]]
  yield* Effect.promise(() =>
    eventually("nats-server with JetStream is ready", async () =>
      isReady(await (await fetch(`${monitoringUrl}/healthz`)).json())
    )
  )
  return { natsUrl, subscriptions: () => subscriptionsAt(monitoringUrl) }
})

/** A connection of the test's own. */
export const connectTo = (natsUrl: string, name: string): Effect.Effect<NatsConnection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: natsUrl, name, reconnect: false })),
    (connection) => Effect.promise(() => connection.close())
  )

export interface MonitoredCluster extends Cluster {
  readonly nats: MonitoredNats
  /** LZSTOCK_CLUSTER: begins its subjects, and with the role and the node's name its connections' names. */
  readonly prefix: string
}

/** The real server in many processes on a NATS of its own. */
export const monitoredCluster = (
  options: Omit<ClusterOptions, "cluster" | "services"> = {}
): Effect.Effect<MonitoredCluster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const nats = yield* monitoredNats
    const databaseUrl = yield* freshDatabase
    const { redisUrl } = yield* Effect.promise(services)
    const prefix = freshCluster()
    const started = yield* cluster({
      ...options,
      cluster: prefix,
      services: { databaseUrl, natsUrl: nats.natsUrl, redisUrl }
    })
    return { ...started, nats, prefix }
  })

/** What NATS calls the connection of a node. */
export const connectionName = ({ prefix }: MonitoredCluster, { name, role }: Cluster["nodes"][number]): string =>
  `${prefix} ${role} ${name}`

/** The symbols that a gateway lists. */
export const listedAt = async (url: string): Promise<ReadonlyArray<string>> => {
  const client = connectClient({ url })
  try {
    return (await client.listings()).map(({ symbol }) => symbol)
  } finally {
    await client.close()
  }
}

/** A node's metrics now; a name that is not there is 0. */
export const metricsOf = async (url: string): Promise<(sample: string) => number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  const values = new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))])
  )
  return (sample) => values.get(sample) ?? 0
}
