/** Folds the same recorded-looking morning in three ways; a process each, so that none runs on code the other warmed. */
import { Effect, Layer, References } from "effect"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { foldBatch, initialTickerState } from "../../src/actors/market/tickerState.ts"
import { Ticker } from "../../src/rpc/ticker.ts"
import type { TickBatch } from "../../src/rpc/ticks.ts"
import { quotesTopic, tickShard, ticksTopic } from "../../src/rpc/topics.ts"
import { layerOneProcess } from "../support/marketNode.ts"
import { morning, TEN_O_CLOCK, type Work } from "../support/morning.ts"
import { answer } from "../support/processes.ts"
import { symbolsOf } from "../support/topology.ts"

export interface Folded {
  readonly ticks: number
  readonly seconds: number
  readonly cpuSeconds: number
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
  const layer = layerOneProcess(names, () => marketTime)
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
