/**
 * Companies and what is listed of them: searched as one types, looked up, browsed; whether or not a feed tells their prices.
 * Contract of the gateway's `companies.*`. Symbols are written like AAPL or BRK.B; BRK-B and BRK/B are taken too.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Needs, OperatorOnly } from "./access.ts"
import { FeedLabel, InvalidRequest, MAX_SYMBOL_LENGTH, Unavailable, UnknownSymbol } from "./market.ts"

/** YYYY-MM-DD. */
const Day = Schema.String.check(Schema.isPattern(/^\d{4}-\d{2}-\d{2}$/))
const OptionalText = Schema.NullOr(Schema.String)

/** A symbol under which an instrument is traded or once was. */
export const Alias = Schema.Struct({
  symbol: Schema.String,
  exchange: OptionalText,
  /** The first day it was seen under it; null: before anybody looked. */
  from: Schema.NullOr(Day),
  /** The last day; null: today still, or not known. */
  until: Schema.NullOr(Day),
  /** What became of it, for people: "renamed", "acquired by Microsoft"; null: it is the symbol of today. */
  fate: OptionalText
})
export type Alias = typeof Alias.Type

export const FormerName = Schema.Struct({
  name: Schema.String,
  from: Schema.NullOr(Day),
  until: Schema.NullOr(Day)
})
export type FormerName = typeof FormerName.Type

/** Something one can buy: a share class, a preferred share, a warrant, a unit, a fund. */
export const Instrument = Schema.Struct({
  /** Stays the same whatever it is called. */
  id: Schema.Int,
  /** Of today, or the last one it had. */
  symbol: Schema.String,
  exchange: OptionalText,
  /** As far as the symbol tells: "Class B", "Preferred A", "Warrant". */
  shareClass: OptionalText,
  /** False: it is traded no more. `aliases` says since when, and why. */
  listed: Schema.Boolean,
  /** The newest first, with that of today. */
  aliases: Schema.Array(Alias)
})
export type Instrument = typeof Instrument.Type

export const Company = Schema.Struct({
  /** "cik:320193", or "symbol:EEM" where the SEC's number is not known. */
  id: Schema.String,
  /** The SEC's number of the filer. */
  cik: Schema.NullOr(Schema.Int),
  name: Schema.String,
  /** As filed with the SEC, where it is another. */
  legalName: OptionalText,
  sector: OptionalText,
  /** Standard Industrial Classification, as filed, and what it says. */
  sic: Schema.NullOr(Schema.Int),
  industry: OptionalText,
  /** The day its fiscal year ends, MM-DD. */
  fiscalYearEnd: OptionalText,
  /** Place by size in the SEC's list, 1 the largest; null: not in it. */
  rank: Schema.NullOr(Schema.Int),
  formerNames: Schema.Array(FormerName),
  /** The one that stands for the company first. */
  instruments: Schema.Array(Instrument),
  /** When the SEC's list first named it, and when its particulars were last read; null: never. */
  listedSince: Schema.NullOr(Day),
  detailedAt: Schema.NullOr(Day)
})
export type Company = typeof Company.Type

/** The newest price known, as shown beside a name. Dollars, exact to 1/10,000. */
export const LastPrice = Schema.Struct({
  last: Schema.Finite,
  previousClose: Schema.NullOr(Schema.Finite),
  /** ms since the Unix epoch. */
  exchangeTime: Schema.Int,
  label: FeedLabel
})
export type LastPrice = typeof LastPrice.Type

// ---- search ------------------------------------------------------------------------------------------------------

/** An instrument in a list. */
const itemFields = {
  symbol: Schema.String,
  name: Schema.String,
  exchange: OptionalText,
  sector: OptionalText,
  industry: OptionalText,
  cik: Schema.NullOr(Schema.Int),
  shareClass: OptionalText,
  /** Null: the feed does not tell it, it has not traded yet, or its price did not come in time. */
  price: Schema.NullOr(LastPrice)
} as const

export const SearchHit = Schema.Struct({
  ...itemFields,
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
  fate: OptionalText
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

/** Further down nobody reads: one types another letter. */
export const MAX_AFTER = 10_000
/** Of longer text the rest is not looked at. */
export const MAX_QUERY_LENGTH = 200
/** Hits or items a page. */
export const MAX_PAGE = 100
const limit = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_PAGE })))
/** Whether `price` is told, for which the answer may wait 250 ms. Default true; who watches them anyway says false. */
const prices = Schema.optionalKey(Schema.Boolean)

/** By symbol, name, any word of a name, former symbols and names; nearly, where a typo is likely. Of long text the beginning counts. */
export const Search = Rpc.make("Search", {
  payload: {
    text: Schema.String,
    /** Default 20. */
    limit,
    /** `after` of the page before. */
    after: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: MAX_AFTER }))),
    prices
  },
  success: SearchPage,
  error: Unavailable
})

// ---- one company -------------------------------------------------------------------------------------------------

export const CompanyProfile = Schema.Struct({
  company: Company,
  /** Of `company.instruments`, the one that was asked for. */
  instrument: Instrument,
  /** Asked for by a symbol that is not its symbol of today, or traded no more: what became of that. */
  fate: OptionalText,
  price: Schema.NullOr(LastPrice)
})
export type CompanyProfile = typeof CompanyProfile.Type

/** By any symbol it has or had. */
export const GetCompany = Rpc.make("Company", {
  payload: { symbol: Schema.String.check(Schema.isMaxLength(MAX_SYMBOL_LENGTH)), prices },
  success: CompanyProfile,
  error: Schema.Union([UnknownSymbol, Unavailable])
})

