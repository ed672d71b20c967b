/**
 * What the SEC's list of today makes of the companies known so far. Nothing is lost: a symbol that went becomes a dated alias, an
 * instrument that is in no list any more stays, unlisted, and a company's old name stays beside the new one. Pure.
 */
import type { Alias, Company, FormerName, Instrument } from "../../rpc/companies.ts"
import type { ListedSymbol } from "./CompanySource.ts"
import { sameText } from "./foldText.ts"
import { blankCompany, listedInstrument } from "./records.ts"
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

type Groups = ReadonlyMap<string, ReadonlyArray<ListedSymbol>>

const groupsOf = (list: ReadonlyArray<ListedSymbol>): Groups => {
  const groups = new Map<string, Array<ListedSymbol>>()
  for (const listed of list) {
    const id = companyId(listed.cik)
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [listed])
    else group.push(listed)
  }
  return groups
}

/** A company that was known without its number, and which of its instruments are that number's. */
interface StandIn {
  readonly company: Company
  readonly instruments: ReadonlyArray<Instrument>
}

/** Of one that is known by its old symbol only: the new one. */
const renamedTo = ({ aliases, listed }: Instrument): string | undefined =>
  listed ? undefined : /^renamed (\S+)$/.exec(aliases[0]?.fate ?? "")?.[1]

/** By the id of the company they stood for. */
const standInsOf = (known: ReadonlyArray<Company>, list: ReadonlyArray<ListedSymbol>) => {
  const idOf = new Map(list.map(({ cik, symbol }) => [symbol, companyId(cik)]))
  const standIns = new Map<string, Array<StandIn>>()
  for (const company of known) {
    if (company.cik !== null) continue
    for (const instrument of company.instruments) {
      const now = renamedTo(instrument)
      // by its new symbol; or by the old one, in a list that is older than that
      const id =
        (now === undefined ? undefined : idOf.get(now)) ??
        (instrument.listed || now !== undefined ? idOf.get(instrument.symbol) : undefined)
      if (id !== undefined) standIns.set(id, [...(standIns.get(id) ?? []), { company, instruments: [instrument] }])
    }
  }
  return standIns
}

/** One that the list names for the first time. */
const newCompany = (id: string, first: ListedSymbol, standIns: ReadonlyArray<StandIn>): Company => {
  // one stand-in was this company; several were funds of one trust
  const only = standIns.length === 1 ? standIns[0]?.company : undefined
  return {
    ...blankCompany(id, first.cik, only?.name ?? first.name),
    sector: standIns[0]?.company.sector ?? null,
    industry: standIns[0]?.company.industry ?? null,
    formerNames: only?.formerNames ?? []
  }
}

/** Companies that change, as they are to be; those that do not are left out. */
export const mergeList = (
  known: ReadonlyArray<Company>,
  list: ReadonlyArray<ListedSymbol>,
  context: ListContext
): ReadonlyArray<Company> => {
  const { before, today } = context
  const originals = new Map(known.map((company) => [company.id, company]))
  const companies = new Map(originals)
  const groups = groupsOf(list)
  const standIns = standInsOf(known, list)
  const nameOf = new Map(list.map(({ name, symbol }) => [symbol, name]))
  /** What becomes of an instrument that its company lists no more under its symbol. */
  const gone = (instrument: Instrument): Instrument => {
    const taker = nameOf.get(instrument.symbol)
    return unlisted(instrument, before ?? today, taker === undefined ? "no longer listed" : `now of ${taker}`)
  }
  let nextInstrument = context.nextInstrument

  const instrumentsOf = (had: ReadonlyArray<Instrument>, group: ReadonlyArray<ListedSymbol>) => {
    const wanted = new Map(group.map((listed) => [listed.symbol, listed]))
    const here = new Set(had.flatMap(({ listed, symbol }) => (listed ? [symbol] : [])))
    const back = new Map(
      group.flatMap((listed) => {
        const again = here.has(listed.symbol)
          ? undefined
          : had.find((one) => !one.listed && one.symbol === listed.symbol)
        return again === undefined ? [] : [[again, listed] as const]
      })
    )
    const revived = new Set(back.values())
    const came = group.filter((listed) => !here.has(listed.symbol) && !revived.has(listed))
    const pairs = renamings(
      had.filter(({ listed, symbol }) => listed && !wanted.has(symbol)),
      came
    )
    const paired = new Set(pairs.values())
    const kept = had.map((instrument) => {
      const to = pairs.get(instrument)
      if (to !== undefined) return renamed(instrument, to, context)
      const again = back.get(instrument)
      if (again !== undefined) return relisted(instrument, again, context)
      const listed = instrument.listed ? wanted.get(instrument.symbol) : undefined
      return listed === undefined ? gone(instrument) : exchanged(instrument, listed.exchange, context)
    })
    // before the first list nobody looked: since when it is traded is not known
    const since = before === null ? null : today
    const added = came
      .filter((listed) => !paired.has(listed))
      .map(({ exchange, symbol }) => listedInstrument(nextInstrument++, symbol, exchange, since))
    const place = new Map(group.map(({ symbol }, at) => [symbol, at]))
    const placeOf = ({ listed, symbol }: Instrument) => (listed ? (place.get(symbol) ?? group.length) : group.length)
    return [...kept, ...added].sort((a, b) => placeOf(a) - placeOf(b))
  }

  for (const { company, instruments } of [...standIns.values()].flat()) {
    const left = companies.get(company.id) ?? company
    companies.set(company.id, { ...left, instruments: left.instruments.filter((one) => !instruments.includes(one)) })
  }
  let rank = 0
  for (const [id, group] of groups) {
    rank++
    const [first] = group
    if (first === undefined) continue
    const stoodIn = standIns.get(id) ?? []
    const company = named(companies.get(id) ?? newCompany(id, first, stoodIn), first.name, context)
    const had = [...company.instruments, ...stoodIn.flatMap(({ instruments }) => instruments)]
    companies.set(id, {
      ...company,
      rank,
      instruments: instrumentsOf(had, group),
      listedSince: company.listedSince ?? today
    })
  }
  // the list is whole: who has a number and is not in it is listed no more
  for (const [id, company] of companies) {
    if (company.cik === null || groups.has(id)) continue
    companies.set(id, { ...company, rank: null, instruments: company.instruments.map(gone) })
  }
  return [...companies.values()].filter((company) => !same(company, originals.get(company.id)))
}

/** Both come from here or from a store that gives members in the contract's order. */
const same = (a: Company, b: Company | undefined): boolean => b !== undefined && JSON.stringify(a) === JSON.stringify(b)
