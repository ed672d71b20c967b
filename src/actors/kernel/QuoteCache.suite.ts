/** What every QuoteCache adapter must do: a function of its layer, which keeps nothing when it is built. */
import { assert, it } from "@effect/vitest"
import { Effect, type Layer, Option, Schedule } from "effect"
import { describe } from "vitest"
import type { QuoteUpdate } from "../../rpc/topics.ts"
import { encodeQuoteBody } from "../../rpc/wire.ts"
import { QuoteCache } from "./QuoteCache.ts"

export const quoteAt = (symbol: string, epoch: number, seq: number): QuoteUpdate => {
  const exchangeTime = 1_700_000_000_000 + seq
  const ingestTime = exchangeTime + 5
  const body = encodeQuoteBody({
    symbol,
    epoch,
    seq,
    last: 1_000_000 + seq,
    lastSize: 100,
    previousClose: 990_000,
    open: 1_000_000,
    high: 2_000_000,
    low: 500_000,
    volume: seq,
    trades: seq,
    bid: 990_000,
    bidSize: 200,
    ask: 1_010_000,
    askSize: 100,
    session: "regular",
    halted: false,
    exchangeTime,
    ingestTime
  })
  return { symbol, epoch, seq, exchangeTime, ingestTime, body }
}

/** Once the cache says so: a put is written soon, not at once. */
export const eventually = (cache: QuoteCache["Service"], quote: QuoteUpdate) =>
  cache.get(quote.symbol).pipe(
    Effect.repeat({
      schedule: Schedule.spaced("5 millis"),
      until: (found) => Option.isSome(found) && found.value.epoch === quote.epoch && found.value.seq === quote.seq
    })
  )

/** What it knows of the symbol, which is something: a server on a busy machine may miss a deadline. */
export const known = (cache: QuoteCache["Service"], symbol: string) =>
  cache
    .get(symbol)
    .pipe(Effect.repeat({ schedule: Schedule.spaced("5 millis"), until: Option.isSome }), Effect.map(Option.getOrThrow))

export const quoteCacheSuite = (name: string, layer: Layer.Layer<QuoteCache>) => {
  describe(`QuoteCache: ${name}`, () => {
    it.live("gives back what was put, byte for byte", () =>
      Effect.gen(function* () {
        const cache = yield* QuoteCache
        const quote = quoteAt("BRK.B", 1_722_000_000_000, 42)
        cache.put(quote)
        yield* eventually(cache, quote)
        const found = yield* known(cache, "BRK.B")
        assert.deepEqual({ ...found, body: Array.from(found.body) }, { ...quote, body: Array.from(quote.body) })
      }).pipe(Effect.provide(layer))
    )

    it.live("knows nothing of other symbols", () =>
      Effect.gen(function* () {
        const cache = yield* QuoteCache
        const quote = quoteAt("AAPL", 1, 1)
        cache.put(quote)
        yield* eventually(cache, quote)
        for (const other of ["AAP", "AAPLE", "aapl", "MSFT"]) assert.isTrue(Option.isNone(yield* cache.get(other)))
      }).pipe(Effect.provide(layer))
    )

    it.live("keeps the newest by epoch, then seq, in whatever order they come", () =>
      Effect.gen(function* () {
        const cache = yield* QuoteCache
        const ordered = [
          quoteAt("AAPL", 9, 500),
          quoteAt("AAPL", 10, 2),
          quoteAt("AAPL", 10, 10),
          quoteAt("AAPL", 11, 1)
        ]
        const [, , , newest = assert.fail()] = ordered
        for (const [index, quote] of ordered.entries()) {
          // after each, everything older once more, and a mark that is written no earlier
          cache.put(quote)
          yield* eventually(cache, quote)
          for (const older of ordered.slice(0, index)) cache.put(older)
          const mark = quoteAt("MARK", 1, index + 1)
          cache.put(mark)
          yield* eventually(cache, mark)
          yield* eventually(cache, quote)
        }
        const found = yield* known(cache, "AAPL")
        assert.deepEqual([found.epoch, found.seq], [newest.epoch, newest.seq])
      }).pipe(Effect.provide(layer))
    )

    it.live("takes a whole market at once, and answers many at once", () =>
      Effect.gen(function* () {
        const cache = yield* QuoteCache
        const symbols = Array.from({ length: 2_000 }, (_, n) => `S${n}`)
        for (let seq = 1; seq <= 3; seq++) for (const symbol of symbols) cache.put(quoteAt(symbol, 1, seq))
        yield* eventually(cache, quoteAt("S1999", 1, 3))
        const found = yield* Effect.forEach(symbols, (symbol) => known(cache, symbol), { concurrency: "unbounded" })
        assert.deepEqual(
          found.map(({ seq, symbol }) => `${symbol} ${seq}`),
          symbols.map((symbol) => `${symbol} 3`)
        )
      }).pipe(Effect.provide(layer))
    )
  })
}
