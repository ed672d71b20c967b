/**
 * The bars of one width (a second, a minute) through one trading day: the window being filled, and how finished ones are
 * revised by rebuilding them from the log. Times are offsets in ms from the day's midnight; keys order trades (see keyOf).
 */
import type { Bar } from "../../rpc/market.ts"
import { addTrade, clearPriceBar, emptyPriceBar, goneBar, type PriceBar, publicBar } from "./bars.ts"
import { Moves } from "./conditions.ts"
import { Place, type TradeLog } from "./TradeLog.ts"

/** What a track needs to know of its day. */
export interface TrackDay {
  readonly midnight: number
  /** Offsets of the regular session's ends; windows never straddle them. */
  readonly openAt: number
  readonly closeAt: number
  readonly log: TradeLog
}

export interface BarTrack {
  readonly width: number
  /** Windows that end by here are finished. The window being filled, if any, starts here. */
  closedUntil: number
  filling: boolean
  bar: PriceBar
  /** Changed since it was last shown. */
  touched: boolean
  /** Where the session (before, in, after regular hours) of `closedUntil` starts. */
  sessionStart: number
  /** A finished window of this session has a price. */
  hasPriced: boolean
  /** Volume of this session's windows before its first priced one: waits for it. */
  leadVolume: number
  leadTrades: number
  /** How often finished bars were revised, by window start; null while none was. */
  revisions: Map<number, number> | null
}

export const makeTrack = (width: number): BarTrack => ({
  width,
  closedUntil: 0,
  filling: false,
  bar: emptyPriceBar(),
  touched: false,
  sessionStart: 0,
  hasPriced: false,
  leadVolume: 0,
  leadTrades: 0,
  revisions: null
})

export const copyTrack = (track: BarTrack): BarTrack => ({
  ...track,
  bar: { ...track.bar },
  revisions: track.revisions === null ? null : new Map(track.revisions)
})

/** Ready for another day. */
export const clearTrack = (track: BarTrack): void => {
  track.closedUntil = 0
  track.filling = false
  clearPriceBar(track.bar)
  track.touched = false
  track.sessionStart = 0
  track.hasPriced = false
  track.leadVolume = 0
  track.leadTrades = 0
  track.revisions = null
}

/** Start of the window a key falls in. */
export const windowOf = (track: BarTrack, key: number): number => {
  const at = Math.floor(key / 4)
  return at - (at % track.width)
}

const sessionStartOf = (day: TrackDay, at: number): number =>
  at < day.openAt ? 0 : at < day.closeAt ? day.openAt : day.closeAt

const sessionEndOf = (day: TrackDay, at: number): number =>
  at < day.openAt ? day.openAt : at < day.closeAt ? day.closeAt : Number.POSITIVE_INFINITY

// one cursor and one bar for all scans: they never nest, and nothing of them is kept
const place = new Place()
const scratch = emptyPriceBar()

/** Takes a trade of the window being filled or a newer one. The log may or may not hold it yet. */
export const addToTrack = (
  track: BarTrack,
  day: TrackDay,
  out: Map<number, Bar>,
  key: number,
  price: number,
  size: number,
  moves: number
): void => {
  const start = windowOf(track, key)
  if (!track.filling || start !== track.closedUntil) {
    closeTrack(track, day, out, start)
    track.filling = true
    clearPriceBar(track.bar)
  }
  addTrade(track.bar, key, price, size, moves)
  track.touched = true
}

/** Finishes every window that ends by `until`, a window's start. */
export const closeTrack = (track: BarTrack, day: TrackDay, out: Map<number, Bar>, until: number): void => {
  const start = track.closedUntil
  if (until <= start) return
  track.closedUntil = until
  if (track.filling) {
    track.filling = false
    track.touched = false
    if (track.bar.priced) {
      emit(track, day, out, track.bar, start, track.leadVolume, track.leadTrades, true)
      track.hasPriced = true
      track.leadVolume = 0
      track.leadTrades = 0
    } else if (track.bar.trades === 0) {
      // all its trades were cancelled: nothing to hand on
    } else if (track.hasPriced) {
      const before = pricedBefore(track, day, start)
      if (before >= 0) revise(track, day, out, before)
    } else {
      track.leadVolume += track.bar.volume
      track.leadTrades += track.bar.trades
    }
  }
  const sessionStart = sessionStartOf(day, until)
  if (sessionStart !== track.sessionStart) {
    track.sessionStart = sessionStart
    track.hasPriced = false
    track.leadVolume = 0
    track.leadTrades = 0
  }
}

