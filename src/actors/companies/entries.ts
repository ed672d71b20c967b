/** An instrument as it is searched and listed: what the index knows of it, and how it is told. Pure. */
import type { BrowseItem, Company, Instrument, SearchHit } from "../../rpc/companies.ts"
import type { Listed, Match } from "./CompanyIndex.ts"

export interface Entry extends Listed {
  readonly of: Company
  readonly instrument: Instrument
  /** Among the company's, from 0. */
  readonly place: number
}

const entryOf = (of: Company, instrument: Instrument, place: number): Entry => {
  const symbols = new Set(instrument.aliases.map(({ symbol }) => symbol))
  symbols.delete(instrument.symbol)
  return {
    of,
    instrument,
    place,
    symbol: instrument.symbol,
    name: of.name,
    company: of.id,
    formerSymbols: [...symbols],
    formerNames: [...(of.legalName === null ? [] : [of.legalName]), ...of.formerNames.map(({ name }) => name)]
  }
}

/** In the order of the companies; what is traded no more behind all that is, for its symbol may be another's today. */
export const entriesOf = (companies: ReadonlyArray<Company>): ReadonlyArray<Entry> => {
  const entries = companies.flatMap((of) => of.instruments.map((instrument, place) => entryOf(of, instrument, place)))
  return [
    ...entries.filter(({ instrument }) => instrument.listed),
    ...entries.filter(({ instrument }) => !instrument.listed)
  ]
}

/** "until 2022-06-09: renamed", of an instrument under a symbol that it has no more; null: it is the symbol of today. */
export const fateOf = (instrument: Instrument, symbol: string): string | null => {
  if (instrument.listed && symbol === instrument.symbol) return null
  const alias = instrument.aliases.find((one) => one.symbol === symbol && one.fate !== null)
  if (alias === undefined) return null
  return alias.until === null ? alias.fate : `until ${alias.until}: ${alias.fate}`
}

const fateOfMatch = ({ field, listed: { instrument, of }, text }: Match<Entry>): string | null => {
  if (field === "former-symbol") return fateOf(instrument, text)
  if (field !== "former-name" || text === of.legalName) return fateOf(instrument, instrument.symbol)
  const until = of.formerNames.find(({ name }) => name === text)?.until ?? null
  return until === null ? "former name" : `until ${until}`
}

/** Without its price. */
export const itemOf = ({ instrument, of }: Entry): BrowseItem => ({
  symbol: instrument.symbol,
  name: of.name,
  exchange: instrument.exchange,
  sector: of.sector,
  industry: of.industry,
  cik: of.cik,
  shareClass: instrument.shareClass,
  price: null
})

/** Without its price. */
export const hitOf = (match: Match<Entry>): SearchHit => {
  const { listed, ranges, text, tier } = match
  const { instrument, of } = listed
  return {
    ...itemOf(listed),
    listed: instrument.listed,
    others: of.instruments.flatMap(({ symbol }) => (symbol === instrument.symbol ? [] : [symbol])),
    tier,
    // its name with the SEC is its name
    field: match.field === "former-name" && text === of.legalName ? "name" : match.field,
    text,
    ranges,
    fate: fateOfMatch(match)
  }
}
