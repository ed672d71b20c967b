/** A symbol whose shard changes hands: durable positions, refused writes, and bars that do not notice. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Latch, Layer } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { oneNodeCluster } from "../../../test/support/marketNode.ts"
import {
  A,
  asleep,
  beforeCheckpoint,
  everything,
  away as fails,
  hand,
  type Node,
  sharedStores,
  snapshot,
  startNode,
  stream
} from "../../../test/support/ownedTicker.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { bodyOf, listen, unstoredBars } from "../../../test/support/tickerProbe.ts"
import { Ticker } from "../../rpc/ticker.ts"
import { MARKET_SHARDS, tickShard } from "../../rpc/topics.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarStore } from "./BarStore.ts"
import { Checkpoints } from "./Checkpoints.ts"
import { ShardLedger, StaleOwner } from "./ShardLedger.ts"

describe("a shard that changes hands", () => {
  it.effect("a tick shard is the cluster's shard of the symbol", () =>
    Effect.gen(function* () {
      const sharding = yield* Sharding.Sharding
      fc.assert(
        fc.property(fc.stringMatching(/^[A-Z][A-Z0-9]{0,9}([.-][A-Z0-9]{1,4})?$/), (symbol) => {
          const id = EntityId.make(symbol)
          const shard = sharding.getShardId(id, Ticker.getShardGroup(id))
          assert.deepStrictEqual([shard.group, shard.id], [MARKET_SHARDS, tickShard(symbol) + 1])
        })
      )
    }).pipe(Effect.provide(oneNodeCluster))
  )

  it.effect("leaves the same quote and bars, wherever the owner was killed and whatever is read again", () =>
    Effect.gen(function* () {
      const undisturbed = yield* startNode()
      yield* hand(undisturbed, stream)
      const expected = yield* everything(undisturbed)
      yield* undisturbed.close
      assert.isAbove(expected.seconds.length, 50)
      const at = fc.nat(stream.length)
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(at, at, at, (one, two, three) => {
            const [settled = 0, killed = 0] = [one, two].sort((x, y) => x - y)
            const readFrom = Math.min(settled, three)
            return Effect.runPromise(
              Effect.gen(function* () {
                const stores = yield* sharedStores
                const first = yield* startNode(stores)
                yield* hand(first, stream.slice(0, settled))
                yield* first.source.settle(A)
                yield* hand(first, stream.slice(settled, killed))
                // killed: it neither stops nor is heard of again
                const second = yield* startNode(stores)
                yield* hand(second, stream.slice(readFrom))
                assert.deepStrictEqual(yield* everything(second), expected)
                yield* second.close
                yield* first.close
              }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
            )
          }),
          { numRuns: 25 }
        )
      )
    }).pipe(Effect.scoped)
  )

  it.effect("that is handed over is continued where it stands; after an owner that just died a new epoch begins", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      const positions = (node: Node) =>
        Effect.map(
          Effect.provide(listen("A"), node.services),
          (heard) => () => heard.map(({ epoch, seq }) => ({ epoch, seq }))
        )
      const first = yield* startNode(stores)
      const saidFirst = yield* positions(first)
      yield* hand(first, stream.slice(0, 5))
      const left = saidFirst().at(-1)
      yield* first.close
      const second = yield* startNode(stores)
      const saidSecond = yield* positions(second)
      yield* hand(second, stream.slice(3, 6))
      const ticks = stream[5]?.ticks.length ?? 0
      assert.deepStrictEqual(saidSecond(), [left, { epoch: left?.epoch, seq: (left?.seq ?? 0) + ticks }])
      // killed: nothing of it was left since
      const third = yield* startNode(stores)
      const saidThird = yield* positions(third)
      yield* hand(third, stream.slice(3, 7))
      assert.isAbove(saidThird()[0]?.epoch ?? 0, left?.epoch ?? Number.NaN)
      assert.deepStrictEqual(
        yield* everything(third),
        yield* Effect.flatMap(startNode(), (whole) =>
          Effect.andThen(hand(whole, stream.slice(0, 7)), everything(whole))
        )
      )
      yield* third.close
      yield* second.close
    }).pipe(Effect.scoped)
  )

  it.effect("settling makes the state durable, and fails while the store is away", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      const checkpoints = Context.get(stores, Checkpoints)
      let away = true
      const node = yield* startNode(
        beforeCheckpoint(stores, { save: Effect.suspend(() => (away ? fails : Effect.void)) })
      )
      yield* hand(node, stream.slice(0, 5))
      // nothing is lost: it is asked for again later
      const exit = yield* Effect.exit(node.source.settle(A))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.isUndefined(yield* checkpoints.load("A"))
      away = false
      yield* node.source.settle(A)
      const saved = yield* checkpoints.load("A")
      assert.strictEqual(saved?.fed, stream.slice(0, 5).flatMap(({ ticks }) => ticks).length)
      // nothing came since: nothing to do
      away = true
      yield* node.source.settle(A)
      yield* node.close
    }).pipe(Effect.scoped)
  )

  it.effect("a refused owner claims anew, says so by a new epoch, and loses no bar", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      const ledger = Context.get(stores, ShardLedger)
      /** The last claim; only its owner may write. */
      let newest = 0
      const claims = Context.add(
        stores,
        ShardLedger,
        ShardLedger.of({
          ...ledger,
          claim: (shard) => Effect.tap(ledger.claim(shard), ({ term }) => Effect.sync(() => (newest = term)))
        })
      )
      const fenced = Layer.effect(
        BarStore,
        Effect.map(BarStore, (store) =>
          BarStore.of({
            ...store,
            put: (owner, ...rest) =>
              Effect.suspend(() =>
                owner.term === newest ? store.put(owner, ...rest) : Effect.fail(StaleOwner.of(owner.shard, owner.term))
              )
          })
        )
      )
      const node = yield* startNode(claims, fenced)
      const gauges = Context.get(node.services, Gauges)
      const heard = yield* Effect.provide(listen("A"), node.services)
      yield* hand(node, stream.slice(0, 10))
      // somebody else owned it for a while
      newest = (yield* ledger.claim(A)).term
      yield* hand(node, stream.slice(10))
      // the cluster has not taken the shard away meanwhile: it is this node's
      const pass = Effect.fnUntraced(function* (seconds: number) {
        for (let n = 0; n < seconds; n++) {
          yield* TestClock.adjust("1 second")
          yield* settle
        }
      })
      yield* pass(4)
      assert.strictEqual(gauges.get("shard_claims_total"), 1)
      yield* pass(4)
      assert.strictEqual(gauges.get("shard_claims_total"), 2)
      const expected = yield* startNode()
      yield* hand(expected, stream)
      const { quote, seconds } = yield* everything(node)
      const whole = yield* everything(expected)
      assert.deepStrictEqual(quote, whole.quote)
      assert.deepStrictEqual(seconds, whole.seconds)
      assert.strictEqual(gauges.get("stale_owner_writes_refused_total"), 1)
      assert.strictEqual(new Set(heard.map(({ epoch }) => epoch)).size, 2)
      yield* node.close
      yield* expected.close
    }).pipe(Effect.scoped)
  )

  it.effect("an actor that slept and woke, and whose node was killed then, has left no epoch to be gone back to", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      const first = yield* startNode(stores)
      const heard = yield* Effect.provide(listen("A"), first.services)
      yield* hand(first, stream.slice(0, 5))
      yield* asleep
      const woken = yield* snapshot(first)
      assert.isAbove(woken.epoch, heard[0]?.epoch ?? Number.NaN)
      yield* first.source.settle(A)
      // killed: it neither stops nor is heard of again
      const second = yield* startNode(stores)
      assert.isAbove((yield* snapshot(second)).epoch, woken.epoch)
      yield* second.close
    }).pipe(Effect.scoped)
  )

  it.effect("nobody is shown what is still being read again", () =>
    Effect.gen(function* () {
      const node = yield* startNode()
      node.source.caughtUp.closeUnsafe()
      const heard = yield* Effect.provide(listen("A"), node.services)
      yield* hand(node, stream.slice(0, 5))
      const asked = yield* Effect.forkChild(snapshot(node), { startImmediately: true })
      const bars = yield* Effect.forkChild(Effect.provide(unstoredBars("A"), node.services), { startImmediately: true })
      yield* settle
      assert.deepStrictEqual(heard, [])
      assert.isUndefined(asked.pollUnsafe())
      assert.isUndefined(bars.pollUnsafe())
      yield* node.source.caughtUp.open
      yield* settle
      const exit = asked.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      assert.isAbove((yield* Fiber.join(bars)).flatMap((one) => one.bars).length, 0)
      // whoever did not ask hears it, however quiet the symbol is
      node.source.sink?.caughtUp(A)
      yield* settle
      assert.strictEqual(heard.length, 1)
      yield* hand(node, stream.slice(5, 6))
      assert.strictEqual(heard.length, 2)
      yield* node.close
    }).pipe(Effect.scoped)
  )

  it.effect("neither a page nor a chart is told what an earlier playing came to", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      const told = (node: Node) =>
        Effect.provide(
          Effect.flatMap(Ticker.client, (client) => client("A").UnstoredBars({ interval: "1m" })),
          node.services
        )
      const node = yield* startNode(stores)
      yield* hand(node, stream.slice(0, 5))
      assert.strictEqual((yield* told(node)).marketTime, 0, "that is run r, and the feed plays another")
      const again = stream
        .slice(0, 5)
        .map((one) => ({ ...one, origin: { run: "scripted", no: 2, from: one.origin?.from ?? 0 } }))
      yield* hand(node, again)
      assert.strictEqual((yield* told(node)).marketTime, again.at(-1)?.ticks.at(-1)?.time)
      yield* node.close
    }).pipe(Effect.scoped)
  )

  it.effect.each([0, 1])(
    "what was handed over counts as folded once its actor has started and folded it, after %i crashes",
    (faults) =>
      Effect.gen(function* () {
        const stores = yield* sharedStores
        const seed = yield* startNode(stores)
        yield* hand(seed, stream.slice(0, 4))
        yield* seed.close
        const loading = Latch.makeUnsafe(false)
        const slow = beforeCheckpoint(stores, { load: loading.await })
        let crashes = faults
        const node = yield* startNode(slow, undefined, (_, { origin }) => {
          if (origin === undefined || origin.from < 10 || crashes === 0) return
          crashes--
          throw new Error("injected")
        })
        // as a source does: it says that it has caught up once all is folded
        node.source.caughtUp.closeUnsafe()
        yield* hand(node, stream.slice(2, 8))
        const catchingUp = yield* Effect.forkChild(
          Effect.andThen(node.source.sink?.folded(A) ?? Effect.die("no sink"), node.source.caughtUp.open),
          { startImmediately: true }
        )
        const asked = yield* Effect.forkChild(snapshot(node), { startImmediately: true })
        yield* settle
        assert.isUndefined(catchingUp.pollUnsafe(), "its actor has not loaded its state")
        yield* loading.open
        yield* settle
        assert.strictEqual(crashes, 0)
        assert.strictEqual(
          catchingUp.pollUnsafe() === undefined,
          faults > 0,
          "its actor has not come back from its crash"
        )
        yield* TestClock.adjust("1 second")
        yield* settle
        yield* Fiber.join(catchingUp)
        assert.strictEqual(bodyOf(yield* Fiber.join(asked)).n, stream.slice(0, 8).flatMap(({ ticks }) => ticks).length)
        yield* node.close
      }).pipe(Effect.scoped)
  )

  it.effect("an actor that is down holds up nobody who waits for the shard to be folded", () =>
    Effect.gen(function* () {
      const node = yield* startNode(undefined, undefined, () => {
        throw new Error("injected")
      })
      yield* hand(node, stream.slice(0, 5))
      const folding = yield* Effect.forkChild(node.source.sink?.folded(A) ?? Effect.die("no sink"), {
        startImmediately: true
      })
      assert.isUndefined(folding.pollUnsafe())
      for (let i = 0; i < 20 && folding.pollUnsafe() === undefined; i++) {
        yield* TestClock.adjust("1 second")
        yield* settle
      }
      yield* Fiber.join(folding)
      yield* node.close
    }).pipe(Effect.scoped)
  )
})
