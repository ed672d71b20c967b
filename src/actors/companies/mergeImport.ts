/**
 * What a file adds to the companies known so far: an operator's, or the one that comes with the product. Adds and fills in, takes
 * nothing away; what the SEC's list says of a symbol stays. Pure.
 */
import type { Company, ImportedListing, Instrument } from "../../rpc/companies.ts"
import { normaliseSymbol, symbolPattern } from "../../rpc/market.ts"
import { sameText } from "./foldText.ts"
import { companyId } from "./mergeList.ts"
import { blankCompany, listedInstrument } from "./records.ts"

/** Companies as they come to be, found by id and by what they have listed. */
class Draft {
  readonly companies: Map<string, Company>
  readonly #ownerOf = new Map<string, string>()

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

  /** For a company that is known by its symbol alone; one of that symbol that is no more keeps its id. */
  freeId(symbol: string): string {
    for (let n = 1; ; n++) {
      const id = n === 1 ? `symbol:${symbol}` : `symbol:${symbol}/${n}`
      if (!this.companies.has(id)) return id
    }
  }

  #note({ id, instruments }: Company): void {
    for (const { listed, symbol } of instruments) if (listed) this.#ownerOf.set(symbol, id)
  }
}

/** A name that people know better than the filed one, which stays beside it. */
const named = (company: Company, name: string | null): Company => {
  if (name === null || sameText(company.name, name)) return company
  if (company.legalName !== null && sameText(company.legalName, name)) return company
  if (company.listedSince === null) return { ...company, name }
  return { ...company, name, legalName: company.legalName ?? company.name }
}

/** The filed name, beside one that people know better. What the SEC's list has named is named by that. */
const filed = (company: Company, legalName: string | null): Company =>
  legalName === null || company.listedSince !== null || company.legalName !== null || company.name === legalName
    ? company
    : { ...company, legalName }

// ---- an operator's file --------------------------------------------------------------------------------------------

export interface Imported {
  readonly changed: ReadonlyArray<Company>
  readonly counts: { readonly added: number; readonly changed: number; readonly unchanged: number }
}

export interface Unusable {
  /** One line: which entry, and what is wrong with it. */
  readonly unusable: string
}

/** What is not known of it yet. */
const filled = (instrument: Instrument, exchange: string | null): Instrument =>
  instrument.exchange !== null || exchange === null
    ? instrument
    : {
        ...instrument,
        exchange,
        aliases: instrument.aliases.map((alias) => (alias.fate === null ? { ...alias, exchange } : alias))
      }

/** Whether it has that symbol, or had it: a file that is older than what is known makes nothing new of it. */
const hasHad = ({ aliases }: Instrument, symbol: string): boolean => aliases.some((alias) => alias.symbol === symbol)

/** A stand-in that gets its number takes along what it has listed. */
const numbered = (draft: Draft, listed: Company, cik: number): Company => {
  const id = companyId(cik)
  const company = draft.companies.get(id) ?? { ...listed, id, cik, instruments: [] }
  draft.put({ ...listed, instruments: [] })
  return { ...company, instruments: [...company.instruments, ...listed.instruments] }
}

/** The company an entry is about; undefined: one that is not known, and that nothing names. */
const companyOf = (draft: Draft, symbol: string, entry: ImportedListing): Company | undefined => {
  const { cik, legalName } = entry
  const listed = draft.listing(symbol)
  if (listed !== undefined) return cik !== null && listed.cik === null ? numbered(draft, listed, cik) : listed
  const known = cik === null ? undefined : draft.companies.get(companyId(cik))
  if (known !== undefined) return known
  const name = entry.name ?? legalName
  return name === null ? undefined : blankCompany(cik === null ? draft.freeId(symbol) : companyId(cik), cik, name)
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

  for (const entry of listings) {
    const { cik, exchange, industry, legalName, name, rank, sector } = entry
    const symbol = normaliseSymbol(entry.symbol)
    if (!symbolPattern.test(symbol)) return { unusable: `"${entry.symbol}" is not a symbol (like AAPL, BRK.B)` }
    const owner = draft.listing(symbol)
    if (owner !== undefined && cik !== null && owner.cik !== null && owner.cik !== cik) {
      return { unusable: `${symbol} is listed by ${owner.name} with CIK ${owner.cik}; the file says ${cik}` }
    }
    const company = companyOf(draft, symbol, entry)
    if (company === undefined) return { unusable: `${symbol} is not known yet: it needs a name` }
    const isNew = !company.instruments.some((one) => hasHad(one, symbol))
    const next: Company = {
      ...filed(named(company, name), legalName),
      sector: sector ?? company.sector,
      // as filed, where it is
      industry: company.sic === null ? (industry ?? company.industry) : company.industry,
      rank: company.rank ?? (company.listedSince === null ? rank : null),
      instruments: isNew
        ? [...company.instruments, listedInstrument(id++, symbol, exchange, null)]
        : company.instruments.map((one) => (one.listed && one.symbol === symbol ? filled(one, exchange) : one))
    }
    const was = draft.companies.get(next.id)
    if (isNew) counts.added++
    else if (JSON.stringify(next) === JSON.stringify(was)) counts.unchanged++
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

/** The same company: by its id, or listing the same symbol, unless both have numbers and those differ. */
const counterpart = (draft: Draft, one: Company): Company | undefined => {
  const same = draft.companies.get(one.id)
  if (same !== undefined) return same
  for (const { listed, symbol } of one.instruments) {
    const company = listed ? draft.listing(symbol) : undefined
    if (company !== undefined && (company.cik === null || one.cik === null || company.cik === one.cik)) return company
  }
  return undefined
}

/**
 * Companies that change: those that are not known are added, with instruments numbered anew; of others what is not known is filled
 * in, and nothing is called otherwise than it is by now.
 */
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
    const company = counterpart(draft, one)
    const free = its.filter(({ listed, symbol }) => !listed || draft.listing(symbol) === undefined)
    const next: Company =
      company === undefined
        ? { ...one, instruments: free.map((instrument) => ({ ...instrument, id: id++ })) }
        : {
            ...company,
            sector: company.sector ?? one.sector,
            rank: company.rank ?? (company.listedSince === null ? one.rank : null),
            formerNames: [
              ...company.formerNames,
              ...one.formerNames.filter(
                ({ name }) => ![company, ...company.formerNames].some((former) => sameText(former.name, name))
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
