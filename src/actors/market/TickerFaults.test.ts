import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Latch, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { marketNode, publish, shardsReady } from "../../../test/support/marketNode.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { batch, bodyOf, isOrdered, listen, stateOf, ten, trade } from "../../../test/support/tickerProbe.ts"
import { Ticker } from "../../rpc/ticker.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { ownedShardsTopic, tickShard } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarHistory } from "./BarHistory.ts"
import { BarStore } from "./BarStore.ts"
import { ParkedBatches } from "./ParkedBatches.ts"
import { StaleOwner } from "./ShardLedger.ts"
import type { ShardTerm } from "./ShardTerms.ts"

const kind = 'kind="ticker"'

/** Makes a fold crash: batches with this price, this many times. */
class Faults {
  readonly symbol: string
  readonly price: number
  times: number
  constructor(symbol: string, price: number, times: number) {
    this.symbol = symbol
    this.price = price * 10_000
    this.times = times
  }
  readonly fault = (symbol: string, { ticks }: TickBatch) => {
    if (symbol !== this.symbol || this.times <= 0) return
    if (!ticks.some((tick) => tick._tag === "Trade" && tick.price === this.price)) return
    this.times--
    throw new Error("injected")
  }
}

/** Enough for every back-off. */
const recovered = Effect.gen(function* () {
  for (let i = 0; i < 4; i++) {
    yield* TestClock.adjust("1 second")
    yield* settle
  }
})

/** The same trades for every symbol, over several seconds and a minute's end. */
const prices = [10, 11, 12, 99, 13, 14, 9, 15]
const session = (symbol: string) => prices.map((price, i) => batch(symbol, trade(ten + i * 9_000, price)))

const everything = Effect.fnUntraced(function* (symbol: string) {
  const client = yield* Ticker.client
  const store = yield* BarStore
  return {
    quote: stateOf(yield* client(symbol).Snapshot()),
    unstored: yield* client(symbol).UnstoredBars(),
    seconds: yield* store.page({ symbol, interval: "1s", limit: 99 }),
    minutes: yield* store.page({ symbol, interval: "1m", limit: 99 })
  }
})

/** The in-memory bar store, but for what happens before each write. */
const beforePut = (what: (owner: ShardTerm) => Effect.Effect<void, StaleOwner>) =>
  Layer.effect(
    BarStore,
    Effect.map(BarStore, (store) =>
      BarStore.of({
        ...store,
        put: (...args) =>
          Effect.andThen(
            Effect.suspend(() => what(args[0])),
            store.put(...args)
          )
      })
    )
  )

