/**
 * The market contract: what investors, the dashboard and the typed client see. Browser-safe, no logic.
 *
 * Public units: prices are decimal dollars, exact to 1/10,000; sizes and volumes are shares; every time is an
 * integer, ms since the Unix epoch. Quotes travel under one-letter names (`encodeKeys`) because they are the hot path;
 * the names here are what a client reads.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Needs } from "./access.ts"

/** Where the values come from; shown beside every value. */
export const FeedLabel = Schema.Literals(["SIMULATED", "REPLAY", "DELAYED", "REAL-TIME"])
export type FeedLabel = typeof FeedLabel.Type

/** NYSE session, New York time: pre 04:00–09:30, regular –16:00, post –20:00, earlier on early-close days. */
export const SessionPhase = Schema.Literals(["pre", "regular", "post", "closed"])
export type SessionPhase = typeof SessionPhase.Type

/** Longest symbol text accepted on the wire; anything longer is refused unread. */
export const MAX_SYMBOL_LENGTH = 32
/** What a symbol looks like once normalised. */
export const symbolPattern = /^[A-Z][A-Z0-9]{0,9}(\.[A-Z0-9]{1,4})?$/
/**
 * Upper case, and a dot before a share class however that is written: BRK.B = BRK-B = brk/b. Of what is too long to be one the
 * beginning, which is no symbol either, so that whoever is asked can say so.
 */
export const normaliseSymbol = (text: string): string =>
  text
    .slice(0, 4 * MAX_SYMBOL_LENGTH)
    .trim()
    .toUpperCase()
    .slice(0, MAX_SYMBOL_LENGTH)
    .replace(/[/-]/g, ".")
const SymbolText = Schema.String.check(Schema.isMaxLength(MAX_SYMBOL_LENGTH))

const Money = Schema.Finite
const MoneyOrNull = Schema.NullOr(Money)
const Shares = Schema.Finite
const Millis = Schema.Int

/** Absolute state of one symbol: no field is a difference, so the latest one is always the whole truth. */
const quoteFields = {
  symbol: Schema.String,
  /** Incarnation of the ticker actor; greater means a fresh start. */
  epoch: Schema.Int,
  /** Ticks folded in this epoch. */
  seq: Schema.Int,
  /** Last eligible trade; null before the first. */
  last: MoneyOrNull,
  lastSize: Shares,
  previousClose: MoneyOrNull,
  open: MoneyOrNull,
  high: MoneyOrNull,
  low: MoneyOrNull,
  /** Shares traded today, all sessions, all counted conditions. */
  volume: Shares,
  trades: Schema.Int,
  bid: MoneyOrNull,
  bidSize: Shares,
  ask: MoneyOrNull,
  askSize: Shares,
  session: SessionPhase,
  halted: Schema.Boolean,
  /** Clock 1: the exchange's time of the newest tick folded; 0 before the first. */
  exchangeTime: Millis,
  /** Clock 2: when that tick reached us; 0 before the first. */
  ingestTime: Millis,
  /** Updates folded into this one since the previous item for this symbol on this stream. seq = previous seq + folded + 1. */
  folded: Schema.Int,
  /** Clock 3: when the server wrote it to this socket. */
  sentTime: Millis
} as const

/** Wire names of the quote's members, in wire order; `folded` and `sentTime` last because they differ per session. */
export const quoteKeys = {
  symbol: "s",
  epoch: "e",
  seq: "q",
  last: "p",
  lastSize: "z",
  previousClose: "c",
  open: "o",
  high: "h",
  low: "l",
  volume: "v",
  trades: "n",
  bid: "b",
  bidSize: "bz",
  ask: "a",
  askSize: "az",
  session: "ss",
  halted: "x",
  exchangeTime: "t",
  ingestTime: "i",
  folded: "f",
  sentTime: "w"
} as const

/** Whole state of a symbol: starts it on a stream, and mends it after a gap. `folded` is 0. */
export const Snapshot = Schema.TaggedStruct("Snapshot", { ...quoteFields, label: FeedLabel }).pipe(
  Schema.encodeKeys({ ...quoteKeys, label: "L" })
)
export type Snapshot = typeof Snapshot.Type

/** Newer state of a symbol already snapshotted on this stream. */
export const Update = Schema.TaggedStruct("Update", quoteFields).pipe(Schema.encodeKeys(quoteKeys))
export type Update = typeof Update.Type

export const RefusalReason = Schema.Literals(["unknown-symbol", "malformed-symbol", "too-many-symbols"])
export type RefusalReason = typeof RefusalReason.Type
export const Refusal = Schema.Struct({ symbol: Schema.String, reason: RefusalReason, message: Schema.String })
export type Refusal = typeof Refusal.Type

