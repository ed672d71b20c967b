/** One server of a keeper: started on a free port, stopped, killed, paused, and started again in place. */
import { readFileSync, realpathSync, statSync } from "node:fs"
import { createServer } from "node:net"
import path from "node:path"
import { SERVICES, ServicesError } from "./find.mjs"
import { NoAnswer, probeNats, probePostgres, probeRedis } from "./probe.mjs"
import { familyOf, freeze, killAll, pause, start as startProcess, thaw, until } from "./processes.mjs"
import { SERVER_KINDS } from "./servers.mjs"
import { placeOf } from "./urls.mjs"

/**
 * @typedef {import("./find.mjs").ServiceName} ServiceName
 * @typedef {import("./servers.mjs").Command} Command
 * @typedef {"start" | "stop" | "kill" | "pause" | "continue"} Action
 *
 * @typedef {object} Server
 * @property {ServiceName} name
 * @property {() => string} url
 * @property {() => number | undefined} pid
 * @property {() => Promise<void>} start resolves when it answers; again in place: the same port, the same data
 * @property {Record<Action, () => Promise<void>>} actions one at a time
 * @property {() => Promise<void>} close for good, also in the middle of a start
 */

const START_MS = 60_000
const IN_USE = /address already in use/i

/** @param {number} port @returns {Promise<number | undefined>} */
const tryPort = (port) =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(undefined))
    server.listen({ host: "127.0.0.1", port }, () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : undefined))
    })
  })

/**
 * A port nobody listens on, below the range from which the kernel serves outgoing connections: while a server is down, a
 * client that knocks again and again could otherwise be given its port, and meet itself there.
 */
export const freePort = async () => {
  let top = 32768
  try {
    top = Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s+/)[0])
  } catch {
    // elsewhere that range begins higher
  }
  for (let attempt = 0; attempt < 50 && top > 21_000; attempt++) {
    const port = await tryPort(20_000 + Math.floor(Math.random() * (top - 20_000)))
    if (port !== undefined) return port
  }
  const any = await tryPort(0)
  if (any === undefined) throw new ServicesError("no free port on 127.0.0.1")
  return any
}

/**
 * @param {{ name: ServiceName, programs: Record<string, string>, folder: import("./folder.mjs").KeeperFolder,
 *   say: (text: string) => void, pickPort?: () => Promise<number> }} options
 * @returns {Server}
 */
