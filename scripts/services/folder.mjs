/**
 * The folder of one keeper: data, logs, and keeper.json, which names the keeper and its servers so that a later keeper can
 * clear up after one that was killed with -9 (`sweep`).
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { ServicesError } from "./find.mjs"
import { identify, isRunning, killAll, runningIn } from "./processes.mjs"

/**
 * @typedef {import("./processes.mjs").ProcessIdentity} ProcessIdentity
 * @typedef {{ keeper: ProcessIdentity, servers: Record<string, ProcessIdentity>, postgres?: string }} KeeperRecord `postgres`: the
 *   program that runs in postgres/
 * @typedef {{ uid: number, gid: number }} User
 */

const PREFIX = "lzstock-services-"
const recordFile = (/** @type {string} */ folder) => path.join(folder, "keeper.json")

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or as nobody. @returns {User | undefined} */
export const otherUser = () => {
  if (process.getuid?.() !== 0) return undefined
  const users = new Map(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }])
  )
  const user = users.get("postgres") ?? users.get("nobody")
  if (user === undefined) throw new ServicesError("PostgreSQL does not run as root, and there is no user postgres.")
  return user
}

/** The ancestor that another user cannot pass, if there is one. @param {string} folder @returns {string | undefined} */
const closedAncestor = (folder) => {
  for (let one = folder; ; one = path.dirname(one)) {
    if ((statSync(one).mode & 0o001) === 0) return one
    if (one === path.dirname(one)) return undefined
  }
}

/** Where temp folders go: root's own temp folder may be closed to the user PostgreSQL runs as. */
const base = () => {
  const own = realpathSync(tmpdir())
  return otherUser() === undefined || closedAncestor(own) === undefined ? own : "/tmp"
}

/** @param {string} folder @returns {KeeperRecord | undefined} */
const readRecord = (folder) => {
  try {
    return JSON.parse(readFileSync(recordFile(folder), "utf8"))
  } catch {
    return undefined
  }
}

/**
 * Ends what a dead keeper left running: the processes it named, if they are still the same, and the children of its
 * PostgreSQL (which has no time to name them).
 * @param {string} folder
 * @param {KeeperRecord} record
 */
const endLeftovers = async (folder, record) => {
  const children = record.postgres === undefined ? [] : runningIn(path.join(folder, "postgres"), record.postgres)
  await killAll([...Object.values(record.servers), ...children])
}

/**
 * Removes the temp folders of keepers that are no more, and ends their servers. Only folders of this user count: anyone may
 * put a keeper.json into /tmp.
 * @param {string} [parent]
 */
export const sweep = async (parent = base()) => {
  for (const name of readdirSync(parent).filter((one) => one.startsWith(PREFIX))) {
    const folder = path.join(parent, name)
    const stats = lstatSync(folder, { throwIfNoEntry: false })
    if (stats === undefined || !stats.isDirectory() || stats.uid !== process.getuid?.()) continue
    const record = readRecord(folder)
    if (record === undefined) {
      // its keeper may be about to write it
      if (Date.now() - stats.mtimeMs < 60_000) continue
    } else {
      if (isRunning(record.keeper)) continue
      await endLeftovers(folder, record)
    }
    removeFolder(folder)
  }
}

/** @param {string} folder */
const removeFolder = (folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })

/**
 * @typedef {object} KeeperFolder
 * @property {string} path
 * @property {boolean} persistent
 * @property {(name: string, pid: number | undefined, program?: string) => void} record a server that runs now; no pid: no more
 * @property {() => void} close a temp folder goes; a persistent one is free for the next keeper
 */

/**
 * @param {string | undefined} persist
 * @returns {Promise<KeeperFolder>} rejects with a ServicesError when another keeper has it
 */
export const openFolder = async (persist) => {
  const keeper = identify(process.pid)
  if (keeper === undefined) throw new ServicesError("this system does not tell when a process started")
  let folder = ""
  if (persist === undefined) {
    folder = mkdtempSync(path.join(base(), PREFIX))
    chmodSync(folder, 0o711)
  } else {
    mkdirSync(persist, { recursive: true, mode: 0o711 })
    folder = realpathSync(persist)
    const closed = otherUser() === undefined ? undefined : closedAncestor(folder)
    if (closed !== undefined) {
      throw new ServicesError(
        `--persist ${persist}: PostgreSQL does not run as root, and its user cannot pass ${closed} (chmod o+x).`
      )
    }
    const former = readRecord(folder)
    if (former !== undefined) {
      if (isRunning(former.keeper)) {
        throw new ServicesError(`--persist ${persist}: in use by process ${former.keeper.pid}.`)
      }
      await endLeftovers(folder, former)
    }
  }
  /** @type {KeeperRecord} */
  const record = { keeper, servers: {} }
  const write = () => {
    const next = `${recordFile(folder)}.next`
    writeFileSync(next, JSON.stringify(record), { mode: 0o600 })
    renameSync(next, recordFile(folder))
  }
  write()
  return {
    path: folder,
    persistent: persist !== undefined,
    record: (name, pid, program) => {
      const identity = pid === undefined ? undefined : identify(pid)
      if (identity === undefined) delete record.servers[name]
      else record.servers[name] = identity
      if (program !== undefined) record.postgres = program
      write()
    },
    close: () => (persist === undefined ? removeFolder(folder) : rmSync(recordFile(folder), { force: true }))
  }
}
