/** A browser's page and a peer on the socket, each as free as an attacker is: every header, every message is the test's. */
import { setImmediate } from "node:timers/promises"
import WebSocket from "ws"
import { accountPaths } from "../../src/rpc/investors.ts"
import { RPC_PATH } from "../../src/rpc/sessions.ts"
import { parsePrometheus } from "./prometheus.ts"

export const PASSWORD = "correct battery horse"

export interface Answered {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
}

/** What an answer's JSON says under this name. */
export const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? new Map<string, unknown>(Object.entries(value)).get(name) : undefined
export const text = (value: unknown, name: string): string => String(field(value, name))

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

/** Keeps its cookie as a browser would. */
export class Page {
  readonly url: string
  cookie: string | undefined

  constructor(url: string, cookie?: string) {
    this.url = url
    this.cookie = cookie
  }

  /** `null` takes a header away. */
  async send(
    path: string,
    {
      body,
      headers = {},
      method = "POST"
    }: {
      readonly body?: string
      readonly headers?: Readonly<Record<string, string | null>>
      readonly method?: string
    } = {}
  ): Promise<Answered> {
    const all: Record<string, string | null> = {
      origin: this.url,
      "content-type": "application/json",
      ...(this.cookie === undefined ? {} : { cookie: this.cookie }),
      ...headers
    }
    const shown = Object.entries(all).flatMap(([name, value]) =>
      value === null ? [] : [[name, value] as [string, string]]
    )
    const response = await fetch(this.url + path, { method, headers: shown, ...(body === undefined ? {} : { body }) })
    for (const set of response.headers.getSetCookie()) {
      const [pair = ""] = set.split(";", 1)
      this.cookie = pair.endsWith("=") ? undefined : pair
    }
    return { status: response.status, body: parsed(await response.text()), headers: response.headers }
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string | null>> = {}): Promise<Answered> {
    return this.send(path, { body: JSON.stringify(body), headers })
  }

  async signUp(email: string, password = PASSWORD): Promise<Answered> {
    return this.post(accountPaths.signUp, { email, password })
  }
  async signIn(email: string, password = PASSWORD): Promise<Answered> {
    return this.post(accountPaths.signIn, { email, password })
  }

  /** A socket as this page would open it. */
  open(): Promise<Peer> {
    return Peer.open(this.url, { origin: this.url, ...(this.cookie === undefined ? {} : { cookie: this.cookie }) })
  }
}

export interface Closed {
  readonly code: number
  readonly reason: string
}

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  /** `error`: a typed error's tag, or "Die". */
  | { readonly ok: false; readonly error: string; readonly message: string; readonly whole: string }

const open = new Set<Peer>()
/** Whoever a test that failed has left open goes too: the next one begins with nobody. */
export const leaveAll = (): void => {
  for (const peer of open) peer.ws.terminate()
}

export class Peer {
  readonly ws: WebSocket
  readonly closed: Promise<Closed>
  readonly lines: Array<unknown> = []
  private readonly waiting = new Map<string, (outcome: Outcome) => void>()
  private asked = 0

  private constructor(ws: WebSocket) {
    this.ws = ws
    ws.on("error", () => {})
    open.add(this)
    ws.once("close", () => open.delete(this))
    this.closed = new Promise((resolve) => {
      ws.once("close", (code, reason) => resolve({ code, reason: String(reason) }))
    })
    void this.closed.then(({ code, reason }) => {
      for (const done of this.waiting.values()) done({ ok: false, error: `closed ${code}`, message: reason, whole: "" })
      this.waiting.clear()
    })
    ws.on("message", (data) => {
      for (const line of String(data).split("\n")) if (line !== "") this.hear(JSON.parse(line))
    })
  }

  /** Rejects with what the server answered instead, e.g. "Unexpected server response: 403". */
  static open(url: string, headers: Readonly<Record<string, string>> = {}, path = RPC_PATH): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(url.replace(/^http/, "ws") + path, { headers })
      const peer = new Peer(ws)
      ws.once("open", () => resolve(peer))
      ws.once("error", reject)
    })
  }

  ask(tag: string, payload: unknown = null, id = `a${++this.asked}`): Promise<Outcome> {
    return new Promise((resolve) => {
      if (this.ws.readyState !== WebSocket.OPEN) {
        resolve({ ok: false, error: "closed", message: "", whole: "" })
        return
      }
      this.waiting.set(id, resolve)
      this.ws.send(`${JSON.stringify({ _tag: "Request", id, tag, payload, headers: [] })}\n`)
    })
  }

  showToken(token: string): Promise<Outcome> {
    return this.ask("investors.Authenticate", { credential: { _tag: "Token", token } })
  }
  showTicket(ticket: string): Promise<Outcome> {
    return this.ask("investors.Authenticate", { credential: { _tag: "Ticket", ticket } })
  }

  private hear(line: unknown): void {
    this.lines.push(line)
    if (text(line, "_tag") !== "Exit") return
    const done = this.waiting.get(text(line, "requestId"))
    if (done === undefined) return
    this.waiting.delete(text(line, "requestId"))
    const exit = field(line, "exit")
    if (text(exit, "_tag") === "Success") {
      done({ ok: true, value: field(exit, "value") })
      return
    }
    const [cause]: ReadonlyArray<unknown> = [field(exit, "cause")].flat()
    const error = field(cause, "error")
    done({
      ok: false,
      error: error === undefined ? text(cause, "_tag") : text(error, "_tag"),
      message: text(error, "message"),
      whole: JSON.stringify(exit)
    })
  }
}

/** A value that has to be there, or the test fails with why. */
export const granted = (outcome: Outcome): unknown => {
  if (outcome.ok) return outcome.value
  throw new Error(`refused: ${outcome.error} ${outcome.message}`)
}

/** Why an upgrade was refused: the status and the typed body, as a program sees them. */
export const refusedUpgrade = async (
  url: string,
  headers: Readonly<Record<string, string>>,
  path: string = RPC_PATH
): Promise<Answered | "opened"> =>
  new Promise((resolve, reject) => {
    const ws = new WebSocket(url.replace(/^http/, "ws") + path, { headers })
    ws.once("open", () => {
      ws.terminate()
      resolve("opened")
    })
    ws.on("error", () => {})
    ws.once("unexpected-response", (_, response) => {
      let body = ""
      response.on("data", (chunk) => {
        body += String(chunk)
      })
      response.on("end", () => {
        const shown = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as [string, string])
        resolve({ status: response.statusCode ?? 0, body: parsed(body), headers: new Headers(shown) })
      })
      response.on("error", reject)
    })
  })

/** A metric by its name with its labels as written; 0 where it has none. */
export const metric = async (url: string, name: string, labels = "{}"): Promise<number> => {
  const families = parsePrometheus(await (await fetch(`${url}/metrics`)).text())
  return families.get(name)?.samples.get(`${name}${labels}`) ?? 0
}

export const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await setImmediate()
}
