/** How PostgreSQL, Redis and NATS are told to run on a loopback port: arguments, data folders, what "ready" means. */
import { chownSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from "node:fs"
import path from "node:path"
import { otherUser } from "./folder.mjs"
import { NoAnswer, probeNats, probePostgres, probeRedis } from "./probe.mjs"
import { runningIn, startTimeOf } from "./processes.mjs"

/**
 * @typedef {import("./find.mjs").ServiceName} ServiceName
 * @typedef {import("./processes.mjs").Launch} Launch
 * @typedef {Omit<Launch, "logFile">} Command
 * @typedef {{ folder: string, persistent: boolean, programs: Record<string, string> }} Place `folder`: the keeper's
 *
 * @typedef {object} ServerKind
 * @property {(place: Place, run: (command: Command) => Promise<void>) => Promise<void>} prepare before each start
 * @property {(place: Place, port: number) => Command} command
 * @property {(place: Place, port: number, pid: number) => Promise<void>} probe rejects with NoAnswer until *that* process
 *   answers in its protocol: on a port taken meanwhile, another server of the same kind would
 * @property {(port: number) => string} url
 * @property {NodeJS.Signals} stopSignal
 * @property {number} stopMilliseconds before SIGKILL
 */

const PROBE_MS = 2000

/** @param {Place} place */
const dataOf = ({ folder }) => path.join(folder, "postgres")

/** @param {string} folder */
const makeFolder = (folder) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const user = otherUser()
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
}

/**
 * A postmaster.pid whose process is no more, or is something else by now: PostgreSQL itself would be deceived by a pid that
 * was reused, and by a zombie nobody has waited for.
 * @param {Place} place
 */
const removeStaleLock = (place) => {
  const lock = path.join(dataOf(place), "postmaster.pid")
  if (!existsSync(lock)) return
  const pid = Number(readFileSync(lock, "utf8").split("\n")[0])
  const isAnother =
    process.platform === "linux" &&
    !runningIn(dataOf(place), realpathSync(place.programs.postgres ?? "")).some((one) => one.pid === pid)
  if (startTimeOf(pid) === undefined || isAnother) rmSync(lock, { force: true })
}

/** @type {ServerKind} */
const postgres = {
  prepare: async (place, run) => {
    const data = dataOf(place)
    if (existsSync(path.join(data, "PG_VERSION"))) return removeStaleLock(place)
    // made aside: half a data folder is never taken for a whole one
    const next = `${data}.next`
    rmSync(next, { recursive: true, force: true })
    makeFolder(next)
    await run({
      command: place.programs.initdb ?? "initdb",
      args: ["-D", next, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"],
      deathSignal: "KILL",
      user: otherUser()
    })
    renameSync(next, data)
  },
  command: (place, port) => {
    const data = dataOf(place)
    // a socket's path has about 100 bytes
    const sockets = `${data}/.s.PGSQL.${port}`.length < 100 ? data : ""
    const settings = [
      "listen_addresses=127.0.0.1",
      `port=${port}`,
      `unix_socket_directories=${sockets}`,
      "max_connections=200",
      // a temp folder need not outlive the machine; a killed server loses nothing by it, the kernel has the pages
      ...(place.persistent ? [] : ["fsync=off", "full_page_writes=off"])
    ]
    return {
      command: place.programs.postgres ?? "postgres",
      args: ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
      // immediate shutdown: the postmaster takes its children along, and recovers at the next start
      deathSignal: "QUIT",
      user: otherUser()
    }
  },
  probe: async (place, port, pid) => {
    const lines = existsSync(path.join(dataOf(place), "postmaster.pid"))
      ? readFileSync(path.join(dataOf(place), "postmaster.pid"), "utf8").split("\n")
      : []
    if (Number(lines[0]) !== pid || lines[7]?.trim() !== "ready") throw new NoAnswer("still starting")
    await probePostgres(postgres.url(port), PROBE_MS)
  },
  url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  stopSignal: "SIGINT",
  stopMilliseconds: 10_000
}

/** @type {ServerKind} */
const redis = {
  prepare: async ({ folder }) => void mkdirSync(path.join(folder, "redis"), { recursive: true }),
  command: ({ folder, persistent, programs }, port) => ({
    command: programs["redis-server"] ?? "redis-server",
    args: [
      ["--bind", "127.0.0.1"],
      ["--port", String(port)],
      ["--dir", path.join(folder, "redis")],
      ["--save", ""],
      ["--appendonly", persistent ? "yes" : "no"]
    ].flat(),
    deathSignal: "KILL",
    user: undefined
  }),
  probe: async (_, port, pid) => {
    const answered = await probeRedis(redis.url(port), PROBE_MS)
    if (answered !== pid) throw new NoAnswer(`another Redis (process ${answered}) has port ${port}`)
  },
  url: (port) => `redis://127.0.0.1:${port}`,
  stopSignal: "SIGTERM",
  stopMilliseconds: 5000
}

/** One name for a server and all its restarts. @param {Place} place */
const natsName = ({ folder }) => `lzstock-${process.pid}-${path.basename(folder)}`

/** @type {ServerKind} */
const nats = {
  prepare: async ({ folder }) => void mkdirSync(path.join(folder, "nats"), { recursive: true }),
  command: (place, port) => ({
    command: place.programs["nats-server"] ?? "nats-server",
    args: [
      ["--addr", "127.0.0.1"],
      ["--port", String(port)],
      ["--name", natsName(place)],
      ["--jetstream"],
      ["--store_dir", path.join(place.folder, "nats")]
    ].flat(),
    deathSignal: "KILL",
    user: undefined
  }),
  probe: async (place, port) => {
    const name = await probeNats(nats.url(port), PROBE_MS)
    if (name !== natsName(place)) throw new NoAnswer(`another NATS server (${name}) has port ${port}`)
  },
  url: (port) => `nats://127.0.0.1:${port}`,
  stopSignal: "SIGTERM",
  stopMilliseconds: 5000
}

/** @type {Record<ServiceName, ServerKind>} */
export const SERVER_KINDS = { postgres, redis, nats }
