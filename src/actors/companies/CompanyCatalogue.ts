/**
 * What is listed, by exchange, sector and industry: counted for each choice, and paged by keyset in three orders. Built at once,
 * never changed. Pure.
 */
import type { BrowseOrder, CompanyFilter, Facets, FacetValue } from "../../rpc/companies.ts"
import type { Entry } from "./entries.ts"

const facets = ["exchange", "sector", "industry"] as const
type Facet = (typeof facets)[number]

const facetOf = ({ instrument, of }: Entry, facet: Facet): string | null =>
  facet === "exchange" ? instrument.exchange : of[facet]

const chosen = (filter: CompanyFilter): ReadonlyArray<Facet> => facets.filter((facet) => filter[facet] !== undefined)

const passes = (entry: Entry, filter: CompanyFilter, by: ReadonlyArray<Facet>): boolean =>
  by.every((facet) => facetOf(entry, facet) === filter[facet])

/** Where an entry stands in an order; ends with its symbol, so that no two stand at one place. */
type Key = readonly [number | string, string]

/** More filters than people choose; whoever asks for more has them counted each time. */
const MOST_FILTERS = 200

/** Behind all that have a place. */
const UNRANKED = Number.MAX_SAFE_INTEGER

const keyOf: Readonly<Record<BrowseOrder, (entry: Entry) => Key>> = {
  // the one that stands for the company first
  size: ({ of, place, symbol }) => [of.rank ?? UNRANKED, `${of.id} ${String(place).padStart(4, "0")} ${symbol}`],
  symbol: ({ symbol }) => ["", symbol],
  name: ({ name, symbol }) => [name.toLowerCase(), symbol]
}

const compare = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0)
const compareKeys = (a: Key, b: Key): number => compare(a[0], b[0]) || compare(a[1], b[1])

/** A place as a client keeps it. */
const cursorOf = (key: Key): string => JSON.stringify(key)

const keyOfCursor = (cursor: string, order: BrowseOrder): Key | undefined => {
  let key: unknown
  try {
    key = JSON.parse(cursor)
  } catch {
    return undefined
  }
  if (!Array.isArray(key) || key.length !== 2) return undefined
  const [first, symbol]: ReadonlyArray<unknown> = key
  if (typeof symbol !== "string") return undefined
  if (order === "size") return typeof first === "number" ? [first, symbol] : undefined
  return typeof first === "string" ? [first, symbol] : undefined
}

export interface Page {
  readonly entries: ReadonlyArray<Entry>
  readonly after: string | null
  readonly total: number
}

interface Question {
  readonly filter: CompanyFilter
  readonly order: BrowseOrder
  readonly limit: number
  readonly after?: string | undefined
}

export class CompanyCatalogue {
  readonly #listed: ReadonlyArray<Entry>
  /** Made when first asked for: most are never. */
  readonly #orders = new Map<BrowseOrder, ReadonlyArray<Entry>>()
  readonly #facets = new Map<string, Facets>()
  /** Listed instruments, and the companies they are of. */
  readonly instruments: number
  readonly companies: number

  constructor(entries: ReadonlyArray<Entry>) {
    this.#listed = entries.filter(({ instrument }) => instrument.listed)
    this.instruments = this.#listed.length
    this.companies = new Set(this.#listed.map(({ company }) => company)).size
  }

  /** Counted once for each filter that is asked for again and again. */
  facets(filter: CompanyFilter): Facets {
    const key = JSON.stringify(facets.map((facet) => filter[facet] ?? (filter[facet] === null ? 0 : 1)))
    const known = this.#facets.get(key)
    if (known !== undefined) return known
    const counted = this.#count(filter)
    if (this.#facets.size < MOST_FILTERS) this.#facets.set(key, counted)
    return counted
  }

  #count(filter: CompanyFilter): Facets {
    const by = chosen(filter)
    const counts = new Map(facets.map((facet) => [facet, new Map<string | null, number>()]))
    const others = new Map(facets.map((facet) => [facet, by.filter((other) => other !== facet)]))
    const companies = new Set<string>()
    let instruments = 0
    for (const entry of this.#listed) {
      if (passes(entry, filter, by)) {
        instruments++
        companies.add(entry.company)
      }
      for (const facet of facets) {
        if (!passes(entry, filter, others.get(facet) ?? [])) continue
        const value = facetOf(entry, facet)
        const count = counts.get(facet)
        count?.set(value, (count.get(value) ?? 0) + 1)
      }
    }
    const values = (facet: Facet): ReadonlyArray<FacetValue> =>
      [...(counts.get(facet) ?? [])]
        .map(([value, count]) => ({ value, count }))
        .sort((a, b) => b.count - a.count || compare(a.value ?? "", b.value ?? ""))
    return {
      exchanges: values("exchange"),
      sectors: values("sector"),
      industries: values("industry"),
      instruments,
      companies: companies.size
    }
  }

  /** undefined: `after` is no place in this order. */
  browse({ after, filter, limit, order }: Question): Page | undefined {
    const from = after === undefined ? undefined : keyOfCursor(after, order)
    if (after !== undefined && from === undefined) return undefined
    const by = chosen(filter)
    const key = keyOf[order]
    const entries: Array<Entry> = []
    let total = 0
    let more = false
    for (const entry of this.#inOrder(order)) {
      if (!passes(entry, filter, by)) continue
      total++
      if (more || (from !== undefined && compareKeys(key(entry), from) <= 0)) continue
      if (entries.length === limit) more = true
      else entries.push(entry)
    }
    const last = entries.at(-1)
    return { entries, after: more && last !== undefined ? cursorOf(key(last)) : null, total }
  }

  #inOrder(order: BrowseOrder): ReadonlyArray<Entry> {
    const known = this.#orders.get(order)
    if (known !== undefined) return known
    const key = keyOf[order]
    const sorted = this.#listed
      .map((entry) => ({ entry, key: key(entry) }))
      .sort((a, b) => compareKeys(a.key, b.key))
      .map(({ entry }) => entry)
    this.#orders.set(order, sorted)
    return sorted
  }
}