/** Answer to a watch request: the whole accepted set, and each refused symbol with its reason. */
export const Watching = Schema.TaggedStruct("Watching", {
  accepted: Schema.Array(Schema.String),
  refused: Schema.Array(Refusal),
  /** How many were refused in all, when that is more than are listed. */
  refusedTotal: Schema.optionalKey(Schema.Int),
  /** Whether every position presented could be continued: all or nothing. null when none was presented. */
  recovered: Schema.NullOr(Schema.Boolean),
  /** Server's process start, ms; another value after a reconnect means another server. */
  serverEpoch: Schema.Int
})
export type Watching = typeof Watching.Type

/** The items from..to of this symbol will never come (`to` null: how many is not known, the actor's state was lost); a Snapshot follows. */
export const Gap = Schema.TaggedStruct("Gap", {
  symbol: Schema.String,
  epoch: Schema.Int,
  from: Schema.Int,
  to: Schema.NullOr(Schema.Int),
  /** "actor-restarted": its state begins anew. "unavailable": its actor cannot be reached; the Snapshot comes when it can. */
  reason: Schema.Literals(["actor-restarted", "unavailable"])
})
export type Gap = typeof Gap.Type

/** Whether the feed delivers: said after every `Watching`, and on change. A symbol that merely does not trade is "live" all the same. */
export const Liveness = Schema.TaggedStruct("Liveness", {
  state: Schema.Literals(["live", "feed-down"]),
  since: Millis
})
export type Liveness = typeof Liveness.Type

/** The server changed this stream's window: a slow reader, or a node over budget. Freshness is kept, rate is not. */
export const Conflating = Schema.TaggedStruct("Conflating", {
  windowMillis: Schema.Int,
  reason: Schema.Literals(["requested", "slow-reader", "node-busy"])
})
export type Conflating = typeof Conflating.Type

/** The server is going away: come back this long after it was said (spread over the sessions). A close 1012 comes before. */
export const Draining = Schema.TaggedStruct("Draining", { retryAfterMillis: Schema.Int })
export type Draining = typeof Draining.Type

export const WatchEvent = Schema.Union([Update, Snapshot, Watching, Gap, Liveness, Conflating, Draining])
export type WatchEvent = typeof WatchEvent.Type

/** 0 = immediate. Latest value wins within a window; a window opens only after a write. */
export const Conflation = Schema.Literals([0, 100, 250, 1000])
export type Conflation = typeof Conflation.Type

export const Position = Schema.Struct({ symbol: SymbolText, epoch: Schema.Int, seq: Schema.Int })
export type Position = typeof Position.Type

/** Chosen by the client, unique on its connection; names the stream for `SetWatched`. */
export const WatchId = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))

// ---- errors ------------------------------------------------------------------------------------------------------

export class UnknownSymbol extends Schema.TaggedError<UnknownSymbol>()("UnknownSymbol", {
  symbol: Schema.String,
  message: Schema.String
}) {}
/** A watch id that is not open (SetWatched) or already is (Watch). */
export class WatchIdConflict extends Schema.TaggedError<WatchIdConflict>()("WatchIdConflict", {
  watchId: Schema.String,
  message: Schema.String
}) {}
/** Too many of something; says which, how many are allowed, and when to try again (null: not by waiting). */
export class LimitExceeded extends Schema.TaggedError<LimitExceeded>()("LimitExceeded", {
  limit: Schema.String,
  allowed: Schema.Int,
  retryAfterMillis: Schema.NullOr(Schema.Int),
  message: Schema.String
}) {}
/** The request is well-formed but asks for something that cannot be: an inverted range, a foreign cursor. */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  field: Schema.String,
  message: Schema.String
}) {}
/** Not now; try again. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  what: Schema.String,
  retryAfterMillis: Schema.Int,
  message: Schema.String
}) {}

// ---- bars --------------------------------------------------------------------------------------------------------

export const Interval = Schema.Literals(["1s", "5s", "15s", "1m", "5m", "15m", "30m", "1h", "1d", "1w", "1mo"])
export type Interval = typeof Interval.Type

export const Bar = Schema.Struct({
  /** Start of the bar, ms since epoch; days start at New York midnight. */
  time: Millis,
  open: Money,
  high: Money,
  low: Money,
  close: Money,
  volume: Shares,
  /** 0: not known, as in recorded bars that do not tell it. */
  trades: Schema.Int,
  /** false while it forms. */
  final: Schema.Boolean,
  /** 0 when first final; +1 each time a late, cancelled or corrected trade changed it after that. */
  revision: Schema.Int
})
export type Bar = typeof Bar.Type

export const BarsPage = Schema.Struct({
  symbol: Schema.String,
  interval: Interval,
  /** Oldest first; only bars with trades. The last one may be forming (`final: false`). */
  bars: Schema.Array(Bar),
  /** Pass as `before` for the page of older bars; null when there is none. */
  before: Schema.NullOr(Millis),
  /** Where these bars come from: recorded trades, simulated, or a published history file. */
  label: FeedLabel
})
export type BarsPage = typeof BarsPage.Type

// ---- listing and status ------------------------------------------------------------------------------------------

export const Listing = Schema.Struct({
  symbol: Schema.String,
  name: Schema.String,
  exchange: Schema.String,
  sector: Schema.String
})
export type Listing = typeof Listing.Type

