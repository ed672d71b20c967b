/** Ticker actors and sessions together: a fold that breaks restarts alone, and its watchers are made whole. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import { SymbolDirectory, Tickers } from "../../src/actors/sessions/Tickers.ts"
import { LosingBus } from "../support/LosingBus.ts"
import { marketNode, publish, shardsReady } from "../support/marketNode.ts"
import { ScriptedFeed } from "../support/ScriptedFeed.ts"
import { ScriptedTickers } from "../support/ScriptedTickers.ts"
import { connect, sessionLayers, settle } from "../support/sessionNode.ts"
import { batch, ten, trade } from "../support/tickerProbe.ts"

const BROKEN = 13 * 10_000

it.effect(
  "breaking one ticker's fold restarts that actor alone; its watchers get a gap and a snapshot, others nothing",
  () => {
    const feed = new ScriptedFeed(["AAPL", "MSFT"])
    let faults = 1
    const fault = (symbol: string, { ticks }: { readonly ticks: ReadonlyArray<{ readonly _tag: string }> }) => {
      const hit = ticks.some((tick) => tick._tag === "Trade" && "price" in tick && tick.price === BROKEN)
      if (symbol === "AAPL" && hit && faults-- > 0) throw new Error("injected")
    }
    const directory = Layer.succeed(SymbolDirectory, {
      has: (symbol) => feed.symbols.includes(symbol),
      label: "REPLAY"
    })
    const node = sessionLayers({ policy: { deadAfterPingMillis: 1e9 } }).pipe(
      Layer.provideMerge(Layer.mergeAll(Tickers.layer, directory)),
      Layer.provideMerge(marketNode(feed, { fault }))
    )
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const { socket } = yield* connect({ symbols: ["AAPL", "MSFT"] })
      const say = Effect.fnUntraced(function* (price: number, at: number) {
        yield* publish(batch("AAPL", trade(ten + at, price)))
        yield* publish(batch("MSFT", trade(ten + at, price)))
        for (let turn = 0; turn < 4; turn++) {
          yield* settle
          yield* TestClock.adjust("1 second")
        }
        yield* settle
      })
      yield* say(11, 10)
      yield* say(12, 20)
      const before = socket.events(7)
      yield* say(13, 30)
      yield* say(14, 40)
      const after = socket.events(7)

      const of = (symbol: string) =>
        after.flatMap((event) => ("symbol" in event && event.symbol === symbol ? [event] : []))
      assert.deepEqual(
        of("MSFT").map(({ _tag }) => _tag),
        ["Update", "Update"],
        "the other symbol never noticed"
      )
      const [gap, snapshot, ...later] = of("AAPL")
      assert.strictEqual(gap?._tag, "Gap")
      assert.strictEqual(snapshot?._tag, "Snapshot")
      assert.isTrue(later.every(({ _tag }) => _tag === "Update"))
      const old = before.find((event) => event._tag === "Snapshot" && event.symbol === "AAPL")
      assert.isAbove(snapshot?.epoch ?? 0, old?._tag === "Snapshot" ? old.epoch : Number.NaN)
      // nothing was lost: the batch that broke the fold was folded after the restart
      assert.deepInclude(of("AAPL").at(-1), { last: 14, high: 14, low: 11, volume: 400, trades: 4 })
      assert.strictEqual(gauges.get("actor_restarts_total", 'kind="ticker"'), 1)
    }).pipe(Effect.scoped, Effect.provide(node))
  }
)

it.effect("what a broken connection kept from watchers is asked for and said again once it is back", () => {
  const feed = new ScriptedFeed(["AAPL"])
  const directory = Layer.succeed(SymbolDirectory, { has: () => true, label: "REPLAY" })
  const bus = new LosingBus()
  const node = sessionLayers({ policy: { deadAfterPingMillis: 1e9 } }).pipe(
    Layer.provideMerge(Layer.mergeAll(Tickers.layer, directory)),
    Layer.provideMerge(marketNode(feed, { bus: bus.layer }))
  )
  return Effect.gen(function* () {
    yield* shardsReady
    const { socket } = yield* connect({ symbols: ["AAPL"] })
    yield* publish(batch("AAPL", trade(ten, 11)))
    yield* settle
    assert.deepInclude(socket.events(7).at(-1), { last: 11 })
    bus.break()
    for (const [at, price] of [12, 13, 14].entries()) yield* publish(batch("AAPL", trade(ten + at, price)))
    yield* settle
    // nothing follows: this symbol is quiet now
    assert.deepEqual(socket.events(7), [])
    bus.mend()
    yield* settle
    yield* TestClock.adjust("1 second")
    yield* settle
    const events = socket.events(7)
    assert.deepInclude(events[0], { _tag: "Update", last: 14, trades: 4 })
    assert.strictEqual(events.length, 1)
  }).pipe(Effect.scoped, Effect.provide(node))
})

it.effect("a loss that is told while an actor is being asked is not swallowed by its answer", () => {
  const tickers = new ScriptedTickers(["AAPL"])
  const bus = new LosingBus()
  const node = sessionLayers({ policy: { deadAfterPingMillis: 1e9 } }).pipe(
    Layer.provideMerge(bus.layer),
    Layer.provideMerge(Layer.mergeAll(Bus.layerInProcess, QuoteCache.layerNone)),
    Layer.provideMerge(Gauges.layer),
    Layer.provide(tickers.layer)
  )
  return Effect.gen(function* () {
    const { socket } = yield* connect({ symbols: ["AAPL"] })
    tickers.slowMillis = 1_000
    bus.mend()
    yield* settle
    yield* TestClock.adjust("20 millis")
    yield* settle
    // it answers what held when it was asked; what was said since is lost, and that is told before it answers
    yield* TestClock.adjust("500 millis")
    bus.mend()
    for (let n = 0; n < 3; n++) {
      yield* TestClock.adjust("1 second")
      yield* settle
      if (n === 0) tickers.reach("AAPL", { epoch: 1, seq: 9 })
    }
    assert.deepInclude(socket.events(7).at(-1), { seq: 9 })
  }).pipe(Effect.scoped, Effect.provide(node))
})
