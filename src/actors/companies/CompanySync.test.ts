import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { companiesChangedTopic, companySyncTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { type CompanyDetails, CompanySource, type ListedSymbol, SourceError } from "./CompanySource.ts"
import { keepInSync } from "./CompanySync.ts"
import { START, SymbolMaster } from "./SymbolMaster.ts"

const ground = Layer.mergeAll(Bus.layerInProcess, SymbolMaster.layerMemory).pipe(Layer.provideMerge(Gauges.layer))

const listOf = (count: number, from = 1): ReadonlyArray<ListedSymbol> =>
  Array.from({ length: count }, (_, i) => ({
    cik: from + i,
    symbol: `S${from + i}`,
    name: `Company ${from + i}`,
    exchange: "NYSE"
  }))

const busy = (retryAfterMillis = 0) =>
  new SourceError({ kind: "busy", message: "The SEC asks for a pause", retryAfterMillis })

/** A source that a test decides; counts what it is asked. */
class ScriptedSource {
  list: ReadonlyArray<ListedSymbol> = listOf(60)
  listFails: SourceError | undefined
  /** What asking for that company's particulars comes to; else they are plain. */
  readonly odd = new Map<number, Effect.Effect<CompanyDetails | null, SourceError>>()
  lists = 0
  readonly asked: Array<number> = []

  layer(isOn = true): Layer.Layer<CompanySource> {
    return Layer.succeed(CompanySource, {
      isOn,
      list: Effect.suspend(() => {
        this.lists++
        return this.listFails === undefined ? Effect.succeed(this.list) : Effect.fail(this.listFails)
      }),
      details: (cik) =>
        Effect.suspend(() => {
          this.asked.push(cik)
          const plain = {
            cik,
            name: `Company ${cik}`,
            sic: 3711,
            industry: "Cars",
            fiscalYearEnd: "12-31",
            formerNames: []
          }
          return this.odd.get(cik) ?? Effect.succeed(plain)
        })
    })
  }
}

const state = SymbolMaster.use((master) => master.state)
const stored = SymbolMaster.use((master) =>
  Effect.map(master.changes(START, 100_000), (all) => all.map(([, company]) => company))
)

/** Starts the worker and lets it run until it waits for the clock. */
const started = Effect.fnUntraced(function* (source: ScriptedSource, isOn = true) {
  const fiber = yield* Effect.forkScoped(Effect.provide(keepInSync, source.layer(isOn)))
  yield* TestClock.adjust("1 second")
  return fiber
})

const until = Effect.fnUntraced(function* <A>(
  effect: Effect.Effect<A, never, SymbolMaster>,
  holds: (value: A) => boolean
) {
  for (;;) {
    const value = yield* effect
    if (holds(value)) return value
    yield* Effect.yieldNow
  }
})

describe("the sync of companies", () => {
  it.effect("reads the list, then every company's particulars, tells the readers, and is due a day later", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      const told: Array<number> = []
      yield* (yield* Bus).subscribe(companiesChangedTopic, ({ version }) => void told.push(version))
      yield* started(source)
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
      const companies = yield* stored
      assert.strictEqual(companies.length, 60)
      for (const { detailedAt, industry, sector } of companies) {
        assert.deepStrictEqual([industry, sector, detailedAt], ["Cars", "Consumer Discretionary", "1970-01-01"])
      }
      assert.deepStrictEqual(
        source.asked,
        Array.from({ length: 60 }, (_, i) => i + 1)
      )
      const after = yield* state
      assert.deepInclude(after, { phase: null, error: null, isOn: true, listedOn: "1970-01-01", done: 60, total: 60 })
      assert.strictEqual(told.at(-1), after.version)
      // nothing more that day; the list the next day, and only new companies' particulars
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(source.lists, 1)
      source.list = listOf(61)
      yield* TestClock.adjust("2 hours")
      yield* until(state, ({ listedOn, phase }) => listedOn === "1970-01-02" && phase === null)
      assert.deepStrictEqual([source.lists, source.asked.length], [2, 61])
      // a month later they are read again
      yield* TestClock.adjust("31 days")
      yield* until(
        Effect.sync(() => source.asked.length),
        (asked) => asked >= 121
      )
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("runs when it is asked to, and not twice", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      yield* started(source)
      yield* until(state, ({ phase, finishedAt }) => finishedAt !== null && phase === null)
      yield* (yield* SymbolMaster).note({ requestedAt: 5 })
      yield* (yield* Bus).publish(companySyncTopic, { version: 0 })
      yield* until(state, ({ requestedAt, phase }) => requestedAt === null && phase === null)
      assert.strictEqual(source.lists, 2)
      // one that was not heard on the bus is seen within a minute
      yield* (yield* SymbolMaster).note({ requestedAt: 5 })
      yield* TestClock.adjust("1 minute")
      yield* until(state, ({ requestedAt, phase }) => requestedAt === null && phase === null)
      assert.strictEqual(source.lists, 3)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("keeps what came before the source failed, waits, and goes on from there", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      source.odd.set(30, Effect.fail(busy(600_000)))
      yield* started(source)
      yield* until(state, ({ error }) => error !== null)
      assert.deepInclude(yield* state, {
        phase: "details",
        error: "The SEC asks for a pause",
        failures: 1,
        finishedAt: null
      })
      const read = (yield* stored).filter(({ detailedAt }) => detailedAt !== null).length
      assert.isAtLeast(read, 25)
      assert.isBelow(read, 35)
      source.odd.clear()
      source.asked.length = 0
      yield* TestClock.adjust("9 minutes")
      assert.deepStrictEqual(source.asked, [], "it waits as long as it was asked to")
      yield* TestClock.adjust("2 minutes")
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
      assert.deepStrictEqual([source.lists, source.asked.length], [1, 60 - read])
      assert.deepInclude(yield* state, { failures: 0, error: null })
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("waits no longer because somebody tries meanwhile", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      source.listFails = busy(100_000)
      yield* started(source)
      const master = yield* SymbolMaster
      for (let tries = 0; tries < 4; tries++) {
        const { run } = yield* until(state, ({ error }) => error !== null)
        const { nextAt, startedAt } = yield* state
        assert.isAtMost((nextAt ?? 0) - (startedAt ?? 0), 120_000)
        yield* master.note({ requestedAt: 1, error: null })
        yield* (yield* Bus).publish(companySyncTopic, { version: 0 })
        yield* until(state, (now) => now.run > run && now.error !== null)
      }
      source.listFails = undefined
      yield* TestClock.adjust("2 minutes")
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("goes on where a crash cut it off, and the one before can write no more", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      const held = yield* Deferred.make<void>()
      source.odd.set(40, Effect.as(Deferred.await(held), null))
      const old = yield* started(source)
      yield* until(state, ({ done }) => done === 25)
      // frozen, not gone: another worker takes over
      const young = new ScriptedSource()
      yield* started(young)
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
      assert.deepStrictEqual([young.lists, young.asked.length], [0, 35])
      const before = yield* state
      yield* Deferred.succeed(held, undefined)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* state, before)
      yield* Fiber.interrupt(old)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("changes nothing when the list fails, or looks like a part of it", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      yield* started(source)
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
      const before = yield* stored
      source.listFails = new SourceError({ kind: "malformed", message: "Half a file", retryAfterMillis: 0 })
      yield* TestClock.adjust("25 hours")
      yield* until(state, ({ failures }) => failures > 0)
      source.listFails = undefined
      source.list = listOf(30)
      yield* TestClock.adjust("61 minutes")
      yield* until(state, ({ error }) => error?.includes("names 30 symbols, the last one had 60") === true)
      assert.deepStrictEqual(yield* stored, before)
      // one that is whole again is taken at the next try
      source.list = listOf(59)
      yield* TestClock.adjust("2 hours")
      yield* until(state, ({ failures }) => failures === 0)
      const gone = (yield* stored).filter(({ instruments }) => instruments.every(({ listed }) => !listed))
      assert.deepStrictEqual(
        gone.map(({ cik }) => cik),
        [60]
      )
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("believes a list that is so small on the fourth day", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      yield* started(source)
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
      source.list = listOf(30)
      const traded = Effect.map(stored, (all) => all.filter(({ rank }) => rank !== null).length)
      // three days of tries, however many somebody asks for
      yield* TestClock.adjust("3 days")
      assert.isAtLeast(source.lists, 20)
      assert.strictEqual(yield* traded, 60)
      yield* TestClock.adjust("2 days")
      yield* until(state, ({ failures }) => failures === 0)
      assert.strictEqual(yield* traded, 30)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("passes over what cannot be stored, and says of a bug that there is one", () =>
    Effect.gen(function* () {
      const master = yield* SymbolMaster
      const source = new ScriptedSource()
      const odd = { cik: 7, name: "Odd", sic: 1, industry: "unstorable", fiscalYearEnd: null, formerNames: [] }
      source.odd.set(7, Effect.succeed(odd))
      let hasBug = false
      const picky = SymbolMaster.of({
        ...master,
        change: (change) =>
          master.change({
            ...change,
            decide: (known) => {
              const decision = change.decide(known)
              if (hasBug || decision.changed.some(({ industry }) => industry === "unstorable"))
                throw new Error("refused")
              return decision
            }
          })
      })
      yield* Effect.forkScoped(
        Effect.provide(Effect.scoped(keepInSync), Layer.merge(source.layer(), Layer.succeed(SymbolMaster, picky)))
      )
      yield* TestClock.adjust("1 second")
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
      const without = (yield* stored).filter(({ detailedAt }) => detailedAt === null)
      assert.deepStrictEqual(
        without.map(({ cik }) => cik),
        [7]
      )
      hasBug = true
      yield* TestClock.adjust("25 hours")
      yield* until(state, ({ error }) => error !== null)
      const { error, failures, nextAt, startedAt } = yield* state
      assert.match(error ?? "", /the worker's log says why/)
      assert.isAtLeast(failures, 1)
      assert.isAbove(nextAt ?? 0, startedAt ?? 0)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("passes over a company whose particulars make no sense; but not over many", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      const odd = Effect.fail(new SourceError({ kind: "malformed", message: "not JSON", retryAfterMillis: 0 }))
      source.odd.set(7, odd)
      yield* started(source)
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
      const without = (yield* stored).filter(({ detailedAt }) => detailedAt === null)
      assert.deepStrictEqual(
        without.map(({ cik }) => cik),
        [7]
      )
      source.list = listOf(100)
      for (const { cik } of source.list) source.odd.set(cik, odd)
      yield* TestClock.adjust("25 hours")
      yield* until(state, ({ error }) => error !== null)
      assert.match((yield* state).error ?? "", /The particulars of \d+ companies make no sense/)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("asks nobody where nobody may be asked, and says so", () =>
    Effect.gen(function* () {
      const source = new ScriptedSource()
      yield* (yield* SymbolMaster).note({ requestedAt: 5 })
      yield* started(source, false)
      yield* until(state, ({ isOn }) => isOn === false)
      assert.deepInclude(yield* state, { requestedAt: null, phase: null })
      assert.strictEqual(source.lists, 0)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )

  it.effect("goes on when the store was away", () =>
    Effect.gen(function* () {
      const master = yield* SymbolMaster
      const source = new ScriptedSource()
      let isAway = true
      const failing = SymbolMaster.of({
        ...master,
        undetailed: (...query) => (isAway ? Effect.die(new Error("away")) : master.undetailed(...query))
      })
      const fiber = yield* Effect.forkScoped(
        Effect.provide(Effect.scoped(keepInSync), Layer.merge(source.layer(), Layer.succeed(SymbolMaster, failing)))
      )
      yield* until(state, ({ phase }) => phase === "details")
      isAway = false
      yield* TestClock.adjust("1 minute")
      yield* until(state, ({ finishedAt }) => finishedAt !== null)
      assert.deepStrictEqual([source.lists, source.asked.length], [1, 60])
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* Gauges).get("standing_subscriptions_active"), 0)
    }).pipe(Effect.scoped, Effect.provide(ground))
  )
})
