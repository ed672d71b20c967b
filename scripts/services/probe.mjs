/**
 * Does a server answer in its own protocol? A few bytes of PostgreSQL, Redis and NATS over a socket, because this runs
 * before any driver is installed.
 */
import net from "node:net"
import tls from "node:tls"

/** The server's own words, or the network's. */
export class NoAnswer extends Error {}

/**
 * Where a URL points.
 * @param {string} text
 * @param {string} scheme
 * @param {number} defaultPort
 */
const parse = (text, scheme, defaultPort) => {
  const url = new URL(text.includes("://") ? text : `${scheme}://${text}`)
  // brackets belong to the URL, not to the address
  const host = url.hostname.replace(/^\[|\]$/g, "") || "127.0.0.1"
  return { url, host, port: url.port === "" ? defaultPort : Number(url.port) }
}

/** A socket that is read in steps: `until` a test of what has come so far says so. */
class Conversation {
  received = Buffer.alloc(0)
  /** @type {Error | undefined} */
  failure
  /** @type {() => void} */
  wake = () => {}

  /** @param {import("node:net").Socket} socket */
  constructor(socket) {
    this.socket = socket
    this.listen(socket)
  }

  /** @param {import("node:net").Socket} socket */
  listen(socket) {
    socket.on("data", (chunk) => {
      this.received = Buffer.concat([this.received, typeof chunk === "string" ? Buffer.from(chunk) : chunk])
      this.wake()
    })
    const fail = (/** @type {Error} */ error) => {
      this.failure ??= error
      this.wake()
    }
    socket.on("error", fail)
    socket.on("close", () => fail(new NoAnswer("the connection was closed")))
  }

  /** The rest of the talk is encrypted. @param {string} host */
  async encrypt(host) {
    const { socket } = this
    socket.removeAllListeners("data")
    this.received = Buffer.alloc(0)
    const servername = net.isIP(host) === 0 ? { servername: host } : {}
    // only a probe: who the server is, is judged by whoever sends it something
    const secure = tls.connect({ socket, rejectUnauthorized: false, ...servername })
    this.socket = secure
    this.listen(secure)
    await new Promise((resolve, reject) => secure.once("secureConnect", resolve).once("error", reject))
  }

  /**
   * @template A
   * @param {(received: Buffer) => A | undefined} read
   * @returns {Promise<A>}
   */
  async until(read) {
    for (;;) {
      const answer = read(this.received)
      if (answer !== undefined) return answer
      if (this.failure !== undefined) throw this.failure
      await new Promise((resolve) => {
        this.wake = () => resolve(undefined)
      })
    }
  }
}

/**
 * @template A
 * @param {{ host: string, port: number }} to
 * @param {number} milliseconds
 * @param {(conversation: Conversation) => Promise<A>} talk
 * @returns {Promise<A>}
 */
const converse = async ({ host, port }, milliseconds, talk) => {
  const conversation = new Conversation(net.connect({ host, port }))
  const timer = setTimeout(() => {
    conversation.failure ??= new NoAnswer(`no answer within ${milliseconds / 1000} s`)
    conversation.socket.destroy()
    conversation.wake()
  }, milliseconds)
  try {
    return await talk(conversation)
  } catch (error) {
    if (error instanceof NoAnswer) throw error
    // localhost is two addresses: two refusals in one error without words
    const first = error instanceof AggregateError ? error.errors[0] : error
    throw new NoAnswer(first instanceof Error ? first.message : String(first))
  } finally {
    clearTimeout(timer)
    conversation.socket.destroy()
  }
}

// ---- PostgreSQL ----------------------------------------------------------------------------------------------------

/** A message without a type byte: its length, then numbers and text. @param {Buffer[]} parts */
const startupPacket = (...parts) => {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([length, body])
}

/** @param {number} n */
const int32 = (n) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(n)
  return bytes
}

/**
 * The messages that are complete: type letter, length, body.
 * @param {Buffer} bytes
 */
