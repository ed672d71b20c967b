/**
 * Bars of any interval, by range and page, and the live last bar. Base bars (1s, 1m, 1d) come from three places, the
 * fresher first: the ticker actor (still forming, or not stored yet), the bar store (our own finished ones), the feed's history (older).
 * Coarser intervals are rolled up from base bars (bars.ts), whole: a page never holds half a bar.
 */
import { Context, Effect, Layer, Schedule, Stream } from "effect"
import type { Sharding } from "effect/cluster"
import { type Bar, type BarsPage, type Interval, InvalidRequest, Unavailable, UnknownSymbol } from "../../rpc/market.ts"
import { Ticker, type UnstoredBars } from "../../rpc/ticker.ts"
import { asked } from "../kernel/asked.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { BarStore } from "./BarStore.ts"
import { barEnd, barStart, baseOf, mergeBars, rollUp } from "./bars.ts"
import { type BarQuery, Feed } from "./Feed.ts"
import { type LiveKey, makeLiveBars } from "./LiveBars.ts"
import { TickerSettings } from "./TickerSettings.ts"

export interface HistoryQuery {
  readonly symbol: string
  readonly interval: Interval
  /** Inclusive; bars that start earlier are left out. */
  readonly from?: number | undefined
  /** Exclusive. */
  readonly to?: number | undefined
  /** Cursor: only bars that start before it. */
  readonly before?: number | undefined
  readonly limit?: number | undefined
}

const DEFAULT_LIMIT = 500
const MAX_LIMIT = 5_000
/** Base bars asked of a source at a time. */
const CHUNK = 5_000
const ASK_DEADLINE = "5 seconds"
/** While the symbol has no owner its charts wait. */
const untilServed = Schedule.spaced("500 millis")

export class BarHistory extends Context.Service<
  BarHistory,
  {
    /** The newest `limit` (default 500) bars that match, oldest first, and the cursor for older ones. */
    readonly page: (query: HistoryQuery) => Effect.Effect<BarsPage, UnknownSymbol | InvalidRequest | Unavailable>
    /** The last bar at once, then each bar that changes, at most four times a second. */
    readonly live: (key: LiveKey) => Stream.Stream<Bar, UnknownSymbol | Unavailable>
  }