// ---- browsing ----------------------------------------------------------------------------------------------------

/** null: those of which it is not known. */
const facet = Schema.optionalKey(Schema.NullOr(Schema.String))
const filter = { exchange: facet, sector: facet, industry: facet }
export interface CompanyFilter {
  readonly exchange?: string | null
  readonly sector?: string | null
  readonly industry?: string | null
}

export const FacetValue = Schema.Struct({ value: OptionalText, count: Schema.Int })
export type FacetValue = typeof FacetValue.Type

/** Listed instruments by each facet, the most frequent first. */
export const Facets = Schema.Struct({
  exchanges: Schema.Array(FacetValue),
  sectors: Schema.Array(FacetValue),
  industries: Schema.Array(FacetValue),
  /** Listed instruments that pass the whole filter, and their companies. */
  instruments: Schema.Int,
  companies: Schema.Int
})
export type Facets = typeof Facets.Type

/** How many there are of each. What is chosen in one facet counts for the others, not for itself, so that one can choose otherwise. */
export const GetFacets = Rpc.make("Facets", {
  payload: filter,
  success: Facets,
  error: Unavailable
})

export const BrowseItem = Schema.Struct(itemFields)
export type BrowseItem = typeof BrowseItem.Type

export const BrowsePage = Schema.Struct({
  items: Schema.Array(BrowseItem),
  /** Ask again with this for more; null: these were all. */
  after: OptionalText,
  /** Of all pages together. */
  total: Schema.Int
})
export type BrowsePage = typeof BrowsePage.Type

export const BrowseOrder = Schema.Literals(["size", "symbol", "name"])
export type BrowseOrder = typeof BrowseOrder.Type

/** What is listed, by keyset: a page stays where it was however many are added before it. */
export const Browse = Rpc.make("Browse", {
  payload: {
    ...filter,
    /** Default size: the largest company first. */
    order: Schema.optionalKey(BrowseOrder),
    /** Default 50. */
    limit,
    /** `after` of the page before, of the same filter and order. */
    after: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(400))),
    prices
  },
  success: BrowsePage,
  error: Schema.Union([InvalidRequest, Unavailable])
})

// ---- keeping them up to date -------------------------------------------------------------------------------------

export const SyncStatus = Schema.Struct({
  /** off: no worker may ask the SEC; LZSTOCK_SEC_USER_AGENT says who it asks for. */
  state: Schema.Literals(["off", "idle", "waiting", "running"]),
  /** list: which symbols there are. details: industry, former names and fiscal year, company by company. */
  phase: Schema.NullOr(Schema.Literals(["list", "details"])),
  done: Schema.Int,
  total: Schema.Int,
  /** ms since the Unix epoch. */
  startedAt: Schema.NullOr(Schema.Int),
  /** Of the last one that went through. */
  finishedAt: Schema.NullOr(Schema.Int),
  /** When it is due by itself. */
  nextAt: Schema.NullOr(Schema.Int),
  /** Why the last try ended before its time. */
  error: OptionalText,
  companies: Schema.Int,
  instruments: Schema.Int
})
export type SyncStatus = typeof SyncStatus.Type

export const GetSyncStatus = Rpc.make("SyncStatus", { success: SyncStatus, error: Unavailable })

/** What shows that an operator asks: LZSTOCK_OPERATOR_TOKEN, or the file `operator-token` in the server's data folder. */
const operator = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200))

/** Has a worker read now what the SEC lists, unless it does already; SyncStatus tells how far it is. */
export const SyncCompanies = Rpc.make("Sync", {
  payload: { operator },
  success: SyncStatus,
  error: Unavailable
}).middleware(OperatorOnly)

/** No control characters, and no halves of characters: databases refuse them. */
const printable = /^[^\p{Cc}\p{Cs}]*$/u
const Text = (most: number) => Schema.NonEmptyString.check(Schema.isMaxLength(most), Schema.isPattern(printable))
const optionalText = (most: number) => Schema.NullOr(Text(most))

/** One instrument as a file tells it; null: the file does not say. */
export const ImportedListing = Schema.Struct({
  symbol: Text(MAX_SYMBOL_LENGTH),
  /** As people know it. */
  name: optionalText(200),
  /** As filed: stands beside the other, and for it where there is none. */
  legalName: optionalText(200),
  exchange: optionalText(60),
  sector: optionalText(60),
  industry: optionalText(200),
  cik: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9_999_999_999 }))),
  /** Place of the company by size, 1 the largest. */
  rank: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000_000 })))
})
export type ImportedListing = typeof ImportedListing.Type

export const MAX_IMPORTED = 200

export const ImportResult = Schema.Struct({ added: Schema.Int, changed: Schema.Int, unchanged: Schema.Int })
export type ImportResult = typeof ImportResult.Type

/** Adds and changes, takes nothing away; the same again changes nothing. */
export const ImportCompanies = Rpc.make("Import", {
  payload: { operator, listings: Schema.Array(ImportedListing).check(Schema.isMaxLength(MAX_IMPORTED)) },
  success: ImportResult,
  error: Schema.Union([InvalidRequest, Unavailable])
}).middleware(OperatorOnly)

/** Tags on the wire: companies.Search, companies.Company, companies.Facets, companies.Browse, companies.SyncStatus, companies.Sync, companies.Import. */
export const CompanyRpcs = RpcGroup.make(
  Search,
  GetCompany,
  GetFacets,
  Browse,
  GetSyncStatus,
  SyncCompanies,
  ImportCompanies
)
  .prefix("companies.")
  .annotateRpcs(Needs, "read")
