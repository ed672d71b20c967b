/** What every BarStore must do, as a function of its layer: the in-memory one now, the SQL one with storage. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { Bar } from "../../rpc/market.ts"
import { BarStore } from "./BarStore.ts"

const bar = (time: number, fields: Partial<Bar> = {}): Bar => ({
  time,
  open: 10,
  high: 12.5,
  low: 9.9999,
  close: 11,
  volume: 100,
  trades: 3,
  final: true,
  revision: 0,
  ...fields
})

/** `layer` must give an empty store each time it is built. */
export const barStoreSuite = <E>(name: string, layer: Layer.Layer<BarStore, E>): void => {
  const check = (title: string, body: (store: typeof BarStore.Service) => Effect.Effect<void>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(BarStore, body), layer))

  describe(name, () => {
    check("gives back what was put, oldest first, whatever the order of putting", (store) =>
      Effect.gen(function* () {
        const bars = Array.from({ length: 50 }, (_, i) => bar(1_000 * i, { close: i + 0.0001 }))
        yield* store.put("A", "1s", [...bars].reverse())
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1s", limit: 1_000 }), bars)
      })
    )
    check("keeps symbols and intervals apart", (store) =>
      Effect.gen(function* () {
        yield* store.put("A", "1s", [bar(1)])
        yield* store.put("A", "1m", [bar(2)])
        yield* store.put("B", "1s", [bar(3)])
        const times = (symbol: string, interval: "1s" | "1m" | "1d") =>
          Effect.map(store.page({ symbol, interval, limit: 9 }), (bars) => bars.map((b) => b.time))
        assert.deepStrictEqual(yield* times("A", "1s"), [1])
        assert.deepStrictEqual(yield* times("A", "1m"), [2])
        assert.deepStrictEqual(yield* times("A", "1d"), [])
        assert.deepStrictEqual(yield* times("B", "1s"), [3])
        assert.deepStrictEqual(yield* times("C", "1s"), [])
      })
    )
    check("putting again changes nothing; a higher revision replaces; a lower one is ignored", (store) =>
      Effect.gen(function* () {
        const first = bar(1_000)
        const revised = bar(1_000, { close: 10.5, volume: 90, revision: 2 })
        yield* store.put("A", "1m", [first])
        yield* store.put("A", "1m", [first])
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1m", limit: 9 }), [first])
        yield* store.put("A", "1m", [revised])
        yield* store.put("A", "1m", [first])
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1m", limit: 9 }), [revised])
      })
    )
    check("does not show a bar that lost every trade, and does not let an older version bring it back", (store) =>
      Effect.gen(function* () {
        yield* store.put("A", "1m", [bar(0), bar(1), bar(2)])
        yield* store.put("A", "1m", [bar(1, { volume: 0, trades: 0, revision: 1 })])
        yield* store.put("A", "1m", [bar(1)])
        const page = yield* store.page({ symbol: "A", interval: "1m", limit: 2 })
        assert.deepStrictEqual(page, [bar(0), bar(2)])
      })
    )
    check("shows bars whose number of trades is not known", (store) =>
      Effect.gen(function* () {
        yield* store.put("A", "1d", [bar(0, { trades: 0 }), bar(1)])
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1d", limit: 9 }), [
          bar(0, { trades: 0 }),
          bar(1)
        ])
      })
    )
    check("pages: from ≤ time < to, time < before, the newest `limit`", (store) =>
      Effect.gen(function* () {
        yield* store.put(
          "A",
          "1d",
          Array.from({ length: 10 }, (_, i) => bar(i * 10))
        )
        const times = (query: { from?: number; to?: number; before?: number; limit: number }) =>
          Effect.map(store.page({ symbol: "A", interval: "1d", ...query }), (bars) => bars.map((b) => b.time))
        assert.deepStrictEqual(yield* times({ limit: 3 }), [70, 80, 90])
        assert.deepStrictEqual(yield* times({ from: 20, to: 50, limit: 9 }), [20, 30, 40])
        assert.deepStrictEqual(yield* times({ from: 20, to: 50, limit: 2 }), [30, 40])
        assert.deepStrictEqual(yield* times({ before: 30, limit: 9 }), [0, 10, 20])
        assert.deepStrictEqual(yield* times({ before: 35, to: 90, limit: 1 }), [30])
        assert.deepStrictEqual(yield* times({ from: 95, limit: 5 }), [])
        assert.deepStrictEqual(yield* times({ from: 50, to: 20, limit: 5 }), [])
      })
    )
  })
}
