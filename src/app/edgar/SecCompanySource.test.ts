/** The port, over a real server that serves what the SEC serves, and what it must never be believed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { openSec } from "../../../test/support/openSec.ts"
import {
  type Behaviour,
  isSecRecorded,
  recordedListings,
  recordedTesla,
  type SecListing,
  secServer,
  submissionsPath
} from "../../../test/support/secServer.ts"
import { normaliseSymbol } from "../../rpc/market.ts"

if (!isSecRecorded) console.warn("SKIPPED: the recorded SEC data (../shared/data/sec) is not here")

const TICKERS = "/files/company_tickers.json"
const EXCHANGES = "/files/company_tickers_exchange.json"
const listings: ReadonlyArray<SecListing> = [
  { cik: 789019, ticker: "MSFT", title: "MICROSOFT CORP", exchange: "Nasdaq" },
  { cik: 1067983, ticker: "BRK-B", title: "BERKSHIRE HATHAWAY INC", exchange: "NYSE" },
  { cik: 9, ticker: "ZZZ", title: "Last Co", exchange: "OTC", only: "exchanges" },
  { cik: 7, ticker: "NEW", title: "New Co", only: "tickers" }
]
const many = Array.from(
  { length: 1_000 },
  (_, i): SecListing => ({ cik: i + 1, ticker: `T${i + 1}`, title: `C${i + 1}` })
)

describe("list", () => {
  it.live("merges both files, and follows what changes", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings)
      const { logged, logs, source } = yield* openSec(server.url)
      const list = source.list.pipe(Effect.provide(logs))
      assert.isTrue(source.isOn)
      assert.deepStrictEqual(yield* list, [
        { cik: 789019, symbol: "MSFT", name: "MICROSOFT CORP", exchange: "NASDAQ" },
        { cik: 1067983, symbol: "BRK.B", name: "BERKSHIRE HATHAWAY INC", exchange: "NYSE" },
        { cik: 7, symbol: "NEW", name: "New Co", exchange: null },
        { cik: 9, symbol: "ZZZ", name: "Last Co", exchange: "OTC" }
      ])
      server.listings = [{ cik: 789019, ticker: "MSF", title: "Microsoft", exchange: "NYSE" }]
      assert.deepStrictEqual(yield* list, [{ cik: 789019, symbol: "MSF", name: "Microsoft", exchange: "NYSE" }])
      assert.deepStrictEqual(logged, [])
      assert.strictEqual(server.asked(TICKERS), 2)
      assert.strictEqual(server.asked(EXCHANGES), 2)
    })
  )

  it.live("leaves out the few entries that are of no use, and says so once a file", () =>
    Effect.gen(function* () {
      const bad = ["", "1X", "A B", "TOOLONGASYMBOL"].map((ticker): SecListing => ({ cik: 1, ticker, title: "Bad" }))
      const server = yield* secServer([...many, ...bad])
      const { logged, logs, source } = yield* openSec(server.url, { minimumSymbols: 1_000 })
      assert.lengthOf(yield* source.list.pipe(Effect.provide(logs)), 1_000)
      assert.lengthOf(logged, 2)
      assert.isTrue(logged.every((line) => line.includes('"entries":4') && line.includes("left out")))
    })
  )

  const json = (value: unknown): Behaviour => ({ _tag: "Json", value })
  it.live.each<readonly [string, string, Behaviour]>([
    ["an empty object", TICKERS, json({})],
    ["a list instead of an object", TICKERS, json(many)],
    ["null", TICKERS, json(null)],
    ["a page that says sorry", TICKERS, { _tag: "Text", text: "<html>Sorry</html>" }],
    ["entries of other names", TICKERS, json({ fields: ["cik"], data: [] })],
    ["half a file", TICKERS, { _tag: "Cut", how: "plain" }],
    ["half an answer", EXCHANGES, { _tag: "Cut", how: "reset" }],
    ["nothing there", EXCHANGES, { _tag: "Status", status: 404 }],
    ["the other file", EXCHANGES, json({ 0: { cik_str: 1, ticker: "A", title: "A" } })],
    ["no rows", EXCHANGES, json({ fields: ["cik", "name", "ticker", "exchange"], data: [] })],
    ["a column less", EXCHANGES, json({ fields: ["cik", "name", "ticker"], data: many.map(() => [1, "A", "A"]) })],
    [
      "999 rows",
      EXCHANGES,
      json({
        fields: ["cik", "name", "ticker", "exchange"],
        data: many.slice(1).map(({ cik, ticker, title }) => [cik, title, ticker, null])
      })
    ]
  ])("%s is not believed to be the list", ([_, where, bad]) =>
    Effect.gen(function* () {
      const server = yield* secServer(many)
      const { active, source } = yield* openSec(server.url, { minimumSymbols: 1_000 })
      assert.lengthOf(yield* source.list, 1_000)
      server.always(where, bad)
      const error = yield* Effect.flip(source.list)
      assert.strictEqual(error.kind, "malformed")
      assert.include(error.message, where)
      assert.isFalse(error.message.includes("\n"))
      assert.strictEqual(active(), 0)
      server.always(where, undefined)
      assert.lengthOf(yield* source.list, 1_000)
    })
  )

  it.live("more than 1 % of nonsense is no list", () =>
    Effect.gen(function* () {
      const bad = Array.from({ length: 11 }, (): SecListing => ({ cik: 0, ticker: "A", title: "A", only: "tickers" }))
      const server = yield* secServer([...many, ...bad])
      const { source } = yield* openSec(server.url)
      const error = yield* Effect.flip(source.list)
      assert.strictEqual(error.kind, "malformed")
      assert.include(error.message, "11 of 1011 entries")
    })
  )

  it.live.skipIf(!isSecRecorded)("the recorded file comes through whole", () =>
    Effect.gen(function* () {
      const recorded = recordedListings()
      const server = yield* secServer(recorded)
      const { logged, logs, source } = yield* openSec(server.url, { minimumSymbols: 1_000 })
      const list = yield* source.list.pipe(Effect.provide(logs))
      assert.strictEqual(list.length, 9_610)
      assert.strictEqual(new Set(list.map(({ cik }) => cik)).size, 7_919)
      assert.deepStrictEqual(logged, [])
      assert.deepStrictEqual(
        list.map(({ cik, name, symbol }) => [cik, symbol, name]),
        recorded.map(({ cik, ticker, title }) => [cik, normaliseSymbol(ticker), title.trim()])
      )
      assert.deepStrictEqual(new Set(list.map(({ exchange }) => exchange)), new Set(["NASDAQ", "NYSE", null]))
    })
  )
})

describe("details", () => {
  it.live("of a company, and null for a number that is nobody's", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings)
      server.submissions.set(9, { sic: "7372", sicDescription: "Services-Prepackaged Software", fiscalYearEnd: "0630" })
      server.submissions.set(5, {
        cik: "5",
        name: "Gone Co",
        formerNames: [{ name: "Earlier Co", from: "1999-01-04T00:00:00.000Z", to: "2001-02-03T00:00:00.000Z" }]
      })
      const { source } = yield* openSec(server.url)
      assert.deepStrictEqual(yield* source.details(9), {
        cik: 9,
        name: "Last Co",
        sic: 7372,
        industry: "Services-Prepackaged Software",
        fiscalYearEnd: "06-30",
        formerNames: []
      })
      assert.deepStrictEqual((yield* source.details(5))?.formerNames, [
        { name: "Earlier Co", from: "1999-01-04", until: "2001-02-03" }
      ])
      assert.isNull(yield* source.details(6))
      const asked = server.requests.length
      for (const cik of [0, -1, 1.5, Number.NaN, 10_000_000_000]) assert.isNull(yield* source.details(cik))
      assert.lengthOf(server.requests, asked, "nobody is asked for what cannot be")
      assert.strictEqual(server.requests[0]?.path, submissionsPath(9))
    })
  )

  it.live.skipIf(!isSecRecorded)("of Tesla, as recorded", () =>
    Effect.gen(function* () {
      const server = yield* secServer()
      server.submissions.set(1318605, recordedTesla())
      const { source } = yield* openSec(server.url)
      assert.deepInclude(yield* source.details(1318605), { name: "Tesla, Inc.", sic: 3711, fiscalYearEnd: "12-31" })
    })
  )

  it.live("of another company, or of no shape, are malformed", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings)
      server.submissions.set(9, { cik: "8" })
      server.submissions.set(7, { name: 5 })
      const { source } = yield* openSec(server.url)
      assert.include((yield* Effect.flip(source.details(9))).message, "another company, CIK 8")
      assert.strictEqual((yield* Effect.flip(source.details(7))).kind, "malformed")
    })
  )

  it.live("off: asked for nothing, and both calls say so", () =>
    Effect.gen(function* () {
      const server = yield* secServer(listings)
      const { source } = yield* openSec(server.url, { userAgent: undefined })
      assert.isFalse(source.isOn)
      assert.strictEqual((yield* Effect.flip(source.list)).kind, "off")
      assert.strictEqual((yield* Effect.flip(source.details(9))).kind, "off")
      assert.lengthOf(server.requests, 0)
    })
  )
})
