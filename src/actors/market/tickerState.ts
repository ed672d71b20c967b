/**
 * The fold of one symbol: ticks in, quote and bars out. Pure and synchronous; changed in place by its one owner.
 *
 * Comes from: TickerActor, which takes batches from `ticks.<shard>`. Goes to: `quotes.<symbol>` and `bars.<symbol>`.
 *
 * Trades of the current trading day are kept (TradeLog), so a late, cancelled or corrected trade rebuilds exactly the bars
 * it touches, finished ones too. Bars need no room of their own: an old one is rebuilt from its trades when it must be.
 *
 * Rules of place:
 * - A trade belongs to the window of its exchange time; within a window open and close go by exchange time, then arrival.
 * - The listing market's opening print within the first minute counts as the first trade of regular hours, its closing
 *   print as the last one, however late it is reported.
 * - Volume that nothing eligible prices (a window of ineligible trades alone) goes to the bar before it in the same
 *   session, else to the first one after.
 * - The day's open, high, low and close, and its bar, are those of regular hours. The quote's volume is all sessions'.
 *
 * A feed that starts in mid-day tells what was before (`DaySoFar`): the quote and the day's bar include it, no other bar does.
 *
 * Bounds: at most `keptTrades` trades of the day, and an hour of it, are kept. Of older ones a cancel or correction is unknown, and a late
 * trade among them moves the quote and the day's bar but no finished bar (`counts.beyondKept`). Ticks of an earlier trading
 * day than the current one are counted and left (`counts.beforeToday`).
 */
import type { Bar } from "../../rpc/market.ts"
import type { Price, Tick, TickBatch } from "../../rpc/ticks.ts"
import type { QuoteState } from "../../rpc/wire.ts"
import { BarChanges } from "./BarChanges.ts"
import { clearPriceBar, emptyPriceBar, type PriceBar, publicBar } from "./bars.ts"
import {
  type BarTrack,
  clearTrack,
  closeTrack,
  copyTrack,
  fillingBar,
  makeTrack,
  passTime,
  showFilling
} from "./barTrack.ts"
import { nextPhaseChange, nextTradingDay, phaseAt, tradingDayAt } from "./calendar.ts"
import type { BaseInterval } from "./Feed.ts"
import { TradeLog } from "./TradeLog.ts"
import { takeUnseen } from "./tickOrigin.ts"
import { foldCancel, foldCorrection, foldDaySoFar, foldTrade, settleDay } from "./tradeFold.ts"

/** Half a million trades, some 15 MB: more than a busy day of the busiest recorded symbol. Room is taken as trades come. */
export const KEPT_TRADES = 1 << 19

export interface FoldCounts {
  /** All ticks, those left out too. */
  ticks: number
  /** Trades that arrived after one with a later exchange time. */
  late: number
  cancelled: number
  corrected: number
  /** Cancels and corrections of trades not known, or no longer. */
  unknownIds: number
  /** Ticks with impossible values, left out. */
  malformed: number
  /** Ticks of an earlier trading day, left out. */
  beforeToday: number
  /** Late or changed trades of bars whose trades are no longer all kept: those bars were not revised. */
  beyondKept: number
  /** Days so far told again, left out. */
  toldAgain: number
  /** Ticks that came again, left out. */
  repeated: number
  /** Ticks that the stream lost before they came. */
  missed: number
}

/** Everything known of one symbol. Owned by one actor; others get copies. */
export interface TickerState {
  readonly symbol: string
  epoch: number
  /** Ticks folded, and changes of session by time alone. */
  seq: number
  // the trading day: its midnight, the next trading day's, and its session ends as offsets
  midnight: number
  dayEnd: number
  openAt: number
  closeAt: number
  postAt: number
  log: TradeLog
  second: BarTrack
  minute: BarTrack
  /** Regular hours. */
  day: PriceBar
  dayTouched: boolean
  dayFinal: boolean
  dayRevision: number
  /** Within a batch: the price of a trade that left or changed, so that `day` must be found anew; else 0. */
  stalePrice: Price
  /** What was before the feed's first tick is in. */
  soFarTold: boolean
  /** Regular hours of the day's trades that are not kept: dropped, or told as the day so far. */
  dropped: PriceBar
  droppedLast: Price
  droppedLastSize: number
  newestKey: number
  last: Price
  lastSize: number
  lastKey: number
  /** The last price of the day before, shown until today's first. */
  carriedLast: Price
  carriedLastSize: number
  previousClose: Price
  volume: number
  trades: number
  bid: Price
  bidSize: number
  ask: Price
  askSize: number
  bookTime: number
  halted: boolean
  haltTime: number
  exchangeTime: number
  ingestTime: number
  marketTime: number
  /** The feed's run its ticks are of, and how many of them are folded (TickOrigin); "" where batches tell no origin. */
  run: string
  runNo: number
  fed: number
  /** The term under which its owner left it for the next one, as the last thing it did; 0 in every other state. */
  leftUnder: number
  counts: FoldCounts
}

