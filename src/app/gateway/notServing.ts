/**
 * What the port says while nobody else answers on it: the process still starts (http.ts and the gateway attach last), or
 * already closes. Steps aside, for requests and upgrades each, as soon as another listener is attached.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"

const RETRY_AFTER_SECONDS = "1"

const common = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'",
  "x-content-type-options": "nosniff",
  // the next request must not come over a connection that is about to be somebody else's
  connection: "close"
}

type Asked = "request" | "upgrade"

/** Attach before the server listens. */
export const answerWhileNotServing = (server: Server): void => {
  /** Events that somebody else has listened to: to be alone with them again means to have been left. */
  const served = new Set<string | symbol>()
  const isAlone = (event: Asked) => server.listenerCount(event) === 1
  const phase = (event: Asked) => (served.has(event) ? "stopping" : "starting")
  const problem = (event: Asked) => JSON.stringify({ error: phase(event) })

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    if (!isAlone("request")) return
    const path = request.url?.split("?", 1)[0]
    if (path === "/healthz") return response.writeHead(200, { ...common, "content-type": "text/plain" }).end("ok\n")
    const headers: Record<string, string> = { ...common, "retry-after": RETRY_AFTER_SECONDS }
    if (path === "/readyz") {
      return response.writeHead(503, { ...headers, "content-type": "text/plain" }).end(`${phase("request")}\n`)
    }
    if (request.headers.accept?.includes("text/html") === true) headers.refresh = RETRY_AFTER_SECONDS
    return response.writeHead(503, { ...headers, "content-type": "application/json" }).end(problem("request"))
  }

  const onUpgrade = (_: IncomingMessage, socket: Duplex) => {
    if (!isAlone("upgrade")) return
    socket.on("error", () => socket.destroy())
    const body = problem("upgrade")
    socket.end(
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/json\r\n" +
        `Retry-After: ${RETRY_AFTER_SECONDS}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    )
  }

  server.on("request", onRequest)
  server.on("upgrade", onUpgrade)
  server.on("newListener", (event: string | symbol) => served.add(event))
}
