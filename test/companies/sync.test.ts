/** The sync of companies whole: a server that behaves like the SEC, the worker, both databases, and a gateway's directory. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, type Scope } from "effect"
import { CompanyDirectory } from "../../src/actors/companies/CompanyDirectory.ts"
import { layerCompanyLoader } from "../../src/actors/companies/CompanyLoader.ts"
import { keepInSync } from "../../src/actors/companies/CompanySync.ts"
import { START, SymbolMaster, type SyncState } from "../../src/actors/companies/SymbolMaster.ts"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { takeInBundled } from "../../src/app/companies/index.ts"
import { SecClient } from "../../src/app/edgar/SecClient.ts"
import { SecCompanySource } from "../../src/app/edgar/SecCompanySource.ts"
import { SymbolMasterSql } from "../../src/app/postgres/SymbolMasterSql.ts"
import type { CompanyProfile } from "../../src/rpc/companies.ts"
import { companySyncTopic } from "../../src/rpc/topics.ts"
import { databases } from "../support/databases.ts"
import { WHO } from "../support/openSec.ts"
import {
  isSecRecorded,
  recordedListings,
  type SecListing,
  type SecServer,
  secServer,
  submissionsPath
} from "../support/secServer.ts"

const LIST = "/files/company_tickers.json"
const EXCHANGES = "/files/company_tickers_exchange.json"

const listed = (cik: number, ticker: string, more: Partial<SecListing> = {}): SecListing => ({
  cik,
  ticker,
  title: `Company ${cik}`,
  exchange: "NYSE",
  ...more
})
const many = (count: number) => Array.from({ length: count }, (_, i) => listed(i + 1, `T${i + 1}`))

/** A worker that reads that server; gone with the Scope, or when it is interrupted. */
const startWorker = (server: SecServer, userAgent: string | null = WHO) =>
  Effect.forkScoped(
    Effect.scoped(keepInSync).pipe(
      Effect.provide(
        SecCompanySource.layer({ minimumSymbols: 10 }).pipe(
          Layer.provide(
            SecClient.layer({
              url: server.url,
              userAgent: userAgent ?? undefined,
              requestsPerSecond: 1_000,
              backOff: "1 millis"
            })
          )
        )
      )
    )
  )

const ioTurn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

const until = Effect.fnUntraced(function* (holds: (state: SyncState) => boolean) {
  const master = yield* SymbolMaster
  for (;;) {
    const state = yield* master.state
    if (holds(state)) return state
    yield* ioTurn
  }
})
const isDone = ({ finishedAt, phase }: SyncState) => finishedAt !== null && phase === null

/** As a gateway asks. */
const ask = Effect.gen(function* () {
  yield* Effect.orDie((yield* SymbolMaster).note({ requestedAt: 1, error: null }))
  yield* (yield* Bus).publish(companySyncTopic, { version: 0 })
})

/** Has the worker sync again, and waits until that is through. */
const syncAgain = Effect.gen(function* () {
  const { finishedAt } = yield* (yield* SymbolMaster).state
  yield* ask
  return yield* until((state) => isDone(state) && state.finishedAt !== finishedAt)
})

const profileOnce = Effect.fnUntraced(function* (symbol: string, holds: (profile: CompanyProfile) => boolean) {
  const directory = yield* CompanyDirectory
  for (;;) {
    const profile = yield* directory.company(symbol)
    if (holds(profile)) return profile
    yield* ioTurn
  }
})

const stored = SymbolMaster.use((master) =>
  Effect.map(master.changes(START, 100_000), (all) => all.map(([, company]) => company))
)

