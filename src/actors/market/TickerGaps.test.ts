/** Ticks that are missing, come again, or come from a feed that is no more. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import {
  A,
  asleep,
  beforeCheckpoint,
  everything,
  away as fails,
  hand,
  sharedStores,
  startNode,
  stream
} from "../../../test/support/ownedTicker.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { listen } from "../../../test/support/tickerProbe.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { Checkpoints } from "./Checkpoints.ts"

describe("ticks of a kept stream", () => {
  it.effect("batches lost with an actor make the shard unsettled, once", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      const node = yield* startNode(beforeCheckpoint(stores, { save: fails }))
      yield* hand(node, stream.slice(0, 5))
      // it goes to sleep, and cannot leave its state
      yield* TestClock.adjust("5 minutes")
      yield* settle
      yield* TestClock.adjust("10 seconds")
      yield* settle
      assert.strictEqual(Context.get(node.services, Gauges).get("ticker_unclean_stops_total"), 1)
      assert.deepStrictEqual(node.source.askedAgain, [A])
      assert.strictEqual((yield* Effect.flip(node.source.settle(A)))._tag, "Unsettled")
      yield* node.source.settle(A)
      yield* node.close
    }).pipe(Effect.scoped)
  )

  it.effect("what waits behind a crash is not settled before it is folded", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      let crashes = 1
      const node = yield* startNode(stores, undefined, (_, { origin }) => {
        if (origin === undefined || origin.from <= 3 || crashes === 0) return
        crashes--
        throw new Error("injected")
      })
      yield* hand(node, stream.slice(0, 2))
      // both are in the mailbox when the first of them crashes the fold
      yield* Effect.forEach(stream.slice(2, 6), (one) => node.source.hand(one), { discard: true })
      const settling = yield* Effect.forkChild(node.source.settle(A), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* settle
      yield* Fiber.join(settling)
      assert.strictEqual(crashes, 0)
      const saved = yield* Context.get(stores, Checkpoints).load("A")
      assert.strictEqual(saved?.fed, stream.slice(0, 6).flatMap(({ ticks }) => ticks).length)
      yield* node.close
    }).pipe(Effect.scoped)
  )

  it.effect("ticks lost with an actor are read again, and nothing behind them is folded before they come", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      let away = false
      const node = yield* startNode(
        beforeCheckpoint(stores, { save: Effect.suspend(() => (away ? fails : Effect.void)) })
      )
      node.source.canReadAgain = true
      yield* hand(node, stream.slice(0, 3))
      yield* node.source.settle(A)
      yield* hand(node, stream.slice(3, 8))
      away = true
      yield* asleep
      away = false
      assert.deepStrictEqual(node.source.askedAgain, [A])
      // what was on its way before the stream was read again
      yield* hand(node, stream.slice(8, 12))
      assert.isAbove(node.source.askedAgain.length, 1)
      yield* node.source.begins(A)
      yield* hand(node, stream.slice(3))
      const whole = yield* startNode()
      yield* hand(whole, stream)
      assert.deepStrictEqual(yield* everything(node), yield* everything(whole))
      assert.strictEqual(Context.get(node.services, Gauges).get("ticks_noted_total", 'kind="missed"'), 0)
      yield* node.close
      yield* whole.close
    }).pipe(Effect.scoped)
  )

  it.effect("ticks that the stream has lost are missed once it was read again without them, counted and told", () =>
    Effect.gen(function* () {
      const node = yield* startNode()
      node.source.canReadAgain = true
      const heard = yield* Effect.provide(listen("A"), node.services)
      yield* hand(node, stream.slice(0, 3))
      yield* hand(node, stream.slice(5, 8))
      const gauges = Context.get(node.services, Gauges)
      assert.strictEqual(gauges.get("ticks_noted_total", 'kind="missed"'), 0)
      yield* node.source.begins(A)
      yield* hand(node, stream.slice(5, 9))
      assert.strictEqual(
        gauges.get("ticks_noted_total", 'kind="missed"'),
        stream.slice(3, 5).flatMap(({ ticks }) => ticks).length
      )
      assert.strictEqual(new Set(heard.map(({ epoch }) => epoch)).size, 2)
      yield* node.close
    }).pipe(Effect.scoped)
  )

  it.effect("what a node that played before sends too late is of no account", () =>
    Effect.gen(function* () {
      const node = yield* startNode()
      const of = (run: string, no: number) =>
        stream.map((one) => ({ ...one, origin: { run, no, from: one.origin?.from ?? 0 } }))
      yield* hand(node, of("first", 1).slice(0, 4))
      yield* hand(node, of("second", 2).slice(0, 6))
      yield* hand(node, of("first", 1).slice(4, 9))
      yield* hand(node, of("second", 2).slice(6))
      const whole = yield* startNode()
      yield* hand(whole, stream)
      assert.deepStrictEqual((yield* everything(node)).quote, (yield* everything(whole)).quote)
      yield* node.close
      yield* whole.close
    }).pipe(Effect.scoped)
  )
})
