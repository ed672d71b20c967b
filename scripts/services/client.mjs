/** The services for JavaScript callers: a keeper (../services.mjs) of their own, which ends with them, however they end. */
import { spawn } from "node:child_process"
import path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { SERVICE_NAMES, SERVICES } from "./find.mjs"

/**
 * @typedef {import("./find.mjs").ServiceName} ServiceName
 * @typedef {import("./server.mjs").Action} Action
 * @typedef {{ postgres: "databaseUrl", redis: "redisUrl", nats: "natsUrl" }} UrlNames
 */

/**
 * @template {ServiceName} S
 * @typedef {{ [Name in S as UrlNames[Name]]: string }} ServiceUrls
 */

/**
 * @template {ServiceName} S
 * @typedef {object} StartOptions
 * @property {ReadonlyArray<S>} [only] all three if not said
 * @property {string} [persist] keep the data in this folder
 * @property {boolean} [own] take no notice of DATABASE_URL, REDIS_URL and NATS_URL: servers that may be stopped
 * @property {NodeJS.ProcessEnv} [env]
 */

/**
 * @typedef {object} Keeper
 * @property {string} folder
 * @property {Partial<Record<ServiceName, number>>} pids at the beginning; not of servers that were given
 * @property {number} keeperPid
 * @property {(service: ServiceName, action: Action) => Promise<void>} control resolves when it is done (`start`: when the
 *   server answers again); rejects with the keeper's words
 * @property {() => Promise<void>} stop resolves when all is gone; may be called again
 */

/** The keeper stops a PostgreSQL that does not want to within 15 s. */
const STOP_MS = 30_000
const script = fileURLToPath(new URL("../services.mjs", import.meta.url))

/**
 * Starts the services, and resolves when all of them answer; rejects with the keeper's error text. The calling process
 * stays alive until `stop`.
 * @template {ServiceName} [S=ServiceName]
 * @param {StartOptions<S>} [options]
 * @returns {Promise<ServiceUrls<S> & Keeper>}
 */
export const startServices = (options = {}) => {
  const args = [script]
  if (options.only !== undefined) args.push("--only", options.only.join(","))
  if (options.persist !== undefined) args.push("--persist", path.resolve(options.persist))
  const env = { ...(options.env ?? process.env) }
  if (options.own === true) for (const name of SERVICE_NAMES) delete env[SERVICES[name].variable]
  // detached: a Ctrl-C is for the caller, which may still need the services to end well
  const keeper = spawn(process.execPath, args, { env, detached: true })

  /** @type {Map<number, { resolve: () => void, reject: (error: Error) => void }>} */
  const pending = new Map()
  let said = ""
  keeper.stderr.on("data", (chunk) => {
    said = `${said}${chunk}`.slice(-10_000)
  })
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    keeper.once("error", (error) => {
      said += error.message
      resolve()
    })
    keeper.once("close", () => resolve())
  })
  const words = () => said.trim() || "the keeper of the services is gone"
  void ended.then(() => {
    for (const { reject } of pending.values()) reject(new Error(words()))
    pending.clear()
  })
  // what is written to a keeper that has just ended
  keeper.stdin.on("error", () => {})

  const stop = async () => {
    keeper.stdin.end()
    const timer = setTimeout(() => keeper.kill("SIGKILL"), STOP_MS)
    await ended
    clearTimeout(timer)
  }

  let lastId = 0
  /** @type {Keeper["control"]} */
  const control = (service, action) =>
    new Promise((resolve, reject) => {
      if (!keeper.stdin.writable) return reject(new Error(words()))
      const id = ++lastId
      pending.set(id, { resolve, reject })
      keeper.stdin.write(`${JSON.stringify({ id, do: action, service })}\n`)
    })

  return new Promise((resolve, reject) => {
    void ended.then(() => reject(new Error(words())))
    createInterface({ input: keeper.stdout }).on("line", (line) => {
      const message = JSON.parse(line)
      if (message.pids !== undefined) return resolve({ ...message, keeperPid: keeper.pid, control, stop })
      const asked = pending.get(message.id)
      pending.delete(message.id)
      if (message.ok === true) asked?.resolve()
      else asked?.reject(new Error(message.error))
    })
  })
}
