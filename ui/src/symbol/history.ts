/**
 * The bars of one symbol and interval: pages of history by keyset, newest first, and the live last bar on top. One array,
 * oldest first; listeners hear what kind of change it was, so that a live tick does not redraw the whole chart.
 */
import { createSignal, onCleanup } from "solid-js"
import type { MarketClient } from "../../../src/rpc/client.ts"
import type { Bar, FeedLabel, Interval } from "../../../src/rpc/market.ts"
import { newYorkMidnight } from "../format/time.ts"
import { messageOf } from "../market/market.ts"
import { type RangeName, rangeStart } from "./ranges.ts"
import { mergeBars, putLive } from "./series.ts"

const PAGE = 1_000
/** A range is filled from the newest bar back; with very short bars it is filled this far and the rest as one scrolls. */
const MOST_FIRST_PAGES = 4
/** The newest bars of a page: not final, or not yet. */
const STILL_MOVING = 3

export type HistoryChange =
  /** Another range or interval: show its start. */
  | { readonly kind: "range" }
  /** Older bars were put in front, or an older bar was revised. */
  | { readonly kind: "bars" }
  /** Only the newest bar moved, or one was added after it. */
  | { readonly kind: "last"; readonly bar: Bar }

export interface HistoryQuery {
  readonly symbol: string
  readonly range: RangeName
  readonly interval: Interval
}

export const makeHistory = (
  client: MarketClient,
  marketTime: () => number,
  onChange: (change: HistoryChange) => void
) => {
  const [loading, setLoading] = createSignal(true)
  const [error, setError] = createSignal<string | null>(null)
  const [count, setCount] = createSignal(0)
  const [revised, setRevised] = createSignal(0)
  const [label, setLabel] = createSignal<FeedLabel | null>(null)
  let bars: ReadonlyArray<Bar> = []
  let before: number | null = null
  let start: number | null = null
  let current: HistoryQuery | null = null
  let busy = false
  let stopLive: () => void = () => {}

  const keep = (next: ReadonlyArray<Bar>) => {
    bars = next
    setCount(next.length)
    setRevised(next.reduce((sum, bar) => sum + (bar.revision > 0 ? 1 : 0), 0))
  }

  const fetchPage = async (query: HistoryQuery): Promise<boolean> => {
    const page = await client.bars({
      symbol: query.symbol,
      interval: query.interval,
      limit: PAGE,
      ...(before === null ? {} : { before })
    })
    if (current !== query) return false
    before = page.before
    setLabel(page.label)
    keep(mergeBars(bars, page.bars))
    return true
  }

  const goLive = (query: HistoryQuery) => {
    const watch = client.watchBars(
      // the page's newest bars have moved since, and others may have begun
      { symbol: query.symbol, interval: query.interval, from: (bars.at(-STILL_MOVING) ?? bars[0])?.time },
      {
        onBar: (bar) => {
          if (current !== query) return
          const newest = bars.at(-1)
          keep(putLive(bars, bar))
          onChange(newest === undefined || bar.time >= newest.time ? { kind: "last", bar } : { kind: "bars" })
        },
        onError: (failure) => {
          if (current === query) setError(failure.message)
        }
      }
    )
    stopLive = () => watch.close()
  }

  const load = async (query: HistoryQuery) => {
    stopLive()
    stopLive = () => {}
    current = query
    before = null
    keep([])
    setError(null)
    setLoading(true)
    busy = true
    try {
      for (let pages = 0; pages < MOST_FIRST_PAGES; pages++) {
        if (!(await fetchPage(query))) return
        const newest = bars.at(-1)
        // the newest day there is: on a Sunday 1D is Friday
        const now =
          query.range === "1D" && newest !== undefined ? newest.time : Math.max(marketTime(), newest?.time ?? 0)
        start = query.range === "1D" ? newYorkMidnight(now) : rangeStart(query.range, now)
        const oldest = bars[0]
        if (before === null || (start !== null && oldest !== undefined && oldest.time <= start)) break
      }
    } catch (failure) {
      if (current === query) setError(messageOf(failure))
    }
    if (current !== query) return
    busy = false
    setLoading(false)
    onChange({ kind: "range" })
    // live bars without the ones before them would pass for the whole range
    if (error() === null || bars.length > 0) goLive(query)
  }

  /** Fetches the page before the oldest bar, once at a time; nothing when there is none. */
  const loadOlder = async () => {
    const query = current
    if (busy || before === null || query === null) return
    busy = true
    setLoading(true)
    try {
      if (await fetchPage(query)) onChange({ kind: "bars" })
    } catch {
      // the next scroll to the left asks again
    } finally {
      if (current === query) {
        busy = false
        setLoading(false)
      }
    }
  }

  onCleanup(() => {
    current = null
    stopLive()
  })

  return {
    load,
    loadOlder,
    loading,
    error,
    count,
    revised,
    label,
    bars: () => bars,
    /** First instant of the chosen range; null for all there is. */
    start: () => start,
    hasOlder: () => before !== null
  }
}
export type History = ReturnType<typeof makeHistory>