describe("a fault in one ticker's fold", () => {
  it.effect("restarts that actor alone, with a new epoch and exact quote and bars", () => {
    const feed = new ScriptedFeed(["GOOD", "BAD"])
    const faults = new Faults("BAD", 99, 2)
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const parked = yield* ParkedBatches
      const good = yield* listen("GOOD")
      const bad = yield* listen("BAD")
      for (let i = 0; i < prices.length; i++) {
        for (const symbol of ["GOOD", "BAD"]) {
          const next = session(symbol)[i]
          if (next !== undefined) yield* publish(next)
        }
        yield* settle
      }
      yield* recovered
      assert.strictEqual(faults.times, 0)
      assert.strictEqual(gauges.get("actor_restarts_total", kind), 2)
      assert.strictEqual(new Set(good.map((update) => update.epoch)).size, 1)
      assert.strictEqual(new Set(bad.map((update) => update.epoch)).size, 3)
      assert.isTrue(isOrdered(good) && isOrdered(bad))
      assert.deepStrictEqual(yield* everything("BAD"), yield* everything("GOOD"))
      assert.strictEqual(bodyOf(bad.at(-1) ?? assert.fail("silent")).n, prices.length)
      assert.deepStrictEqual(parked.list(), [])
      assert.strictEqual(gauges.get("actors_active", kind), 2)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed, { fault: faults.fault })))
  })

  it.effect("also when a checkpoint was taken in between, and when the whole journal must be replayed", () => {
    const feed = new ScriptedFeed(["GOOD", "BAD"])
    const faults = new Faults("BAD", 9, 1)
    const run = (journalTicks: number) =>
      Effect.gen(function* () {
        faults.times = 1
        yield* shardsReady
        for (const symbol of ["GOOD", "BAD"]) {
          for (const next of session(symbol)) {
            yield* publish(next)
            yield* settle
          }
        }
        yield* recovered
        assert.strictEqual(faults.times, 0)
        assert.deepStrictEqual(yield* everything("BAD"), yield* everything("GOOD"))
      }).pipe(Effect.provide(marketNode(feed, { fault: faults.fault, settings: { journalTicks } })))
    return Effect.andThen(run(2), run(1_000))
  })

  it.effect("a batch that crashes every time is parked with its reason; the symbol goes on without it", () => {
    const feed = new ScriptedFeed(["BAD"])
    const faults = new Faults("BAD", 99, Number.POSITIVE_INFINITY)
    const logged: Array<unknown> = []
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const parked = yield* ParkedBatches
      for (const next of session("BAD")) yield* publish(next)
      yield* settle
      yield* recovered
      const client = yield* Ticker.client
      assert.deepInclude(bodyOf(yield* client("BAD").Snapshot()), { n: prices.length - 1, h: 15, p: 15 })
      assert.strictEqual(gauges.get("parked_batches_total"), 1)
      assert.strictEqual(gauges.get("actor_restarts_total", kind), 3)
      assert.strictEqual(gauges.get("actor_escalations_total", kind), 0)
      const [poison] = parked.list()
      assert.strictEqual(poison?.batch.symbol, "BAD")
      assert.include(poison?.reason, "injected")
      // what was folded again after each crash is counted once, what was parked not at all
      assert.strictEqual(gauges.get("ticks_folded_total"), prices.length - 1)
      const [line, ...more] = logged.filter((message) => JSON.stringify(message).includes("set aside"))
      assert.deepStrictEqual(more, [])
      assert.deepInclude(Array.isArray(line) ? line[1] : line, { symbol: "BAD", ticks: 1, reason: "Error: injected" })
    }).pipe(Effect.provide(marketNode(feed, { fault: faults.fault, logged: (message) => void logged.push(message) })))
  })

  it.effect(
    "too many crashes: callers and holders are told, others are not touched, and it comes back by itself",
    () => {
      const feed = new ScriptedFeed(["GOOD", "BAD"])
      let broken = true
      const fault = (symbol: string) => {
        if (symbol === "BAD" && broken) throw new Error("injected")
      }
      return Effect.gen(function* () {
        yield* shardsReady
        const gauges = yield* Gauges
        const client = yield* Ticker.client
        const held = yield* Effect.forkChild(Effect.exit(Stream.runDrain(client("BAD").Hold())))
        yield* publish(batch("GOOD", trade(ten, 10)))
        yield* settle
        const { epoch } = yield* client("GOOD").Snapshot()
        const first = (yield* client("BAD").Snapshot()).epoch
        yield* publish(batch("BAD", trade(ten, 10)))
        yield* settle
        yield* recovered

        assert.strictEqual(gauges.get("actor_escalations_total", kind), 1)
        assert.strictEqual(gauges.get("actors_active", kind), 1)
        const refused = yield* Effect.flip(client("BAD").Snapshot())
        assert.strictEqual(refused._tag, "Unavailable")
        if (refused._tag === "Unavailable") assert.isAbove(refused.retryAfterMillis, 0)
        const told = yield* Fiber.join(held)
        assert.isTrue(Exit.isFailure(told) && !Exit.hasDies(told))

        // a dead actor does not block the feed: what does not fit is dropped and counted
        for (let i = 1; i <= 20; i++) yield* publish(batch("BAD", trade(ten + i, 10 + i)))
        assert.isAbove(gauges.get("ticks_dropped_total", 'reason="actor-down"'), 0)
        yield* publish(batch("GOOD", trade(ten + 1, 11)))
        yield* settle
        const good = yield* client("GOOD").Snapshot()
        assert.strictEqual(good.epoch, epoch)
        assert.strictEqual(good.seq, 2)

        broken = false
        yield* TestClock.adjust("10 seconds")
        yield* settle
        const back = yield* client("BAD").Snapshot()
        assert.isAbove(back.epoch, first)
        // what crashed it, what its mailbox held, and nothing of what was dropped
        const kept = 21 - gauges.get("ticks_dropped_total", 'reason="actor-down"')
        assert.deepInclude(bodyOf(back), { n: kept, o: 10 })
        assert.strictEqual(gauges.get("actors_active", kind), 2)
        yield* publish(batch("BAD", trade(ten + 50, 50)))
        yield* settle
        assert.deepInclude(bodyOf(yield* client("BAD").Snapshot()), { n: kept + 1, p: 50 })
      }).pipe(
        Effect.provide(marketNode(feed, { fault, settings: { intensity: 1, mailboxBatches: 8, poisonRetries: 99 } }))
      )
    }
  )

  it.effect("a recorded day that would lose bars waits for the store, and does not pass for current meanwhile", () => {
    const feed = new ScriptedFeed(["AAPL"])
    let down = true
    const flaky = beforePut(() => (down ? Effect.die(new Error("disk full")) : Effect.void))
    return Effect.gen(function* () {
      yield* shardsReady
      const bus = yield* Bus
      const client = yield* Ticker.client
      const store = yield* BarStore
      let served: ReadonlyArray<number> = []
      yield* bus.subscribe(ownedShardsTopic, ({ shards }) => {
        served = shards
      })
      const said = Effect.andThen(TestClock.adjust("1 second"), settle)
      yield* publish(batch("AAPL", trade(ten, 10)))
      yield* settle
      yield* said
      assert.include(served, tickShard("AAPL"))
      for (let second = 1; second <= 8; second++) {
        yield* publish(batch("AAPL", trade(ten + second * 1_000, 10 + second)))
        yield* settle
      }
      yield* said
      assert.include(served, tickShard("AAPL"), "a store that is full for a moment is nothing to tell")
      for (let wait = 0; wait < 3; wait++) yield* said
      assert.notInclude(served, tickShard("AAPL"))
      down = false
      yield* recovered
      assert.include(served, tickShard("AAPL"))
      assert.strictEqual((yield* client("AAPL").Snapshot()).seq, 9)
      const seconds = yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 })
      assert.strictEqual(seconds.length, 8)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed, { barStore: flaky, settings: { unsavedBars: 6 } })))
  })

  it.effect("a full store whose write is refused lets its actor go on, under its next term", () => {
    const feed = new ScriptedFeed(["AAPL"])
    const answered = Latch.makeUnsafe(false)
    let refusals = 0
    const refuseOnce = beforePut((owner) =>
      Effect.andThen(
        answered.await,
        Effect.suspend(() => (refusals++ === 0 ? Effect.fail(StaleOwner.of(owner.shard, owner.term)) : Effect.void))
      )
    )
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const client = yield* Ticker.client
      const store = yield* BarStore
      for (let second = 0; second <= 8; second++) {
        yield* publish(batch("AAPL", trade(ten + second * 1_000, 10 + second)))
        yield* settle
      }
      assert.isBelow(gauges.get("ticks_folded_total"), 9, "it waits for room")
      yield* answered.open
      for (let second = 0; second < 10; second++) yield* Effect.andThen(TestClock.adjust("1 second"), settle)
      assert.strictEqual(gauges.get("stale_owner_writes_refused_total"), 1)
      assert.strictEqual(gauges.get("shard_claims_total"), 2)
      assert.strictEqual(bodyOf(yield* client("AAPL").Snapshot()).n, 9)
      const seconds = yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 })
      assert.strictEqual(seconds.length, 8)
    }).pipe(Effect.provide(marketNode(feed, { barStore: refuseOnce, settings: { unsavedBars: 6 } })))
  })

  it.effect.each(["comes back", "stays away"])("an actor that waits for room stops in time: the store %s", (store) => {
    const feed = new ScriptedFeed(["AAPL"])
    const roomy = Latch.makeUnsafe(false)
    const stopMillis = 500
    const settings = { unsavedBars: 20, stopMillis }
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const node = yield* Layer.buildWithScope(
        marketNode(feed, { barStore: beforePut(() => roomy.await), settings }),
        scope
      )
      const gauges = Context.get(node, Gauges)
      yield* Effect.gen(function* () {
        yield* shardsReady
        for (let second = 0; second <= 23; second++) {
          yield* publish(batch("AAPL", trade(ten + second * 1_000, 10 + second)))
          yield* settle
        }
      }).pipe(Effect.provide(node))
      assert.isBelow(gauges.get("ticks_folded_total"), 24, "it waits for room")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* settle
      if (store === "comes back") yield* roomy.open
      else yield* TestClock.adjust(stopMillis)
      yield* settle
      // the cluster gives its entities time of its own
      for (let i = 0; i < 5 && closing.pollUnsafe() === undefined; i++) {
        yield* Effect.andThen(TestClock.adjust("1 second"), settle)
      }
      yield* Fiber.join(closing)
      const isWhole = store === "comes back"
      assert.strictEqual(gauges.get("ticker_unclean_stops_total"), isWhole ? 0 : 1)
      assert.strictEqual(gauges.get("bars_forgotten_total"), 0)
      const seconds = yield* Context.get(node, BarStore).page({ symbol: "AAPL", interval: "1s", limit: 99 })
      assert.strictEqual(seconds.length, isWhole ? 23 : 0)
    })
  })

  it.effect("pages have every bar at every moment: forming, on its way to the store, or there", () => {
    const feed = new ScriptedFeed(["AAPL"])
    const roomy = Latch.makeUnsafe(false)
    return Effect.gen(function* () {
      yield* shardsReady
      const history = yield* BarHistory
      const store = yield* BarStore
      const client = yield* Ticker.client
      feed.marketTime = ten + 60_000
      const page = Effect.map(history.page({ symbol: "AAPL", interval: "1s" }), ({ bars }) =>
        bars.map(({ close, final }) => [close, final])
      )
      const said: Array<ReadonlyArray<number>> = []
      const asking = Effect.map(client("AAPL").UnstoredBars(), (bars) => {
        said.push(bars["1s"].map(({ close }) => close))
      })
      const asked = yield* Effect.forkChild(Effect.forever(Effect.andThen(asking, Effect.yieldNow)))
      for (let second = 0; second <= 3; second++) {
        yield* publish(batch("AAPL", trade(ten + second * 1_000, 10 + second)))
        yield* settle
      }
      yield* Fiber.interrupt(asked)
      // whatever the moment, no bar that was there is missing
      assert.deepStrictEqual(Array.from(new Set(said.map(String))), ["", "10", "10,11", "10,11,12", "10,11,12,13"])
      const expected = [
        [10, true],
        [11, true],
        [12, true],
        [13, false]
      ]
      assert.deepStrictEqual(yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 }), [])
      assert.deepStrictEqual(yield* page, expected)
      yield* roomy.open
      yield* settle
      assert.strictEqual((yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 })).length, 3)
      assert.strictEqual((yield* client("AAPL").UnstoredBars())["1s"].length, 1)
      assert.deepStrictEqual(yield* page, expected)
    }).pipe(Effect.provide(marketNode(feed, { barStore: beforePut(() => roomy.await) })))
  })

  it.effect("a store that fails costs no quote, and gets its bars when it is back", () => {
    const feed = new ScriptedFeed(["AAPL"])
    let down = true
    const flaky = beforePut(() => (down ? Effect.die(new Error("disk full")) : Effect.void))
    return Effect.gen(function* () {
      yield* shardsReady
      const gauges = yield* Gauges
      const store = yield* BarStore
      const client = yield* Ticker.client
      for (const next of session("AAPL")) {
        yield* publish(next)
        yield* settle
      }
      assert.strictEqual((yield* client("AAPL").Snapshot()).seq, prices.length)
      assert.strictEqual(gauges.get("actor_restarts_total", kind), 0)
      assert.isAbove(gauges.get("bar_store_failures_total"), 0)
      down = false
      yield* publish(batch("AAPL", trade(ten + 90_000, 20)))
      // it tries again by itself
      yield* recovered
      const seconds = yield* store.page({ symbol: "AAPL", interval: "1s", limit: 99 })
      assert.strictEqual(seconds.length, prices.length)
    }).pipe(Effect.provide(marketNode(feed, { barStore: flaky })))
  })
})

