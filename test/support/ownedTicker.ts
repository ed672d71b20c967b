/** One symbol's ticks as a stream keeps them, and nodes that are handed them, over stores that they may share. */
import { Context, Effect, Exit, Layer, Scope } from "effect"
import type { Sharding } from "effect/cluster"
import { TestClock } from "effect/testing"
import type { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { BarStore } from "../../src/actors/market/BarStore.ts"
import { Checkpoints } from "../../src/actors/market/Checkpoints.ts"
import { ShardLedger } from "../../src/actors/market/ShardLedger.ts"
import { Ticker } from "../../src/rpc/ticker.ts"
import type { TickBatch } from "../../src/rpc/ticks.ts"
import { tickShard } from "../../src/rpc/topics.ts"
import { marketNode, shardsReady } from "./marketNode.ts"
import { ScriptedFeed } from "./ScriptedFeed.ts"
import { ScriptedTickSource } from "./ScriptedTickSource.ts"
import { settle } from "./sessionNode.ts"
import { batch, stateOf, ten, trade } from "./tickerProbe.ts"

export const A = tickShard("A")

const trades = Array.from({ length: 60 }, (_, i) => trade(ten + i * 2_300, 10 + ((i * 7) % 11) / 4, 100 + i))
/** Batches of one to four trades, as a stream keeps them. */
export const stream: ReadonlyArray<TickBatch> = (() => {
  const batches: Array<TickBatch> = []
  for (let from = 0, size = 1; from < trades.length; from += size, size = (size % 4) + 1) {
    batches.push({ ...batch("A", ...trades.slice(from, from + size)), origin: { run: "r", no: 1, from } })
  }
  return batches
})()

export interface Node {
  readonly source: ScriptedTickSource
  readonly services: Context.Context<BarStore | Bus | Checkpoints | Gauges | Sharding.Sharding>
  readonly close: Effect.Effect<void>
}

/** A node over stores that others may share; it is not closed by itself, as a node that was killed is not. */
export const startNode = Effect.fnUntraced(function* (
  stores?: Context.Context<BarStore | Checkpoints | ShardLedger>,
  barStore?: Layer.Layer<BarStore, never, BarStore>,
  fault?: (symbol: string, batch: TickBatch) => void
) {
  const source = new ScriptedTickSource()
  const scope = yield* Scope.make()
  const services = yield* Layer.buildWithScope(
    marketNode(new ScriptedFeed(["A"]), {
      tickSource: source.layer,
      ...(stores === undefined ? {} : { stores: Layer.succeedContext(stores) }),
      ...(barStore === undefined ? {} : { barStore }),
      ...(fault === undefined ? {} : { fault })
    }).pipe(Layer.fresh),
    scope
  )
  yield* shardsReady
  const node: Node = { source, services, close: Scope.close(scope, Exit.void) }
  return node
})

export const sharedStores = Effect.flatMap(Effect.scope, (scope) =>
  Layer.buildWithScope(
    Layer.mergeAll(BarStore.layerMemory, Checkpoints.layerMemory, ShardLedger.layerMemory).pipe(
      Layer.provide(Gauges.layer),
      Layer.fresh
    ),
    scope
  )
)

/** What a store does that is away. */
export const away = Effect.die(new Error("away"))

/** The same stores, but for what happens before a state is loaded or saved. */
export const beforeCheckpoint = (
  stores: Context.Context<BarStore | Checkpoints | ShardLedger>,
  before: { readonly load?: Effect.Effect<void>; readonly save?: Effect.Effect<void> }
) => {
  const { load, save } = Context.get(stores, Checkpoints)
  return Context.add(
    stores,
    Checkpoints,
    Checkpoints.of({
      load: (symbol) => Effect.andThen(before.load ?? Effect.void, load(symbol)),
      save: (...args) => Effect.andThen(before.save ?? Effect.void, save(...args))
    })
  )
}

/** Where the node's actor says that it stands. */
export const snapshot = (node: Node) =>
  Effect.provide(
    Effect.flatMap(Ticker.client, (client) => client("A").Snapshot()),
    node.services
  )

/** Each time read anew: other objects, equal in content. */
export const hand = (node: Node, batches: ReadonlyArray<TickBatch>) =>
  Effect.andThen(
    Effect.forEach(batches, (one) => node.source.hand({ ...one }), { discard: true }),
    settle
  )

/** What the market looks like at the end: quote, and every bar, all of them finished. */
export const everything = Effect.fnUntraced(function* (node: Node) {
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

/** Long enough for an actor nobody asks to be put to sleep. */
export const asleep = Effect.gen(function* () {
  yield* TestClock.adjust("5 minutes")
  yield* settle
  yield* TestClock.adjust("10 seconds")
  yield* settle
})
