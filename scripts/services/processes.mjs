/**
 * Processes: who they are (a pid alone is reused), their descendants, signals, and starting one that dies with its parent.
 * No side effects on import.
 */
import { spawn, spawnSync } from "node:child_process"
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs"

/**
 * A process, told apart from a later one with the same pid by when it started.
 * @typedef {{ pid: number, startTime: string }} ProcessIdentity
 */

const isLinux = process.platform === "linux"

/** @param {() => string} read @returns {string | undefined} */
const quietly = (read) => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Ticks count from the boot, so that one belongs to it. */
const bootId = isLinux ? (quietly(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()) ?? "") : ""

/**
 * From /proc/PID/stat; the command name before it may hold anything, even parentheses.
 * @param {number} pid
 * @returns {{ state: string, parent: number, ticks: string } | undefined}
 */
const stat = (pid) => {
  const text = quietly(() => readFileSync(`/proc/${pid}/stat`, "utf8"))
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return { state: fields[0] ?? "", parent: Number(fields[1]), ticks: fields[19] ?? "" }
}

/** @param {string[]} args */
const ps = (args) => spawnSync("ps", args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }).stdout ?? ""

/**
 * When the process started, in a form to compare; undefined when there is none. One that ended and that nobody has waited
 * for (a zombie) is none.
 * @param {number} pid
 * @returns {string | undefined}
 */
export const startTimeOf = (pid) => {
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  if (isLinux) {
    const found = stat(pid)
    return found === undefined || found.state === "Z" || found.state === "X" ? undefined : `${bootId}:${found.ticks}`
  }
  const [state = "", ...started] = ps(["-o", "stat=,lstart=", "-p", String(pid)])
    .trim()
    .split(/\s+/)
  return state === "" || state.startsWith("Z") ? undefined : started.join(" ")
}

/** @param {number} pid @returns {ProcessIdentity | undefined} */
export const identify = (pid) => {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pid, startTime }
}

/** @param {ProcessIdentity} identity */
export const isRunning = ({ pid, startTime }) => startTimeOf(pid) === startTime

/** @returns {Array<{ pid: number, parent: number }>} */
const allProcesses = () => {
  if (!isLinux) {
    return ps(["-axo", "pid=,ppid="])
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([pid = 0, parent = 0]) => ({ pid, parent }))
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: stat(Number(name))?.parent ?? 0 }))
}

/**
 * The process and all its descendants, parents first. PostgreSQL's are each the leader of a process group of its own: a
 * signal to the postmaster's group reaches none of them.
 * @param {number} root
 * @returns {ProcessIdentity[]}
 */
export const familyOf = (root) => {
  const everyone = allProcesses()
  const pids = [root]
  // grows while it is walked
  for (const pid of pids) pids.push(...everyone.filter(({ parent }) => parent === pid).map((child) => child.pid))
  return pids.map(identify).filter((identity) => identity !== undefined)
}

/**
 * Those that run `executable` in `folder` (Linux; elsewhere none): what is left of a PostgreSQL whose postmaster is gone.
 * @param {string} folder
 * @param {string} executable
 * @returns {ProcessIdentity[]}
 */
export const runningIn = (folder, executable) => {
  if (!isLinux) return []
  return allProcesses()
    .filter(({ pid }) => quietly(() => readlinkSync(`/proc/${pid}/cwd`)) === folder)
    .filter(({ pid }) => quietly(() => readlinkSync(`/proc/${pid}/exe`)) === executable)
    .map(({ pid }) => identify(pid))
    .filter((identity) => identity !== undefined)
}

/**
 * To that very process, never to a later one with its pid.
 * @param {ProcessIdentity} identity
 * @param {NodeJS.Signals} name
 */
export const signal = (identity, name) => {
  if (!isRunning(identity)) return
  try {
    process.kill(identity.pid, name)
  } catch (error) {
    // it ended in the meantime
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
  }
}

/** @param {number} milliseconds @returns {Promise<void>} */
export const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds))

/**
 * Asks every 20 ms; false when `milliseconds` have passed without a yes.
 * @param {() => boolean | Promise<boolean>} condition
 * @param {number} milliseconds
 */
export const until = async (condition, milliseconds) => {
  const deadline = performance.now() + milliseconds
  while (!(await condition())) {
    if (performance.now() > deadline) return false
    await pause(20)
  }
  return true
}

/** Whether it stands still, by SIGSTOP; one that is gone does too. @param {ProcessIdentity} identity */
export const isFrozen = (identity) => {
  if (!isRunning(identity)) return true
  const state = isLinux ? stat(identity.pid)?.state : ps(["-o", "stat=", "-p", String(identity.pid)])
  return state === undefined || /^[Tt]/.test(state)
}

/**
 * SIGSTOP to all of a family, the root first so that it starts no more; resolves when they stand still.
 * @param {number} root
 */
export const freeze = async (root) => {
  const first = identify(root)
  if (first === undefined) return
  signal(first, "SIGSTOP")
  await until(() => isFrozen(first), 1000)
  const family = familyOf(root)
  for (const one of family) signal(one, "SIGSTOP")
  await until(() => family.every(isFrozen), 1000)
}

/** Children first: the root finds them running. @param {number} root */
export const thaw = (root) => {
  for (const one of familyOf(root).reverse()) signal(one, "SIGCONT")
}

/**
 * SIGKILL; resolves when all are gone. False when some are not after 5 s (a process in an uninterruptible call).
 * @param {ReadonlyArray<ProcessIdentity>} processes
 */
export const killAll = (processes) => {
  for (const one of processes) signal(one, "SIGKILL")
  return until(() => !processes.some(isRunning), 5000)
}

/** @type {boolean | undefined} */
let deathSignals
/** util-linux's setpriv; busybox's has no --pdeathsig. */
const hasDeathSignals = () => {
  deathSignals ??= isLinux && spawnSync("setpriv", ["--pdeathsig", "KILL", "true"]).status === 0
  return deathSignals
}

/**
 * A child that dies with this process, however that dies: then the kernel sends it the signal, also while it stands still.
 * Call it from the main thread: the kernel watches the thread that forked. Where there is no such thing, a child as usual.
 * @param {"KILL" | "QUIT"} deathSignal
 * @param {string} command
 * @param {ReadonlyArray<string>} args
 * @param {import("node:child_process").SpawnOptions} options a change of user comes before setpriv, because it would reset
 *   the death signal
 */
export const spawnMortal = (deathSignal, command, args, options) =>
  hasDeathSignals()
    ? spawn("setpriv", ["--pdeathsig", deathSignal, command, ...args], options)
    : spawn(command, args, options)

/**
 * @typedef {object} Launch
 * @property {string} command
 * @property {string[]} args
 * @property {string} logFile appended to with both output streams
 * @property {"KILL" | "QUIT"} deathSignal what the kernel sends when this process dies, however it dies
 * @property {{ uid: number, gid: number } | undefined} user another user to run as
 */

/**
 * Starts a process in a session of its own (a Ctrl-C in the terminal is not for it), from the main thread (`spawnMortal`).
 * @param {Launch} launch
 */
export const start = ({ args, command, deathSignal, logFile, user }) => {
  const log = openSync(logFile, "a")
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PG")))
  /** @type {import("node:child_process").SpawnOptions} */
  const options = { stdio: ["ignore", log, log], detached: true, env: { ...env, LC_ALL: "C" }, ...user }
  try {
    return spawnMortal(deathSignal, command, args, options)
  } finally {
    closeSync(log)
  }
}
