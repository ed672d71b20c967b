/**
 * The live last bar of a symbol at one interval, worked out once a node however many watch it: one subscription on the bus,
 * one timer, one roll-up. It lives as long as somebody watches.
 */
import { Clock, Effect, Latch, Queue, RcMap, Schedule, Stream } from "effect"
import type { Bar, Interval, Unavailable } from "../../rpc/market.ts"
import { type BarsChanged, barsTopic } from "../../rpc/topics.ts"
import type { Bus } from "../kernel/Bus.ts"
import type { Gauges } from "../kernel/Gauges.ts"
import { barStart, baseOf, mergeBars, rollUp } from "./bars.ts"

/** A live bar is told at most this often. */
const LIVE_MILLIS = 250
/** Bars that wait for a watcher that does not read; then the oldest are left out: each is a whole state. */
const WAITING = 64

export interface LiveKey {
  readonly symbol: string
  readonly interval: Interval
}

export interface LiveSource {
  readonly bus: typeof Bus.Service
  readonly gauges: typeof Gauges.Service
  /** The newest bar there is, and the base bars it is made of, oldest first. Empty when nothing traded yet. */
  readonly newest: (
    key: LiveKey
  ) => Effect.Effect<{ readonly bar: Bar | undefined; readonly parts: ReadonlyArray<Bar> }, Unavailable>
  /** The base bars of the bars that start then, by their start; without those that are no longer all kept. Waits for the symbol's owner. */
  readonly partsOf: (
    key: LiveKey,
    starts: Iterable<number>
  ) => Effect.Effect<ReadonlyMap<number, ReadonlyArray<Bar>>, Unavailable>
  /** Base bars from `start` on, the forming one included, oldest first. */
  readonly since: (key: LiveKey, start: number) => Effect.Effect<ReadonlyArray<Bar>, Unavailable>
  /** The market time by which bars are final. */
  readonly passed: () => number
}

/** What all watchers of one key share. */
interface Shared {
  /** The newest bar as it was last told: what a late joiner gets at once. */
  last: Bar | undefined
  failed: Unavailable | undefined
  readonly watchers: Set<Queue.Queue<Bar, Unavailable>>
}

const byTime = (a: Bar, b: Bar): number => a.time - b.time

const make = Effect.fnUntraced(function* (source: LiveSource, key: LiveKey) {
  const { symbol, interval } = key
  const base = baseOf(interval)
  yield* source.gauges.track("live_bars_active")
  const changed = new Map<number, Bar>()
  const dirty = Latch.makeUnsafe(false)
  // subscribe first, read second: nothing falls between
  yield* source.bus.subscribe(barsTopic(symbol), (message: BarsChanged) => {
    if (message.interval !== base) return
    for (const bar of message.bars) changed.set(bar.time, bar)
    dirty.openUnsafe()
  })
  /** Some of what changed may not have been heard. */
  let missed = false
  yield* source.bus.onLoss(() => {
    missed = true
    dirty.openUnsafe()
  })
  const first = yield* source.newest(key)
  const shared: Shared = { last: first.bar, failed: undefined, watchers: new Set() }
  // the parts of the newest bar, kept up to date from the bus; older bars are read again when they change
  let newest = first.bar?.time ?? Number.NEGATIVE_INFINITY
  const parts = new Map(first.parts.map((bar) => [bar.time, bar]))

  /** The bar these parts make, with a newer one after it. */
  const over = (bars: Iterable<Bar>): ReadonlyArray<Bar> =>
    rollUp(Array.from(bars).sort(byTime), interval).map((bar) => ({ ...bar, final: true }))

  /** Bars to tell, oldest first. */
  const flush = Effect.gen(function* () {
    // first of all: what comes from here on is of the next time
    dirty.closeUnsafe()
    if (missed) {
      missed = false
      const before = Array.from(changed.values())
      changed.clear()
      const bars = yield* Effect.retry(source.since(key, Math.max(newest, 0)), Schedule.spaced("500 millis"))
      // the newest word counts: what was heard while reading, what was read, what was heard before
      for (const bar of [...bars, ...before]) if (!changed.has(bar.time)) changed.set(bar.time, bar)
    }
    const news = Array.from(changed.values()).sort(byTime)
    changed.clear()
    const out: Array<Bar> = []
    /** What changed in bars that are over, by their start. */
    const revised = new Map<number, Array<Bar>>()
    let moved = false
    for (const bar of news) {
      const start = barStart(interval, bar.time)
      if (start < newest) {
        const others = revised.get(start)
        if (others === undefined) revised.set(start, [bar])
        else others.push(bar)
        continue
      }
      if (start > newest) {
        // it is over: told a last time, whole and final, unless it was told so already
        const isTold = shared.last?.time === newest && shared.last.final && !moved
        if (!isTold) out.push(...over(parts.values()))
        parts.clear()
        newest = start
      }
      parts.set(bar.time, bar)
      moved = true
    }
    if (revised.size > 0) {
      for (const [start, kept] of yield* source.partsOf(key, revised.keys())) {
        out.push(...over(mergeBars(kept, revised.get(start) ?? [])))
      }
    }
    if (moved) {
      const rolled = rollUp(Array.from(parts.values()).sort(byTime), interval, source.passed())
      shared.last = rolled.at(-1) ?? shared.last
      out.push(...rolled)
    }
    return out.sort(byTime)
  })

  let toldAt = Number.NEGATIVE_INFINITY
  const next = Effect.gen(function* () {
    yield* dirty.await
    const wait = toldAt + LIVE_MILLIS - (yield* Clock.currentTimeMillis)
    if (wait > 0) yield* Effect.sleep(wait)
    toldAt = yield* Clock.currentTimeMillis
    const bars = yield* flush
    for (const watcher of shared.watchers) for (const bar of bars) Queue.offerUnsafe(watcher, bar)
  })
  return { shared, run: Effect.forever(next) }
})

/** The live bars of a node: subscribe as often as you like. */
export const makeLiveBars = Effect.fnUntraced(function* (source: LiveSource) {
  const fail = (key: LiveKey, shared: Shared, error: Unavailable) =>
    Effect.suspend(() => {
      shared.failed = error
      // whoever comes next begins anew
      return Effect.andThen(
        RcMap.invalidate(all, key),
        Effect.forEach(shared.watchers, (watcher) => Queue.fail(watcher, error), { discard: true })
      )
    })

  const all: RcMap.RcMap<LiveKey, Shared, Unavailable> = yield* RcMap.make({
    lookup: Effect.fnUntraced(function* (key: LiveKey) {
      const { run, shared } = yield* make(source, key)
      yield* Effect.forkScoped(Effect.catch(run, (error) => fail(key, shared, error)))
      return shared
    })
  })

  const join = Effect.fnUntraced(function* (key: LiveKey) {
    const shared = yield* RcMap.get(all, key)
    if (shared.failed !== undefined) return yield* shared.failed
    const queue = yield* Effect.acquireRelease(Queue.sliding<Bar, Unavailable>(WAITING), Queue.shutdown)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        if (shared.last !== undefined) Queue.offerUnsafe(queue, shared.last)
        shared.watchers.add(queue)
      }),
      () => Effect.sync(() => shared.watchers.delete(queue))
    )
    return Stream.fromQueue(queue)
  })

  return (key: LiveKey): Stream.Stream<Bar, Unavailable> => Stream.unwrap(join(key))
})
