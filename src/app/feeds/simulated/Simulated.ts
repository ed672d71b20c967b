/**
 * The simulated market: real companies, made-up trades, always labelled SIMULATED.
 *
 * Seeded: the same seed, rate and trading day give the same ticks, whenever the process starts and at whatever speed
 * (SymbolFeed, DayPlan). One loop for all symbols: every 10 ms it looks at a tenth of them, so that each is served about
 * every 100 ms and they do not all speak in the same millisecond. It starts in mid-day: each symbol's first batch
 * begins with its day so far.
 */
import { Clock, Effect, Layer } from "effect"
import { Bus } from "../../../actors/kernel/Bus.ts"
import { dayOfDate } from "../../../actors/market/calendar.ts"
import { Feed, FeedError } from "../../../actors/market/Feed.ts"
import type { FeedStatus } from "../../../rpc/market.ts"
import type { Price, Tick } from "../../../rpc/ticks.ts"
import { tickShard, ticksTopic } from "../../../rpc/topics.ts"
import { timeOfDay } from "../timeOfDay.ts"
import { tradingDayOf } from "./days.ts"
import { simulatedHistory } from "./history.ts"
import { defaultStart, MarketClock, MID_MORNING, newestDayAt } from "./MarketClock.ts"
import { SymbolFeed } from "./SymbolFeed.ts"
import { universe } from "./universe.ts"

export interface SimulatedOptions {
  /** Default 42. */
  readonly seed?: number | undefined
  /** How many symbols: the busiest ones, or filled up with synthetic ones. Default: the bundled companies. */
  readonly symbols?: number | undefined
  /** Multiplies every symbol's trades. Default 1. */
  readonly rate?: number | undefined
  /** Market seconds per second, or as fast as the bus takes them. Default 1. */
  readonly speed?: number | "max" | undefined
  /** Start at 10:30 New York of this trading day (YYYY-MM-DD) instead of now. */
  readonly date?: string | undefined
  /** HH:MM or HH:MM:SS, New York: start at this time of that day, or of the newest trading day that has reached it. */
  readonly start?: string | undefined
}

const SLICES = 10
const SLICE_MILLIS = 10
/** Market time per turn of the loop at speed "max". */
const MAX_STEP = 1_000
/** A longer batch would keep one symbol's actor from its other work. */
const MAX_BATCH = 512
/** Symbols at a time while starting: some ten milliseconds. */
const STARTED_AT_ONCE = 16

const refuse = (message: string) => new FeedError({ adapter: "simulated", message })

/** When market time starts. */
const startOf = Effect.fnUntraced(function* (wall: number, { date, start }: SimulatedOptions) {
  const sinceMidnight = start === undefined ? undefined : timeOfDay(start)
  if (start !== undefined && sinceMidnight === undefined) {
    return yield* refuse(`start must be HH:MM or HH:MM:SS in New York, not ${start}`)
  }
  if (date === undefined && sinceMidnight === undefined) return defaultStart(wall)
  const given = date === undefined ? newestDayAt(wall, sinceMidnight) : dayOfDate(date)
  if (given?.trading !== true) return yield* refuse(`${date} is not a trading day of the NYSE (YYYY-MM-DD)`)
  const at = given.midnight + (sinceMidnight ?? MID_MORNING)
  if (at < given.preOpen || at >= given.postClose) {
    return yield* refuse(
      `start must be in trading hours of ${given.date}, from 04:00 to before their end, not ${start}`
    )
  }
  return at
})