>()("lzstock/actors/market/BarHistory") {
  static readonly layer: Layer.Layer<BarHistory, never, Bus | BarStore | Feed | Gauges | Sharding.Sharding> =
    Layer.effect(
      BarHistory,
      Effect.gen(function* () {
        const bus = yield* Bus
        const gauges = yield* Gauges
        const store = yield* BarStore
        const feed = yield* Feed
        const settings = yield* TickerSettings
        const client = yield* Ticker.client
        const listed = new Set(feed.listings.map((listing) => listing.symbol))

        const known = (symbol: string): Effect.Effect<void, UnknownSymbol> =>
          listed.has(symbol)
            ? Effect.void
            : Effect.fail(new UnknownSymbol({ symbol, message: `${symbol} is not listed here` }))

        /** The market time by which bars are final; the same grace for late trades as the ticker actors give. */
        const passed = () => feed.publishedUpTo() - settings.closeGraceMillis

        const unavailable = (symbol: string) => () =>
          new Unavailable({
            what: symbol,
            retryAfterMillis: 1_000,
            message: `The bars of ${symbol} cannot be read at the moment: try again in a second`
          })

        /** What the store answers; while it is away the caller may try again. */
        const stored = <A>(symbol: string, answer: Effect.Effect<A>): Effect.Effect<A, Unavailable> =>
          Effect.catchDefect(answer, (defect) =>
            Effect.andThen(
              Effect.logWarning("The bar store is away", { symbol, defect: String(defect) }),
              Effect.fail(unavailable(symbol)())
            )
          )

        /** Asked before the store is: what leaves it meanwhile is there. */
        const unstored = (symbol: string, interval: Interval) =>
          client(symbol)
            .UnstoredBars({ interval: baseOf(interval) })
            .pipe(asked(symbol, ASK_DEADLINE, () => unavailable(symbol)().message))

        /**
         * The newest `query.limit` base bars of store and history together, oldest first; those of the actor laid over. There may
         * be older ones before `rest`; undefined: there are none.
         */
        const basePage = Effect.fnUntraced(function* (query: BarQuery, fresh: UnstoredBars) {
          const older = yield* Effect.mapError(feed.history(query), unavailable(query.symbol))
          // a recording or simulation that is played again has bars of later today from its last time; but a feed that had to
          // begin again on another node is behind what its symbols have folded already
          const now = Math.max(feed.marketTime(), fresh.marketTime) + 1
          const own = yield* stored(query.symbol, store.page({ ...query, to: Math.min(query.to ?? now, now) }))
          const unstored = fresh.bars.filter(({ time }) => matches(query, time))
          // a source that gave all it may has told everything from its oldest on; what another has before that is not all
          const full = [older, own].flatMap((bars) => (bars.length < query.limit ? [] : (bars[0]?.time ?? [])))
          const from = Math.max(...full, Number.NEGATIVE_INFINITY)
          const merged = own.length === 0 ? older : older.length === 0 ? own : mergeBars(older, own)
          const all = (unstored.length === 0 ? merged : mergeBars(merged, unstored)).filter(({ time }) => time >= from)
          const bars = all.length > query.limit ? all.slice(-query.limit) : all
          const rest = bars.length < all.length ? bars[0]?.time : full.length > 0 ? from : undefined
          return { bars, rest }
        })

        /**
         * The first bar's start from which on no base bar is missing. Older ones, the feed's among them, lie beyond a hole:
         * a page that joined them would say that nothing traded in between.
         */
        const wholeFrom = Effect.fnUntraced(function* (symbol: string, interval: Interval) {
          const evicted = yield* stored(symbol, store.evictedUpTo(symbol, baseOf(interval)))
          return evicted === Number.NEGATIVE_INFINITY ? evicted : startAtOrAfter(interval, evicted + 1)
        })

        const page = Effect.fn("BarHistory.page")(function* (query: HistoryQuery) {
          const { symbol, interval, from, to, before } = query
          const limit = query.limit ?? DEFAULT_LIMIT
          yield* known(symbol)
          yield* check(query, limit)
          const until = Math.min(to ?? Number.POSITIVE_INFINITY, before ?? Number.POSITIVE_INFINITY)
          const base = baseOf(interval)
          const fresh = yield* unstored(symbol, interval)
          // bars are whole: begin with the first that starts at or after `from`, end with the last that starts before `until`
          const asked = from === undefined ? undefined : startAtOrAfter(interval, from)
          const lowest = Math.max(asked ?? Number.NEGATIVE_INFINITY, yield* wholeFrom(symbol, interval))
          let upper = Number.isFinite(until) ? startAtOrAfter(interval, until) : undefined
          let parts: ReadonlyArray<Bar> = []
          let bars: ReadonlyArray<Bar> = []
          let rest: number | undefined
          // one bar more than asked for tells that the oldest kept is whole, and that there are older ones
          const size = Math.min(CHUNK, (limit + 1) * mostParts[interval])
          do {
            const chunk = yield* basePage({ symbol, interval: base, from: lowest, before: upper, limit: size }, fresh)
            rest = upper = chunk.rest
            parts = parts.length === 0 ? chunk.bars : [...chunk.bars, ...parts]
            bars = rollUp(parts, interval, passed())
          } while (rest !== undefined && bars.length <= limit)
          const kept = bars.slice(-limit)
          const result: BarsPage = {
            symbol,
            interval,
            bars: kept,
            before: bars.length > limit ? (kept[0]?.time ?? null) : null,
            label: feed.label
          }
          return result
        })

        const whole = (symbol: string, interval: Interval, start: number, fresh: UnstoredBars) => {
          const range = { from: start, to: barEnd(interval, start), limit: mostParts[interval] }
          return Effect.map(basePage({ symbol, interval: baseOf(interval), ...range }, fresh), ({ bars }) => bars)
        }

        const watch = yield* makeLiveBars({
          bus,
          gauges,
          passed,
          newest: Effect.fnUntraced(
            function* ({ interval, symbol }) {
              const fresh = yield* unstored(symbol, interval)
              const bar = (yield* page({ symbol, interval, limit: 1 })).bars.at(-1)
              return { bar, parts: bar === undefined ? [] : yield* whole(symbol, interval, bar.time, fresh) }
            },
            // what only a caller's own query could break
            Effect.catchTag(["InvalidRequest", "UnknownSymbol"], Effect.die)
          ),
          since: Effect.fnUntraced(function* ({ interval, symbol }, start) {
            const fresh = yield* unstored(symbol, interval)
            const query = { symbol, interval: baseOf(interval), from: start, limit: CHUNK }
            return (yield* basePage(query, fresh)).bars
          }),
          partsOf: Effect.fnUntraced(function* ({ interval, symbol }, starts) {
            const oldest = yield* wholeFrom(symbol, interval)
            const kept = Array.from(starts).filter((start) => start >= oldest)
            if (kept.length === 0) return new Map<number, ReadonlyArray<Bar>>()
            const fresh = yield* Effect.retry(unstored(symbol, interval), untilServed)
            return new Map(
              yield* Effect.forEach(kept, (start) =>
                Effect.map(whole(symbol, interval, start, fresh), (bars) => [start, bars] as const)
              )
            )
          })
        })

        const live = (key: LiveKey) => Stream.unwrap(Effect.as(known(key.symbol), watch(key)))

        return BarHistory.of({ page, live })
      })
    )
}

/** Base bars one bar can have. */
const mostParts: { readonly [interval in Interval]: number } = {
  "1s": 1,
  "5s": 5,
  "15s": 15,
  "1m": 1,
  "5m": 5,
  "15m": 15,
  "30m": 30,
  "1h": 60,
  "1d": 1,
  "1w": 7,
  "1mo": 31
}

const matches = (query: BarQuery, time: number): boolean =>
  time >= (query.from ?? Number.NEGATIVE_INFINITY) &&
  time < (query.to ?? Number.POSITIVE_INFINITY) &&
  time < (query.before ?? Number.POSITIVE_INFINITY)

const startAtOrAfter = (interval: Interval, time: number): number => {
  const start = barStart(interval, time)
  return start === time ? start : barEnd(interval, start)
}

/** Date goes up to 8.64e15; the month around a time has to be within that too. */
const MOST_TIME = 8.6e15

const check = (query: HistoryQuery, limit: number): Effect.Effect<void, InvalidRequest> => {
  const refuse = (field: string, message: string) => Effect.fail(new InvalidRequest({ field, message }))
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    return refuse("limit", `limit must be a whole number from 1 to ${MAX_LIMIT}`)
  for (const field of ["from", "to", "before"] as const) {
    const time = query[field]
    if (time !== undefined && !(Number.isInteger(time) && Math.abs(time) <= MOST_TIME))
      return refuse(field, `${field} must be a time in whole milliseconds since 1970`)
  }
  if (query.from !== undefined && query.to !== undefined && query.from >= query.to)
    return refuse("to", "to must be later than from")
  return Effect.void
}
