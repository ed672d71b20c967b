/** The adapter on a server of the test's, and ways to wait for what really happens while the test decides about time. */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import { CompanySource } from "../../src/actors/companies/CompanySource.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { SecClient, type SecClientOptions, type SecUrl } from "../../src/app/edgar/SecClient.ts"
import { SecCompanySource, type SecCompanySourceOptions } from "../../src/app/edgar/SecCompanySource.ts"
import { type Behaviour, type SecServer, secServer } from "./secServer.ts"

export const WHO = "LZStock tests tests@example.com"

/** Fast, and tries again at once, unless told otherwise. Gone with the Scope. */
export const openSec = Effect.fnUntraced(function* (
  url: string,
  options: Partial<SecClientOptions> & SecCompanySourceOptions = {}
) {
  const logged: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void logged.push(JSON.stringify(message)))
  const context = yield* Layer.build(
    SecCompanySource.layer({ minimumSymbols: options.minimumSymbols ?? 1 }).pipe(
      Layer.provideMerge(
        SecClient.layer({ userAgent: WHO, requestsPerSecond: 1_000, backOff: "1 millis", ...options, url })
      ),
      Layer.provideMerge(Layer.fresh(Gauges.layer))
    )
  )
  const gauges = Context.get(context, Gauges)
  return {
    client: Context.get(context, SecClient),
    source: Context.get(context, CompanySource),
    logged,
    logs: Logger.layer([logger]),
    active: () => gauges.get("sec_requests_active"),
    bytes: () => gauges.get("sec_bytes_total"),
    count: (result: string) => gauges.get("sec_requests_total", `result="${result}"`)
  }
})

export const PATH = "/files/company_tickers.json"
export const TICKERS: SecUrl = `https://www.sec.gov${PATH}`
export const OTHER: SecUrl = "https://data.sec.gov/submissions/CIK0000000001.json"
export const listings = Array.from({ length: 200 }, (_, i) => ({
  cik: i + 1,
  ticker: `T${i + 1}`,
  title: `Company ${i + 1}`
}))
export const reading = { maxBytes: 1_000_000, schema: Schema.Record(Schema.String, Schema.Unknown) }
export const status = (code: number, headers: Readonly<Record<string, string>> = {}): Behaviour => ({
  _tag: "Status",
  status: code,
  headers
})
export const file: Behaviour = { _tag: "File" }

type Sec = Effect.Success<ReturnType<typeof openSec>>
export const get = ({ client, logs }: Sec, url: SecUrl = TICKERS) => client.get(url, reading).pipe(Effect.provide(logs))
export const failure = (sec: Sec, url?: SecUrl) => Effect.flip(get(sec, url))
export const isWhole = (read: Readonly<Record<string, unknown>> | null) =>
  assert.lengthOf(Object.keys(read ?? {}), listings.length)

/** What the server does on the paths' next requests, and the client that asks. */
export const scripted = Effect.fnUntraced(function* (behaviours: ReadonlyArray<Behaviour> = [], always?: Behaviour) {
  const server: SecServer = yield* secServer(listings)
  server.script(PATH, ...behaviours)
  server.always(PATH, always)
  const sec = yield* openSec(server.url)
  return { server, sec }
})

const ioTurn: Effect.Effect<void> = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** Sockets go on; the test's clock stands still. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.asVoid(Effect.repeat(Effect.andThen(ioTurn, Effect.sync(condition)), { until: (met) => met }))

/** The test's clock goes on in steps, and sockets with it. */
export const pass = (seconds: number, steps = 10): Effect.Effect<void> =>
  Effect.andThen(TestClock.adjust((seconds * 1_000) / steps), ioTurn).pipe(
    Effect.repeat(Schedule.recurs(steps - 1)),
    Effect.asVoid
  )

/** The clock goes on until it is so: for what only time brings about. */
export const passUntil = (condition: () => boolean): Effect.Effect<void> =>
  Effect.asVoid(Effect.repeat(Effect.andThen(pass(0.1, 1), Effect.sync(condition)), { until: (met) => met }))
