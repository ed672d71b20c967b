/**
 * PostgreSQL, Redis and NATS with JetStream for tests and local clusters: finds them or starts them on loopback ports, and
 * keeps what it started until its standard input ends, so that they never outlive whoever asked for them.
 *
 *   node scripts/services.mjs [--only postgres,redis,nats] [--persist DIR]
 *
 * One JSON line says where they are: {"databaseUrl","redisUrl","natsUrl","folder","pids":{"postgres",…}}. Without --persist
 * all data is in a temp folder, which goes too. DATABASE_URL, REDIS_URL and NATS_URL are used as they are.
 * Each line of standard input, {"id":1,"do":"stop|start|kill|pause|continue","service":"postgres|redis|nats"}, is answered by
 * a line {"id":1,"ok":true,"pid":…} or {"id":1,"ok":false,"error":"…"}: `start` is in place, on the same port with the same
 * data (Redis in a temp folder keeps none); `kill` is SIGKILL, `pause` SIGSTOP, both for the children too.
 * From JavaScript: services/client.mjs. Runs on Node 20 with nothing installed.
 */
import path from "node:path"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import { ensureServices, isServiceName, SERVICE_NAMES, ServicesError } from "./services/find.mjs"
import { openFolder, sweep } from "./services/folder.mjs"
import { givenServer, makeServer } from "./services/server.mjs"

/**
 * @typedef {import("./services/find.mjs").ServiceName} ServiceName
 * @typedef {import("./services/server.mjs").Action} Action
 * @typedef {import("./services/server.mjs").Server} Server
 * @typedef {import("./services/folder.mjs").KeeperFolder} KeeperFolder
 */

const USAGE = "usage: node scripts/services.mjs [--only postgres,redis,nats] [--persist DIR]"
const say = (/** @type {string} */ text) => process.stderr.write(`lzstock services: ${text}\n`)
const tell = (/** @type {object} */ message) => process.stdout.write(`${JSON.stringify(message)}\n`)
// whoever listened is gone: standard input will end too
process.stdout.on("error", () => {})
process.stderr.on("error", () => {})

const options = () => {
  try {
    const { values } = parseArgs({ options: { only: { type: "string" }, persist: { type: "string" } } })
    const only = values.only === undefined ? SERVICE_NAMES : values.only.split(",").filter(isServiceName)
    if (values.only !== undefined && only.length !== values.only.split(",").length)
      throw new Error(`--only ${values.only}`)
    return {
      only: [...new Set(only)],
      persist: values.persist === undefined ? undefined : path.resolve(values.persist)
    }
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\n${USAGE}`)
    return process.exit(2)
  }
}

/** @type {Server[]} */
let servers = []
/** @type {KeeperFolder | undefined} */
let folder
let isClosing = false

/** Everything that was started, then the folder. Once. @param {number} exitCode */
const close = async (exitCode) => {
  if (isClosing) return
  isClosing = true
  const results = await Promise.allSettled(servers.map((server) => server.close()))
  for (const result of results) if (result.status === "rejected") say(String(result.reason?.message ?? result.reason))
  folder?.close()
  process.exit(exitCode)
}

/** @param {unknown} error */
const explain = (error) =>
  error instanceof ServicesError
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error)

const ACTIONS = ["start", "stop", "kill", "pause", "continue"]
/** @param {unknown} name @returns {name is Action} */
const isAction = (name) => typeof name === "string" && ACTIONS.includes(name)

/** @param {string} line */
const obey = async (line) => {
  /** @type {unknown} */
  let id
  try {
    const command = JSON.parse(line)
    id = command.id
    /** @type {unknown} */
    const action = command.do
    const server = servers.find(({ name }) => name === command.service)
    if (server === undefined) throw new ServicesError(`no service ${JSON.stringify(command.service)} here`)
    if (!isAction(action)) throw new ServicesError(`cannot ${JSON.stringify(action)}: ${ACTIONS.join(", ")}`)
    await server.actions[action]()
    tell({ id, ok: true, pid: server.pid() })
  } catch (error) {
    tell({ id, ok: false, error: error instanceof Error ? error.message : String(error) })
  }
}

const main = async () => {
  const { only, persist } = options()
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(name, () => void close(0))
  createInterface({ input: process.stdin })
    .on("line", (line) => line !== "" && void obey(line))
    .on("close", () => void close(0))
  try {
    const found = await ensureServices({ only, say })
    await sweep()
    const opened = await openFolder(persist)
    folder = opened
    if (isClosing) return opened.close()
    servers = found.map(({ name, source }) =>
      source.programs === undefined
        ? givenServer(name, source.url)
        : makeServer({ name, programs: source.programs, folder: opened, say })
    )
    await Promise.all(servers.map((server) => server.start()))
  } catch (error) {
    // a start that was cut short is no failure
    if (isClosing) return
    say(explain(error))
    return close(1)
  }
  if (isClosing) return
  const of = (/** @type {ServiceName} */ name) => servers.find((server) => server.name === name)
  tell({
    databaseUrl: of("postgres")?.url(),
    redisUrl: of("redis")?.url(),
    natsUrl: of("nats")?.url(),
    folder: folder.path,
    pids: Object.fromEntries(servers.map((server) => [server.name, server.pid()]))
  })
}

void main()
