/**
 * How trades, cancels and corrections change a ticker's state. Newest trades take the fast path: appended to the log and
 * added to the bars being filled. What changes the past goes through the log: change it, then rebuild what it touched.
 */
import type { DaySoFar, Trade, TradeCancel, TradeCorrection } from "../../rpc/ticks.ts"
import { TradeCondition } from "../../rpc/ticks.ts"
import type { BarChanges } from "./BarChanges.ts"
import { addBar, addTrade, goneBar, type PriceBar } from "./bars.ts"
import { addToTrack, type BarTrack, isPriced, logChanged, windowOf } from "./barTrack.ts"
import { Moves, movesOf } from "./conditions.ts"
import { Place } from "./TradeLog.ts"
import type { TickerState } from "./tickerState.ts"

const MINUTE = 60_000

// places among trades of the same millisecond
const FIRST = 0
const ORDINARY = 1
const FINAL = 2

const place = new Place()

const possible = (price: number, size: number): boolean => price > 0 && price < 1e15 && size >= 0 && size < 1e15

/**
 * Where a trade stands in its day: four times the ms from midnight, plus its rank within the ms. Auction prints take the
 * ends of regular hours: an opening print of the first minute its beginning, a closing print its last millisecond.
 */
const keyOf = (state: TickerState, at: number, conditions: number): number => {
  if ((conditions & TradeCondition.ClosingPrint) !== 0 && at >= state.closeAt) return (state.closeAt - 1) * 4 + FINAL
  if ((conditions & TradeCondition.OpeningPrint) !== 0 && at >= state.openAt && at < state.openAt + MINUTE) {
    return state.openAt * 4 + FIRST
  }
  return at * 4 + ORDINARY
}

const isRegular = (state: TickerState, key: number): boolean => key >= state.openAt * 4 && key < state.closeAt * 4

const dayChanged = (state: TickerState): void => {
  state.dayTouched = true
  if (state.dayFinal) state.dayRevision++
}

export const foldTrade = (state: TickerState, trade: Trade, changes: BarChanges): void => {
  const { price, size } = trade
  if (!possible(price, size)) {
    state.counts.malformed++
    return
  }
  const key = keyOf(state, trade.time - state.midnight, trade.conditions)
  if (key < state.newestKey) state.counts.late++
  else state.newestKey = key
  insert(state, changes, key, price, size, trade.id, movesOf(trade.conditions))
}

const insert = (
  state: TickerState,
  changes: BarChanges,
  key: number,
  price: number,
  size: number,
  id: number,
  moves: number
): void => {
  const { log, second, minute } = state
  if (moves === Moves.Nothing) {
    // in nothing, but a correction may name it
    if (key >= log.keptFrom) log.add(key, price, size, id, moves)
    return
  }
  if ((moves & Moves.Volume) !== 0) {
    state.volume += size
    state.trades++
  }
  if ((moves & Moves.Last) !== 0 && key >= state.lastKey) {
    state.last = price
    state.lastSize = size
    state.lastKey = key
  }
  if (isRegular(state, key)) {
    addTrade(state.day, key, price, size, moves)
    dayChanged(state)
  }
  if (key < log.keptFrom) {
    state.counts.beyondKept++
    if (isRegular(state, key)) addTrade(state.dropped, key, price, size, moves)
    return
  }
  const secondAt = windowOf(second, key)
  const minuteAt = windowOf(minute, key)
  const secondLate = secondAt < second.closedUntil
  const minuteLate = minuteAt < minute.closedUntil
  const secondPriced = secondLate && isPriced(second, state, secondAt)
  const minutePriced = minuteLate && isPriced(minute, state, minuteAt)
  log.add(key, price, size, id, moves)
  if (secondLate) revised(state, second, changes["1s"], secondAt, secondPriced, price)
  else addToTrack(second, state, changes["1s"], key, price, size, moves)
  if (minuteLate) revised(state, minute, changes["1m"], minuteAt, minutePriced, price)
  else addToTrack(minute, state, changes["1m"], key, price, size, moves)
  if (log.full) dropOldest(state)
}

