/** One node of a local cluster: a server process with its log, killed, paused, and started again in place. */
import { closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { freeze, spawnMortal, thaw } from "../services/processes.mjs"
import { lastLines, tailLog } from "./logTail.mjs"

/**
 * @typedef {"gateway" | "market" | "workers"} ServingRole
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null }} Exit
 *
 * @typedef {object} ClusterNode
 * @property {ServingRole} role
 * @property {string} name e.g. "market-2": the same after a restart
 * @property {number} pid of the newest start
 * @property {string} url its own, e.g. "http://127.0.0.1:40123"; another one after a restart
 * @property {boolean} isRunning
 * @property {string} logFile what it printed on either stream, every start
 * @property {Promise<Exit>} exited of the newest start; never rejects
 * @property {(signal?: NodeJS.Signals) => Promise<Exit>} kill SIGKILL if not said; resolves when it has ended
 * @property {() => Promise<void>} pause SIGSTOP; resolves when it stands still
 * @property {() => void} resume SIGCONT
 * @property {() => Promise<void>} restart drains it first if it still runs; resolves when it is ready again
 * @property {() => string} output the newest megabyte of its log
 */

/**
 * What the cluster knows of it besides.
 * @typedef {ClusterNode & {
 *   start: () => Promise<void>,
 *   runToEnd: () => Promise<void>,
 *   stop: (milliseconds: number) => Promise<void>
 * }} NodeProcess
 *
 * @typedef {object} NodeOptions
 * @property {ServingRole | "migrate"} role
 * @property {string} name
 * @property {string} main the server's entry point
 * @property {ReadonlyArray<string>} args
 * @property {NodeJS.ProcessEnv} env
 * @property {string} folder for its log and its data
 * @property {number} drainSeconds
 * @property {number} [readySeconds] how long it may take to start
 * @property {(node: NodeProcess) => void} [onReady] at each start
 * @property {(node: NodeProcess, exit: Exit) => void} [onExit] at each end, also before it was ready
 * @property {(node: NodeProcess, line: string) => void} [onError] an error it logged, for people
 */

/** Something to tell a person as it is: no stack. */
export class ClusterError extends Error {}

const tether = fileURLToPath(new URL("tether.mjs", import.meta.url))
const localNode = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url))

/** @param {Exit} exit */
export const describeExit = ({ code, signal }) => (signal === null ? `exit code ${code}` : signal)

