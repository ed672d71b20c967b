/**
 * A recorded day through the very actors that serve live prices, in this process and without a server: feed → bus → router
 * → ticker actors → bar store. Only the bar store is another one: it keeps every finished bar of one interval.
 */
import { Effect, Layer } from "effect"
import { Bus } from "../../../actors/kernel/Bus.ts"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { QuoteCache } from "../../../actors/kernel/QuoteCache.ts"
import { BarStore } from "../../../actors/market/BarStore.ts"
import { baseOf, isGone, rollUp } from "../../../actors/market/bars.ts"
import { Checkpoints } from "../../../actors/market/Checkpoints.ts"
import type { CalendarDay } from "../../../actors/market/calendar.ts"
import { type BaseInterval, Feed, FeedError } from "../../../actors/market/Feed.ts"
import { LocalTickers } from "../../../actors/market/LocalTickers.ts"
import { ShardLedger } from "../../../actors/market/ShardLedger.ts"
import { TickerActors } from "../../../actors/market/TickerActor.ts"
import type { Bar, Interval } from "../../../rpc/market.ts"
import { Ticker } from "../../../rpc/ticker.ts"
import type { TickBatch } from "../../../rpc/ticks.ts"
import { TICK_SHARDS, ticksTopic } from "../../../rpc/topics.ts"
import { layer as layerCluster, layerSurroundings } from "../../cluster/SingleNode.ts"
import { feedLayer } from "../../feeds/index.ts"

export interface ReplayedDay {
  /** Finished bars by symbol, oldest first; every symbol of the recording, in symbol order. */
  readonly bars: ReadonlyMap<string, ReadonlyArray<Bar>>
  readonly trades: number
  /** Trades and quotes. */
  readonly ticks: number
  readonly malformed: number
  /** From the first byte read to the last bar finished; start-up of the process not counted. */
  readonly millis: number
}

export interface ReplayRequest {
  readonly data: string
  readonly day: CalendarDay
  /** Empty: all that were recorded. */
  readonly symbols: ReadonlyArray<string>
  readonly interval: Interval
}

/** Finished bars of one interval, the newest revision of each, without bound: a day is a bound. */
class Collected {
  readonly #interval: BaseInterval
  readonly #bars = new Map<string, Map<number, Bar>>()

  constructor(interval: BaseInterval) {
    this.#interval = interval
  }

