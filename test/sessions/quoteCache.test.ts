/** What watchers see of a symbol whose actor is still cold: its last known value at once, and never as more than that. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { WatchEvent } from "../../src/rpc/market.ts"
import { ScriptedQuoteCache } from "../support/ScriptedQuoteCache.ts"
import { ScriptedTickers } from "../support/ScriptedTickers.ts"
import { connect, sessionNode, settle } from "../support/sessionNode.ts"

/** Tags, and positions where there is one: `Snapshot 1.5`. */
const told = (events: ReadonlyArray<WatchEvent>) =>
  events
    .filter(({ _tag }) => _tag !== "Watching" && _tag !== "Liveness")
    .map((event) =>
      event._tag === "Gap"
        ? `Gap ${event.reason}`
        : "seq" in event
          ? `${event._tag} ${event.epoch}.${event.seq}`
          : event._tag
    )

const pass = Effect.fnUntraced(function* (seconds: number) {
  for (let second = 0; second < seconds; second++) {
    yield* TestClock.adjust("1 second")
    yield* settle
  }
})

/** AAPL's actor stands at 1.10 and takes 2 s to say so; the cache has it at 1.6. */
const cold = Effect.fnUntraced(function* () {
  const tickers = new ScriptedTickers(["AAPL"])
  const cache = new ScriptedQuoteCache()
  tickers.reach("AAPL", { epoch: 1, seq: 6 })
  cache.kept.set("AAPL", tickers.snapshot("AAPL"))
  tickers.reach("AAPL", { epoch: 1, seq: 10 })
  tickers.slowMillis = 2_000
  return { tickers, cache, node: sessionNode(tickers, { cache: cache.layer, policy: { deadAfterPingMillis: 1e9 } }) }
})

it.effect("a watcher sees the cached value at once; the actor's own goes on from it", () =>
  Effect.gen(function* () {
    const { cache, node, tickers } = yield* cold()
    yield* Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["AAPL"] })
      assert.deepEqual(told(socket.events(7)), ["Snapshot 1.6"])
      const second = yield* connect({ symbols: ["AAPL"] })
      assert.deepEqual(told(second.socket.events(7)), ["Snapshot 1.6"], "whoever comes meanwhile sees it too")
      assert.strictEqual(cache.asked, 1, "asked once a symbol, whatever the number of watchers")
      yield* pass(3)
      for (const { socket: one } of [{ socket }, second]) {
        const events = one.events(7)
        assert.deepEqual(told(events), ["Update 1.10"])
        assert.deepInclude(events[0], { folded: 3 })
      }
      yield* tickers.tick("AAPL", 1)
      yield* settle
      assert.deepEqual(told(socket.events(7)), ["Update 1.11"])
    }).pipe(Effect.provide(node))
  })
)

it.effect("nothing is told twice when the actor stands where the cache does", () =>
  Effect.gen(function* () {
    const { node, tickers } = yield* cold()
    tickers.reach("AAPL", { epoch: 1, seq: 6 })
    yield* Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["AAPL"] })
      yield* pass(3)
      assert.deepEqual(told(socket.events(7)), ["Snapshot 1.6"])
    }).pipe(Effect.provide(node))
  })
)

it.effect("an actor that started anew since is told as such", () =>
  Effect.gen(function* () {
    const { node, tickers } = yield* cold()
    tickers.reach("AAPL", { epoch: 2, seq: 1 })
    yield* Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["AAPL"] })
      yield* pass(3)
      assert.deepEqual(told(socket.events(7)), ["Snapshot 1.6", "Gap actor-restarted", "Snapshot 2.1"])
    }).pipe(Effect.provide(node))
  })
)

it.effect(
  "an update on the bus goes on from the cached value before the actor has answered; older ones change nothing",
  () =>
    Effect.gen(function* () {
      const { node, tickers } = yield* cold()
      yield* Effect.gen(function* () {
        const { socket } = yield* connect({ symbols: ["AAPL"] })
        yield* tickers.repeat("AAPL", 5)
        yield* settle
        assert.deepEqual(told(socket.events(7)), ["Snapshot 1.6"])
        yield* tickers.tick("AAPL", 1)
        yield* settle
        assert.deepEqual(told(socket.events(7)), ["Update 1.11"])
        yield* pass(3)
        assert.deepEqual(told(socket.events(7)), [])
      }).pipe(Effect.provide(node))
    })
)

