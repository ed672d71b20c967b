/**
 * The page's one connection and what it knows: listings, status, market clock, staleness, the quote book. Created once;
 * components read signals from it. Comes from: src/rpc/client.ts. Goes to: everything under ui/src.
 */
import { batch, createMemo, createSignal, onCleanup } from "solid-js"
import { type ClientEvent, type ConnectionState, connect, type MarketClient } from "../../../src/rpc/client.ts"
import type { FeedLabel, Listing, MarketStatus, Refusal } from "../../../src/rpc/market.ts"
import { describeResumed } from "./announce.ts"
import { type ClockReading, marketTimeAt, readClock, statusEvery } from "./clock.ts"
import { feedDownAfter } from "./liveness.ts"
import { makeQuoteBook } from "./QuoteBook.ts"
import { makeToasts } from "./toasts.ts"
import { makeWatchSet } from "./WatchSet.ts"

/** Enough to see every price move, few enough to read; the server folds the rest and says how many. */
const CONFLATION = 100
/** Scrolling must have paused this long before the watched set follows it. */
const SETTLE_MILLIS = 120

export type Load<A> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: A }
  | { readonly state: "failed"; readonly message: string }

/** Counted over the last second. */
export interface Rates {
  readonly updates: number
  readonly folded: number
  readonly frames: number
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const sameListings = (a: ReadonlyArray<Listing>, b: ReadonlyArray<Listing>): boolean =>
  a.length === b.length &&
  a.every((one, i) => {
    const other = b[i]
    return (
      one.symbol === other?.symbol &&
      one.name === other.name &&
      one.exchange === other.exchange &&
      one.sector === other.sector
    )
  })

export const createMarket = (url?: string) => {
  const client: MarketClient = connect(url === undefined ? {} : { url })
  const book = makeQuoteBook((task) => requestAnimationFrame(task))
  const toasts = makeToasts(8_000)

  // ---- connection and feed ---------------------------------------------------------------------------------------
  const [connection, setConnection] = createSignal<ConnectionState>(client.state)
  const [feedDownSince, setFeedDownSince] = createSignal<number | null>(null)
  const [awaiting, setAwaiting] = createSignal<ReadonlySet<string>>(new Set())
  const [refused, setRefused] = createSignal<ReadonlyMap<string, Refusal>>(new Map())
  const [windowMillis, setWindowMillis] = createSignal<number>(CONFLATION)
  const [watchRefused, setWatchRefused] = createSignal<string | null>(null)
  /** As told last, by a snapshot or a status: after a reconnect the server may be another one. */
  const [label, setLabel] = createSignal<FeedLabel | null>(null)
  /** Shown values are behind, all of them: no connection, no resumption yet, no feed, or no watch. */
  const [resuming, setResuming] = createSignal(false)
  const allStale = createMemo(
    () => connection().status !== "open" || resuming() || feedDownSince() !== null || watchRefused() !== null
  )
  /** Connected, but some of what is shown is still of before: of a lost connection, or of an owner that is gone. */
  const isCatchingUp = createMemo(
    () => connection().status === "open" && watchRefused() === null && (resuming() || awaiting().size > 0)
  )
  const isStale = (symbol: string): boolean => allStale() || awaiting().has(symbol) || refused().has(symbol)

  // ---- listings and status ---------------------------------------------------------------------------------------
  const [listings, setListings] = createSignal<Load<ReadonlyArray<Listing>>>({ state: "loading" })
  const bySymbol = createMemo(() => {
    const loaded = listings()
    return new Map(loaded.state === "ready" ? loaded.value.map((listing) => [listing.symbol, listing]) : [])
  })
  let loadingListings = false
  const loadListings = async () => {
    if (loadingListings) return
    loadingListings = true
    if (listings().state === "failed") setListings({ state: "loading" })
    try {
      const value = await client.listings()
      const shown = listings()
      if (shown.state !== "ready" || !sameListings(shown.value, value)) setListings({ state: "ready", value })
    } catch (error) {
      // a list already shown is better than none
      if (listings().state !== "ready") setListings({ state: "failed", message: messageOf(error) })
    } finally {
      loadingListings = false
    }
  }

  const [status, setStatus] = createSignal<MarketStatus | null>(null)
  let clock: ClockReading | null = null
  let statusTimer: ReturnType<typeof setTimeout> | undefined
  let closed = false
  const loadStatus = async () => {
    clearTimeout(statusTimer)
    try {
      const answer = await client.status()
      clock = readClock(answer, performance.now())
      batch(() => {
        setStatus(answer)
        setLabel(answer.feed.label)
      })
    } catch {
      // the connection state says so already
    }
    if (!closed) statusTimer = setTimeout(loadStatus, statusEvery(clock?.speed ?? 1))
  }
  /** Market time now, ms since epoch; null before the first status. */
  const marketTime = (): number | null => (clock === null ? null : marketTimeAt(clock, performance.now()))

  // ---- one tick a second for clocks, ages and rates --------------------------------------------------------------
  const [second, setSecond] = createSignal(0)
  const [rates, setRates] = createSignal<Rates>({ updates: 0, folded: 0, frames: 0 })
  let last = book.counters()
  const secondTimer = setInterval(() => {
    const now = book.counters()
    setRates({
      updates: now.events - last.events,
      folded: now.folded - last.folded,
      frames: now.frames - last.frames
    })
    last = now
    setSecond((count) => count + 1)
  }, 1_000)

  // ---- the watch -------------------------------------------------------------------------------------------------
  let gaps = 0
  /** What `awaiting` is to become once a message's events are all taken. */
  const behind = new Set<string>()
  let behindChanged = false
  const publishBehind = () => {
    if (!behindChanged) return
    behindChanged = false
    setAwaiting(new Set(behind))
  }
  const current = (symbol: string) => {
    if (behind.delete(symbol)) behindChanged = true
  }
  const notCurrent = (symbol: string) => {
    behind.add(symbol)
    behindChanged = true
  }
  const onEvent = (event: ClientEvent): void => {
    switch (event._tag) {
      case "Update":
        current(event.symbol)
        book.offer(event)
        return
      case "Snapshot":
        setLabel(event.label)
        current(event.symbol)
        book.offer(event)
        return
      case "Watching":
        setWatchRefused(null)
        setRefused(new Map(event.refused.map((refusal) => [refusal.symbol, refusal])))
        return
      case "Gap":
        gaps += 1
        notCurrent(event.symbol)
        return
      case "Liveness":
        setFeedDownSince((since) => feedDownAfter(since, event))
        return
      case "Conflating":
        setWindowMillis(event.windowMillis)
        if (event.reason === "slow-reader")
          toasts.say(`Slow line: one update per ${event.windowMillis} ms now`, "warning")
        return
      case "Draining":
        toasts.say("The server is restarting; this page reconnects by itself", "warning")
        return
      case "Disconnected":
        setFeedDownSince((since) => feedDownAfter(since, event))
        setResuming(true)
        return
      case "Resumed":
        setResuming(false)
        for (const symbol of event.awaiting) notCurrent(symbol)
        toasts.say(describeResumed(event), event.awaiting.length === 0 ? "good" : "warning")
        void loadStatus()
        return
      case "WatchRefused":
        setWatchRefused(event.error.message)
        return
    }
  }
  const watch = client.watch({ symbols: [], conflation: CONFLATION }, (events) => {
    // one message, one pass over whatever depends on it
    batch(() => {
      for (const event of events) onEvent(event)
      publishBehind()
    })
  })
  const watchSet = makeWatchSet(
    (symbols) => {
      const kept = new Set(symbols)
      book.retain(kept)
      for (const symbol of behind) if (!kept.has(symbol)) current(symbol)
      publishBehind()
      // what a refusal means is told by the Watching and WatchRefused events; a time-out is retried by the client
      watch.set(symbols).catch((error: unknown) => setWatchRefused(messageOf(error)))
    },
    (task) => {
      const timer = setTimeout(task, SETTLE_MILLIS)
      return () => clearTimeout(timer)
    }
  )

  const stopState = client.onState((state) => {
    setConnection(state)
    if (state.status === "open") {
      void loadStatus()
      // another server may list others
      void loadListings()
    }
  })
  void loadListings()
  void loadStatus()

  // ---- freeze ----------------------------------------------------------------------------------------------------
  const [frozen, setFrozenSignal] = createSignal(false)
  const setFrozen = (on: boolean) => {
    setFrozenSignal(on)
    book.setFrozen(on)
  }

  onCleanup(() => {
    closed = true
    clearTimeout(statusTimer)
    clearInterval(secondTimer)
    stopState()
    watchSet.close()
    void client.close()
  })

  return {
    client,
    book,
    toasts,
    watchSet,
    connection,
    allStale,
    isCatchingUp,
    isStale,
    feedDownSince,
    refused,
    watchRefused,
    windowMillis,
    gaps: () => gaps,
    listings,
    listingOf: (symbol: string): Listing | undefined => bySymbol().get(symbol),
    reloadListings: loadListings,
    status,
    marketTime,
    label,
    second,
    rates,
    frozen,
    setFrozen
  }
}
export type Market = ReturnType<typeof createMarket>