  put(symbol: string, interval: BaseInterval, bars: ReadonlyArray<Bar>): void {
    if (interval !== this.#interval) return
    let kept = this.#bars.get(symbol)
    if (kept === undefined) {
      kept = new Map()
      this.#bars.set(symbol, kept)
    }
    for (const bar of bars) {
      const before = kept.get(bar.time)
      if (before === undefined || bar.revision >= before.revision) kept.set(bar.time, bar)
    }
  }

  /** Oldest first; without those whose every trade was cancelled. */
  of(symbol: string): ReadonlyArray<Bar> {
    const kept = this.#bars.get(symbol)
    if (kept === undefined) return []
    return [...kept.values()].filter((bar) => !isGone(bar)).sort((a, b) => a.time - b.time)
  }

  readonly layer: Layer.Layer<BarStore> = Layer.sync(BarStore, () =>
    BarStore.of({
      put: (_owner, symbol, interval, bars) => Effect.sync(() => this.put(symbol, interval, bars)),
      page: () => Effect.succeed([]),
      evictedUpTo: () => Effect.succeed(Number.NEGATIVE_INFINITY)
    })
  )
}

/** What was published, as heard on the bus beside the router. */
const listen = Effect.gen(function* () {
  const bus = yield* Bus
  const heard = { trades: 0, newest: new Map<string, number>() }
  const hear = ({ symbol, ticks }: TickBatch): void => {
    let newest = heard.newest.get(symbol) ?? 0
    for (const tick of ticks) {
      if (tick._tag === "Trade") heard.trades++
      if (tick.time > newest) newest = tick.time
    }
    heard.newest.set(symbol, newest)
  }
  for (let shard = 0; shard < TICK_SHARDS; shard++) yield* bus.subscribe(ticksTopic(shard), hear)
  return heard
})

const LOST = ["ticks_dropped_total", "parked_batches_total", "bars_forgotten_total", "bar_store_failures_total"]

/** Fails when anything was lost on the way: a recorded day is replayed whole or not at all. */
const nothingLost = Effect.gen(function* () {
  const gauges = yield* Gauges
  const lost = gauges.samples().filter(({ name, value }) => LOST.includes(name) && value > 0)
  if (lost.length === 0) return
  const what = lost.map(({ labels, name, value }) => `${name}{${labels}} ${value}`).join(", ")
  return yield* new FeedError({ adapter: "replay", message: `the day could not be folded whole: ${what}` })
})

/** Everything heard is folded, and time has come to the day's end: no bar is forming any more. */
const finish = Effect.fnUntraced(function* (symbol: string, newest: number, end: number) {
  const client = yield* Ticker.client
  const locals = yield* LocalTickers
  while ((yield* client(symbol).Snapshot()).exchangeTime < newest) {
    yield* nothingLost
    yield* Effect.sleep(1)
  }
  while (true) {
    locals.get(symbol)?.advance(end)
    const unstored = yield* Effect.forEach(["1s", "1m", "1d"] as const, (interval) =>
      client(symbol).UnstoredBars({ interval })
    )
    if (unstored.every(({ bars }) => bars.every(({ final }) => final))) break
    yield* Effect.sleep(1)
  }
  // bars are put beside the fold: the last ones too are there now
  yield* locals.get(symbol)?.settle ?? Effect.void
})

const play = Effect.fnUntraced(function* ({ day, interval }: ReplayRequest, collected: Collected) {
  const feed = yield* Feed
  const client = yield* Ticker.client
  const symbols = feed.listings.map(({ symbol }) => symbol)
  // every actor is up before its first tick: nothing waits in the router
  yield* Effect.forEach(symbols, (symbol) => client(symbol).Activate(), { concurrency: 64, discard: true })
  const heard = yield* listen
  const started = performance.now()
  yield* feed.run
  // the last minute before the day's end: after every session, and not the next day yet
  const end = day.nextMidnight - 1
  yield* Effect.forEach(heard.newest, ([symbol, newest]) => finish(symbol, newest, end), { discard: true })
  const millis = performance.now() - started
  yield* nothingLost
  const { malformed, ticks } = yield* feed.status
  const base = baseOf(interval)
  const result: ReplayedDay = {
    bars: new Map(
      symbols.map((symbol) => {
        const bars = collected.of(symbol)
        return [symbol, base === interval ? bars : rollUp(bars, interval, day.nextMidnight)]
      })
    ),
    trades: heard.trades,
    ticks,
    malformed,
    millis
  }
  return result
})

/** Plays the day at full speed. */
export const replayDay = (request: ReplayRequest): Effect.Effect<ReplayedDay, FeedError> => {
  const { data, day, interval, symbols } = request
  const collected = new Collected(baseOf(interval))
  const feed = feedLayer({
    feed: "replay",
    data,
    date: day.date,
    speed: "max",
    ...(symbols.length === 0 ? {} : { symbols })
  })
  const node = TickerActors.layer.pipe(
    Layer.provideMerge(layerSurroundings),
    Layer.provideMerge(
      Layer.mergeAll(feed, layerCluster, collected.layer, Checkpoints.layerMemory, ShardLedger.layerMemory)
    ),
    Layer.provideMerge(Layer.mergeAll(Bus.layerInProcess, QuoteCache.layerNone)),
    Layer.provideMerge(Gauges.layer)
  )
  return play(request, collected).pipe(
    // an actor of this very process does not answer: whatever the reason, the day is not whole
    Effect.mapError((error) =>
      error._tag === "FeedError"
        ? error
        : new FeedError({ adapter: "replay", message: `${error._tag}: ${error.message}` })
    ),
    Effect.scoped,
    Effect.provide(node)
  )
}
