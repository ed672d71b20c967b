/** What tests of ticker actors share: ticks at 10:00 New York of a trading day, and ears on the bus. */
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { dayOfDate } from "../../src/actors/market/calendar.ts"
import { Ticker } from "../../src/rpc/ticker.ts"
import type { TickBatch, Trade } from "../../src/rpc/ticks.ts"
import { type QuoteUpdate, quotesTopic } from "../../src/rpc/topics.ts"
import { settle } from "./sessionNode.ts"

/** 10:00 New York, 7 October 2013. */
export const ten = (dayOfDate("2013-10-07")?.open ?? Number.NaN) + 30 * 60_000

let ids = 0
/** `price` in dollars. */
export const trade = (time: number, price: number, size = 100): Trade => ({
  _tag: "Trade",
  id: ++ids,
  time,
  price: price * 10_000,
  size,
  exchange: "P",
  conditions: 0
})

export const batch = (symbol: string, ...ticks: ReadonlyArray<Trade>): TickBatch => ({
  symbol,
  ingestTime: 1_000,
  previousClose: null,
  ticks
})

/** The quote's members under their wire names (quoteKeys). */
export const bodyOf = (update: { readonly body: Uint8Array }): Record<string, unknown> =>
  JSON.parse(`{${new TextDecoder().decode(update.body)}}`)

/** What the quote says of the market: the same whichever incarnation says it. */
export const stateOf = (update: { readonly body: Uint8Array }): Record<string, unknown> => {
  const { e: _epoch, q: _seq, s: _symbol, ...state } = bodyOf(update)
  return state
}

/** Everything published on a symbol's quotes while the Scope is open. */
export const listen = Effect.fnUntraced(function* (symbol: string) {
  const bus = yield* Bus
  const heard: Array<QuoteUpdate> = []
  yield* bus.subscribe(quotesTopic(symbol), (update) => void heard.push(update))
  return heard
})

/** Every later position is greater, in the order heard. */
export const isOrdered = (heard: ReadonlyArray<QuoteUpdate>): boolean =>
  heard.every((update, i) => {
    const before = heard[i - 1]
    return (
      before === undefined || update.epoch > before.epoch || (update.epoch === before.epoch && update.seq > before.seq)
    )
  })

/** Enough for every back-off of an actor and what it writes to. */
export const recovered = Effect.gen(function* () {
  for (let i = 0; i < 4; i++) {
    yield* TestClock.adjust("1 second")
    yield* settle
  }
})

/** What the bar store need not have yet, of every base interval. */
export const unstoredBars = Effect.fnUntraced(function* (symbol: string) {
  const client = yield* Ticker.client
  return yield* Effect.forEach(["1s", "1m", "1d"] as const, (interval) => client(symbol).UnstoredBars({ interval }))
})