describe("snapshot and stream", () => {
  const CRASH = 13
  /** As over a network: what is published arrives some turns later. */
  const slowBus = Layer.effect(
    Bus,
    Effect.map(Bus, (bus) =>
      Bus.of({
        ...bus,
        publish: (topic, message) =>
          topic.name.startsWith("quotes.")
            ? Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 50 }), bus.publish(topic, message))
            : bus.publish(topic, message)
      })
    )
  )
  type Step = "tick" | "burst" | "snapshot" | "run" | "crash"
  it.effect("whatever the interleaving, what comes after a snapshot is newer, and nothing is out of order", () =>
    Effect.gen(function* () {
      const runWith = Effect.runPromiseWith(yield* Effect.context<never>())
      const steps = fc.array(fc.constantFrom<Step>("tick", "burst", "snapshot", "run", "crash"), { maxLength: 30 })
      const property = fc.asyncProperty(steps, fc.boolean(), (script, slow) => {
        const feed = new ScriptedFeed(["A"])
        // each marked batch crashes the fold once
        const crashed = new WeakSet<TickBatch>()
        const fault = (_: string, marked: TickBatch) => {
          if (marked.ingestTime !== CRASH || crashed.has(marked)) return
          crashed.add(marked)
          throw new Error("injected")
        }
        let trades = 0
        return Effect.gen(function* () {
          yield* shardsReady
          const client = yield* Ticker.client
          const heard = yield* listen("A")
          const snapshots: Array<Fiber.Fiber<void, unknown>> = []
          const wrong: Array<string> = []
          const taken: Array<{ readonly at: number; readonly epoch: number; readonly seq: number }> = []
          for (const step of script) {
            const next = () => trade(ten + ++trades, 10)
            if (step === "tick") yield* publish(batch("A", next()))
            if (step === "burst") for (let i = 0; i < 5; i++) yield* publish(batch("A", next(), next()))
            if (step === "run") yield* settle
            if (step === "crash") yield* publish({ ...batch("A", next()), ingestTime: CRASH })
            if (step === "snapshot") {
              snapshots.push(
                yield* Effect.forkChild(
                  Effect.map(client("A").Snapshot(), ({ epoch, seq }) => {
                    taken.push({ at: heard.length, epoch, seq })
                  })
                )
              )
            }
          }
          yield* settle
          yield* recovered
          yield* recovered
          for (const fiber of snapshots) yield* Fiber.join(fiber)
          for (const { at, epoch, seq } of taken) {
            for (const update of heard.slice(at)) {
              if (!(update.epoch > epoch || (update.epoch === epoch && update.seq > seq))) {
                wrong.push(`${update.epoch}/${update.seq} after a snapshot at ${epoch}/${seq}`)
              }
            }
          }
          assert.deepStrictEqual(wrong, [])
          assert.isTrue(isOrdered(heard))
          const last = yield* client("A").Snapshot()
          assert.strictEqual(bodyOf(last).n, trades)
          if (heard.length > 0) assert.strictEqual(heard.at(-1)?.seq, last.seq)
        }).pipe(
          Effect.scoped,
          Effect.provide(
            marketNode(feed, {
              fault,
              settings: { intensity: 1_000, journalTicks: 7 },
              ...(slow ? { bus: slowBus } : {})
            })
          ),
          runWith
        )
      })
      yield* Effect.promise(() => fc.assert(property, { numRuns: 60 }))
    })
  )
})
