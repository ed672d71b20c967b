import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { ScriptedTickers } from "../../../test/support/ScriptedTickers.ts"
import { LastPrices } from "./LastPrices.ts"

const priced = (tickers: ScriptedTickers) => Effect.provide(Layer.provide(LastPrices.layer, tickers.layer))

describe("last prices", () => {
  it.effect("are those of the symbols that the feed tells", () => {
    const tickers = new ScriptedTickers(["AAPL", "MSFT"])
    return Effect.gen(function* () {
      const prices = yield* (yield* LastPrices).of(["AAPL", "NOSUCH", "MSFT", "AAPL"])
      assert.deepStrictEqual([...prices.keys()].toSorted(), ["AAPL", "MSFT"])
      assert.deepStrictEqual(prices.get("AAPL"), {
        last: 1_001,
        previousClose: 100,
        exchangeTime: 1_000,
        label: "SIMULATED"
      })
    }).pipe(priced(tickers))
  })

  it.effect("are asked for once a second, however many lists show them", () => {
    const tickers = new ScriptedTickers(["AAPL"])
    return Effect.gen(function* () {
      const prices = yield* LastPrices
      yield* Effect.all(
        Array.from({ length: 50 }, () => prices.of(["AAPL"])),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(tickers.encodings, 1)
      tickers.reach("AAPL", { epoch: 2, seq: 5 })
      yield* TestClock.adjust("999 millis")
      assert.strictEqual((yield* prices.of(["AAPL"])).get("AAPL")?.last, 1_001)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* prices.of(["AAPL"])).get("AAPL")?.last, 2_005)
    }).pipe(priced(tickers))
  })

  it.effect("that do not come in time, or at all, are left out; the others are told", () => {
    const tickers = new ScriptedTickers(["AAPL", "MSFT", "IBM"])
    return Effect.gen(function* () {
      const prices = yield* LastPrices
      yield* prices.of(["AAPL"])
      tickers.lose("IBM")
      tickers.slowMillis = 1_000
      const asking = yield* Effect.forkChild(prices.of(["AAPL", "MSFT", "IBM"]))
      yield* TestClock.adjust("249 millis")
      assert.isUndefined(asking.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([...(yield* Fiber.join(asking)).keys()], ["AAPL"])
    }).pipe(priced(tickers))
  })

  it.effect("a crash behind one is nobody's, and who leaves early takes nobody along", () => {
    const tickers = new ScriptedTickers(["AAPL", "MSFT"])
    tickers.defects = 1
    return Effect.gen(function* () {
      const prices = yield* LastPrices
      assert.strictEqual((yield* prices.of(["AAPL", "MSFT"])).size, 1)
      yield* TestClock.adjust("1 second")
      tickers.slowMillis = 100
      const hasty = yield* Effect.forkChild(prices.of(["AAPL"]), { startImmediately: true })
      const patient = yield* Effect.forkChild(prices.of(["AAPL"]), { startImmediately: true })
      yield* Fiber.interrupt(hasty)
      yield* TestClock.adjust("250 millis")
      assert.strictEqual((yield* Fiber.join(patient)).size, 1)
    }).pipe(priced(tickers))
  })
})