const revised = (
  state: TickerState,
  track: BarTrack,
  out: BarChanges["1s"],
  at: number,
  wasPriced: boolean,
  price: number
): void => {
  if (!logChanged(track, state, out, at, wasPriced, price) && track === state.minute) state.counts.beyondKept++
}

const dropOldest = (state: TickerState): void =>
  state.log.dropOldest((key, price, size, moves) => {
    if (isRegular(state, key)) addTrade(state.dropped, key, price, size, moves)
    if ((moves & Moves.Last) !== 0) {
      state.droppedLast = price
      state.droppedLastSize = size
    }
  })

export const foldCancel = (state: TickerState, cancel: TradeCancel, changes: BarChanges): void => {
  if (!state.log.find(cancel.id, place)) {
    state.counts.unknownIds++
    return
  }
  state.counts.cancelled++
  remove(state, changes)
}

export const foldCorrection = (state: TickerState, correction: TradeCorrection, changes: BarChanges): void => {
  const { id, price, size, conditions } = correction
  if (!possible(price, size)) {
    state.counts.malformed++
    return
  }
  const { log } = state
  if (!log.find(id, place)) {
    state.counts.unknownIds++
    return
  }
  state.counts.corrected++
  const key = log.keyAt(place)
  const moves = movesOf(conditions)
  // what was moved to an end of regular hours keeps its place while it is the same kind of print
  const newKey = keyOf(state, Math.floor(key / 4), conditions)
  const samePlace = newKey === key || (key % 4 === FINAL && (conditions & TradeCondition.ClosingPrint) !== 0)
  if (!samePlace) {
    remove(state, changes)
    insert(state, changes, newKey, price, size, id, moves)
    return
  }
  const oldMoves = log.movesAt(place)
  const oldPrice = log.priceAt(place)
  if ((oldMoves & Moves.Volume) !== 0) {
    state.volume -= log.sizeAt(place)
    state.trades--
  }
  if ((moves & Moves.Volume) !== 0) {
    state.volume += size
    state.trades++
  }
  changeLog(state, changes, key, oldPrice, (oldMoves | moves) !== Moves.Nothing, () =>
    log.setAt(place, price, size, moves)
  )
  if (((oldMoves | moves) & Moves.Last) !== 0) findLast(state)
  if (isRegular(state, key) && (oldMoves | moves) !== Moves.Nothing) dayIsStale(state, oldPrice)
}

/** What was before the feed's first tick joins the trades that are not kept: changes to later ones build on it. */
export const foldDaySoFar = (state: TickerState, soFar: DaySoFar): void => {
  if (!consistent(soFar)) {
    state.counts.malformed++
    return
  }
  if (state.soFarTold) {
    state.counts.toldAgain++
    return
  }
  state.soFarTold = true
  state.volume += soFar.volume
  state.trades += soFar.trades
  // what was dropped since is newer
  if (state.droppedLast === 0) {
    state.droppedLast = soFar.last
    state.droppedLastSize = soFar.lastSize
  }
  if (state.lastKey === 0 && soFar.last > 0) {
    state.last = soFar.last
    state.lastSize = soFar.lastSize
  }
  if (soFar.regularTrades === 0) return
  const before = regularBar(state, soFar)
  addBar(state.dropped, before)
  addBar(state.day, before)
  dayChanged(state)
}

const consistent = (soFar: DaySoFar): boolean => {
  const { open, high, low, close, last, lastSize, volume, trades, regularVolume, regularTrades } = soFar
  const priced =
    possible(low, 0) && high < 1e15 && open >= low && close >= low && open <= high && close <= high && regularTrades > 0
  const unpriced = open === 0 && high === 0 && low === 0 && close === 0
  return (
    (priced || unpriced) &&
    possible(1, volume) &&
    regularVolume >= 0 &&
    regularVolume <= volume &&
    regularTrades >= 0 &&
    regularTrades <= trades &&
    trades < 1e15 &&
    ((last === 0 && lastSize === 0) || possible(last, lastSize))
  )
}

