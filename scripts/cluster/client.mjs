/**
 * A cluster on this machine: services, nodes of every role, and one URL before the gateways. For `npm run cluster`
 * (../cluster.mjs), for tests and for benchmarks. Everything ends with the process that called, however that ends.
 */
import { randomBytes } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { startServices } from "../services/client.mjs"
import { until } from "../services/processes.mjs"
import { openFrontDoor } from "./frontDoor.mjs"
import { ClusterError, describeExit, makeNode } from "./node.mjs"

export { ClusterError } from "./node.mjs"

/**
 * @typedef {import("../services/client.mjs").Keeper} Keeper
 * @typedef {import("./node.mjs").ClusterNode} ClusterNode
 * @typedef {import("./node.mjs").NodeProcess} NodeProcess
 * @typedef {import("./node.mjs").ServingRole} ServingRole
 * @typedef {import("./frontDoor.mjs").FrontDoor} FrontDoor
 *
 * @typedef {object} ClusterServices
 * @property {string} databaseUrl
 * @property {string} redisUrl
 * @property {string} natsUrl
 * @property {Keeper["control"]} control stop, kill, pause … a service; of services that were given it rejects, unless their
 *   `control` was given too
 *
 * @typedef {object} ClusterOptions
 * @property {number} [gateways] 2 if not said
 * @property {number} [markets] 3 if not said
 * @property {number} [workers] 1 if not said
 * @property {ReadonlyArray<string>} [nodeOptions] options of the server for every node, as typed: ["--feed", "replay", …]
 * @property {Omit<ClusterServices, "control"> & Partial<ClusterServices>} [services] none: its own, from the environment's
 *   URLs or started
 * @property {string} [persist] its own services keep their data in this folder; logs go there too
 * @property {string} [cluster] LZSTOCK_CLUSTER: clusters that share services need a name each
 * @property {number} [port] of the one URL; 0, and if not said: any free one
 * @property {string} [host] 127.0.0.1 if not said
 * @property {number} [drainSeconds] for each node to end in; 10 if not said
 * @property {boolean} [restart] a node that died is started again after a second
 * @property {string} [main] another entry point than src/app/main.ts
 * @property {NodeJS.ProcessEnv} [env]
 * @property {(line: string) => void} [say] what happens, a line each: a node died, a gateway takes no connections, an error
 * @property {AbortSignal} [signal] gives up the start: it stops what runs, and rejects
 *
 * @typedef {object} Cluster
 * @property {string} url the one URL: dashboard, and RPC WebSocket at /rpc
 * @property {ReadonlyArray<ClusterNode>} nodes workers, markets, gateways
 * @property {ClusterServices} services
 * @property {string} folder of logs and data of nodes, and of the operator's token (a file, as in a server's data folder)
 * @property {string} operatorToken LZSTOCK_OPERATOR_TOKEN of every gateway: the environment's, or a random one
 * @property {"local" | "accounts"} signIn local: nobody has to
 * @property {FrontDoor} frontDoor
 * @property {() => Promise<void>} stop drains gateways, then the others; then the services, and its temp folder. May be called again
 * @property {() => void} kill SIGKILL to every node, at once
 */

const RESTART_MS = 1000
/** A node has this much more than its drain time, before SIGKILL: it ends by itself in time. */
const GRACE_MS = 2000
const DOOR_MS = 30_000
const GIVEN_UP = "The cluster was stopped while it started."
const server = fileURLToPath(new URL("../../src/app/main.ts", import.meta.url))

/** What to start, in this order. @param {ClusterOptions} options @returns {Array<{ role: ServingRole, name: string }>} */
const plan = ({ gateways = 2, markets = 3, workers = 1 }) =>
  /** @type {Array<[ServingRole, number]>} */ ([
    ["workers", workers],
    ["market", markets],
    ["gateway", gateways]
  ]).flatMap(([role, count]) => Array.from({ length: count }, (_, i) => ({ role, name: `${role}-${i + 1}` })))

