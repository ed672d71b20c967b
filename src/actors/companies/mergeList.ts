/**
 * What the SEC's list of today makes of the companies known so far. Nothing is lost: a symbol that went becomes a dated alias, an
 * instrument that is in no list any more stays, unlisted, and a company's old name stays beside the new one. Pure.
 */
import type { Alias, Company, FormerName, Instrument } from "../../rpc/companies.ts"
import type { ListedSymbol } from "./CompanySource.ts"
import { foldText } from "./foldText.ts"
import { shareClassOf } from "./shareClass.ts"

export interface ListContext {
  /** YYYY-MM-DD. */
  readonly today: string
  /** When the list was last read: the last day on which what has gone was seen; null: never before. */
  readonly before: string | null
  /** Number of the next instrument; those after it are free too. */
  readonly nextInstrument: number
}

export const companyId = (cik: number): string => `cik:${cik}`

const sameText = (a: string, b: string): boolean => foldText(a).text === foldText(b).text

const current = (symbol: string, exchange: string | null, from: string | null): Alias => ({
  symbol,
  exchange,
  from,
  until: null,
  fate: null
})

/** The alias of today closed. */
const closed = ({ aliases }: Instrument, until: string | null, fate: string): ReadonlyArray<Alias> =>
  aliases.map((alias) => (alias.fate === null ? { ...alias, until, fate } : alias))

export const unlisted = (instrument: Instrument, until: string | null, fate: string): Instrument =>
  instrument.listed ? { ...instrument, listed: false, aliases: closed(instrument, until, fate) } : instrument

/** The name the list gives: where it is another name, and not only another spelling, the old one is kept. */
const named = (company: Company, name: string, { before, today }: ListContext): Company => {
  const filed = company.legalName ?? (company.listedSince === null ? null : company.name)
  if (filed === name) return company
  // the first time it is in the list: the name it has was chosen by somebody, and stays
  if (filed === null) return company.name === name ? company : { ...company, legalName: name }
  if (sameText(filed, name)) return company.legalName === null ? { ...company, name } : { ...company, legalName: name }
  const former: FormerName = { name: filed, from: null, until: before ?? today }
  return {
    ...company,
    name,
    legalName: null,
    formerNames: [former, ...company.formerNames],
    // its industry may be another as well
    detailedAt: null
  }
}

/** Another exchange is another alias; one that was not known is filled in, and "NYSE" says no more than "NYSE Arca". */
const exchanged = (instrument: Instrument, exchange: string | null, { before, today }: ListContext): Instrument => {
  if (exchange === null || instrument.exchange?.toUpperCase().startsWith(exchange.toUpperCase())) return instrument
  const aliases =
    instrument.exchange === null
      ? instrument.aliases.map((alias) => (alias.fate === null ? { ...alias, exchange } : alias))
      : [current(instrument.symbol, exchange, today), ...closed(instrument, before ?? today, `moved to ${exchange}`)]
  return { ...instrument, exchange, aliases }
}

const renamed = (instrument: Instrument, to: ListedSymbol, { before, today }: ListContext): Instrument => ({
  ...instrument,
  symbol: to.symbol,
  exchange: to.exchange ?? instrument.exchange,
  shareClass: shareClassOf(to.symbol),
  aliases: [
    current(to.symbol, to.exchange ?? instrument.exchange, today),
    ...closed(instrument, before ?? today, "renamed")
  ]
})

const relisted = (instrument: Instrument, listed: ListedSymbol, { today }: ListContext): Instrument => ({
  ...instrument,
  listed: true,
  exchange: listed.exchange ?? instrument.exchange,
  aliases: [current(listed.symbol, listed.exchange ?? instrument.exchange, today), ...instrument.aliases]
})

/** One went and one came of the same kind: that is the same instrument under another symbol. */
const renamings = (
  went: ReadonlyArray<Instrument>,
  came: ReadonlyArray<ListedSymbol>
): ReadonlyMap<Instrument, ListedSymbol> => {
  const kinds = new Set(went.map(({ symbol }) => shareClassOf(symbol)))
  const pairs = new Map<Instrument, ListedSymbol>()
  for (const kind of kinds) {
    const [instrument, ...others] = went.filter(({ symbol }) => shareClassOf(symbol) === kind)
    const [listed, ...more] = came.filter(({ symbol }) => shareClassOf(symbol) === kind)
    if (instrument === undefined || listed === undefined || others.length > 0 || more.length > 0) continue
    pairs.set(instrument, listed)
  }
  return pairs
}