const postgresMessages = (bytes) => {
  const messages = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1)
    if (end > bytes.length) break
    messages.push({ type: String.fromCharCode(bytes[at] ?? 0), body: bytes.subarray(at + 5, end) })
    at = end
  }
  return messages
}

/** The message field of an ErrorResponse. @param {Buffer} body */
const postgresError = (body) =>
  body
    .toString()
    .split("\0")
    .find((field) => field.startsWith("M"))
    ?.slice(1) ?? "an error without a message"

/**
 * Resolves when the server lets the URL's user into its database, or asks for a password. TLS when it offers it.
 * @param {string} text
 * @param {number} milliseconds
 */
export const probePostgres = (text, milliseconds) => {
  const { host, port, url } = parse(text, "postgres", 5432)
  const user = decodeURIComponent(url.username) || "postgres"
  const database = decodeURIComponent(url.pathname.slice(1)) || user
  return converse({ host, port }, milliseconds, async (conversation) => {
    conversation.socket.write(startupPacket(int32(80877103)))
    const offer = await conversation.until((bytes) =>
      bytes.length > 0 ? String.fromCharCode(bytes[0] ?? 0) : undefined
    )
    if (offer !== "S" && offer !== "N") throw new NoAnswer("what answers is not a PostgreSQL")
    if (offer === "S") await conversation.encrypt(host)
    else conversation.received = conversation.received.subarray(1)
    conversation.socket.write(startupPacket(int32(196608), Buffer.from(`user\0${user}\0database\0${database}\0\0`)))
    await conversation.until((bytes) => {
      for (const { body, type } of postgresMessages(bytes)) {
        if (type === "E") throw new NoAnswer(postgresError(body))
        if (type === "Z" || (type === "R" && body.readInt32BE(0) !== 0)) return true
      }
      return undefined
    })
  })
}

// ---- Redis ---------------------------------------------------------------------------------------------------------

/**
 * The `process_id` the server reports; undefined when it wants a password first, which is an answer too.
 * @param {string} text
 * @param {number} milliseconds
 * @returns {Promise<number | undefined>}
 */
export const probeRedis = (text, milliseconds) => {
  const { host, port, url } = parse(text, "redis", 6379)
  return converse({ host, port }, milliseconds, async (conversation) => {
    if (url.protocol === "rediss:") await conversation.encrypt(host)
    conversation.socket.write("PING\r\nINFO server\r\n")
    return conversation.until((bytes) => {
      const answer = bytes.toString()
      if (!answer.includes("\r\n")) return undefined
      if (/^-(NOAUTH|NOPERM)/.test(answer)) return { pid: undefined }
      if (!answer.startsWith("+PONG")) throw new NoAnswer(answer.split("\r\n")[0])
      const pid = /process_id:(\d+)\r\n/.exec(answer)?.[1]
      if (pid !== undefined) return { pid: Number(pid) }
      // a proxy may refuse INFO
      return /^\+PONG\r\n-/.test(answer) ? { pid: undefined } : undefined
    })
  }).then(({ pid }) => pid)
}

// ---- NATS ----------------------------------------------------------------------------------------------------------

/**
 * The server's name. Rejects when it has no JetStream. Of a list of servers (with commas) one is enough.
 * @param {string} text
 * @param {number} milliseconds
 * @returns {Promise<string>}
 */
export const probeNats = (text, milliseconds) =>
  Promise.any(
    text.split(",").map((one) => {
      const { host, port } = parse(one.trim(), "nats", 4222)
      return converse({ host, port }, milliseconds, async (conversation) => {
        const info = await conversation.until((bytes) => /^([^\r]*)\r\n/.exec(bytes.toString())?.[1])
        if (!info.startsWith("INFO {")) throw new NoAnswer("what answers is not a NATS server")
        const { jetstream, server_name } = JSON.parse(info.slice("INFO ".length))
        if (jetstream !== true) throw new NoAnswer("it answers, but without JetStream (nats-server --jetstream)")
        return String(server_name)
      })
    })
  ).catch((error) => {
    throw error instanceof AggregateError ? error.errors[0] : error
  })
