/** A symbol whose shard changes hands: durable positions, refused writes, and bars that do not notice. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { marketNode, oneNodeCluster, shardsReady } from "../../../test/support/marketNode.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { ScriptedTickSource } from "../../../test/support/ScriptedTickSource.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { batch, listen, stateOf, ten, trade } from "../../../test/support/tickerProbe.ts"
import { Ticker } from "../../rpc/ticker.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { MARKET_SHARDS, tickShard } from "../../rpc/topics.ts"
import type { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarStore } from "./BarStore.ts"
import { Checkpoints } from "./Checkpoints.ts"
import { ShardLedger, StaleOwner } from "./ShardLedger.ts"

const A = tickShard("A")

const trades = Array.from({ length: 60 }, (_, i) => trade(ten + i * 2_300, 10 + ((i * 7) % 11) / 4, 100 + i))
/** Batches of one to four trades, as a stream keeps them. */
const stream: ReadonlyArray<TickBatch> = (() => {
  const batches: Array<TickBatch> = []
  for (let from = 0, size = 1; from < trades.length; from += size, size = (size % 4) + 1) {
    batches.push({ ...batch("A", ...trades.slice(from, from + size)), origin: { run: "r", from } })
  }
  return batches
})()

interface Node {
  readonly source: ScriptedTickSource
  readonly services: Context.Context<BarStore | Bus | Checkpoints | Gauges | Sharding.Sharding>
  readonly close: Effect.Effect<void>
}

/** A node over stores that others may share; it is not closed by itself, as a node that was killed is not. */
const startNode = Effect.fnUntraced(function* (
  stores?: Context.Context<BarStore | Checkpoints | ShardLedger>,
  barStore?: Layer.Layer<BarStore, never, BarStore>
) {
  const source = new ScriptedTickSource()
  const scope = yield* Scope.make()
  const services = yield* Layer.buildWithScope(
    marketNode(new ScriptedFeed(["A"]), {
      tickSource: source.layer,
      ...(stores === undefined ? {} : { stores: Layer.succeedContext(stores) }),
      ...(barStore === undefined ? {} : { barStore })
    }).pipe(Layer.fresh),
    scope
  )
  yield* shardsReady
  const node: Node = { source, services, close: Scope.close(scope, Exit.void) }
  return node
})

const sharedStores = Effect.flatMap(Effect.scope, (scope) =>
  Layer.buildWithScope(
    Layer.mergeAll(BarStore.layerMemory, Checkpoints.layerMemory, ShardLedger.layerMemory).pipe(
      Layer.provide(Gauges.layer),
      Layer.fresh
    ),
    scope
  )
)

const hand = (node: Node, batches: ReadonlyArray<TickBatch>) =>
  Effect.andThen(
    Effect.forEach(batches, (one) => node.source.hand(one), { discard: true }),
    settle
  )

/** What the market looks like at the end: quote, and every bar, all of them finished. */
const everything = Effect.fnUntraced(function* (node: Node) {
  node.source.sink?.reached(A, ten + 3_600_000)
  yield* settle
  return yield* Effect.gen(function* () {
    const client = yield* Ticker.client
    const store = yield* BarStore
    return {
      quote: stateOf(yield* client("A").Snapshot()),
      seconds: yield* store.page({ symbol: "A", interval: "1s", limit: 999 }),
      minutes: yield* store.page({ symbol: "A", interval: "1m", limit: 999 })
    }
  }).pipe(Effect.provide(node.services))
})

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
      const flaky = Context.add(
        stores,
        Checkpoints,
        Checkpoints.of({
          ...checkpoints,
          save: (...args) => Effect.suspend(() => (away ? Effect.die(new Error("away")) : checkpoints.save(...args)))
        })
      )
      const node = yield* startNode(flaky)
      yield* hand(node, stream.slice(0, 5))
      assert.strictEqual((yield* Effect.flip(node.source.settle(A)))._tag, "Unsettled")
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

  it.effect("batches lost with an actor make the shard unsettled, once", () =>
    Effect.gen(function* () {
      const stores = yield* sharedStores
      const dead = Context.add(
        stores,
        Checkpoints,
        Checkpoints.of({ load: () => Effect.succeed(undefined), save: () => Effect.die(new Error("away")) })
      )
      const node = yield* startNode(dead)
      yield* hand(node, stream.slice(0, 5))
      // it goes to sleep, and cannot leave its state
      yield* TestClock.adjust("5 minutes")
      yield* settle
      yield* TestClock.adjust("10 seconds")
      yield* settle
      assert.strictEqual(Context.get(node.services, Gauges).get("ticker_unclean_stops_total"), 1)
      assert.strictEqual((yield* Effect.flip(node.source.settle(A)))._tag, "Unsettled")
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

  it.effect("nobody is shown what is still being read again", () =>
    Effect.gen(function* () {
      const node = yield* startNode()
      node.source.caughtUp.closeUnsafe()
      const heard = yield* Effect.provide(listen("A"), node.services)
      yield* hand(node, stream.slice(0, 5))
      const asked = yield* Effect.forkChild(
        Effect.provide(
          Effect.flatMap(Ticker.client, (client) => client("A").Snapshot()),
          node.services
        ),
        { startImmediately: true }
      )
      yield* settle
      assert.deepStrictEqual(heard, [])
      assert.isUndefined(asked.pollUnsafe())
      yield* node.source.caughtUp.open
      yield* settle
      const exit = asked.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
      yield* hand(node, stream.slice(5, 6))
      assert.strictEqual(heard.length, 1)
      yield* node.close
    }).pipe(Effect.scoped)
  )
})
