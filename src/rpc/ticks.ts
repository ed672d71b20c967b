/**
 * What a feed says, after decoding and before folding. Crosses the bus on `ticks.<shard>` (see topics.ts).
 *
 * Units inside the platform: prices are integers in 1/10,000 dollar (`Price`), sizes are shares, times are
 * integer milliseconds since the Unix epoch. Dollars as decimal numbers exist only at the public edge (market.ts).
 */

/** Integer, 1/10,000 dollar: 1674100 = $167.41. */
export type Price = number

/** Prices are exact at this scale; a sub-penny US price never needs more than four decimals. */
export const PRICE_SCALE = 10_000

/** 1674100 → 167.41. Correctly rounded, so it prints as the decimal it stands for. */
export const toDollars = (price: Price): number => price / PRICE_SCALE

/** One reported trade. `conditions` is a set of `TradeCondition` bits, vendor codes already mapped by the feed. */
export interface Trade {
  readonly _tag: "Trade"
  /** Unique per symbol and day; what a later cancel or correction names. */
  readonly id: number
  /** Exchange time, ms since epoch. */
  readonly time: number
  readonly price: Price
  readonly size: number
  /** Exchange code as the feed gives it, e.g. "P", "Q". */
  readonly exchange: string
  readonly conditions: number
}

/** Best bid and offer. A side that is absent has price 0 and size 0. */
export interface TopOfBook {
  readonly _tag: "TopOfBook"
  readonly time: number
  readonly bid: Price
  readonly bidSize: number
  readonly ask: Price
  readonly askSize: number
}

/** The trade `id` never happened: take it out of volume and of the bars it was in. */
export interface TradeCancel {
  readonly _tag: "TradeCancel"
  readonly time: number
  readonly id: number
}

/** The trade `id` happened otherwise than first reported. */
export interface TradeCorrection {
  readonly _tag: "TradeCorrection"
  readonly time: number
  readonly id: number
  readonly price: Price
  readonly size: number
  readonly conditions: number
}

/** Trading halted or resumed. */
export interface TradingStatus {
  readonly _tag: "TradingStatus"
  readonly time: number
  readonly halted: boolean
}

/**
 * What happened in the trading day of `time` before this feed's first tick, from a feed that starts in mid-day. Told once
 * per symbol and day, at any moment, also after live ticks: it holds all that traded before `time`, they what traded from
 * then on. It counts what actors/market/conditions.ts lets count. None of its trades can be cancelled by itself.
 */
export interface DaySoFar {
  readonly _tag: "DaySoFar"
  /** End of what it tells, exclusive. */
  readonly time: number
  /** Prices of regular hours; all 0 when nothing has priced them yet. */
  readonly open: Price
  readonly high: Price
  readonly low: Price
  readonly close: Price
  /** The last price of any session and the size of its trade; 0 when there is none. */
  readonly last: Price
  readonly lastSize: number
  /** Shares and trades of all sessions, and of regular hours alone. */
  readonly volume: number
  readonly trades: number
  readonly regularVolume: number
  readonly regularTrades: number
}

export type Tick = Trade | TopOfBook | TradeCancel | TradeCorrection | TradingStatus | DaySoFar

/**
 * Where a batch stands in its feed's run. Delivered twice, or read again by a new owner, a tick is folded once; another run
 * starts the symbol anew.
 */
export interface TickOrigin {
  /** One playing of a feed, e.g. "replay:2013-10-07". */
  readonly run: string
  /** Greater each time a node begins to play: what a node that played before sends too late is of no account. */
  readonly no: number
  /** Ticks of this symbol in this run before the first of the batch. */
  readonly from: number
}

/** Ticks of one symbol in the order the feed gave them. Never empty. */
export interface TickBatch {
  readonly symbol: string
  /** When this node received the batch, ms since epoch, wall clock. */
  readonly ingestTime: number
  /** Previous regular close, where the feed knows it; else null. */
  readonly previousClose: Price | null
  readonly ticks: ReadonlyArray<Tick>
  /** Absent where no batch can come twice: in one process, and for what an operator plays again. */
  readonly origin?: TickOrigin | undefined
}

/**
 * Trade conditions, ours, as bits; feeds map vendor codes to them. What each may move is decided in
 * actors/market/conditions.ts, nowhere else.
 */
export const TradeCondition = {
  /** Ordinary trade. */
  Regular: 0,
  /** Fewer shares than a round lot. */
  OddLot: 1 << 0,
  /** Reported out of sequence: later than its time says. */
  OutOfSequence: 1 << 1,
  /** Average-price, prior-reference or derivatively priced: its price is not the market's now. */
  DerivedPrice: 1 << 2,
  /** Priced or settled on special terms: cash, next day, seller's option, contingent. */
  SpecialTerms: 1 << 3,
  /** Outside regular hours ("form T"). */
  ExtendedHours: 1 << 4,
  /** Intermarket sweep. */
  IntermarketSweep: 1 << 5,
  /** The listing market's opening print. */
  OpeningPrint: 1 << 6,
  /** The listing market's closing print. */
  ClosingPrint: 1 << 7,
  /** Flagged suspicious by the vendor: in nothing. */
  Suspicious: 1 << 8,
  /** Official open or close repeated for reference: in nothing but what it names. */
  OfficialValue: 1 << 9,
  /** Counted, but the source's own bars price nothing with it. */
  VolumeOnly: 1 << 10,
  /** Prices the bar it is in, but is not where the market trades now. */
  NotLast: 1 << 11
} as const