/**
 * Resolves when every node is ready and the front door takes connections for every gateway. Rejects when something does
 * not start, a ClusterError with the last lines of the node at fault; nothing is left running then.
 * @param {ClusterOptions} [options]
 * @returns {Promise<Cluster>}
 */
export const startCluster = async (options = {}) => {
  const {
    drainSeconds = 10,
    env = process.env,
    main = server,
    nodeOptions = [],
    restart = false,
    say = () => {}
  } = options
  /** Undone last first. @type {Array<() => unknown>} */
  const undo = []
  const undoAll = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  /** @type {"starting" | "up" | "stopping"} */
  let phase = "starting"
  /** @type {NodeProcess[]} */
  const nodes = []
  /** The migration and the nodes. @type {NodeProcess[]} */
  const processes = []
  /** @type {Set<NodeJS.Timeout>} */
  const restarts = new Set()

  const noMoreRestarts = () => {
    phase = "stopping"
    for (const timer of restarts) clearTimeout(timer)
  }
  const kill = () => {
    noMoreRestarts()
    for (const one of processes) void one.kill()
  }
  const mayGoOn = () => {
    if (phase === "stopping" || options.signal?.aborted === true) throw new ClusterError(GIVEN_UP)
  }

  /** @param {NodeProcess} node */
  const startLater = (node) => {
    const timer = setTimeout(() => {
      restarts.delete(timer)
      // by hand, meanwhile
      if (node.isRunning) return
      node.start().then(
        () => say(`${node.name} is back as process ${node.pid}: ${node.url}`),
        // its end was told
        () => {}
      )
    }, RESTART_MS)
    restarts.add(timer)
  }

  /** @param {FrontDoor} door @param {Pick<import("./node.mjs").NodeOptions, "args" | "drainSeconds" | "env" | "folder" | "main">} common */
  const startNodes = async (door, common) => {
    const migrate = makeNode({ ...common, role: "migrate", name: "migrate" })
    processes.push(migrate)
    await migrate.runToEnd()
    mayGoOn()
    for (const { name, role } of plan(options)) {
      const node = makeNode({
        ...common,
        role,
        name,
        onReady: ({ url }) => role === "gateway" && phase !== "stopping" && door.add(name, url),
        onExit: (ended, exit) => {
          door.remove(name)
          if (phase !== "up") return
          say(`${name} (process ${ended.pid}) ended: ${describeExit(exit)}; its log: ${ended.logFile}`)
          if (restart) startLater(ended)
        },
        onError: (_, line) => say(`${name}: ${line}`)
      })
      nodes.push(node)
      processes.push(node)
    }
    await Promise.all(nodes.map((node) => node.start()))
    const gateways = nodes.filter(({ role }) => role === "gateway")
    if (!(await until(() => gateways.every(({ name }) => door.isReady(name)), DOOR_MS))) {
      throw new ClusterError("A gateway said that it is ready, but its /readyz does not.")
    }
    mayGoOn()
  }

  /** @param {FrontDoor} door */
  const drainNodes = async (door) => {
    noMoreRestarts()
    door.stopListening()
    const stop = (/** @type {NodeProcess} */ node) => node.stop(drainSeconds * 1000 + GRACE_MS)
    await Promise.all(nodes.filter(({ role }) => role === "gateway").map(stop))
    await Promise.all(nodes.filter(({ role }) => role !== "gateway").map(stop))
  }

  options.signal?.addEventListener("abort", kill, { once: true })
  try {
    mayGoOn()
    const door = await openDoor(options, (name, state) => {
      if (phase === "up")
        say(state === "ready" ? `${name} takes connections` : `${name} takes no new connections: ${state}`)
    })
    undo.push(door.close)
    const { folder, services } = await openServices(options, undo)
    undo.push(() => drainNodes(door))
    const operatorToken = env.LZSTOCK_OPERATOR_TOKEN ?? randomBytes(32).toString("base64url")
    writeFileSync(path.join(folder, "operator-token"), `${operatorToken}\n`, { mode: 0o600 })
    mayGoOn()
    const whoSignsIn = signIn(options, env)
    await startNodes(door, {
      main,
      args: nodeOptions,
      folder,
      drainSeconds,
      env: {
        ...nodeEnvironment(env, services, options.cluster),
        LZSTOCK_OPERATOR_TOKEN: operatorToken,
        LZSTOCK_SIGN_IN: whoSignsIn
      }
    })
    phase = "up"
    /** @type {Promise<void> | undefined} */
    let stopped
    const stop = () => {
      stopped ??= undoAll()
      return stopped
    }
    return {
      url: door.url,
      nodes,
      services,
      folder,
      operatorToken,
      signIn: whoSignsIn === "local" ? "local" : "accounts",
      frontDoor: door,
      stop,
      kill
    }
  } catch (error) {
    const isGivenUp = options.signal?.aborted === true
    kill()
    await undoAll()
    throw isGivenUp ? new ClusterError(GIVEN_UP) : error
  } finally {
    options.signal?.removeEventListener("abort", kill)
  }
}

