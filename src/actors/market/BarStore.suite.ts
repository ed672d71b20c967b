/** What every BarStore must do, as a function of its layer: the in-memory one, and the SQL one on each database. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { owner } from "../../../test/support/owner.ts"
import type { Bar } from "../../rpc/market.ts"
import { BarStore } from "./BarStore.ts"
import { refusal } from "./ShardLedger.suite.ts"
import { ShardLedger, type StaleOwner } from "./ShardLedger.ts"
import type { ShardTerm } from "./ShardTerms.ts"

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

type Store = typeof BarStore.Service

/** Claims a shard, so that the term is one that may write. */
const claimed = Effect.fnUntraced(function* (shard: number) {
  const { term } = yield* (yield* ShardLedger).claim(shard)
  return owner(shard, term)
})

/** `layer` must give an empty store each time it is built. `fenced`: refuses the writes of those who own the shard no more. */
export const barStoreSuite = <E>(
  name: string,
  layer: Layer.Layer<BarStore | ShardLedger, E>,
  options: { readonly fenced: boolean }
): void => {
  const check = (
    title: string,
    body: (store: Store, mine: ShardTerm) => Effect.Effect<void, StaleOwner, ShardLedger>
  ) =>
    it.live(title, () =>
      Effect.gen(function* () {
        yield* body(yield* BarStore, yield* claimed(3))
      }).pipe(Effect.provide(layer))
    )

  describe(name, () => {
    check("gives back what was put, oldest first, whatever the order of putting", (store, mine) =>
      Effect.gen(function* () {
        const bars = Array.from({ length: 50 }, (_, i) => bar(1_000 * i, { close: i + 0.0001 }))
        yield* store.put(mine, "A", "1s", [...bars].reverse())
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1s", limit: 1_000 }), bars)
      })
    )
    check("keeps symbols and intervals apart", (store, mine) =>
      Effect.gen(function* () {
        yield* store.put(mine, "A", "1s", [bar(1)])
        yield* store.put(mine, "A", "1m", [bar(2)])
        yield* store.put(mine, "B", "1s", [bar(3)])
        const times = (symbol: string, interval: "1s" | "1m" | "1d") =>
          Effect.map(store.page({ symbol, interval, limit: 9 }), (bars) => bars.map((b) => b.time))
        assert.deepStrictEqual(yield* times("A", "1s"), [1])
        assert.deepStrictEqual(yield* times("A", "1m"), [2])
        assert.deepStrictEqual(yield* times("A", "1d"), [])
        assert.deepStrictEqual(yield* times("B", "1s"), [3])
        assert.deepStrictEqual(yield* times("C", "1s"), [])
      })
    )
    check("putting again changes nothing; a higher revision replaces; a lower one is ignored", (store, mine) =>
      Effect.gen(function* () {
        const first = bar(1_000)
        const revised = bar(1_000, { close: 10.5, volume: 90, revision: 2 })
        yield* store.put(mine, "A", "1m", [first])
        yield* store.put(mine, "A", "1m", [first])
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1m", limit: 9 }), [first])
        yield* store.put(mine, "A", "1m", [revised])
        yield* store.put(mine, "A", "1m", [first])
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1m", limit: 9 }), [revised])
      })
    )
    check("does not show a bar that lost every trade, and does not let an older version bring it back", (store, mine) =>
      Effect.gen(function* () {
        yield* store.put(mine, "A", "1m", [bar(0), bar(1), bar(2)])
        yield* store.put(mine, "A", "1m", [bar(1, { volume: 0, trades: 0, revision: 1 })])
        yield* store.put(mine, "A", "1m", [bar(1)])
        const page = yield* store.page({ symbol: "A", interval: "1m", limit: 2 })
        assert.deepStrictEqual(page, [bar(0), bar(2)])
      })
    )
    check("shows bars whose number of trades is not known", (store, mine) =>
      Effect.gen(function* () {
        yield* store.put(mine, "A", "1d", [bar(0, { trades: 0 }), bar(1)])
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1d", limit: 9 }), [
          bar(0, { trades: 0 }),
          bar(1)
        ])
      })
    )
    check("pages: from ≤ time < to, time < before, the newest `limit`", (store, mine) =>
      Effect.gen(function* () {
        yield* store.put(
          mine,
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
    check("pages without bounds when they are infinite", (store, mine) =>
      Effect.gen(function* () {
        yield* store.put(mine, "A", "1m", [bar(0), bar(60_000)])
        const from = Number.NEGATIVE_INFINITY
        const before = Number.POSITIVE_INFINITY
        const page = yield* store.page({ symbol: "A", interval: "1m", from, before, limit: 9 })
        assert.deepStrictEqual(page, [bar(0), bar(60_000)])
      })
    )
    check("keeps prices to the last of their four decimals, and any volume", (store, mine) =>
      Effect.gen(function* () {
        const bars = Array.from({ length: 200 }, (_, i) =>
          bar(i, {
            open: (i * 997) / 10_000,
            high: (987_654_321 + i) / 10_000,
            volume: 1e12 + i + 0.5,
            trades: 2 ** 31 - 1
          })
        )
        yield* store.put(mine, "A", "1s", bars)
        assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1s", limit: 500 }), bars)
      })
    )
    check("takes what many put at once, each to its own", (store) =>
      Effect.gen(function* () {
        const owners = yield* Effect.forEach([1, 2, 3, 4], claimed)
        const symbols = Array.from({ length: 200 }, (_, i) => `S${i}`)
        const barsOf = (i: number) => [bar(i), bar(i + 1_000), bar(i + 2_000)]
        yield* Effect.forEach(symbols, (symbol, i) => store.put(owners[i % 4] ?? owner(), symbol, "1s", barsOf(i)), {
          concurrency: "unbounded",
          discard: true
        })
        const pages = yield* Effect.forEach(symbols, (symbol) => store.page({ symbol, interval: "1s", limit: 9 }))
        assert.deepStrictEqual(
          pages,
          symbols.map((_, i) => barsOf(i))
        )
      })
    )
    check("of versions put at the same moment the highest revision stays", (store, mine) =>
      Effect.gen(function* () {
        const revisions = [4, 0, 9, 2, 7]
        yield* Effect.forEach(
          revisions,
          (revision) => store.put(mine, "A", "1s", [bar(0, { revision, close: revision })]),
          {
            concurrency: "unbounded",
            discard: true
          }
        )
        const page = yield* store.page({ symbol: "A", interval: "1s", limit: 9 })
        assert.deepStrictEqual(page, [bar(0, { revision: 9, close: 9 })])
      })
    )
    check("has evicted nothing while nothing had to go", (store, mine) =>
      Effect.gen(function* () {
        yield* store.put(mine, "A", "1s", [bar(0), bar(1_000)])
        for (const interval of ["1s", "1m", "1d"] as const) {
          assert.strictEqual(yield* store.evictedUpTo("A", interval), Number.NEGATIVE_INFINITY)
        }
      })
    )
    if (options.fenced) fenced(check)
  })
}

const fenced = (
  check: (title: string, body: (store: Store, mine: ShardTerm) => Effect.Effect<void, StaleOwner, ShardLedger>) => void
): void => {
  check("refuses an owner whose shard has been claimed since, and leaves the store as it was", (store, former) =>
    Effect.gen(function* () {
      yield* store.put(former, "A", "1s", [bar(0)])
      const next = yield* claimed(former.shard)
      const refused = yield* refusal(store.put(former, "A", "1s", [bar(0, { revision: 5 }), bar(1_000)]))
      assert.deepInclude(refused, { _tag: "StaleOwner", shard: former.shard, term: former.term })
      assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1s", limit: 9 }), [bar(0)])
      yield* store.put(next, "A", "1s", [bar(2_000)])
      assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1s", limit: 9 }), [bar(0), bar(2_000)])
    })
  )
  check("refuses a term nobody claimed", (store) =>
    Effect.gen(function* () {
      yield* refusal(store.put(owner(9, 1), "A", "1s", [bar(0)]))
      assert.deepStrictEqual(yield* store.page({ symbol: "A", interval: "1s", limit: 9 }), [])
    })
  )
  check("of what is put at the same moment only the former owner's is refused", (store, former) =>
    Effect.gen(function* () {
      const next = yield* claimed(former.shard)
      const other = yield* claimed(former.shard + 1)
      const put = (by: ShardTerm, symbol: string, close: number) =>
        Effect.exit(store.put(by, symbol, "1s", [bar(0, { close })]))
      // the former owner's comes first, last and in between, for the same bar too
      const exits = yield* Effect.all(
        [put(former, "A", 1), put(next, "A", 2), put(former, "B", 3), put(other, "C", 4), put(former, "A", 5)],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        exits.map((exit) => exit._tag),
        ["Failure", "Success", "Failure", "Success", "Failure"]
      )
      const kept = yield* Effect.forEach(["A", "B", "C"], (symbol) => store.page({ symbol, interval: "1s", limit: 9 }))
      assert.deepStrictEqual(kept, [[bar(0, { close: 2 })], [], [bar(0, { close: 4 })]])
    })
  )
  check("a later term counts more than a higher revision", (store, former) =>
    Effect.gen(function* () {
      yield* store.put(former, "A", "1m", [bar(0, { revision: 7, close: 10 })])
      const next = yield* claimed(former.shard)
      yield* store.put(next, "A", "1m", [bar(0, { revision: 1, close: 12 })])
      const page = () => store.page({ symbol: "A", interval: "1m", limit: 9 })
      assert.deepStrictEqual(yield* page(), [bar(0, { revision: 1, close: 12 })])
      yield* store.put(next, "A", "1m", [bar(0, { revision: 0, close: 11 })])
      assert.deepStrictEqual(yield* page(), [bar(0, { revision: 1, close: 12 })])
    })
  )
}
