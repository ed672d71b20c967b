/** The same morning for every way of folding it: seeded trades of a few symbols, and a feed that stands in for the one that plays them. */
import { Effect, Layer } from "effect"
import { Feed } from "../../src/actors/market/Feed.ts"
import { type TickBatch, type Trade, TradeCondition } from "../../src/rpc/ticks.ts"
import { randomOf, symbolsOf } from "./topology.ts"

export interface Work {
  readonly symbols: number
  readonly batches: number
  readonly ticksPerBatch: number
}

/** 10:00 New York on an ordinary trading day. */
export const TEN_O_CLOCK = Date.UTC(2013, 9, 7, 14)
const SPAN_MILLIS = 30 * 60_000

/** Trades of half an hour, in time order, symbols mixed; one in twenty an odd lot. */
export const morning = ({ batches, symbols, ticksPerBatch }: Work): ReadonlyArray<TickBatch> => {
  const random = randomOf(11)
  const names = symbolsOf(symbols)
  const prices = names.map(() => 500_000 + Math.floor(random() * 1_000_000))
  let id = 1
  return Array.from({ length: batches }, (_, index) => {
    const which = Math.floor(random() * symbols)
    const time = TEN_O_CLOCK + Math.floor((index / batches) * SPAN_MILLIS)
    const ticks = Array.from({ length: ticksPerBatch }, (): Trade => {
      const price = Math.max(10_000, (prices[which] ?? 0) + Math.floor(random() * 400) - 200)
      prices[which] = price
      const conditions = random() < 0.05 ? TradeCondition.OddLot : TradeCondition.Regular
      return { _tag: "Trade", id: id++, time, price, size: 100, exchange: "P", conditions }
    })
    return { symbol: names[which] ?? "", ingestTime: time, previousClose: null, ticks }
  })
}

/** A day begun. */
export const firstTrade = (symbol: string): TickBatch => ({
  symbol,
  ingestTime: TEN_O_CLOCK,
  previousClose: 1_000_000,
  ticks: [
    {
      _tag: "Trade",
      id: 1,
      time: TEN_O_CLOCK,
      price: 1_000_000,
      size: 100,
      exchange: "P",
      conditions: TradeCondition.Regular
    }
  ]
})

/** Knows the symbols and the time; the bench publishes in its place. */
export const layerFeed = (names: ReadonlyArray<string>, marketTime: () => number) =>
  Layer.succeed(Feed, {
    adapter: "bench",
    label: "REPLAY",
    runId: "bench",
    source: "bench",
    listings: names.map((symbol) => ({ symbol, name: symbol, exchange: "BENCH", sector: "BENCH" })),
    status: Effect.die(new Error("nobody asks")),
    marketTime,
    publishedUpTo: marketTime,
    run: Effect.never,
    history: () => Effect.succeed([])
  })
