import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as fc from "fast-check"
import { owner } from "../../../test/support/owner.ts"
import type { Bar } from "../../rpc/market.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarColumns } from "./BarColumns.ts"
import { barStoreSuite } from "./BarStore.suite.ts"
import { BarStore, memoryCapacity } from "./BarStore.ts"
import { ShardLedger } from "./ShardLedger.ts"

barStoreSuite(
  "BarStore.layerMemory",
  Layer.merge(BarStore.layerMemory.pipe(Layer.provide(Gauges.layer)), ShardLedger.layerMemory),
  { fenced: false }
)

const bar = (time: number, revision: number): Bar => ({
  time,
  open: 1,
  high: 1,
  low: 1,
  close: revision,
  volume: 1,
  trades: 1,
  final: true,
  revision
})

it("BarColumns behaves as a sorted map by time, newest kept", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ time: fc.integer({ min: 0, max: 60 }), revision: fc.integer({ min: 0, max: 3 }) })),
      (puts) => {
        const columns = new BarColumns(1_000)
        const model = new Map<number, number>()
        for (const { time, revision } of puts) {
          columns.put(bar(time, revision))
          if (revision >= (model.get(time) ?? 0)) model.set(time, revision)
        }
        const expected = [...model].sort(([a], [b]) => a - b).map(([time, revision]) => bar(time, revision))
        assert.deepStrictEqual(columns.page({ limit: 1_000 }), expected)
      }
    )
  )
})

it.effect("the in-memory store is bounded: the oldest bars go, counted", () =>
  Effect.gen(function* () {
    const store = yield* BarStore
    const gauges = yield* Gauges
    const count = memoryCapacity["1s"] * 3
    for (let i = 0; i < count; i++) yield* store.put(owner(), "A", "1s", [bar(i, 0)])
    const kept = yield* store.page({ symbol: "A", interval: "1s", limit: count })
    assert.isAtMost(kept.length, memoryCapacity["1s"])
    assert.isAtLeast(kept.length, memoryCapacity["1s"] / 2)
    assert.strictEqual(kept.at(-1)?.time, count - 1)
    assert.strictEqual(gauges.get("bar_store_evicted_total", 'interval="1s"'), count - kept.length)
    // and it says from when on nothing is missing
    assert.strictEqual((yield* store.evictedUpTo("A", "1s")) + 1, kept[0]?.time)
    assert.strictEqual(yield* store.evictedUpTo("A", "1m"), Number.NEGATIVE_INFINITY)
    assert.strictEqual(yield* store.evictedUpTo("B", "1s"), Number.NEGATIVE_INFINITY)
    // what is older than everything kept does not push out what is newer
    yield* store.put(owner(), "A", "1s", [bar(0, 0)])
    assert.strictEqual((yield* store.page({ symbol: "A", interval: "1s", limit: count })).at(-1)?.time, count - 1)
  }).pipe(Effect.provide(BarStore.layerMemory.pipe(Layer.provideMerge(Gauges.layer))))
)
