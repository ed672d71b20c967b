import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { company, instrument } from "../../../test/support/companies.ts"
import type { Company } from "../../rpc/companies.ts"
import { companiesChangedTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { CompanyDirectory } from "./CompanyDirectory.ts"
import { layerCompanyLoader } from "./CompanyLoader.ts"
import { SymbolMaster } from "./SymbolMaster.ts"

const ground = Layer.mergeAll(Bus.layerInProcess, CompanyDirectory.layer, SymbolMaster.layerMemory).pipe(
  Layer.provideMerge(Gauges.layer)
)

const numbered = (at: number, more: Partial<Company> = {}) =>
  company(`S${at}`, `Company ${at}`, { rank: at, instruments: [instrument(`S${at}`, { id: at })], ...more })

const put = (...changed: ReadonlyArray<Company>) =>
  SymbolMaster.use((master) =>
    master.change({ of: { ids: [], symbols: [] }, decide: () => ({ changed, answer: undefined }) })
  )

const names = (text: string) =>
  CompanyDirectory.use(({ search }) => Effect.map(search({ text }), ({ hits }) => hits.map(({ name }) => name)))

/** Until the search finds these: the index is built between others' turns. */
const found = (text: string, expected: ReadonlyArray<string>) =>
  Effect.repeat(Effect.tap(names(text), Effect.yieldNow), { until: (found) => found.join() === expected.join() })

describe("a node's companies", () => {
  it.effect("are all there once it has started, the largest first", () =>
    Effect.gen(function* () {
      yield* put(...Array.from({ length: 1_201 }, (_, i) => numbered(1_201 - i)))
      yield* put(company("NONE", "Company of nothing", { instruments: [] }))
      yield* Layer.build(layerCompanyLoader)
      assert.strictEqual((yield* Gauges).get("companies_searched"), 1_201)
      assert.deepStrictEqual((yield* names("company")).slice(0, 3), ["Company 1", "Company 2", "Company 3"])
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("follow a change they are told of, and one they were not told of a minute later", () =>
    Effect.gen(function* () {
      yield* put(numbered(1))
      yield* Layer.build(layerCompanyLoader)
      const bus = yield* Bus
      yield* put(numbered(2))
      assert.deepStrictEqual(yield* names("company"), ["Company 1"])
      yield* bus.publish(companiesChangedTopic, { version: 2 })
      yield* found("company", ["Company 1", "Company 2"])
      yield* put(numbered(1, { name: "Renamed" }))
      yield* TestClock.adjust("61 seconds")
      yield* found("renamed", ["Renamed"])
      assert.deepStrictEqual(yield* names("company"), ["Company 2"])
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("stay as they were while the store is away, and are read anew when it is back", () =>
    Effect.gen(function* () {
      const real = yield* SymbolMaster
      let isAway = false
      const master = SymbolMaster.of({
        ...real,
        changes: (after, limit) => (isAway ? Effect.die(new Error("away")) : real.changes(after, limit))
      })
      yield* put(numbered(1))
      yield* Layer.build(Layer.provide(layerCompanyLoader, Layer.succeed(SymbolMaster, master)))
      isAway = true
      yield* put(numbered(2))
      yield* (yield* Bus).publish(companiesChangedTopic, { version: 2 })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* names("company"), ["Company 1"])
      isAway = false
      yield* TestClock.adjust("2 seconds")
      yield* found("company", ["Company 1", "Company 2"])
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("forget nothing that was read before the store failed", () =>
    Effect.gen(function* () {
      const real = yield* SymbolMaster
      let pages = Number.POSITIVE_INFINITY
      const master = SymbolMaster.of({
        ...real,
        changes: (after, limit) =>
          Effect.suspend(() => (pages-- > 0 ? real.changes(after, limit) : Effect.die(new Error("away"))))
      })
      yield* put(numbered(1))
      yield* Layer.build(Layer.provide(layerCompanyLoader, Layer.succeed(SymbolMaster, master)))
      // a whole page of changes comes, and then nothing more
      yield* put(...Array.from({ length: 500 }, (_, i) => numbered(i + 1, { name: `Renamed ${i + 1}` })))
      pages = 1
      yield* (yield* Bus).publish(companiesChangedTopic, { version: 2 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* names("renamed"), [])
      pages = Number.POSITIVE_INFINITY
      yield* TestClock.adjust("2 seconds")
      yield* found("renamed 500", ["Renamed 500"])
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("leave nothing behind when the node goes", () =>
    Effect.gen(function* () {
      yield* put(numbered(1))
      yield* Effect.scoped(Layer.build(layerCompanyLoader))
      assert.strictEqual((yield* Gauges).get("standing_subscriptions_active"), 0)
    }).pipe(Effect.provide(ground))
  )
})