const SECOND = 1_000
const MINUTE = 60_000

export const initialTickerState = (symbol: string, epoch = 0, keptTrades = KEPT_TRADES): TickerState => ({
  symbol,
  epoch,
  seq: 0,
  midnight: 0,
  dayEnd: 0,
  openAt: 0,
  closeAt: 0,
  postAt: 0,
  log: new TradeLog(keptTrades),
  second: makeTrack(SECOND),
  minute: makeTrack(MINUTE),
  day: emptyPriceBar(),
  dayTouched: false,
  dayFinal: false,
  dayRevision: 0,
  stalePrice: 0,
  soFarTold: false,
  dropped: emptyPriceBar(),
  droppedLast: 0,
  droppedLastSize: 0,
  newestKey: 0,
  last: 0,
  lastSize: 0,
  lastKey: 0,
  carriedLast: 0,
  carriedLastSize: 0,
  previousClose: 0,
  volume: 0,
  trades: 0,
  bid: 0,
  bidSize: 0,
  ask: 0,
  askSize: 0,
  bookTime: 0,
  halted: false,
  haltTime: 0,
  exchangeTime: 0,
  ingestTime: 0,
  marketTime: 0,
  run: "",
  runNo: 0,
  fed: 0,
  leftUnder: 0,
  counts: {
    ticks: 0,
    late: 0,
    cancelled: 0,
    corrected: 0,
    unknownIds: 0,
    malformed: 0,
    beforeToday: 0,
    beyondKept: 0,
    toldAgain: 0,
    repeated: 0,
    missed: 0
  }
})

/** A state that goes on alone from here. Cheap: the trades are shared until either side writes. */
export const copyTickerState = (state: TickerState): TickerState => ({
  ...state,
  log: state.log.copy(),
  second: copyTrack(state.second),
  minute: copyTrack(state.minute),
  day: { ...state.day },
  dropped: { ...state.dropped },
  counts: { ...state.counts }
})

/**
 * Folds a batch in place; `changes` gathers the bars it changed, the forming ones included. Market time moves to the newest
 * tick.
 */
export const foldBatch = (state: TickerState, batch: TickBatch, changes: BarChanges = new BarChanges()): BarChanges => {
  const ticks = takeUnseen(state, batch)
  if (ticks.length === 0) return changes
  for (const tick of ticks) foldTick(state, tick, changes)
  settleDay(state, changes)
  state.ingestTime = batch.ingestTime
  if (batch.previousClose !== null && batch.previousClose > 0) state.previousClose = batch.previousClose
  showForming(state, changes)
  return changes
}

/**
 * Market time has come to `marketTime`: bars that ended by then are final, and a new trading day starts its statistics.
 * When that changes the quote, its session or its day, `seq` moves by one.
 */
export const closeBars = (state: TickerState, marketTime: number, changes: BarChanges = new BarChanges()): void => {
  let changed = false
  if (marketTime > state.marketTime) {
    changed = state.marketTime === 0 || phaseAt(marketTime) !== phaseAt(state.marketTime)
    state.marketTime = marketTime
  }
  // a symbol that never traded has a session, but no day yet and nothing to close
  if (state.midnight > 0 && marketTime >= state.dayEnd) {
    startDay(state, marketTime, changes)
    changed = true
  } else if (state.midnight > 0) {
    const at = marketTime - state.midnight
    passTime(state.second, state, changes["1s"], at)
    passTime(state.minute, state, changes["1m"], at)
    if (at >= state.postAt) endDay(state, changes)
  }
  if (changed) state.seq++
}

/** The market time at which something changes without a tick: a forming bar ends, or the session does. */
export const nextCloseAt = (state: TickerState): number => {
  const { marketTime, midnight, minute, second } = state
  if (marketTime === 0) return 0
  let at = nextPhaseChange(marketTime).at
  if (second.filling) at = Math.min(at, midnight + second.closedUntil + second.width)
  if (minute.filling) at = Math.min(at, midnight + minute.closedUntil + minute.width)
  return at
}