/** Companies that change, as they are to be; those that do not are left out. */
export const mergeList = (
  known: ReadonlyArray<Company>,
  list: ReadonlyArray<ListedSymbol>,
  context: ListContext
): ReadonlyArray<Company> => {
  const { before, today } = context
  const lastSeen = before ?? today
  const companies = new Map(known.map((company) => [company.id, company]))
  const originals = new Map(companies)
  const ownerOf = new Map<string, string>()
  for (const { id, instruments } of known) {
    for (const { listed, symbol } of instruments) if (listed) ownerOf.set(symbol, id)
  }
  let nextInstrument = context.nextInstrument

  const groups = new Map<string, Array<ListedSymbol>>()
  for (const listed of list) {
    const id = companyId(listed.cik)
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [listed])
    else group.push(listed)
  }

  const change = (id: string, instruments: (before: ReadonlyArray<Instrument>) => ReadonlyArray<Instrument>) => {
    const company = companies.get(id)
    if (company !== undefined) companies.set(id, { ...company, instruments: instruments(company.instruments) })
  }

  /** Takes a listed instrument away from another company: it comes along when that one was only a stand-in without a number. */
  const takeFrom = (owner: string, { symbol }: ListedSymbol, to: string): Instrument | undefined => {
    const other = companies.get(owner)
    const instrument = other?.instruments.find((one) => one.listed && one.symbol === symbol)
    if (other === undefined || instrument === undefined) return undefined
    if (other.cik === null) {
      change(owner, (all) => all.filter((one) => one !== instrument))
      return instrument
    }
    const fate = `now of ${groups.get(to)?.[0]?.name ?? to}`
    change(owner, (all) => all.map((one) => (one === instrument ? unlisted(one, lastSeen, fate) : one)))
    return undefined
  }

  let rank = 0
  for (const [id, group] of groups) {
    rank++
    const [first] = group
    if (first === undefined) continue
    const taken = new Map<string, Instrument>()
    let standIn: Company | undefined
    let standIns = 0
    for (const listed of group) {
      const owner = ownerOf.get(listed.symbol)
      if (owner === undefined || owner === id) continue
      const its = companies.get(owner)
      const instrument = takeFrom(owner, listed, id)
      if (instrument === undefined) continue
      taken.set(listed.symbol, instrument)
      standIns++
      standIn = its
    }

    const had = companies.get(id)
    const company: Company = named(
      had ?? {
        id,
        cik: first.cik,
        // one stand-in was this company; several were funds of one trust
        name: standIns === 1 && standIn !== undefined ? standIn.name : first.name,
        legalName: null,
        sector: standIn?.sector ?? null,
        sic: null,
        industry: standIn?.industry ?? null,
        fiscalYearEnd: null,
        rank,
        formerNames: standIns === 1 && standIn !== undefined ? standIn.formerNames : [],
        instruments: [],
        listedSince: null,
        detailedAt: null
      },
      first.name,
      context
    )

    const wanted = new Map(group.map((listed) => [listed.symbol, listed]))
    const its = [...company.instruments, ...taken.values()]
    const went = its.filter(({ listed, symbol }) => listed && !wanted.has(symbol))
    const here = new Set(its.flatMap(({ listed, symbol }) => (listed ? [symbol] : [])))
    const came = group.filter(({ symbol }) => !here.has(symbol))
    const back = new Map(
      came.flatMap((listed) => {
        const instrument = its.find((one) => !one.listed && one.symbol === listed.symbol)
        return instrument === undefined ? [] : [[instrument, listed] as const]
      })
    )
    const revived = new Set(back.values())
    const fresh = came.filter((listed) => !revived.has(listed))
    const pairs = renamings(went, fresh)
    const paired = new Set(pairs.values())

    const kept = its.map((instrument) => {
      const to = pairs.get(instrument)
      if (to !== undefined) return renamed(instrument, to, context)
      const again = back.get(instrument)
      if (again !== undefined) return relisted(instrument, again, context)
      const listed = instrument.listed ? wanted.get(instrument.symbol) : undefined
      if (listed !== undefined) return exchanged(instrument, listed.exchange, context)
      return unlisted(instrument, lastSeen, "no longer listed")
    })
    // before the first list nobody looked: when it was first traded is not known
    const since = before === null ? null : today
    const added = fresh
      .filter((listed) => !paired.has(listed))
      .map(
        ({ exchange, symbol }): Instrument => ({
          id: nextInstrument++,
          symbol,
          exchange,
          shareClass: shareClassOf(symbol),
          listed: true,
          aliases: [current(symbol, exchange, since)]
        })
      )
    const place = new Map(group.map(({ symbol }, at) => [symbol, at]))
    const placeOf = ({ listed, symbol }: Instrument) => (listed ? (place.get(symbol) ?? group.length) : group.length)
    companies.set(id, {
      ...company,
      rank,
      listedSince: company.listedSince ?? today,
      instruments: [...kept, ...added].sort((a, b) => placeOf(a) - placeOf(b))
    })
  }

  // the list is whole: who has a number and is not in it is listed no more
  for (const [id, company] of companies) {
    if (company.cik === null || groups.has(id)) continue
    companies.set(id, {
      ...company,
      rank: null,
      instruments: company.instruments.map((instrument) => unlisted(instrument, lastSeen, "no longer listed"))
    })
  }

  return [...companies.values()].filter((company) => !same(company, originals.get(company.id)))
}

/** Both come from here or from a store that gives members in the contract's order. */
const same = (a: Company, b: Company | undefined): boolean => b !== undefined && JSON.stringify(a) === JSON.stringify(b)
