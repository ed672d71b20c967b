import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { company, instrument } from "../../../test/support/companies.ts"
import { CompanyDirectory } from "../../actors/companies/CompanyDirectory.ts"
import { SymbolMaster, type SyncPatch } from "../../actors/companies/SymbolMaster.ts"
import { Bus } from "../../actors/kernel/Bus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import type { ImportedListing } from "../../rpc/companies.ts"
import { companiesChangedTopic, companySyncTopic } from "../../rpc/topics.ts"
import { makeCompanyOperations } from "./companyOperations.ts"

const ground = Layer.mergeAll(Bus.layerInProcess, SymbolMaster.layerMemory).pipe(
  Layer.provideMerge(CompanyDirectory.layer),
  Layer.provideMerge(Gauges.layer)
)

const sap: ImportedListing = {
  symbol: "SAP",
  name: "SAP SE",
  legalName: null,
  exchange: null,
  sector: null,
  industry: null,
  cik: null,
  rank: null
}

/** With a directory that knows one company, and all that was said on the bus of changes and syncs. */
const opened = Effect.gen(function* () {
  yield* (yield* CompanyDirectory).replace([company("AAPL", "Apple")])
  const bus = yield* Bus
  const said: Array<string> = []
  yield* bus.subscribe(companiesChangedTopic, ({ version }) => void said.push(`changed ${version}`))
  yield* bus.subscribe(companySyncTopic, () => void said.push("sync"))
  return { said, ...(yield* makeCompanyOperations) }
})
const note = (patch: SyncPatch) => SymbolMaster.use((master) => Effect.orDie(master.note(patch)))

describe("what operators may have done", () => {
  it.effect("a sync: noted where the worker looks, and the worker is told", () =>
    Effect.gen(function* () {
      const { said, status, sync } = yield* opened
      assert.strictEqual((yield* status()).state, "off")
      yield* note({ isOn: true, finishedAt: 5, nextAt: 9, error: "The SEC did not answer", done: 3, total: 7 })
      assert.deepInclude(yield* status(), {
        state: "waiting",
        error: "The SEC did not answer",
        finishedAt: 5,
        done: 3,
        total: 7,
        companies: 1,
        instruments: 1
      })
      assert.deepInclude(yield* sync(), { state: "waiting", error: null })
      assert.isNotNull((yield* (yield* SymbolMaster).state).requestedAt)
      assert.deepStrictEqual(said, ["sync"])
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("no second sync while one runs, and none where no worker may ask", () =>
    Effect.gen(function* () {
      const { sync } = yield* opened
      const master = yield* SymbolMaster
      yield* note({ isOn: false })
      assert.strictEqual((yield* sync()).state, "off")
      assert.isNull((yield* master.state).requestedAt)
      yield* note({ isOn: true, phase: "details" })
      assert.strictEqual((yield* sync()).state, "running")
      assert.isNull((yield* master.state).requestedAt)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("an import: stored as a whole, and every gateway is told", () =>
    Effect.gen(function* () {
      const { imported, said } = yield* opened
      assert.deepStrictEqual(yield* imported([sap]), {
        added: 1,
        changed: 0,
        unchanged: 0
      })
      assert.deepStrictEqual(said, ["changed 1"])
      const refused = yield* Effect.flip(
        imported([
          { ...sap, symbol: "SIE", name: "Siemens" },
          { ...sap, symbol: "?" }
        ])
      )
      assert.deepInclude(refused, { _tag: "InvalidRequest", message: '"?" is not a symbol (like AAPL, BRK.B)' })
      assert.strictEqual((yield* (yield* SymbolMaster).state).version, 1)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("not while the store is away: try again, and nothing of what went wrong inside", () =>
    Effect.gen(function* () {
      const away = Effect.die(new Error("SELECT secret FROM companies"))
      const master = SymbolMaster.of({
        changes: () => away,
        change: () => away,
        state: away,
        note: () => away,
        claim: () => away,
        undetailed: () => away
      })
      const { imported, status, sync } = yield* Effect.provideService(opened, SymbolMaster, master)
      for (const asked of [Effect.asVoid(status()), Effect.asVoid(sync()), Effect.asVoid(imported([sap]))]) {
        const refused = yield* Effect.flip(asked)
        assert.strictEqual(refused._tag, "Unavailable")
        assert.notInclude(refused.message, "SELECT")
      }
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("what a file says of a symbol that is known", () =>
    Effect.gen(function* () {
      const { imported } = yield* opened
      const master = yield* SymbolMaster
      yield* master.change({
        of: "all",
        decide: () => ({
          changed: [company("KO", "Coca-Cola", { instruments: [instrument("KO", { id: 7 })] })],
          answer: 0
        })
      })
      yield* imported([{ ...sap, symbol: "KO", name: null, sector: "Consumer Staples" }])
      const [[, ko] = []] = yield* master.changes({ version: 1, id: "symbol:KO" }, 10)
      assert.deepInclude(ko, { id: "symbol:KO", name: "Coca-Cola", sector: "Consumer Staples" })
    }).pipe(Effect.scoped, Effect.provide(ground))
  )
})