/** What the ticker says of its symbol, at its own position or one the actor counts. */
export const quoteState = (state: TickerState, epoch = state.epoch, seq = state.seq): QuoteState => ({
  symbol: state.symbol,
  epoch,
  seq,
  last: state.last,
  lastSize: state.lastSize,
  previousClose: state.previousClose,
  open: state.day.open,
  high: state.day.high,
  low: state.day.low,
  volume: state.volume,
  trades: state.trades,
  bid: state.bid,
  bidSize: state.bidSize,
  ask: state.ask,
  askSize: state.askSize,
  session: phaseAt(state.marketTime),
  halted: state.halted,
  exchangeTime: state.exchangeTime,
  ingestTime: state.ingestTime
})

/** The bars still forming; null where nothing has priced one. */
export const formingBars = (state: TickerState): { readonly [K in BaseInterval]: Bar | null } => ({
  "1s": fillingBar(state.second, state),
  "1m": fillingBar(state.minute, state),
  "1d": state.day.priced && !state.dayFinal ? dayBar(state) : null
})

const dayBar = (state: TickerState): Bar =>
  publicBar(state.day, 0, 0, state.midnight, state.dayFinal, state.dayRevision)

const showForming = (state: TickerState, changes: BarChanges): void => {
  showFilling(state.second, state, changes["1s"])
  showFilling(state.minute, state, changes["1m"])
  if (state.dayTouched) {
    state.dayTouched = false
    if (state.day.priced) changes["1d"].set(state.midnight, dayBar(state))
  }
}

/** Ends the current day, if any, and begins the trading day of `time`. */
const startDay = (state: TickerState, time: number, changes: BarChanges): void => {
  if (state.midnight !== 0) {
    const end = state.dayEnd - state.midnight
    closeTrack(state.second, state, changes["1s"], end)
    closeTrack(state.minute, state, changes["1m"], end)
    endDay(state, changes)
    state.previousClose = state.day.priced ? state.day.close : state.last > 0 ? state.last : state.previousClose
  }
  const day = tradingDayAt(time)
  state.midnight = day.midnight
  state.dayEnd = nextTradingDay(day).midnight
  state.openAt = day.open - day.midnight
  state.closeAt = day.close - day.midnight
  state.postAt = day.postClose - day.midnight
  state.log = new TradeLog(state.log.limit)
  clearTrack(state.second)
  clearTrack(state.minute)
  clearPriceBar(state.day)
  clearPriceBar(state.dropped)
  state.dayTouched = false
  state.dayFinal = false
  state.dayRevision = 0
  state.soFarTold = false
  state.droppedLast = 0
  state.droppedLastSize = 0
  state.newestKey = 0
  state.lastKey = 0
  state.carriedLast = state.last
  state.carriedLastSize = state.lastSize
  state.volume = 0
  state.trades = 0
  // yesterday's book is no market
  state.bid = 0
  state.bidSize = 0
  state.ask = 0
  state.askSize = 0
}

/** The day's bar is final: its last session is over. */
const endDay = (state: TickerState, changes: BarChanges): void => {
  if (state.dayFinal && !state.dayTouched) return
  settleDay(state, changes)
  state.dayFinal = true
  state.dayTouched = false
  if (state.day.priced) changes["1d"].set(state.midnight, dayBar(state))
}

const foldTick = (state: TickerState, tick: Tick, changes: BarChanges): void => {
  state.seq++
  state.counts.ticks++
  const { time } = tick
  // also false for NaN
  if (!(time > 0 && time < 8.64e15)) {
    state.counts.malformed++
    return
  }
  if (time >= state.dayEnd) startDay(state, time, changes)
  else if (time < state.midnight) {
    state.counts.beforeToday++
    return
  }
  if (time > state.exchangeTime) {
    state.exchangeTime = time
    if (time > state.marketTime) state.marketTime = time
  }
  switch (tick._tag) {
    case "Trade":
      // a trade of after the last session: as good a clock as any
      if (time - state.midnight >= state.postAt) endDay(state, changes)
      foldTrade(state, tick, changes)
      return
    case "TopOfBook":
      if (time < state.bookTime) return
      state.bookTime = time
      state.bid = tick.bid
      state.bidSize = tick.bidSize
      state.ask = tick.ask
      state.askSize = tick.askSize
      return
    case "TradingStatus":
      if (time < state.haltTime) return
      state.haltTime = time
      state.halted = tick.halted
      return
    case "TradeCancel":
      foldCancel(state, tick, changes)
      return
    case "TradeCorrection":
      foldCorrection(state, tick, changes)
      return
    case "DaySoFar":
      foldDaySoFar(state, tick)
      return
  }
}