for (const { layer: database, name } of databases) {
  /** What a node has; each test in a database of its own. */
  const ground = Layer.mergeAll(SymbolMasterSql.layer, Bus.layerInProcess, CompanyDirectory.layer).pipe(
    Layer.provideMerge(database)
  )
  const check = <E>(title: string, body: Effect.Effect<void, E, Layer.Success<typeof ground> | Scope.Scope>) =>
    it.live(title, () => body.pipe(Effect.scoped, Effect.provide(Layer.fresh(ground))))

  describe(`the sync of companies on ${name}`, () => {
    check(
      "reads all, then what has changed: nothing is lost, and what went says when and why",
      Effect.gen(function* () {
        const server = yield* secServer([
          ...many(40),
          listed(41, "FB", { title: "Facebook Inc", exchange: "Nasdaq" }),
          listed(42, "GONE"),
          listed(43, "AA"),
          listed(43, "AA-PB")
        ])
        server.submissions.set(41, {
          sic: "7370",
          sicDescription: "Services-Computer Programming",
          fiscalYearEnd: "1231",
          formerNames: [{ name: "TheFacebook", from: "2004-02-04T00:00:00.000Z", to: "2005-09-20T00:00:00.000Z" }]
        })
        yield* startWorker(server)
        yield* until(isDone)
        yield* Layer.build(layerCompanyLoader)
        const directory = yield* CompanyDirectory
        assert.deepInclude((yield* directory.company("FB")).company, {
          industry: "Services-Computer Programming",
          fiscalYearEnd: "12-31",
          formerNames: [{ name: "TheFacebook", from: "2004-02-04", until: "2005-09-20" }]
        })
        assert.strictEqual((yield* directory.company("aa/pb")).instrument.shareClass, "Preferred B")

        server.listings = [
          ...many(40),
          listed(41, "META", { title: "Meta Platforms", exchange: "Nasdaq" }),
          listed(43, "AA"),
          listed(44, "FB", { title: "ProShares" })
        ]
        yield* syncAgain
        const meta = yield* profileOnce("META", ({ instrument }) => instrument.symbol === "META")
        assert.deepInclude(meta.company.formerNames[0], { name: "Facebook Inc" })
        assert.deepStrictEqual(
          meta.instrument.aliases.map(({ fate, symbol }) => [symbol, fate]),
          [
            ["META", null],
            ["FB", "renamed"]
          ]
        )
        const gone = yield* profileOnce("GONE", ({ fate }) => fate !== null)
        assert.match(gone.fate ?? "", /^until \d{4}-\d\d-\d\d: no longer listed$/)
        assert.match((yield* directory.company("AA.PB")).fate ?? "", /no longer listed/)
        // the symbol is another company's today; the old one is still found by it
        assert.strictEqual((yield* directory.company("FB")).company.name, "ProShares")
        const { hits } = yield* directory.search({ text: "fb" })
        assert.deepStrictEqual(
          hits.map(({ field, symbol }) => [symbol, field]),
          [
            ["FB", "symbol"],
            ["META", "former-symbol"]
          ]
        )
      })
    )

    check(
      "says who asks, and does not ask where nobody may",
      Effect.gen(function* () {
        const server = yield* secServer(many(20))
        const silent = yield* startWorker(server, null)
        yield* until(({ isOn }) => isOn === false)
        yield* Fiber.interrupt(silent)
        assert.lengthOf(server.requests, 0)
        const nameless = yield* startWorker(server, "somebody")
        const { error, nextAt, startedAt } = yield* until((state) => state.error !== null)
        assert.match(error ?? "", /403/)
        assert.isAtLeast((nextAt ?? 0) - (startedAt ?? 0), 600_000, "ten minutes' rest")
        yield* Fiber.interrupt(nameless)
        const asked = server.requests.length
        yield* ask
        yield* startWorker(server)
        yield* until(isDone)
        for (const { headers } of server.requests.slice(asked)) assert.strictEqual(headers["user-agent"], WHO)
      })
    )

    check(
      "waits when it is asked to, and then reads all of it, each thing once",
      Effect.gen(function* () {
        const server = yield* secServer(many(60))
        server.sayBusy(1, 2)
        yield* startWorker(server)
        yield* until(isDone)
        const served = server.requests.filter(({ status }) => status === 200).map(({ path }) => path)
        assert.strictEqual(new Set(served).size, served.length)
        assert.lengthOf(served, 62)
      })
    )

    check(
      "goes on where it was cut off: by the SEC, or by its own death",
      Effect.gen(function* () {
        const server = yield* secServer(many(100))
        server.always(submissionsPath(60), { _tag: "Silence" })
        const first = yield* startWorker(server)
        yield* until(({ done }) => done >= 50)
        yield* Effect.promise(() => server.arrived(2 + 60))
        yield* Fiber.interrupt(first)
        const before = new Set((yield* stored).flatMap(({ cik, detailedAt }) => (detailedAt === null ? [] : [cik])))
        assert.isAtLeast(before.size, 50)
        server.always(submissionsPath(60), undefined)
        const asked = server.requests.length
        yield* startWorker(server)
        yield* until(isDone)
        const later = server.requests.slice(asked).map(({ path }) => path)
        assert.notInclude(later, LIST)
        for (const cik of before) assert.notInclude(later, submissionsPath(cik ?? 0))
        assert.lengthOf(later, 100 - before.size)
        assert.isTrue((yield* stored).every(({ detailedAt }) => detailedAt !== null))
      })
    )

    check(
      "takes no part of a list for the list, whatever becomes of the file on its way",
      Effect.gen(function* () {
        const server = yield* secServer(many(50))
        yield* startWorker(server)
        yield* until(isDone)
        const before = yield* stored
        const master = yield* SymbolMaster
        for (const [path, behaviour] of [
          [LIST, { _tag: "Cut", how: "reset" }],
          [LIST, { _tag: "Cut", how: "ended" }],
          [EXCHANGES, { _tag: "Cut", how: "plain" }],
          [LIST, { _tag: "Json", value: { "0": { cik_str: 1, ticker: "T1", title: "Company 1" } } }],
          [EXCHANGES, { _tag: "Json", value: [] }],
          [LIST, { _tag: "Text", text: "<html>Sorry</html>" }],
          [LIST, { _tag: "Reset" }],
          [LIST, { _tag: "Status", status: 500 }]
        ] as const) {
          server.always(path, behaviour)
          const { run } = yield* master.state
          yield* ask
          yield* until((state) => state.run > run && state.error !== null)
          assert.deepStrictEqual(yield* stored, before)
          server.always(path, undefined)
        }
        server.listings = many(51)
        yield* syncAgain
        assert.lengthOf(yield* stored, 51)
      })
    )

    check(
      "never shows a part: whoever searches meanwhile sees the old companies or the new ones",
      Effect.gen(function* () {
        const server = yield* secServer(many(600))
        const first = yield* startWorker(server)
        yield* until(({ phase }) => phase === "details")
        yield* Fiber.interrupt(first)
        yield* Layer.build(layerCompanyLoader)
        const directory = yield* CompanyDirectory
        // slowly, so that there is something to see
        const gates: Array<() => void> = []
        server.listings = Array.from({ length: 900 }, (_, i) => listed(i + 1, `N${i + 1}`))
        server.always(LIST, {
          _tag: "Slow",
          pieces: 4,
          next: () => new Promise((resolve) => void gates.push(() => resolve(undefined)))
        })
        yield* (yield* SymbolMaster).note({ phase: null, requestedAt: 1 })
        yield* startWorker(server)
        const seen: Array<number> = []
        for (let turn = 0; ; turn++) {
          if (turn % 5 === 0) gates.shift()?.()
          const { instruments } = yield* directory.facets({})
          const old = (yield* directory.search({ text: "T600" })).hits[0]
          seen.push(instruments)
          assert.strictEqual(old?.field, instruments === 600 ? "symbol" : "former-symbol")
          if (instruments !== 600) break
          yield* ioTurn
        }
        assert.deepStrictEqual([...new Set(seen)], [600, 900])
      })
    )

    if (!isSecRecorded) console.warn("../shared/data/sec is absent: the recorded list is not synced here")
    it.live.runIf(isSecRecorded)("takes the real list in beside the bundled companies, whole", () =>
      Effect.gen(function* () {
        const listings = recordedListings()
        const server = yield* secServer(listings)
        yield* takeInBundled
        const bundled = yield* stored
        const worker = yield* startWorker(server)
        yield* until(({ phase }) => phase === "details")
        yield* Fiber.interrupt(worker)
        yield* Layer.build(layerCompanyLoader)
        const directory = yield* CompanyDirectory
        const companies = yield* stored
        const symbols = new Set(
          companies.flatMap(({ instruments }) => instruments.flatMap((one) => (one.listed ? [one.symbol] : [])))
        )
        for (const { ticker } of listings) assert.isTrue(symbols.has(ticker.replace("-", ".")), ticker)
        // what was known before is known still, under the number it had
        const numbers = new Map(companies.flatMap(({ instruments }) => instruments.map((one) => [one.id, one.symbol])))
        for (const { id, symbol } of bundled.flatMap(({ instruments }) => instruments)) {
          assert.strictEqual(numbers.get(id), symbol)
        }
        const coke = yield* directory.company("KO")
        assert.deepInclude(coke.company, { name: "Coca-Cola", legalName: "COCA COLA CO", cik: 21344 })
        for (const [text, symbol] of [
          ["coca cola", "KO"],
          ["brk b", "BRK.B"],
          ["at&t", "T"],
          ["fb", "META"],
          ["spdr", "SPY"]
        ] as const) {
          assert.strictEqual((yield* directory.search({ text })).hits[0]?.symbol, symbol, text)
        }
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(ground)))
    )
  })
}
