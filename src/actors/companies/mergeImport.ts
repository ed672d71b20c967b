/**
 * What a file adds to the companies known so far: an operator's, or the one that comes with the product. Adds and fills in, takes
 * nothing away; what the SEC's list says of a symbol stays. Pure.
 */
import type { Company, ImportedListing, Instrument } from "../../rpc/companies.ts"
import { normaliseSymbol, symbolPattern } from "../../rpc/market.ts"
import { foldText } from "./foldText.ts"
import { companyId } from "./mergeList.ts"
import { shareClassOf } from "./shareClass.ts"

const sameText = (a: string, b: string): boolean => foldText(a).text === foldText(b).text

/** Companies as they come to be, found by id and by what they have listed. */
class Draft {
  readonly companies: Map<string, Company>
  readonly #ownerOf = new Map<string, string>()
  readonly #gone = new Map<string, string>()

  constructor(known: ReadonlyArray<Company>) {
    this.companies = new Map(known.map((company) => [company.id, company]))
    for (const company of known) this.#note(company)
  }

  put(company: Company): void {
    this.companies.set(company.id, company)
    this.#note(company)
  }

  /** Who has that symbol today. */
  listing(symbol: string): Company | undefined {
    return this.companies.get(this.#ownerOf.get(symbol) ?? "")
  }

  /** Who has it, or had it last. */
  having(symbol: string): Company | undefined {
    return this.listing(symbol) ?? this.companies.get(this.#gone.get(symbol) ?? "")
  }

  #note({ id, instruments }: Company): void {
    for (const { listed, symbol } of instruments) (listed ? this.#ownerOf : this.#gone).set(symbol, id)
  }
}

/** A better name for people than the filed one, which stays beside it. */
const named = (company: Company, name: string): Company => {
  if (sameText(company.name, name) || (company.legalName !== null && sameText(company.legalName, name))) return company
  if (company.listedSince === null) return { ...company, name }
  return { ...company, name, legalName: company.legalName ?? company.name }
}

/** The filed name beside one that people know better. */
const filed = (company: Company, legalName: string | null): Company =>
  legalName === null || company.legalName !== null || company.name === legalName ? company : { ...company, legalName }

// ---- an operator's file --------------------------------------------------------------------------------------------

export interface Imported {
  readonly changed: ReadonlyArray<Company>
  readonly counts: { readonly added: number; readonly changed: number; readonly unchanged: number }
}

export interface Unusable {
  /** One line: which entry, and what is wrong with it. */
  readonly unusable: string
}

const blank = (id: string, cik: number | null, name: string): Company => ({
  id,
  cik,
  name,
  legalName: null,
  sector: null,
  sic: null,
  industry: null,
  fiscalYearEnd: null,
  rank: null,
  formerNames: [],
  instruments: [],
  listedSince: null,
  detailedAt: null
})

const newInstrument = (id: number, symbol: string, exchange: string | null): Instrument => ({
  id,
  symbol,
  exchange,
  shareClass: shareClassOf(symbol),
  listed: true,
  aliases: [{ symbol, exchange, from: null, until: null, fate: null }]
})

/** What is not known of it yet. */
const filled = (instrument: Instrument, exchange: string | null): Instrument =>
  instrument.exchange !== null || exchange === null
    ? instrument
    : {
        ...instrument,
        exchange,
        aliases: instrument.aliases.map((alias) => (alias.fate === null ? { ...alias, exchange } : alias))
      }

/** All of the file's entries, or none: the first that cannot be used says why. */
export const mergeImport = (
  known: ReadonlyArray<Company>,
  listings: ReadonlyArray<ImportedListing>,
  nextInstrument: number
): Imported | Unusable => {
  const draft = new Draft(known)
  const before = new Map(draft.companies)
  const counts = { added: 0, changed: 0, unchanged: 0 }
  let id = nextInstrument

  for (const { cik, exchange, industry, legalName, name, sector, ...listing } of listings) {
    const symbol = normaliseSymbol(listing.symbol)
    if (!symbolPattern.test(symbol)) return { unusable: `"${listing.symbol}" is not a symbol (like AAPL, BRK.B)` }
    const listed = draft.listing(symbol)
    if (listed !== undefined && cik !== null && listed.cik !== null && listed.cik !== cik) {
      return { unusable: `${symbol} is listed by ${listed.name} with CIK ${listed.cik}; the file says ${cik}` }
    }
    const key = cik === null ? `symbol:${symbol}` : companyId(cik)
    const known = name ?? legalName
    const company = listed ?? draft.companies.get(key) ?? (known === null ? undefined : blank(key, cik, known))
    if (company === undefined) return { unusable: `${symbol} is not known yet: it needs a name` }
    const next: Company = {
      ...filed(name === null ? company : named(company, name), legalName),
      sector: sector ?? company.sector,
      // as filed, where it is
      industry: company.sic === null ? (industry ?? company.industry) : company.industry,
      instruments:
        listed === undefined
          ? [...company.instruments, newInstrument(id++, symbol, exchange)]
          : company.instruments.map((one) => (one.listed && one.symbol === symbol ? filled(one, exchange) : one))
    }
    if (listed === undefined) counts.added++
    else if (JSON.stringify(next) === JSON.stringify(company)) counts.unchanged++
    else counts.changed++
    draft.put(next)
  }
  const changed = [...draft.companies.values()].filter(
    (company) => JSON.stringify(company) !== JSON.stringify(before.get(company.id))
  )
  return { changed, counts }
}

// ---- what comes with the product -----------------------------------------------------------------------------------

const withPast = (known: Instrument, bundled: ReadonlyArray<Instrument>): Instrument => {
  const former = bundled
    .filter(({ symbol }) => symbol === known.symbol)
    .flatMap(({ aliases }) => aliases)
    .filter(({ fate, symbol }) => fate !== null && !known.aliases.some((alias) => alias.symbol === symbol))
  return former.length === 0 ? known : { ...known, aliases: [...known.aliases, ...former] }
}

/** Companies that change: those that are not known are added, with instruments numbered anew; what is not known of others is filled in. */
export const mergeBundled = (
  known: ReadonlyArray<Company>,
  bundled: ReadonlyArray<Company>,
  nextInstrument: number
): ReadonlyArray<Company> => {
  const draft = new Draft(known)
  let id = nextInstrument
  const changed = new Map<string, Company>()
  for (const one of bundled) {
    const its = one.instruments
    const company =
      draft.companies.get(one.id) ?? its.map(({ symbol }) => draft.having(symbol)).find((had) => had !== undefined)
    const next: Company =
      company === undefined
        ? { ...one, instruments: its.map((instrument) => ({ ...instrument, id: id++ })) }
        : {
            ...named(company, one.name),
            sector: company.sector ?? one.sector,
            formerNames: [
              ...company.formerNames,
              ...one.formerNames.filter(
                ({ name }) => !company.formerNames.some((former) => sameText(former.name, name))
              )
            ],
            instruments: company.instruments.map((instrument) => withPast(instrument, its))
          }
    if (JSON.stringify(next) === JSON.stringify(company)) continue
    draft.put(next)
    changed.set(next.id, next)
  }
  return [...changed.values()]
}