/** @param {string} line @returns {Record<string, unknown> | undefined} */
const parseLine = (line) => {
  if (!line.startsWith("{")) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** @param {Record<string, unknown>} entry */
const portOf = ({ data, message, port }) => {
  if (message !== "Ready") return undefined
  const within = typeof data === "object" && data !== null && "port" in data ? data.port : port
  return typeof within === "number" ? within : undefined
}

/** @param {NodeOptions} options @returns {NodeProcess} */
export const makeNode = (options) => {
  const { drainSeconds, env, folder, main, name, onError, onExit, onReady, readySeconds = 120, role } = options
  const logFile = path.join(folder, `${name}.log`)
  const dataFolder = path.join(folder, name)
  mkdirSync(dataFolder, { recursive: true })
  closeSync(openSync(logFile, "a"))

  /**
   * @typedef {object} Run one start of it
   * @property {import("node:child_process").ChildProcess} child
   * @property {Promise<Exit>} exited
   * @property {boolean} hasEnded
   * @property {number} logStart
   * @property {Promise<number>} ready its port; rejects when it ends before
   */
  /** @type {Run | undefined} */
  let run
  let url = ""

  const spawnNode = () => {
    const log = openSync(logFile, "a")
    const node = existsSync(localNode) ? localNode : process.execPath
    // flags, and not variables: a list of processes tells which is which
    const args = ["--import", tether, main, ...options.args, "--role", role, "--node", name]
    /** @type {import("node:child_process").SpawnOptions} */
    const how = {
      // a session of its own: a Ctrl-C in the terminal is for the cluster to handle
      detached: true,
      stdio: ["ignore", log, log],
      env: {
        ...env,
        LZSTOCK_HOST: "127.0.0.1",
        LZSTOCK_PORT: "0",
        LZSTOCK_DATA_DIR: dataFolder,
        LZSTOCK_DRAIN_SECONDS: String(drainSeconds),
        LZSTOCK_LOG_FORMAT: "json",
        LZSTOCK_PARENT_PID: String(process.pid)
      }
    }
    try {
      return spawnMortal("KILL", node, args, how)
    } finally {
      closeSync(log)
    }
  }

  /** @returns {Run} */
  const launch = () => {
    if (run !== undefined && !run.hasEnded) throw new ClusterError(`${name} is running already.`)
    const logStart = statSync(logFile).size
    /** @type {(port: number) => void} */
    let becomeReady = () => {}
    let isReady = false
    const tail = tailLog(logFile, (line) => {
      const entry = parseLine(line)
      const port = entry === undefined ? undefined : portOf(entry)
      if (port !== undefined) {
        isReady = true
        return becomeReady(port)
      }
      const isError = entry === undefined ? isReady && line.trim() !== "" : /^(ERROR|FATAL)$/i.test(String(entry.level))
      // before it is ready its banner is among the plain lines; its errors are, when it ends
      if (isError) onError?.(node, entry === undefined ? line : String(entry.message))
    })
    const child = spawnNode()
    /** @type {Run} */
    const launched = {
      child,
      exited: Promise.resolve({ code: null, signal: null }),
      hasEnded: false,
      logStart,
      ready: Promise.resolve(0)
    }
    launched.exited = new Promise((resolve) => {
      const end = (/** @type {Exit} */ exit) => {
        if (launched.hasEnded) return
        launched.hasEnded = true
        tail.close()
        onExit?.(node, exit)
        resolve(exit)
      }
      child.once("exit", (code, signal) => end({ code, signal }))
      // it could not even be started
      child.once("error", () => end({ code: 127, signal: null }))
    })
    launched.ready = new Promise((resolve, reject) => {
      becomeReady = resolve
      void launched.exited.then((exit) =>
        reject(failure(launched, `ended before it was ready (${describeExit(exit)})`))
      )
    })
    // who does not wait for it, is told by `exited`
    launched.ready.catch(() => {})
    run = launched
    return launched
  }

  /** @param {Run} failed @param {string} what */
  const failure = ({ logStart }, what) => {
    const lines = lastLines(logFile, { from: logStart })
    return new ClusterError(`${name} ${what}. ${lines === "" ? "It said nothing." : `Its last lines:\n${lines}`}`)
  }

  const mustRun = () => {
    if (run === undefined || run.hasEnded) throw new ClusterError(`${name} is not running.`)
    return run
  }

  const start = async () => {
    const started = launch()
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    /** @type {Promise<never>} */
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(failure(started, `is not ready after ${readySeconds} s`)), readySeconds * 1000)
    })
    try {
      url = `http://127.0.0.1:${await Promise.race([started.ready, late])}`
      onReady?.(node)
    } catch (error) {
      started.child.kill("SIGKILL")
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  const runToEnd = async () => {
    const started = launch()
    const exit = await started.exited
    if (exit.code !== 0) throw failure(started, `failed (${describeExit(exit)})`)
  }

  /** @param {number} milliseconds */
  const stop = async (milliseconds) => {
    const stopped = run
    if (stopped === undefined || stopped.hasEnded) return
    stopped.child.kill("SIGTERM")
    // one that is paused would not hear it
    stopped.child.kill("SIGCONT")
    const timer = setTimeout(() => stopped.child.kill("SIGKILL"), milliseconds)
    await stopped.exited
    clearTimeout(timer)
  }

  /** @type {NodeProcess} */
  const node = {
    role: /** @type {ServingRole} */ (role),
    name,
    logFile,
    get pid() {
      return run?.child.pid ?? 0
    },
    get url() {
      return url
    },
    get isRunning() {
      return run !== undefined && !run.hasEnded
    },
    get exited() {
      return run?.exited ?? Promise.resolve({ code: null, signal: null })
    },
    kill: (signal = "SIGKILL") => {
      if (run !== undefined && !run.hasEnded) run.child.kill(signal)
      return node.exited
    },
    pause: async () => freeze(mustRun().child.pid ?? 0),
    resume: () => thaw(mustRun().child.pid ?? 0),
    restart: async () => {
      await stop(drainSeconds * 1000 + 2000)
      await start()
    },
    output: () => lastLines(logFile, { lines: Number.POSITIVE_INFINITY, bytes: 1024 * 1024 }),
    start,
    runToEnd,
    stop
  }
  return node
}