export const FeedStatus = Schema.Struct({
  label: FeedLabel,
  /** Adapter: "simulated", "replay", … */
  adapter: Schema.String,
  state: Schema.Literals(["starting", "live", "ended", "down"]),
  /** One line for people, e.g. "seed 42" or "2013-10-07 at 60×". */
  detail: Schema.String,
  /** The feed's own market time: wall clock for live feeds, the recorded or simulated time else. */
  marketTime: Millis,
  /** Multiple of real time; 0 = as fast as possible. */
  speed: Schema.Finite,
  symbols: Schema.Int,
  ticks: Schema.Finite,
  /** Input that could not be decoded, counted and parked. */
  malformed: Schema.Int
})
export type FeedStatus = typeof FeedStatus.Type

export const MarketStatus = Schema.Struct({
  server: Schema.Struct({
    version: Schema.String,
    node: Schema.String,
    startedAt: Millis,
    now: Millis,
    state: Schema.Literals(["starting", "ready", "draining"])
  }),
  feed: FeedStatus,
  session: Schema.Struct({
    phase: SessionPhase,
    /** Trading day, New York, YYYY-MM-DD. */
    date: Schema.String,
    earlyClose: Schema.Boolean,
    /** Why it is closed on a weekday ("Thanksgiving Day"), else null. */
    holiday: Schema.NullOr(Schema.String),
    /** When the phase next changes, in market time, and to what. */
    nextChange: Millis,
    nextPhase: SessionPhase
  }),
  counts: Schema.Struct({
    sessions: Schema.Int,
    watchedSymbols: Schema.Int,
    subscriptions: Schema.Int,
    tickerActors: Schema.Int
  }),
  limits: Schema.Struct({ symbolsPerSession: Schema.Int, watchesPerSession: Schema.Int, messageBytes: Schema.Int })
})
export type MarketStatus = typeof MarketStatus.Type

// ---- the group ---------------------------------------------------------------------------------------------------

const Symbols = Schema.Array(SymbolText).check(Schema.isMaxLength(20_000))

/** Watch a set of symbols. First `Watching`, then a `Snapshot` each, then `Update`s. */
export const Watch = Rpc.make("Watch", {
  payload: {
    watchId: WatchId,
    symbols: Symbols,
    conflation: Conflation,
    /** Where an earlier connection stopped; recovery is all or nothing. */
    positions: Schema.optionalKey(Schema.Array(Position).check(Schema.isMaxLength(20_000)))
  },
  success: WatchEvent,
  error: Schema.Union([WatchIdConflict, LimitExceeded]),
  stream: true
})

/** Make the watched set of an open Watch exactly this. Idempotent. Once answered, nothing more comes for what left. */
export const SetWatched = Rpc.make("SetWatched", {
  payload: { watchId: WatchId, symbols: Symbols, conflation: Schema.optionalKey(Conflation) },
  success: Watching,
  error: Schema.Union([WatchIdConflict, LimitExceeded])
})

export const GetQuote = Rpc.make("Quote", {
  payload: { symbol: SymbolText },
  success: Snapshot,
  error: Schema.Union([UnknownSymbol, Unavailable])
})

/** A page of history, newest page first, bars oldest first; without `before` it ends with the forming bar. */
export const GetBars = Rpc.make("Bars", {
  payload: {
    symbol: SymbolText,
    interval: Interval,
    /** Inclusive; default: no lower bound. */
    from: Schema.optionalKey(Millis),
    /** Exclusive; default: no upper bound. */
    to: Schema.optionalKey(Millis),
    /** Keyset cursor from the previous page: only bars that start before it. */
    before: Schema.optionalKey(Millis),
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5_000 })))
  },
  success: BarsPage,
  error: Schema.Union([UnknownSymbol, InvalidRequest, LimitExceeded, Unavailable])
})

/** The live last bar: at once, then whenever it changes, at most four times a second; also revisions of older bars. */
export const WatchBars = Rpc.make("WatchBars", {
  payload: { symbol: SymbolText, interval: Interval },
  success: Bar,
  error: Schema.Union([UnknownSymbol, LimitExceeded, Unavailable]),
  stream: true
})

/** The listed symbols by keyset: those after `after`, in symbol order. */
export const GetListings = Rpc.make("Listings", {
  payload: {
    after: Schema.optionalKey(SymbolText),
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5_000 })))
  },
  success: Schema.Struct({ listings: Schema.Array(Listing), after: Schema.NullOr(Schema.String) })
})

export const GetStatus = Rpc.make("Status", { success: MarketStatus })

/** Tags on the wire: market.Watch, market.SetWatched, market.Quote, market.Bars, market.WatchBars, market.Listings, market.Status. */
export const MarketRpcs = RpcGroup.make(Watch, SetWatched, GetQuote, GetBars, WatchBars, GetListings, GetStatus)
  .prefix("market.")
  .annotateRpcs(Needs, "read")