const make = Effect.fnUntraced(function* (options: SimulatedOptions) {
  const { seed = 42, rate = 1, speed = 1, symbols } = options
  if (!(rate > 0)) return yield* refuse(`rate must be a positive number, not ${rate}`)
  if (speed !== "max" && !(speed > 0)) return yield* refuse(`speed must be a positive number or max, not ${speed}`)
  if (symbols !== undefined && !(Number.isInteger(symbols) && symbols > 0)) {
    return yield* refuse(`symbols must be a positive whole number, not ${symbols}`)
  }
  const bus = yield* Bus
  const wallClock = yield* Clock.Clock
  const wall = wallClock.currentTimeMillisUnsafe()
  const start = yield* startOf(wall, options)
  const clock = new MarketClock(wall, start, speed === "max" ? 0 : speed)
  const profiles = universe(symbols)
  const startDay = tradingDayOf(start)
  const bySymbol = new Map(profiles.map((profile) => [profile.listing.symbol, profile]))
  const planned = new Map<string, SymbolFeed>()
  /** Planned when first asked for: all at once would keep the process from everything else for a tenth of a second. */
  const sourceOf = (symbol: string): SymbolFeed | undefined => {
    const profile = bySymbol.get(symbol)
    let source = planned.get(symbol)
    if (source === undefined && profile !== undefined) {
      source = new SymbolFeed(seed, profile, rate, startDay, start)
      planned.set(symbol, source)
    }
    return source
  }
  /** Those that have begun. */
  const sources: Array<SymbolFeed> = []
  const slices = Array.from({ length: SLICES }, (): Array<SymbolFeed> => [])
  /** Market time each slice has been served up to. */
  const served = slices.map(() => startDay.preOpen - 1)
  let state: FeedStatus["state"] = "starting"
  let ticks = 0

  const publish = (symbol: string, previousClose: Price | null, batch: ReadonlyArray<Tick>): Effect.Effect<void> => {
    ticks += batch.length
    const ingestTime = wallClock.currentTimeMillisUnsafe()
    return bus.publish(ticksTopic(tickShard(symbol)), { symbol, ingestTime, previousClose, ticks: batch })
  }

  const serve = Effect.fnUntraced(function* (slice: ReadonlyArray<SymbolFeed>, marketTime: number) {
    for (const source of slice) {
      while (source.nextTime <= marketTime) {
        yield* publish(source.symbol, source.previousClose, source.take(marketTime, MAX_BATCH))
      }
    }
  })

  /** Each symbol's first batch: every one has something to show from the first moment on. */
  const begin = Effect.fnUntraced(function* (marketTime: number) {
    for (const { listing } of profiles.slice(sources.length)) {
      const source = sourceOf(listing.symbol)
      if (source === undefined) continue
      const { previousClose, soFar, symbol } = source
      const first = source.take(marketTime, MAX_BATCH)
      slices[sources.length % SLICES]?.push(source)
      sources.push(source)
      const batch = soFar === undefined ? first : [soFar, ...first]
      if (batch.length > 0) yield* publish(symbol, previousClose, batch)
      if (sources.length % STARTED_AT_ONCE === 0) yield* Effect.yieldNow
    }
  })

  const turn = Effect.fnUntraced(function* (count: number) {
    const now = wallClock.currentTimeMillisUnsafe()
    if (speed === "max") {
      const marketTime = clock.jump(now, clock.at(now) + MAX_STEP)
      yield* serve(sources, marketTime)
      served.fill(marketTime)
      yield* Effect.yieldNow
    } else {
      const slice = count % SLICES
      const marketTime = clock.advance(now)
      yield* serve(slices[slice] ?? [], marketTime)
      served[slice] = marketTime
      yield* Effect.sleep(SLICE_MILLIS)
    }
  })

  const run = Effect.gen(function* () {
    state = "live"
    yield* begin(clock.advance(wallClock.currentTimeMillisUnsafe()))
    for (let count = 0; ; count++) yield* turn(count)
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        state = "down"
      })
    )
  )

  const marketTime = () => clock.at(wallClock.currentTimeMillisUnsafe())
  return Feed.of({
    adapter: "simulated",
    label: "SIMULATED",
    // its first ticks depend on the moment it starts
    runId: `simulated:${seed}:${rate}:${start}@${wall}`,
    source: `simulated:${seed}:${rate}`,
    listings: profiles.map((profile) => profile.listing),
    marketTime,
    publishedUpTo: () => Math.min(...served),
    run,
    status: Effect.sync(() => ({
      label: "SIMULATED",
      adapter: "simulated",
      state,
      detail: `seed ${seed}, ${profiles.length} symbols${rate === 1 ? "" : `, ${rate}× trades`}`,
      marketTime: marketTime(),
      speed: speed === "max" ? 0 : speed,
      symbols: profiles.length,
      ticks,
      malformed: 0
    })),
    history: simulatedHistory(seed, rate, { get: sourceOf })
  })
})

/** Fails with FeedError when an option makes no sense. */
export const simulatedLayer = (options: SimulatedOptions): Layer.Layer<Feed, FeedError, Bus> =>
  Layer.effect(Feed, make(options))