/** Time has come to the offset `at`: finishes the window being filled if it ended by then. Of later ones nothing was told yet. */
export const passTime = (track: BarTrack, day: TrackDay, out: Map<number, Bar>, at: number): void => {
  const end = track.closedUntil + track.width
  if (track.filling && at >= end) closeTrack(track, day, out, end)
}

/** Shows the window being filled, if it changed and has a price. */
export const showFilling = (track: BarTrack, day: TrackDay, out: Map<number, Bar>): void => {
  if (!track.touched || !track.filling) return
  track.touched = false
  if (track.bar.priced) {
    emit(track, day, out, track.bar, track.closedUntil, track.leadVolume, track.leadTrades, false)
  }
}

/** The bar being filled, or null when nothing has priced it. */
export const fillingBar = (track: BarTrack, day: TrackDay): Bar | null =>
  track.filling && track.bar.priced
    ? toPublic(track, day, track.bar, track.closedUntil, track.leadVolume, track.leadTrades, false)
    : null

/** Whether any trade in the log prices the window at `start`. Ask before the log changes, for `logChanged`. */
export const isPriced = (track: BarTrack, day: TrackDay, start: number): boolean => {
  const { log } = day
  const end = (start + track.width) * 4
  for (let more = log.seek(start * 4, place); more && log.keyAt(place) < end; more = log.next(place)) {
    if ((log.movesAt(place) & Moves.HighLow) !== 0) return true
  }
  return false
}

/**
 * The log has changed within the window at `start`: a trade came late, left, or changed. False when the window's trades are
 * no longer all kept, so that its bar stays as it was.
 */
export const logChanged = (
  track: BarTrack,
  day: TrackDay,
  out: Map<number, Bar>,
  start: number,
  wasPriced: boolean,
  price: number
): boolean => {
  if (start * 4 < day.log.keptFrom) return false
  if (start > track.closedUntil || (start === track.closedUntil && !track.filling)) {
    // newer than all windows yet: a trade that counted for nothing was corrected and now counts
    closeTrack(track, day, out, start)
    track.filling = true
  }
  const filling = track.filling && start === track.closedUntil
  const priced = isPriced(track, day, start)
  if (filling) {
    rebuild(track, day, track.bar, start)
    track.touched = true
  }
  if (wasPriced && !priced) {
    if (!filling) countRevision(track, start)
    const time = day.midnight + start
    out.set(time, goneBar(price, time, !filling, track.revisions?.get(start) ?? 0))
  }
  if (filling) return true
  if (priced) revise(track, day, out, start)
  if (!wasPriced || !priced) {
    // whose volume it is, when nothing prices it
    const before = pricedBefore(track, day, start)
    const heir = before >= 0 ? before : pricedAfter(track, day, start)
    if (heir >= 0 && heir < track.closedUntil) revise(track, day, out, heir)
    if (sessionStartOf(day, start) === track.sessionStart) findLead(track, day)
  }
  return true
}

const rebuild = (track: BarTrack, day: TrackDay, bar: PriceBar, start: number): void => {
  const { log } = day
  clearPriceBar(bar)
  const end = (start + track.width) * 4
  for (let more = log.seek(start * 4, place); more && log.keyAt(place) < end; more = log.next(place)) {
    addTrade(bar, log.keyAt(place), log.priceAt(place), log.sizeAt(place), log.movesAt(place))
  }
}

/** Volume that nothing prices: what a scan has come by, and what a bar takes over. */
interface Unpriced {
  volume: number
  trades: number
}

const waiting: Unpriced = { volume: 0, trades: 0 }
const inherited: Unpriced = { volume: 0, trades: 0 }

const clearUnpriced = (unpriced: Unpriced): void => {
  unpriced.volume = 0
  unpriced.trades = 0
}