/** @param {ClusterOptions} options @param {(name: string, state: string) => void} onChange */
const openDoor = ({ host = "127.0.0.1", port = 0 }, onChange) =>
  openFrontDoor({ host, port, onChange }).catch((error) => {
    throw new ClusterError(
      `${host}:${port} cannot be the cluster's address (${error.message}); choose another with --port.`
    )
  })

/** @param {NodeJS.ProcessEnv} env @param {ClusterServices} services @param {string | undefined} cluster */
const nodeEnvironment = (env, { databaseUrl, natsUrl, redisUrl }, cluster) => ({
  ...env,
  LZSTOCK_DATABASE_URL: databaseUrl,
  LZSTOCK_REDIS_URL: redisUrl,
  LZSTOCK_NATS_URL: natsUrl,
  ...(cluster === undefined ? {} : { LZSTOCK_CLUSTER: cluster })
})

/**
 * Who has to sign in: on this machine alone nobody, unless that is asked for. The nodes cannot tell: they hear the front door.
 * @param {ClusterOptions} options @param {NodeJS.ProcessEnv} env
 */
const signIn = ({ host = "127.0.0.1", nodeOptions = [] }, env) => {
  const isLocal = /^(localhost|::1|127\.\d+\.\d+\.\d+)$/.test(host)
  const at = nodeOptions.findIndex((option) => /^--sign-in(=|$)/.test(option))
  const asked = at === -1 ? env.LZSTOCK_SIGN_IN : (nodeOptions[at]?.split("=")[1] ?? nodeOptions[at + 1])
  if (asked === "local" && !isLocal) {
    throw new ClusterError(`--sign-in local is for this machine alone: with --host ${host} everybody has to sign in.`)
  }
  return asked ?? (isLocal ? "local" : "required")
}

const refuse = async () => {
  throw new ClusterError("These services were given: not this cluster's to stop.")
}

/**
 * Where the nodes' services are, and a folder for what the nodes write.
 * @param {ClusterOptions} options
 * @param {Array<() => unknown>} undo
 * @returns {Promise<{ services: ClusterServices, folder: string }>}
 */
const openServices = async ({ env = process.env, persist, services: given }, undo) => {
  if (given !== undefined) {
    const folder = mkdtempSync(path.join(tmpdir(), "lzstock-cluster-"))
    undo.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }))
    return { folder, services: { control: refuse, ...given } }
  }
  const services = await startServices({ env, ...(persist === undefined ? {} : { persist }) }).catch((error) => {
    throw new ClusterError(error.message.replace(/^lzstock services: /, ""))
  })
  undo.push(services.stop)
  // in the keeper's folder: that goes even if this process is killed
  const folder = path.join(services.folder, "nodes")
  mkdirSync(folder, { recursive: true })
  return { folder, services }
}