it.effect("an actor out of reach: the cached value is told to be stale, and shown to nobody who comes later", () =>
  Effect.gen(function* () {
    const { node, tickers } = yield* cold()
    tickers.lose("AAPL")
    yield* Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["AAPL"] })
      assert.deepEqual(told(socket.events(7)), ["Snapshot 1.6"])
      yield* pass(3)
      assert.deepEqual(told(socket.events(7)), ["Gap unavailable"])
      const late = yield* connect({ symbols: ["AAPL"] })
      assert.deepEqual(told(late.socket.events(7)), ["Gap unavailable"])
      tickers.back("AAPL")
      yield* pass(6)
      for (const one of [socket, late.socket]) assert.deepEqual(told(one.events(7)), ["Snapshot 1.10"])
    }).pipe(Effect.provide(node))
  })
)

it.effect(
  "a cache that answers after the loss was told cannot make it look current, nor after the actor's answer",
  () =>
    Effect.gen(function* () {
      const { cache, node, tickers } = yield* cold()
      tickers.slowMillis = 0
      cache.slowMillis = 2_000
      tickers.lose("AAPL")
      yield* Effect.gen(function* () {
        const { socket } = yield* connect({ symbols: ["AAPL"] })
        yield* pass(3)
        assert.deepEqual(told(socket.events(7)), ["Gap unavailable"])
        tickers.back("AAPL")
        yield* pass(3)
        assert.deepEqual(told(socket.events(7)), ["Snapshot 1.10"])
      }).pipe(Effect.provide(node))
    })
)

it.effect("a resume waits for the actor's word: what others are shown meanwhile may be behind the client", () =>
  Effect.gen(function* () {
    const { node } = yield* cold()
    yield* Effect.gen(function* () {
      const positions = [{ symbol: "AAPL", epoch: 1, seq: 8 }]
      const first = yield* connect({ symbols: ["AAPL"], positions })
      const second = yield* connect({ symbols: ["AAPL"], positions })
      for (const { socket } of [first, second]) {
        assert.deepEqual(socket.events(7), [], "nothing is said before it is known")
      }
      yield* pass(3)
      for (const { socket } of [first, second]) {
        const [watching, ...rest] = socket.events(7)
        assert.deepInclude(watching, { _tag: "Watching", recovered: true })
        assert.deepEqual(told(rest), ["Update 1.10"])
        assert.deepInclude(rest.at(-1), { folded: 1 })
      }
    }).pipe(Effect.provide(node))
  })
)

it.effect("a resume whose actor does not answer in time starts over from the cached value", () =>
  Effect.gen(function* () {
    const { node, tickers } = yield* cold()
    tickers.slowMillis = 5_000
    yield* Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["AAPL"], positions: [{ symbol: "AAPL", epoch: 1, seq: 4 }] })
      yield* pass(4)
      const [watching, ...rest] = socket.events(7)
      assert.deepInclude(watching, { _tag: "Watching", recovered: false })
      assert.deepEqual(told(rest), ["Snapshot 1.6"])
      yield* pass(2)
      assert.deepEqual(told(socket.events(7)), ["Update 1.10"])
    }).pipe(Effect.provide(node))
  })
)

it.effect("a resume from further back than the cache is recovered without telling the cached value", () =>
  Effect.gen(function* () {
    const { node } = yield* cold()
    yield* Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["AAPL"], positions: [{ symbol: "AAPL", epoch: 1, seq: 2 }] })
      yield* pass(3)
      const [watching, ...rest] = socket.events(7)
      assert.deepInclude(watching, { recovered: true })
      assert.deepEqual(told(rest), ["Update 1.10"])
    }).pipe(Effect.provide(node))
  })
)

it.effect("a cache that outlived the stores and claims a later epoch gives way to the actor", () =>
  Effect.gen(function* () {
    const { cache, node, tickers } = yield* cold()
    tickers.reach("AAPL", { epoch: 9, seq: 1 })
    cache.kept.set("AAPL", tickers.snapshot("AAPL"))
    tickers.reach("AAPL", { epoch: 1, seq: 10 })
    yield* Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["AAPL"] })
      yield* pass(3)
      assert.deepEqual(told(socket.events(7)), ["Snapshot 9.1", "Gap unavailable", "Snapshot 1.10"])
      yield* tickers.tick("AAPL", 1)
      yield* settle
      assert.deepEqual(told(socket.events(7)), ["Update 1.11"])
    }).pipe(Effect.provide(node))
  })
)
