/**
 * A recorded day, played again at a chosen speed; always labelled REPLAY. Files are streamed and merged in time order.
 *
 * At a given speed it publishes every 50 ms what the market did meanwhile, from a time of day on (half a minute before the
 * opening bell, unless told otherwise); what was before comes first, as at "max": a second of market time at once, as fast
 * as the bus takes it, so that statistics and bars are whole. A batch holds one symbol's ticks of one such window, 512 at most. Quotes play along where
 * they were recorded. After the last tick `run` succeeds, the state is "ended" and market time stands still.
 */
import { join } from "node:path"
import { Clock, Effect, Layer, type Scope } from "effect"
import { Bus } from "../../../actors/kernel/Bus.ts"
import { dayOfDate } from "../../../actors/market/calendar.ts"
import { Feed, type FeedError } from "../../../actors/market/Feed.ts"
import type { FeedStatus, Listing } from "../../../rpc/market.ts"
import type { Price, Tick } from "../../../rpc/ticks.ts"
import { tickShard, ticksTopic } from "../../../rpc/topics.ts"
import { universe } from "../simulated/universe.ts"
import { timeOfDay } from "../timeOfDay.ts"
import { type RecordedDay, recordedDay, refuse } from "./Catalog.ts"
import { replayHistory } from "./history.ts"
import { Merge } from "./Merge.ts"
import { ParkedLines } from "./ParkedLines.ts"
import { SymbolFiles } from "./SymbolFiles.ts"
import { openTickFile, type TickFile, type TickKind } from "./TickFile.ts"

export interface ReplayOptions {
  /** Folder in Lean's layout for US equities. */
  readonly dataDir: string
  /** YYYY-MM-DD. */
  readonly date?: string | undefined
  /** Market seconds per second, or as fast as the bus takes them. Default 1. */
  readonly speed?: number | "max" | undefined
  /** HH:MM or HH:MM:SS, New York: from here on at `speed`, before it at full speed. Default 09:29:30. */
  readonly start?: string | undefined
  /** Default: all that traded that day. */
  readonly symbols?: ReadonlyArray<string> | undefined
}

const PACE_MILLIS = 50
const MAX_WINDOW = 1_000
const MAX_BATCH = 512
const DEFAULT_START = "09:29:30"

const listingsOf = (day: RecordedDay): ReadonlyArray<Listing> => {
  const known = new Map(universe().map(({ listing }) => [listing.symbol, listing]))
  return day.symbols.map((symbol) => known.get(symbol) ?? { symbol, name: symbol, exchange: "", sector: "" })
}

