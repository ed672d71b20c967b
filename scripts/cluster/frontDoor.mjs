/**
 * One URL for many gateways: a TCP proxy that gives each connection to the ready gateway with the fewest. It looks into no
 * byte, so that HTTP and WebSockets pass alike; only when no gateway is ready it speaks HTTP itself: 503.
 */
import http from "node:http"
import net from "node:net"

/**
 * @typedef {object} FrontDoor
 * @property {string} url
 * @property {(name: string, url: string) => void} add probed at once, then every second; takes connections while ready
 * @property {(name: string) => void} remove connections it has stay
 * @property {(name: string) => boolean} isReady
 * @property {() => number} connections open now
 * @property {() => Record<string, number>} spread open now, by gateway
 * @property {() => void} stopListening no new connections; those there are stay
 * @property {() => Promise<void>} close everything, at once
 *
 * @typedef {object} Target
 * @property {string} name
 * @property {string} host
 * @property {number} port
 * @property {boolean} isReady
 * @property {string} state as last told
 * @property {number} open
 * @property {number} lastPicked
 * @property {NodeJS.Timeout | undefined} timer of its next probe
 *
 * @typedef {object} FrontDoorOptions
 * @property {string} [host]
 * @property {number} [port] 0, and if not said: any free one
 * @property {number} [maxConnections] each takes two file descriptors
 * @property {number} [probeMilliseconds] between two probes of a gateway
 * @property {(name: string, state: string) => void} [onChange] "ready", or why it takes no connections
 */

const PROBE_DEADLINE_MS = 2000
const CONNECT_MS = 2000
/** For a client that does not hang up on a gateway that did, while nothing moves. */
const LINGER_MS = 30_000
const socketOptions = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }

/** "ready", or why not. @param {Target} target @returns {Promise<string>} */
const probe = ({ host, port }) =>
  new Promise((resolve) => {
    const signal = AbortSignal.timeout(PROBE_DEADLINE_MS)
    const request = http.get({ host, port, path: "/readyz", agent: false, signal }, (response) => {
      let text = ""
      response.on("data", (chunk) => {
        if (text.length < 100) text += chunk
      })
      response.on("end", () => resolve(response.statusCode === 200 ? "ready" : text.trim() || `${response.statusCode}`))
      response.on("error", (error) => resolve(error.message))
    })
    request.on("error", (error) => resolve(signal.aborted ? "no answer" : error.message))
  })

const UNAVAILABLE = `${JSON.stringify({ error: "no-gateway" })}\n`

/** @param {net.Socket} client */
const refuse = (client) => {
  // unread bytes would turn the good-bye into a reset
  client.resume()
  client.once("finish", () => client.setTimeout(1000, () => client.destroy()))
  client.once("end", () => client.destroy())
  client.end(
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/json\r\nRetry-After: 1\r\n" +
      `Refresh: 1\r\nCache-Control: no-store\r\nContent-Length: ${Buffer.byteLength(UNAVAILABLE)}\r\n\r\n${UNAVAILABLE}`
  )
}

/** Both directions, each with its end; a connection that broke breaks the other. @param {net.Socket} client @param {net.Socket} upstream */
const join = (client, upstream) => {
  for (const [one, other] of [
    [client, upstream],
    [upstream, client]
  ]) {
    one?.once("close", () => {
      // in good order: whatever it said was handed on, and its end with it
      const isWhole = one.readableEnded && one.writableFinished
      if (!isWhole && !other?.destroyed) other?.resetAndDestroy()
    })
  }
  upstream.once("end", () => client.setTimeout(LINGER_MS, () => client.resetAndDestroy()))
  client.pipe(upstream)
  upstream.pipe(client)
}

/**
 * Resolves when it listens; rejects when it cannot.
 * @param {FrontDoorOptions} [options]
 * @returns {Promise<FrontDoor>}
 */
