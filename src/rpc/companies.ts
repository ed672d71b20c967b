/**
 * Companies and what is listed of them: searched as one types, whether or not a feed tells their prices. Contract of the
 * gateway's `companies.*`; numbers are the SEC's (CIK), symbols are written like AAPL or BRK.B.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Unavailable } from "./market.ts"

/** A day, YYYY-MM-DD. */
const Day = Schema.String

/** Another symbol under which something was traded, and what became of that. */
export const Alias = Schema.Struct({
  symbol: Schema.String,
  /** The last day of it; null: not known. */
  until: Schema.NullOr(Day),
  /** For people, e.g. "renamed" or "acquired by Microsoft". */
  fate: Schema.String
})
export type Alias = typeof Alias.Type

export const FormerName = Schema.Struct({ name: Schema.String, until: Schema.NullOr(Day) })
export type FormerName = typeof FormerName.Type

export const Instrument = Schema.Struct({
  symbol: Schema.String,
  exchange: Schema.NullOr(Schema.String),
  /** False: it is traded no more. `aliases` says since when, and why. */
  listed: Schema.Boolean,
  aliases: Schema.Array(Alias)
})
export type Instrument = typeof Instrument.Type

export const Company = Schema.Struct({
  /** "cik:320193", or "symbol:EEM" where the SEC gives none. */
  id: Schema.String,
  /** The SEC's number of the filer. */
  cik: Schema.NullOr(Schema.Int),
  name: Schema.String,
  sector: Schema.NullOr(Schema.String),
  /** What its SIC code says. */
  industry: Schema.NullOr(Schema.String),
  formerNames: Schema.Array(FormerName),
  /** The one that stands for the company first. */
  instruments: Schema.Array(Instrument)
})
export type Company = typeof Company.Type

export const SearchHit = Schema.Struct({
  symbol: Schema.String,
  name: Schema.String,
  exchange: Schema.NullOr(Schema.String),
  sector: Schema.NullOr(Schema.String),
  industry: Schema.NullOr(Schema.String),
  cik: Schema.NullOr(Schema.Int),
  /** False: it is traded no more, and `fate` says what became of it. */
  listed: Schema.Boolean,
  /** Other symbols of the same company. */
  others: Schema.Array(Schema.String),
  /** How it matches, the best first; hits come in this order, and of one tier by the company's size. */
  tier: Schema.Literals(["symbol", "symbol-prefix", "name-prefix", "word-prefix", "all-words", "near"]),
  /** What of it matched: `text`, of which `ranges` are the parts that the query covers, in UTF-16 code units. */
  field: Schema.Literals(["symbol", "name", "former-symbol", "former-name"]),
  text: Schema.String,
  ranges: Schema.Array(Schema.Tuple([Schema.Int, Schema.Int])),
  /** Of a former symbol or name, or of what is traded no more: what became of it. */
  fate: Schema.NullOr(Schema.String)
})
export type SearchHit = typeof SearchHit.Type

export const SearchPage = Schema.Struct({
  hits: Schema.Array(SearchHit),
  /** Ask again with this for more; null: these were all. */
  after: Schema.NullOr(Schema.Int),
  /** Companies searched. */
  companies: Schema.Int
})
export type SearchPage = typeof SearchPage.Type

export const MAX_HITS = 100

/** By symbol, name, any word of a name, former symbols and names; nearly, where a typo is likely. Of long text the beginning counts. */
export const Search = Rpc.make("Search", {
  payload: {
    text: Schema.String,
    /** Default 20. */
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_HITS }))),
    /** `after` of the page before. */
    after: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })))
  },
  success: SearchPage,
  error: Unavailable
})

/** Tags on the wire: companies.Search. */
export const CompanyRpcs = RpcGroup.make(Search).prefix("companies.")