const make = Effect.fnUntraced(function* (options: ReplayOptions) {
  const { dataDir, speed = 1, start = DEFAULT_START } = options
  if (speed !== "max" && !(speed > 0)) return yield* refuse(`speed must be a positive number or max, not ${speed}`)
  const sinceMidnight = timeOfDay(start)
  if (sinceMidnight === undefined) return yield* refuse(`start must be HH:MM or HH:MM:SS in New York, not ${start}`)
  const calendarDay = options.date === undefined ? undefined : dayOfDate(options.date)
  if (calendarDay === null) return yield* refuse(`${options.date} is not a date (YYYY-MM-DD)`)
  const day = yield* recordedDay(dataDir, calendarDay?.date, options.symbols)
  const { date, midnight, preOpen } = calendarDay ?? (yield* refuse("a replay needs a date"))

  const bus = yield* Bus
  const wallClock = yield* Clock.Clock
  const wall = () => wallClock.currentTimeMillisUnsafe()
  const history = replayHistory(dataDir, day.stamp)
  const parked = new ParkedLines()
  const previousCloses = new Map<string, Price | null>()
  let state: FeedStatus["state"] = "starting"
  let ticks = 0
  let marketTime = () => preOpen
  let publishedUpTo = preOpen - 1

  const open = (symbol: string, kind: TickKind): Effect.Effect<TickFile, FeedError, Scope.Scope> => {
    const path = join(dataDir, "tick", symbol.toLowerCase(), `${day.stamp}_${kind}.zip`)
    return openTickFile(symbol, path, kind, midnight, parked).pipe(
      Effect.mapError((broken) => refuse(`${path} cannot be read: ${broken.message}`))
    )
  }

  const openAll = Effect.gen(function* () {
    const merge = new Merge<SymbolFiles>()
    for (const symbol of day.symbols) {
      previousCloses.set(symbol, yield* history.previousClose(symbol))
      const trades = yield* open(symbol, "trade")
      merge.push(new SymbolFiles(trades, day.quoted.has(symbol) ? yield* open(symbol, "quote") : undefined))
    }
    return merge
  })

  const publish = (symbol: string, batch: ReadonlyArray<Tick>): Effect.Effect<void> => {
    ticks += batch.length
    return bus.publish(ticksTopic(tickShard(symbol)), {
      symbol,
      ingestTime: wall(),
      previousClose: previousCloses.get(symbol) ?? null,
      ticks: batch
    })
  }

  /** Publishes everything before `until`, symbol by symbol in the order of their next ticks. */
  const playUntil = Effect.fnUntraced(function* (merge: Merge<SymbolFiles>, until: number) {
    for (let source = merge.peek(); source !== undefined && source.nextTime < until; source = merge.peek()) {
      merge.pop()
      let batch: Array<Tick> = []
      while (source.nextTime < until || batch.length > 0) {
        const dry = source.take(until, MAX_BATCH, batch)
        if (dry !== undefined) {
          yield* dry.fill
          continue
        }
        if (batch.length > 0) yield* publish(source.symbol, batch)
        batch = []
      }
      if (source.nextTime < Number.POSITIVE_INFINITY) merge.push(source)
    }
    publishedUpTo = until - 1
  })

  const playFast = Effect.fnUntraced(function* (merge: Merge<SymbolFiles>, end: number) {
    for (let next = merge.peek(); next !== undefined && next.nextTime < end; next = merge.peek()) {
      const until = Math.min(end, (Math.floor(next.nextTime / MAX_WINDOW) + 1) * MAX_WINDOW)
      marketTime = () => until - 1
      yield* playUntil(merge, until)
    }
  })

  const playAtSpeed = Effect.fnUntraced(function* (merge: Merge<SymbolFiles>, factor: number) {
    const start = midnight + sinceMidnight
    yield* playFast(merge, start)
    if (merge.size === 0) return
    const wallStart = wall()
    marketTime = () => start + Math.max(0, Math.floor((wall() - wallStart) * factor))
    while (merge.size > 0) {
      yield* playUntil(merge, marketTime() + 1)
      yield* Effect.sleep(PACE_MILLIS)
    }
  })

  const run = Effect.gen(function* () {
    publishedUpTo = preOpen - 1
    const merge = yield* openAll
    state = "live"
    yield* speed === "max" ? playFast(merge, Number.POSITIVE_INFINITY) : playAtSpeed(merge, speed)
    const end = marketTime()
    marketTime = () => end
    state = "ended"
    yield* Effect.logInfo("Replay ended", { date, ticks, malformed: parked.count, parked: parked.latest().slice(-3) })
  }).pipe(
    Effect.scoped,
    Effect.onExit((exit) =>
      Effect.sync(() => {
        if (exit._tag === "Success") return
        state = "down"
        // it stands still where the recording broke
        const broke = marketTime()
        marketTime = () => broke
      })
    )
  )

  return Feed.of({
    adapter: "replay",
    label: "REPLAY",
    runId: `replay:${date}`,
    source: "replay",
    listings: listingsOf(day),
    marketTime: () => marketTime(),
    publishedUpTo: () => publishedUpTo,
    run,
    status: Effect.sync(() => ({
      label: "REPLAY",
      adapter: "replay",
      state,
      detail: `${date} at ${speed === "max" ? "full speed" : `${speed}× from ${start}`}`,
      marketTime: marketTime(),
      speed: speed === "max" ? 0 : speed,
      symbols: day.symbols.length,
      ticks,
      malformed: parked.count
    })),
    history: history.page
  })
})

/** Fails with FeedError when there is nothing such to replay, saying what there is. */
export const replayLayer = (options: ReplayOptions): Layer.Layer<Feed, FeedError, Bus> =>
  Layer.effect(Feed, make(options))
