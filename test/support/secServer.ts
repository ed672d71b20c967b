/**
 * A real HTTP server that behaves like the SEC's two hosts: its lists, its submissions, its manners. What it serves is a test's
 * to set and change; a path can be told to fail in any way a network can. Every request is recorded.
 */
import { existsSync, readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import path from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import { Effect, type Scope } from "effect"

export interface SecListing {
  readonly cik: number
  readonly ticker: string
  readonly title: string
  /** As the SEC writes it: "Nasdaq", "NYSE"; null if absent. */
  readonly exchange?: string | null
  /** Which of the two files names it; both if absent. */
  readonly only?: "tickers" | "exchanges"
}

/** What a path answers instead of its file. */
export type Behaviour =
  | { readonly _tag: "Status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Any other content; gzipped as the files are. */
  | { readonly _tag: "Json"; readonly value: unknown }
  | { readonly _tag: "Text"; readonly text: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is reset before a byte of the answer. */
  | { readonly _tag: "Reset" }
  /** No answer, and the connection stays. */
  | { readonly _tag: "Silence" }
  /** Half of the body, then nothing more. */
  | { readonly _tag: "Stall" }
  /** The body in so many pieces; each but the first is sent when `next` is done. */
  | { readonly _tag: "Slow"; readonly pieces: number; readonly next: () => Promise<void> }
  /**
   * Half of the body. reset: of the whole Content-Length, then the connection is reset. ended: with no length told, ended as if
   * that were all. plain: as ended, but not gzipped, so that only the JSON tells.
   */
  | { readonly _tag: "Cut"; readonly how: "reset" | "ended" | "plain" }
  /** This piece again and again, for as long as it is read. */
  | { readonly _tag: "Endless"; readonly piece: string }
  /** As it always is: between others. */
  | { readonly _tag: "File" }

export interface SecRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** ms since the Unix epoch, of this machine's clock. */
  readonly time: number
  /** Status that was answered; undefined: none (yet). */
  status: number | undefined
  /** True: the whole answer was written; false: the connection closed before. */
  readonly done: Promise<boolean>
}

export interface SecServerOptions {
  /** More than these in a second are answered with 429; no limit if absent, the SEC's is 10. */
  readonly perSecond?: number
  /** Retry-After of those, seconds; 600 if absent. */
  readonly blockSeconds?: number
}

const TICKERS = "/files/company_tickers.json"
const EXCHANGES = "/files/company_tickers_exchange.json"
export const submissionsPath = (cik: number): string => `/submissions/CIK${String(cik).padStart(10, "0")}.json`

const recorded = path.resolve(import.meta.dirname, "../../../shared/data/sec")
/** Whether the SEC's real files are here. */
export const isSecRecorded = existsSync(path.join(recorded, "company_tickers.json.gz"))
const unzipped = (name: string) => gunzipSync(readFileSync(path.join(recorded, name))).toString("utf8")

interface RecordedRow {
  readonly cik_str: number
  readonly ticker: string
  readonly title: string
}

/** company_tickers.json as recorded. It does not tell exchanges: every third has one of each kind. */
export const recordedListings = (): ReadonlyArray<SecListing> => {
  const rows: Readonly<Record<string, RecordedRow>> = JSON.parse(unzipped("company_tickers.json.gz"))
  const exchanges = ["Nasdaq", "NYSE", null]
  return Object.values(rows).map(({ cik_str, ticker, title }, place) => ({
    cik: cik_str,
    ticker,
    title,
    exchange: exchanges[place % exchanges.length] ?? null
  }))
}
export const recordedTesla = (): unknown => JSON.parse(unzipped("submissions-tesla.json.gz"))

export class SecServer {
  /** In the order of the files. Set anew to change them. */
  listings: ReadonlyArray<SecListing>
  /** By CIK; merged over what a listed company has by itself. */
  readonly submissions = new Map<number, unknown>()
  readonly requests: Array<SecRequest> = []
  private readonly server: Server
  private readonly options: SecServerOptions
  private readonly scripts = new Map<string, Array<Behaviour>>()
  private readonly standing = new Map<string, Behaviour>()
  private busy: { readonly seconds: number; times: number } | undefined
  private readonly waiting = new Set<() => void>()

  private constructor(server: Server, listings: ReadonlyArray<SecListing>, options: SecServerOptions) {
    this.server = server
    this.listings = listings
    this.options = options
  }

  /** On a free port of 127.0.0.1. */
  static async start(listings: ReadonlyArray<SecListing> = [], options: SecServerOptions = {}): Promise<SecServer> {
    const server = createServer()
    const sec = new SecServer(server, listings, options)
    server.on("request", (request, response) => void sec.answer(request, response))
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", resolve)
    })
    return sec
  }

  /** Open connections are cut. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.server.closeAllConnections()
    await closed
  }

  /** What LZSTOCK_SEC_URL is to be. */
  get url(): string {
    const address = this.server.address()
    if (address === null || typeof address === "string") throw new Error("not listening on a port")
    return `http://127.0.0.1:${address.port}`
  }

  /** The next requests of a path are answered so, one after the other; then it is as before. */
  script(where: string, ...behaviours: ReadonlyArray<Behaviour>): void {
    this.scripts.set(where, [...(this.scripts.get(where) ?? []), ...behaviours])
  }

  /** From now on; undefined: as it always is. */
  always(where: string, behaviour: Behaviour | undefined): void {
    if (behaviour === undefined) this.standing.delete(where)
    else this.standing.set(where, behaviour)
  }

  /** The next requests, whatever their path, are answered with 429 and that Retry-After. */
  sayBusy(seconds: number, times = 1): void {
    this.busy = { seconds, times }
  }

  /** Open ones, idle or not. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
    )
  }

  /** How often a path was asked for. */
  asked(where: string): number {
    return this.requests.filter((request) => request.path === where).length
  }

  /** Done when so many requests have arrived in all. */
  async arrived(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.waiting.add(resolve))
  }

  private fileOf(where: string): unknown {
    if (where === TICKERS) {
      const rows = this.listings.filter(({ only }) => only !== "exchanges")
      return Object.fromEntries(rows.map(({ cik, ticker, title }, i) => [String(i), { cik_str: cik, ticker, title }]))
    }
    if (where === EXCHANGES) {
      const rows = this.listings.filter(({ only }) => only !== "tickers")
      return {
        fields: ["cik", "name", "ticker", "exchange"],
        data: rows.map(({ cik, exchange = null, ticker, title }) => [cik, title, ticker, exchange])
      }
    }
    const cik = Number(/^\/submissions\/CIK(\d{10})\.json$/.exec(where)?.[1] ?? Number.NaN)
    const told = this.submissions.get(cik)
    const own = this.listings.filter((listing) => listing.cik === cik)
    if (own.length === 0) return told
    return {
      cik: String(cik),
      entityType: "operating",
      sic: "",
      sicDescription: "",
      name: own[0]?.title,
      tickers: own.map(({ ticker }) => ticker),
      exchanges: own.map(({ exchange = null }) => exchange),
      fiscalYearEnd: null,
      formerNames: [],
      filings: { recent: { accessionNumber: [] }, files: [] },
      ...(typeof told === "object" ? told : {})
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const where = (request.url ?? "").split("?")[0] ?? ""
    const done = new Promise<boolean>((resolve) => response.on("close", () => resolve(response.writableFinished)))
    const record: SecRequest = { path: where, headers: request.headers, time: Date.now(), status: undefined, done }
    this.requests.push(record)
    for (const resolve of this.waiting) resolve()
    this.waiting.clear()
    const send = (status: number, headers: Readonly<Record<string, string>>, body: string | Buffer): void => {
      record.status = status
      response.writeHead(status, headers).end(body)
    }

    if (!/\S+@\S+\.\S+/.test(request.headers["user-agent"] ?? "")) {
      return send(
        403,
        { "content-type": "text/html" },
        "<html>Your Request Originates from an Undeclared Automated Tool</html>"
      )
    }
    const pause = this.pauseFor(record.time)
    if (pause !== undefined) {
      return send(429, { "retry-after": String(pause) }, "<html>Request Rate Threshold Exceeded</html>")
    }
    const behaviour = this.scripts.get(where)?.shift() ?? this.standing.get(where) ?? { _tag: "File" }
    if (behaviour._tag === "Reset") return void request.socket.resetAndDestroy()
    if (behaviour._tag === "Silence") return
    if (behaviour._tag === "Status")
      return send(behaviour.status, behaviour.headers ?? {}, `status ${behaviour.status}`)
    if (behaviour._tag === "Text") return send(200, behaviour.headers ?? {}, behaviour.text)
    if (behaviour._tag === "Endless") {
      response.on("error", () => {})
      const more = () => {
        while (!response.destroyed && response.write(behaviour.piece)) {}
      }
      response.on("drain", more)
      return more()
    }
    const file = behaviour._tag === "Json" ? behaviour.value : this.fileOf(where)
    if (file === undefined) return send(404, { "content-type": "application/xml" }, "<Code>NoSuchKey</Code>")

    record.status = 200
    const zips =
      /\bgzip\b/.test(String(request.headers["accept-encoding"])) && !("how" in behaviour && behaviour.how === "plain")
    const text = Buffer.from(JSON.stringify(file))
    const body = zips ? gzipSync(text) : text
    response.setHeader("content-type", "application/json")
    if (zips) response.setHeader("content-encoding", "gzip")
    if (behaviour._tag === "Cut" && behaviour.how !== "reset") response.removeHeader("transfer-encoding")
    else response.setHeader("content-length", body.length)
    await this.write(request, response, body, behaviour)
  }

  private async write(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    behaviour: Behaviour
  ): Promise<void> {
    const half = body.subarray(0, Math.floor(body.length / 2))
    switch (behaviour._tag) {
      case "Stall":
        response.write(half)
        return
      case "Cut":
        if (behaviour.how === "reset") response.write(half, () => request.socket.destroy())
        else response.end(half)
        return
      case "Slow": {
        const size = Math.ceil(body.length / behaviour.pieces)
        for (let from = 0; from < body.length; from += size) {
          if (from > 0) await behaviour.next()
          response.write(body.subarray(from, from + size))
        }
        response.end()
        return
      }
      default:
        response.end(body)
    }
  }

  /** Retry-After, if this request is to be told one. */
  private pauseFor(now: number): number | undefined {
    if (this.busy !== undefined && this.busy.times > 0) {
      this.busy.times--
      return this.busy.seconds
    }
    const { blockSeconds = 600, perSecond } = this.options
    if (perSecond === undefined) return undefined
    // the newest are last: the one that is one too many decides
    const first = this.requests.at(-1 - perSecond)
    return first !== undefined && first.time > now - 1_000 ? blockSeconds : undefined
  }
}

/** Gone with the Scope. */
export const secServer = (
  listings?: ReadonlyArray<SecListing>,
  options?: SecServerOptions
): Effect.Effect<SecServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => SecServer.start(listings, options)),
    (server) => Effect.promise(() => server.stop())
  )
