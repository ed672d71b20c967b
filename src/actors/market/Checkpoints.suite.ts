/** What every Checkpoints must do, as a function of its layer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { owner } from "../../../test/support/owner.ts"
import { TradeCondition } from "../../rpc/ticks.ts"
import { Checkpoints } from "./Checkpoints.ts"
import { refusal } from "./ShardLedger.suite.ts"
import { ShardLedger, type StaleOwner } from "./ShardLedger.ts"
import type { ShardTerm } from "./ShardTerms.ts"
import { checkpoint } from "./tickerCheckpoint.ts"
import { foldBatch, initialTickerState, type TickerState } from "./tickerState.ts"

const OPEN = Date.UTC(2026, 5, 15, 13, 30)

/** A state with something in all its parts. */
export const stateWithTrades = (symbol: string, trades: number, epoch = 1): TickerState => {
  const state = initialTickerState(symbol, epoch)
  const ticks = Array.from({ length: trades }, (_, i) => ({
    _tag: "Trade" as const,
    id: 1_000_000 + i,
    // every seventh comes late, so that bars are revised
    time: OPEN + i * 400 - (i % 7 === 6 ? 5_000 : 0),
    price: 1_500_000 + ((i * 37) % 500) * 100,
    size: 1 + ((i * 13) % 300),
    exchange: "Q",
    conditions: TradeCondition.Regular
  }))
  if (ticks.length > 0) foldBatch(state, { symbol, ingestTime: OPEN, previousClose: 1_490_000, ticks })
  return state
}

const claimed = Effect.fnUntraced(function* (shard: number) {
  const { term } = yield* (yield* ShardLedger).claim(shard)
  return owner(shard, term)
})

const assertSame = (loaded: TickerState | undefined, saved: TickerState) => {
  if (loaded === undefined) throw new Error(`No checkpoint of ${saved.symbol}`)
  assert.deepStrictEqual(checkpoint(loaded), checkpoint(saved))
}

/** `layer` must give an empty store each time it is built. `fenced`: refuses the writes of those who own the shard no more. */
export const checkpointsSuite = <E>(
  name: string,
  layer: Layer.Layer<Checkpoints | ShardLedger, E>,
  options: { readonly fenced: boolean }
): void => {
  const check = (
    title: string,
    body: (store: typeof Checkpoints.Service, mine: ShardTerm) => Effect.Effect<void, StaleOwner, ShardLedger>
  ) =>
    it.live(title, () =>
      Effect.gen(function* () {
        yield* body(yield* Checkpoints, yield* claimed(3))
      }).pipe(Effect.provide(layer))
    )

  describe(name, () => {
    check("has none of a symbol that was never saved", (store) =>
      Effect.map(store.load("A"), (state) => assert.isUndefined(state))
    )
    check("gives back the whole state, and folding goes on from it", (store, mine) =>
      Effect.gen(function* () {
        const saved = { ...stateWithTrades("A", 5_000), run: "replay:2013-10-07", fed: 5_000 }
        yield* store.save(mine, saved)
        const loaded = yield* store.load("A")
        assertSame(loaded, saved)
        if (loaded === undefined) return
        const id = 1_000_700
        const cancel = { _tag: "TradeCancel" as const, id, time: OPEN + 280_000 }
        const batch = { symbol: "A", ingestTime: OPEN, previousClose: null, ticks: [cancel] }
        foldBatch(loaded, batch)
        foldBatch(saved, batch)
        assertSame(loaded, saved)
        assert.strictEqual(loaded.counts.cancelled, 1)
      })
    )
    check("an empty state is one too", (store, mine) =>
      Effect.gen(function* () {
        yield* store.save(mine, stateWithTrades("A", 0))
        assertSame(yield* store.load("A"), stateWithTrades("A", 0))
      })
    )
    check("the last one saved is the one that is loaded, also of several at once", (store, mine) =>
      Effect.gen(function* () {
        yield* store.save(mine, stateWithTrades("A", 10, 1))
        yield* Effect.forEach([2, 3, 4, 5], (epoch) => store.save(mine, stateWithTrades("A", epoch, epoch)), {
          concurrency: "unbounded"
        })
        assertSame(yield* store.load("A"), stateWithTrades("A", 5, 5))
      })
    )
    check("saves and loads of many symbols at once go to each its own", (store, mine) =>
      Effect.gen(function* () {
        const states = Array.from({ length: 100 }, (_, i) => stateWithTrades(`S${i}`, i, i + 1))
        yield* Effect.forEach(states, (state) => store.save(mine, state), { concurrency: "unbounded" })
        const loaded = yield* Effect.forEach(states, ({ symbol }) => store.load(symbol), { concurrency: "unbounded" })
        for (const [i, state] of states.entries()) assertSame(loaded[i], state)
      })
    )
    if (!options.fenced) return
    const fedUpTo = (fed: number, run = "replay:1", epoch = 1, leftUnder = 0) => ({
      ...stateWithTrades("A", 3, epoch),
      run,
      fed,
      leftUnder
    })
    check(
      "a save that was overtaken by a later one changes nothing, and the next owner may begin anywhere",
      (store, mine) =>
        Effect.gen(function* () {
          yield* store.save(mine, fedUpTo(500))
          yield* store.save(mine, fedUpTo(400))
          assertSame(yield* store.load("A"), fedUpTo(500))
          // also where both go to the store together
          yield* Effect.forEach([600, 700, 650], (fed) => store.save(mine, fedUpTo(fed)), { concurrency: "unbounded" })
          assertSame(yield* store.load("A"), fedUpTo(700))
          yield* store.save(mine, fedUpTo(700, "replay:1", 1, mine.term))
          assertSame(yield* store.load("A"), fedUpTo(700, "replay:1", 1, mine.term))
          yield* store.save(mine, fedUpTo(5, "replay:2"))
          assertSame(yield* store.load("A"), fedUpTo(5, "replay:2"))
          yield* store.save(yield* claimed(mine.shard), fedUpTo(2, "replay:2", 2))
          assertSame(yield* store.load("A"), fedUpTo(2, "replay:2", 2))
        })
    )
    check("refuses an owner whose shard has been claimed since", (store, former) =>
      Effect.gen(function* () {
        yield* store.save(former, stateWithTrades("A", 3, 1))
        const next = yield* claimed(former.shard)
        const refused = yield* refusal(store.save(former, stateWithTrades("A", 9, 9)))
        assert.deepInclude(refused, { _tag: "StaleOwner", shard: former.shard, term: former.term })
        assertSame(yield* store.load("A"), stateWithTrades("A", 3, 1))
        const [late] = yield* Effect.all(
          [Effect.exit(store.save(former, stateWithTrades("A", 8, 8))), store.save(next, stateWithTrades("A", 4, 2))],
          { concurrency: "unbounded" }
        )
        assert.strictEqual(late._tag, "Failure")
        assertSame(yield* store.load("A"), stateWithTrades("A", 4, 2))
      })
    )
  })
}