const inherit = (): void => {
  inherited.volume += waiting.volume
  inherited.trades += waiting.trades
  clearUnpriced(waiting)
}

/** Whether the trade at `place` prices its window; else what it counts waits. */
const pricesOrWaits = (log: TradeLog): boolean => {
  const moves = log.movesAt(place)
  if ((moves & Moves.HighLow) !== 0) return true
  if ((moves & Moves.Volume) !== 0) {
    waiting.volume += log.sizeAt(place)
    waiting.trades++
  }
  return false
}

/** Makes a finished window's bar anew and says so. */
const revise = (track: BarTrack, day: TrackDay, out: Map<number, Bar>, start: number): void => {
  const { log } = day
  if (start * 4 < log.keptFrom) return
  rebuild(track, day, scratch, start)
  // finished windows after it that nothing prices
  const end = Math.min(track.closedUntil, sessionEndOf(day, start)) * 4
  clearUnpriced(inherited)
  clearUnpriced(waiting)
  let window = -1
  let priced = false
  for (let more = log.seek((start + track.width) * 4, place); more && log.keyAt(place) < end; more = log.next(place)) {
    if (windowOf(track, log.keyAt(place)) !== window) {
      window = windowOf(track, log.keyAt(place))
      inherit()
    }
    priced = pricesOrWaits(log)
    if (priced) break
  }
  if (!priced) inherit()
  // windows before it, when it is its session's first priced one
  const first = sessionStartOf(day, start) * 4
  clearUnpriced(waiting)
  log.seek(start * 4, place)
  priced = false
  while (!priced && log.previous(place) && log.keyAt(place) >= first) priced = pricesOrWaits(log)
  if (!priced) inherit()
  countRevision(track, start)
  emit(track, day, out, scratch, start, inherited.volume, inherited.trades, true)
}

const countRevision = (track: BarTrack, start: number): void => {
  track.revisions ??= new Map()
  track.revisions.set(start, (track.revisions.get(start) ?? 0) + 1)
}

/** The last priced window before `start` in its session, or -1. */
const pricedBefore = (track: BarTrack, day: TrackDay, start: number): number => {
  const { log } = day
  const first = sessionStartOf(day, start) * 4
  log.seek(start * 4, place)
  while (log.previous(place) && log.keyAt(place) >= first) {
    if ((log.movesAt(place) & Moves.HighLow) !== 0) return windowOf(track, log.keyAt(place))
  }
  return -1
}

/** The first priced window after `start` in its session, or -1. */
const pricedAfter = (track: BarTrack, day: TrackDay, start: number): number => {
  const { log } = day
  const end = sessionEndOf(day, start) * 4
  for (let more = log.seek((start + track.width) * 4, place); more && log.keyAt(place) < end; more = log.next(place)) {
    if ((log.movesAt(place) & Moves.HighLow) !== 0) return windowOf(track, log.keyAt(place))
  }
  return -1
}

/** Works out anew what waits for this session's first priced window. */
const findLead = (track: BarTrack, day: TrackDay): void => {
  const { log } = day
  if (log.keptFrom > track.sessionStart * 4) return
  const until = track.closedUntil * 4
  clearUnpriced(waiting)
  let priced = false
  let more = log.seek(track.sessionStart * 4, place)
  for (; more && !priced && log.keyAt(place) < until; more = log.next(place)) priced = pricesOrWaits(log)
  track.hasPriced = priced
  track.leadVolume = priced ? 0 : waiting.volume
  track.leadTrades = priced ? 0 : waiting.trades
  track.touched = true
}

const toPublic = (
  track: BarTrack,
  day: TrackDay,
  bar: PriceBar,
  start: number,
  moreVolume: number,
  moreTrades: number,
  final: boolean
): Bar => publicBar(bar, moreVolume, moreTrades, day.midnight + start, final, track.revisions?.get(start) ?? 0)

const emit = (
  track: BarTrack,
  day: TrackDay,
  out: Map<number, Bar>,
  bar: PriceBar,
  start: number,
  moreVolume: number,
  moreTrades: number,
  final: boolean
): void => {
  out.set(day.midnight + start, toPublic(track, day, bar, start, moreVolume, moreTrades, final))
}
