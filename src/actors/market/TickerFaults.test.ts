import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { marketNode, publish, shardsReady } from "../../../test/support/marketNode.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import {
  batch,
  bodyOf,
  isOrdered,
  listen,
  recovered,
  stateOf,
  ten,
  trade,
  unstoredBars
} from "../../../test/support/tickerProbe.ts"
import { Ticker } from "../../rpc/ticker.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarStore } from "./BarStore.ts"
import { ParkedBatches } from "./ParkedBatches.ts"

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

/** The same trades for every symbol, over several seconds and a minute's end. */
const prices = [10, 11, 12, 99, 13, 14, 9, 15]
const session = (symbol: string) => prices.map((price, i) => batch(symbol, trade(ten + i * 9_000, price)))

const everything = Effect.fnUntraced(function* (symbol: string) {
  const client = yield* Ticker.client
  const store = yield* BarStore
  return {
    quote: stateOf(yield* client(symbol).Snapshot()),
    unstored: yield* unstoredBars(symbol),
    seconds: yield* store.page({ symbol, interval: "1s", limit: 99 }),
    minutes: yield* store.page({ symbol, interval: "1m", limit: 99 })
  }
})

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
