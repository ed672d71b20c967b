/** Folds the same recorded-looking morning in three ways; a process each, so that none runs on code the other warmed. */
import { Effect, Layer, References } from "effect"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import { BarStore } from "../../src/actors/market/BarStore.ts"
import { Checkpoints } from "../../src/actors/market/Checkpoints.ts"
import { Feed } from "../../src/actors/market/Feed.ts"
import { ShardLedger } from "../../src/actors/market/ShardLedger.ts"
import { TickerActors } from "../../src/actors/market/TickerActor.ts"
import { foldBatch, initialTickerState } from "../../src/actors/market/tickerState.ts"
import * as SingleNode from "../../src/app/cluster/SingleNode.ts"
import { Ticker } from "../../src/rpc/ticker.ts"
import { type TickBatch, type Trade, TradeCondition } from "../../src/rpc/ticks.ts"
import { quotesTopic, tickShard, ticksTopic } from "../../src/rpc/topics.ts"
import { answer } from "../support/processes.ts"
import { randomOf, symbolsOf } from "../support/topology.ts"

export interface Work {
  readonly symbols: number
  readonly batches: number
  readonly ticksPerBatch: number
}

export interface Folded {
  readonly ticks: number
  readonly seconds: number
  readonly cpuSeconds: number
}

/** 10:00 New York on an ordinary trading day. */
const TEN_O_CLOCK = Date.UTC(2013, 9, 7, 14)
const SPAN_MILLIS = 30 * 60_000

/** Trades of half an hour, in time order, symbols mixed; one in twenty an odd lot. */
const morning = ({ batches, symbols, ticksPerBatch }: Work): ReadonlyArray<TickBatch> => {
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

const measured = async (ticks: number, work: () => Promise<void> | void): Promise<Folded> => {
  globalThis.gc?.()
  const started = performance.now()
  const cpu = process.cpuUsage()
  await work()
  const { system, user } = process.cpuUsage(cpu)
  return { ticks, seconds: (performance.now() - started) / 1_000, cpuSeconds: (user + system) / 1e6 }
}

interface PlainBar {
  time: number
  open: number
  high: number
  low: number
  close: number
  volume: number
}
interface PlainQuote {
  last: number
  volume: number
  trades: number
  time: number
  minute: PlainBar
  readonly finished: Array<PlainBar>
}

/** What one writes in an afternoon: a map, an object a symbol, one kind of bar; nothing late, cancelled or ineligible. */
const plain = (batches: ReadonlyArray<TickBatch>) => {
  const quotes = new Map<string, PlainQuote>()
  for (const { symbol, ticks } of batches) {
    for (const tick of ticks) {
      if (tick._tag !== "Trade") continue
      const { price, size, time } = tick
      const start = time - (time % 60_000)
      let quote = quotes.get(symbol)
      if (quote === undefined || quote.minute.time !== start) {
        const minute = { time: start, open: price, high: price, low: price, close: price, volume: 0 }
        if (quote === undefined) {
          quote = { last: 0, volume: 0, trades: 0, time: 0, minute, finished: [] }
          quotes.set(symbol, quote)
        } else {
          quote.finished.push(quote.minute)
          quote.minute = minute
        }
      }
      const { minute } = quote
      if (price > minute.high) minute.high = price
      if (price < minute.low) minute.low = price
      minute.close = price
      minute.volume += size
      quote.last = price
      quote.volume += size
      quote.trades++
      quote.time = time
    }
  }
  return quotes
}

const alone = (batches: ReadonlyArray<TickBatch>) => {
  const states = new Map(batches.map(({ symbol }) => [symbol, initialTickerState(symbol)]))
  for (const batch of batches) {
    const state = states.get(batch.symbol)
    if (state !== undefined) foldBatch(state, batch)
  }
  return states
}

/** The feed's place is taken by the bench, which publishes as fast as the bus lets it. */
const actors = async (work: Work, batches: ReadonlyArray<TickBatch>): Promise<Folded> => {
  const names = symbolsOf(work.symbols)
  let marketTime = TEN_O_CLOCK
  const feed = Layer.succeed(Feed, {
    adapter: "bench",
    label: "REPLAY",
    runId: "bench",
    source: "bench",
    listings: names.map((symbol) => ({ symbol, name: symbol, exchange: "BENCH", sector: "BENCH" })),
    status: Effect.die(new Error("nobody asks")),
    marketTime: () => marketTime,
    publishedUpTo: () => marketTime,
    run: Effect.never,
    history: () => Effect.succeed([])
  })
  const layer = TickerActors.layer.pipe(
    Layer.provideMerge(SingleNode.layerSurroundings),
    Layer.provideMerge(
      Layer.mergeAll(
        BarStore.layerMemory,
        Checkpoints.layerMemory,
        ShardLedger.layerMemory,
        QuoteCache.layerNone,
        Bus.layerInProcess
      ).pipe(Layer.provideMerge(Gauges.layer))
    ),
    Layer.provideMerge(Layer.mergeAll(SingleNode.layer, feed))
  )
  const program = Effect.gen(function* () {
    const bus = yield* Bus
    const client = yield* Ticker.client
    const topics = new Map(names.map((symbol) => [symbol, ticksTopic(tickShard(symbol))]))
    const expected = new Map<string, number>()
    for (const { symbol, ticks } of batches) expected.set(symbol, (expected.get(symbol) ?? 0) + ticks.length)
    let heard = 0
    for (const symbol of names) yield* bus.subscribe(quotesTopic(symbol), () => void heard++)
    // actors are started before the clock is
    yield* Effect.forEach(names, (symbol) => client(symbol).Activate(), { concurrency: 50, discard: true })
    const run = Effect.runPromiseWith(yield* Effect.context<never>())
    const publishAll = Effect.gen(function* () {
      for (const batch of batches) {
        const topic = topics.get(batch.symbol)
        marketTime = batch.ingestTime
        if (topic !== undefined) yield* bus.publish(topic, batch)
      }
      for (const [symbol, ticks] of expected) {
        while ((yield* client(symbol).Snapshot()).seq < ticks) yield* Effect.yieldNow
      }
    })
    const folded = yield* Effect.promise(() => measured(batches.length * work.ticksPerBatch, () => run(publishAll)))
    if (heard === 0) return yield* Effect.die(new Error("nothing was published"))
    return folded
  })
  return Effect.runPromise(
    program.pipe(
      Effect.scoped,
      Effect.provide(Layer.provideMerge(layer, Layer.succeed(References.MinimumLogLevel, "Error")))
    )
  )
}

const folding = {
  fold: async (asked: { readonly how: "plain" | "alone" | "actors"; readonly work: Work }) => {
    const { how, work } = asked
    const batches = morning(work)
    const ticks = work.batches * work.ticksPerBatch
    let kept: ReadonlyMap<string, unknown> = new Map()
    const once = async (): Promise<Folded> => {
      if (how === "actors") return actors(work, batches)
      return measured(ticks, () => {
        kept = how === "plain" ? plain(batches) : alone(batches)
      })
    }
    // the first time compiles
    await once()
    const folded = await once()
    if (how !== "actors" && kept.size === 0) throw new Error("nothing was folded")
    return folded
  }
}
export type Folding = typeof folding

answer(folding)