export const makeServer = ({ folder, name, pickPort = freePort, programs, say }) => {
  const { title } = SERVICES[name]
  const kind = SERVER_KINDS[name]
  const place = { folder: folder.path, persistent: folder.persistent, programs }
  const logFile = path.join(folder.path, `${name}.log`)
  /** @typedef {{ pid: number, ended: Promise<number | null>, isReady: boolean, isStopping: boolean, hasEnded: boolean }} Running */
  /** What runs: the server, or what prepares its data. @type {Running | undefined} */
  let running
  /** @type {number | undefined} */
  let port
  let isPaused = false
  let isClosed = false

  const logSize = () => statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  const logSince = (/** @type {number} */ offset) => readFileSync(logFile).subarray(offset).toString().trim()
  const failure = (/** @type {string} */ what, /** @type {number} */ offset) =>
    new ServicesError(`${title} ${what}.\n${logSince(offset).split("\n").slice(-15).join("\n")}`)

  /** @param {Command} command @returns {Promise<Running>} */
  const launch = async (command) => {
    if (isClosed) throw new ServicesError(`${title} was stopped while it started.`)
    const child = startProcess({ ...command, logFile })
    const { pid } = child
    if (pid === undefined) {
      return new Promise((_, reject) =>
        child.once("error", (error) => reject(new ServicesError(`${title} did not start: ${error.message}`)))
      )
    }
    folder.record(name, pid, programs.postgres === undefined ? undefined : realpathSync(programs.postgres))
    /** @type {Running} */
    const launched = { pid, ended: Promise.resolve(null), isReady: false, isStopping: false, hasEnded: false }
    launched.ended = new Promise((resolve) => {
      child.once("exit", (code, by) => {
        launched.hasEnded = true
        if (running === launched) {
          running = undefined
          isPaused = false
          folder.record(name, undefined)
          if (launched.isReady && !launched.isStopping)
            say(`${title} (process ${pid}) ended by itself: ${by ?? `exit code ${code}`}`)
        }
        resolve(code)
      })
    })
    running = launched
    return launched
  }

  /** To its end. @param {Command} command */
  const run = async (command) => {
    const offset = logSize()
    const launched = await launch(command)
    if ((await launched.ended) !== 0) throw failure("could not prepare its data", offset)
  }

  /** Once on this port. @param {number} onPort @returns {Promise<"ready" | "in use">} */
  const startOn = async (onPort) => {
    const offset = logSize()
    const launched = await launch(kind.command(place, onPort))
    const deadline = performance.now() + START_MS
    for (let last = ""; ; ) {
      if (launched.hasEnded) {
        if (!isClosed && IN_USE.test(logSince(offset))) return "in use"
        throw failure(isClosed ? "was stopped while it started" : "ended as it started", offset)
      }
      try {
        // whoever else has the port may keep silent: no reason to wait for it
        await Promise.race([kind.probe(place, onPort, launched.pid), launched.ended])
        if (launched.hasEnded) continue
        launched.isReady = true
        return "ready"
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        last = error.message
      }
      if (performance.now() > deadline) throw failure(`does not answer (${last})`, offset)
      await pause(20)
    }
  }

  const start = async () => {
    if (running !== undefined) return
    await kind.prepare(place, run)
    for (let attempt = 0; attempt < 20; attempt++) {
      const onPort = port ?? (await pickPort())
      if ((await startOn(onPort)) === "ready") {
        port = onPort
        return
      }
      // its own port, in use: the former connections are about to end
      if (port !== undefined) await pause(250)
    }
    throw new ServicesError(`${title}: port ${port ?? "after port"} is in use.`)
  }

  const kill = async () => {
    const target = running
    if (target === undefined) return
    target.isStopping = true
    // still, it starts no child that is not counted
    await freeze(target.pid)
    if (!(await killAll(familyOf(target.pid)))) throw new ServicesError(`${title} does not end.`)
    await target.ended
  }

  const stop = async () => {
    const target = running
    if (target === undefined) return
    target.isStopping = true
    if (isPaused) thaw(target.pid)
    isPaused = false
    try {
      process.kill(target.pid, kind.stopSignal)
    } catch {
      // it has just ended
    }
    if (!(await until(() => target.hasEnded, kind.stopMilliseconds))) await kill()
  }

  const mustRun = () => {
    if (running === undefined) throw new ServicesError(`${title} is not running.`)
    return running.pid
  }

  /** @type {Promise<unknown>} */
  let last = Promise.resolve()
  /** @param {() => Promise<void>} work @returns {() => Promise<void>} */
  const inTurn = (work) => () => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }

  return {
    name,
    url: () => kind.url(port ?? 0),
    pid: () => running?.pid,
    start: inTurn(start),
    actions: {
      start: inTurn(start),
      stop: inTurn(stop),
      kill: inTurn(kill),
      pause: inTurn(async () => {
        await freeze(mustRun())
        isPaused = true
      }),
      continue: inTurn(async () => {
        thaw(mustRun())
        isPaused = false
      })
    },
    close: async () => {
      isClosed = true
      // not in turn: a start that is under way ends with it
      await stop()
      await last
      await stop()
    }
  }
}

const PROBES = { postgres: probePostgres, redis: probeRedis, nats: probeNats }

/**
 * A server that is somebody else's: it must answer, and is left alone.
 * @param {ServiceName} name
 * @param {string} url
 * @returns {Server}
 */
export const givenServer = (name, url) => {
  const { title, variable } = SERVICES[name]
  const refuse = async () => {
    throw new ServicesError(`${title} is the one ${variable} names: not ours to start or stop.`)
  }
  return {
    name,
    url: () => url,
    pid: () => undefined,
    start: async () => {
      try {
        await PROBES[name](url, 5000)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        throw new ServicesError(
          `${variable} is ${placeOf(url)}, which cannot be used: ${why}.\n` +
            `Start ${title} there, correct the variable, or unset it to have one started here.`
        )
      }
    },
    actions: { start: refuse, stop: refuse, kill: refuse, pause: refuse, continue: refuse },
    close: async () => {}
  }
}