export const openFrontDoor = async (options = {}) => {
  const { host = "127.0.0.1", maxConnections = 9000, onChange = () => {}, port = 0, probeMilliseconds = 1000 } = options
  /** @type {Map<string, Target>} */
  const targets = new Map()
  /** @type {Set<net.Socket>} */
  const clients = new Set()
  let picks = 0

  /** @param {Target} target @param {string} state */
  const change = (target, state) => {
    // an answer about one that was removed meanwhile
    if (targets.get(target.name) !== target) return
    target.isReady = state === "ready"
    if (state === target.state) return
    target.state = state
    onChange(target.name, state)
  }

  /** @param {Target} target */
  const keepProbing = async (target) => {
    change(target, await probe(target))
    if (targets.get(target.name) === target) {
      target.timer = setTimeout(() => void keepProbing(target), probeMilliseconds)
    }
  }

  /** Fewest connections; among equals the one that has waited longest. @param {ReadonlySet<Target>} tried */
  const pick = (tried) => {
    /** @type {Target | undefined} */
    let best
    for (const target of targets.values()) {
      if (!target.isReady || tried.has(target)) continue
      if (
        best === undefined ||
        target.open < best.open ||
        (target.open === best.open && target.lastPicked < best.lastPicked)
      ) {
        best = target
      }
    }
    return best
  }

  /** @param {net.Socket} client @param {Set<Target>} tried */
  const serve = (client, tried) => {
    if (client.destroyed) return
    const target = pick(tried)
    if (target === undefined) return refuse(client)
    tried.add(target)
    target.lastPicked = ++picks
    target.open++
    const upstream = net.connect({ host: target.host, port: target.port, ...socketOptions })
    const leave = () => upstream.destroy()
    client.once("close", leave)
    const timer = setTimeout(() => upstream.destroy(new Error("no answer")), CONNECT_MS)
    let trouble = ""
    let isJoined = false
    upstream.on("error", (error) => {
      trouble = error.message
    })
    upstream.once("connect", () => {
      clearTimeout(timer)
      client.off("close", leave)
      isJoined = true
      join(client, upstream)
    })
    upstream.once("close", () => {
      clearTimeout(timer)
      client.off("close", leave)
      target.open--
      if (isJoined || client.destroyed) return
      change(target, trouble)
      // nothing was sent yet, and the client noticed nothing
      serve(client, tried)
    })
  }

  const server = net.createServer({ ...socketOptions, pauseOnConnect: true }, (client) => {
    clients.add(client)
    client.on("error", () => {})
    client.once("close", () => clients.delete(client))
    serve(client, new Set())
  })
  server.maxConnections = maxConnections
  await new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ host, port, backlog: 4096 }, () => resolve(undefined))
  })
  // it listens: what comes now is about one connection (too many files)
  server.on("error", () => {})
  const address = server.address()
  const bound = address !== null && typeof address === "object" ? address.port : port
  const reachable = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host

  /** @type {FrontDoor["remove"]} */
  const remove = (name) => {
    clearTimeout(targets.get(name)?.timer)
    targets.delete(name)
  }
  const stopListening = () => {
    if (server.listening) server.close()
  }
  return {
    url: `http://${reachable}:${bound}`,
    add: (name, url) => {
      remove(name)
      const { hostname, port: itsPort } = new URL(url)
      /** @type {Target} */
      const target = {
        name,
        host: hostname.replace(/^\[|\]$/g, ""),
        port: Number(itsPort),
        isReady: false,
        state: "new",
        open: 0,
        lastPicked: 0,
        timer: undefined
      }
      targets.set(name, target)
      void keepProbing(target)
    },
    remove,
    isReady: (name) => targets.get(name)?.isReady === true,
    connections: () => clients.size,
    spread: () => Object.fromEntries([...targets.values()].map(({ name, open }) => [name, open])),
    stopListening,
    close: async () => {
      for (const name of [...targets.keys()]) remove(name)
      const closed = new Promise((resolve) => (server.listening ? server.once("close", resolve) : resolve(undefined)))
      stopListening()
      for (const client of clients) client.resetAndDestroy()
      await closed
    }
  }
}