/** Its open comes after the opening auction and its close before the closing one, should those still be reported. */
const regularBar = (state: TickerState, soFar: DaySoFar): PriceBar => ({
  open: soFar.open,
  high: soFar.high,
  low: soFar.low,
  close: soFar.close,
  openKey: state.openAt * 4 + ORDINARY,
  closeKey: (Math.min(soFar.time - state.midnight, state.closeAt) - 1) * 4 + ORDINARY,
  priced: soFar.high > 0,
  sequenced: true,
  volume: soFar.regularVolume,
  trades: soFar.regularTrades
})

/** Takes the trade at `place` out. */
const remove = (state: TickerState, changes: BarChanges): void => {
  const { log, day } = state
  const key = log.keyAt(place)
  const price = log.priceAt(place)
  const size = log.sizeAt(place)
  const moves = log.movesAt(place)
  if ((moves & Moves.Volume) !== 0) {
    state.volume -= size
    state.trades--
  }
  changeLog(state, changes, key, price, moves !== Moves.Nothing, () => log.removeAt(place))
  if ((moves & Moves.Last) !== 0 && key === state.lastKey) findLast(state)
  if (moves === Moves.Nothing || !isRegular(state, key)) return
  const bounds =
    state.stalePrice !== 0 || price === day.high || price === day.low || key === day.openKey || key === day.closeKey
  if ((moves & Moves.HighLow) !== 0 && bounds) {
    dayIsStale(state, price)
    return
  }
  // inside the day's range: its volume is all that goes
  if ((moves & Moves.Volume) !== 0) {
    day.volume -= size
    day.trades--
  }
  dayChanged(state)
}

/** Changes the log by `change` at `key`, whose trade had this price, and revises the bars of its windows. */
const changeLog = (
  state: TickerState,
  changes: BarChanges,
  key: number,
  price: number,
  counts: boolean,
  change: () => void
): void => {
  if (!counts) {
    change()
    return
  }
  const { second, minute } = state
  const secondAt = windowOf(second, key)
  const minuteAt = windowOf(minute, key)
  const secondPriced = isPriced(second, state, secondAt)
  const minutePriced = isPriced(minute, state, minuteAt)
  change()
  revised(state, second, changes["1s"], secondAt, secondPriced, price)
  revised(state, minute, changes["1m"], minuteAt, minutePriced, price)
}

/** The last price anew: the newest kept trade that may say it, else what was dropped, else yesterday's. */
const findLast = (state: TickerState): void => {
  const { log } = state
  log.seek(Number.POSITIVE_INFINITY, place)
  while (log.previous(place)) {
    if ((log.movesAt(place) & Moves.Last) !== 0) {
      state.last = log.priceAt(place)
      state.lastSize = log.sizeAt(place)
      state.lastKey = log.keyAt(place)
      return
    }
  }
  state.lastKey = 0
  state.last = state.droppedLast > 0 ? state.droppedLast : state.carriedLast
  state.lastSize = state.droppedLast > 0 ? state.droppedLastSize : state.carriedLastSize
}

/** The day's regular hours must be found anew: once a batch, for it takes all kept trades. */
const dayIsStale = (state: TickerState, price: number): void => {
  dayChanged(state)
  if (state.stalePrice === 0) state.stalePrice = price
}

/** Finds the day's regular hours anew where a trade left or changed. Before anything is told of them. */
export const settleDay = (state: TickerState, changes: BarChanges): void => {
  const { day, log, stalePrice } = state
  if (stalePrice === 0) return
  state.stalePrice = 0
  const wasPriced = day.priced
  Object.assign(day, state.dropped)
  const end = state.closeAt * 4
  for (let more = log.seek(state.openAt * 4, place); more && log.keyAt(place) < end; more = log.next(place)) {
    addTrade(day, log.keyAt(place), log.priceAt(place), log.sizeAt(place), log.movesAt(place))
  }
  if (wasPriced && !day.priced) {
    changes["1d"].set(state.midnight, goneBar(stalePrice, state.midnight, state.dayFinal, state.dayRevision))
  }
}
