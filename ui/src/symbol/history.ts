/**
 * The bars of one symbol and interval: pages of history by keyset, newest first, and the live last bar on top. One array,
 * oldest first; listeners hear what kind of change it was, so that a live tick does not redraw the whole chart.
 */
import { batch, createSignal, onCleanup } from "solid-js"
import type { MarketClient } from "../../../src/rpc/client.ts"
import type { Bar, FeedLabel, Interval } from "../../../src/rpc/market.ts"
import { newYorkMidnight } from "../format/time.ts"
import { messageOf } from "../market/market.ts"
import { type RangeName, rangeStart } from "./ranges.ts"
import { countRevised, mergeBars, putLive } from "./series.ts"

const PAGE = 1_000
/** A range is filled from the newest bar back; with very short bars it is filled this far and the rest as one scrolls. */
const MOST_FIRST_PAGES = 4
/** Live bars push the oldest out beyond this many, or beyond what the reader has fetched; they can be fetched again. */
const MOST_LIVE = 10_000
/** So that it is not done with each bar. */
const TRIMMED_AT_ONCE = 500
/** The newest bars of a page: not final, or not yet. */
const STILL_MOVING = 3

export type HistoryChange =
  /** Another range or interval: show its start. */
  | { readonly kind: "range" }
  /** A new day has begun in a range of one day: show its start. */
  | { readonly kind: "day" }
  /** Older bars were put in front. */
  | { readonly kind: "older" }
  /** Live bars, oldest first. `trimmed`: and the oldest ones are gone. */
  | { readonly kind: "live"; readonly bars: ReadonlyArray<Bar>; readonly trimmed: boolean }

export interface HistoryQuery {
  readonly symbol: string
  readonly range: RangeName
  readonly interval: Interval
}

export const makeHistory = (
  client: Pick<MarketClient, "bars" | "watchBars">,
  marketTime: () => number,
  /** Live bars are collected until then: after a lost connection a thousand come at once. */
  nextFrame: (task: () => void) => void,
  onChange: (change: HistoryChange) => void
) => {
  const [loading, setLoading] = createSignal(true)
  const [error, setError] = createSignal<string | null>(null)
  const [stopped, setStopped] = createSignal<string | null>(null)
  const [hasOlder, setHasOlder] = createSignal(false)
  const [count, setCount] = createSignal(0)
  const [revised, setRevised] = createSignal(0)
  const [label, setLabel] = createSignal<FeedLabel | null>(null)
  let bars: Array<Bar> = []
  /** By start time: told since the last frame. */
  let told = new Map<number, Bar>()
  let most = MOST_LIVE
  let before: number | null = null
  let start: number | null = null
  let current: HistoryQuery | null = null
  let busy = false
  let stopLive: () => void = () => {}

  const keep = (next: Array<Bar>) => {
    bars = next
    most = Math.max(MOST_LIVE, next.length)
    setCount(next.length)
    setRevised(countRevised(next))
  }
  const pagesEndAt = (cursor: number | null) => {
    before = cursor
    setHasOlder(cursor !== null)
  }

  const fetchPage = async (query: HistoryQuery): Promise<boolean> => {
    const page = await client.bars({
      symbol: query.symbol,
      interval: query.interval,
      limit: PAGE,
      ...(before === null ? {} : { before })
    })
    if (current !== query) return false
    pagesEndAt(page.before)
    setLabel(page.label)
    keep(mergeBars(bars, page.bars))
    return true
  }

  const trim = (): ReadonlyArray<Bar> => {
    // a page on its way joins the oldest bar there was when it was asked for
    if (busy || bars.length < most + TRIMMED_AT_ONCE) return []
    const gone = bars.splice(0, bars.length - most)
    pagesEndAt(bars[0]?.time ?? null)
    return gone
  }
  const takeTold = (query: HistoryQuery) => {
    if (current !== query || told.size === 0) return
    const live = [...told.values()].sort((a, b) => a.time - b.time)
    told = new Map()
    const grown = putLive(bars, live)
    const gone = trim()
    batch(() => {
      setCount(bars.length)
      setRevised((sum) => sum + grown - countRevised(gone))
    })
    const newest = bars.at(-1)
    if (query.range === "1D" && newest !== undefined && newYorkMidnight(newest.time) > (start ?? 0)) {
      start = newYorkMidnight(newest.time)
      onChange({ kind: "day" })
    } else onChange({ kind: "live", bars: live, trimmed: gone.length > 0 })
  }

  const goLive = (query: HistoryQuery) => {
    const watch = client.watchBars(
      // the page's newest bars have moved since, and others may have begun
      { symbol: query.symbol, interval: query.interval, from: (bars.at(-STILL_MOVING) ?? bars[0])?.time },
      {
        onBar: (bar) => {
          if (current !== query) return
          if (told.size === 0) nextFrame(() => takeTold(query))
          told.set(bar.time, bar)
        },
        onError: (failure) => {
          if (current === query) setStopped(failure.message)
        }
      }
    )
    stopLive = () => watch.close()
  }

  const load = async (query: HistoryQuery) => {
    stopLive()
    stopLive = () => {}
    current = query
    told = new Map()
    batch(() => {
      pagesEndAt(null)
      keep([])
      setError(null)
      setStopped(null)
      setLoading(true)
    })
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
      if (await fetchPage(query)) onChange({ kind: "older" })
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
    /** Why the range is not all there. */
    error,
    /** Why no more live bars come; null while they do. */
    stopped,
    count,
    revised,
    label,
    /** Oldest first; the same array as long as only live bars come. */
    bars: (): ReadonlyArray<Bar> => bars,
    /** First instant of the chosen range; null for all there is. */
    start: () => start,
    hasOlder
  }
}
export type History = ReturnType<typeof makeHistory>
