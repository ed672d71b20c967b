/**
 * The companies as this node answers for them: an index to search, a catalogue to browse, built anew when they change and put in
 * the place of the old ones once they are whole. Meanwhile the old ones answer, and others have their turn between two steps.
 * Prices are whoever answers' to add.
 */
import { Context, Effect, Layer, Semaphore } from "effect"
import type {
  BrowseOrder,
  BrowsePage,
  Company,
  CompanyFilter,
  CompanyProfile,
  Facets,
  SearchPage
} from "../../rpc/companies.ts"
import { InvalidRequest, normaliseSymbol, Unavailable, UnknownSymbol } from "../../rpc/market.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { CompanyCatalogue } from "./CompanyCatalogue.ts"
import { CompanyIndex } from "./CompanyIndex.ts"
import { type Entry, entriesOf, fateOf, hitOf, itemOf } from "./entries.ts"

const DEFAULT_HITS = 20
const DEFAULT_ITEMS = 50
/** What an unknown symbol may have been meant for. */
const SUGGESTED = 3

export interface SearchQuery {
  readonly text: string
  readonly limit?: number | undefined
  /** Hits of the same search to leave out: those read before. */
  readonly after?: number | undefined
}

export interface BrowseQuery extends CompanyFilter {
  readonly order?: BrowseOrder | undefined
  readonly limit?: number | undefined
  readonly after?: string | undefined
}

interface Known {
  readonly index: CompanyIndex<Entry>
  readonly catalogue: CompanyCatalogue
  readonly companies: number
}

const search = ({ companies, index }: Known, { after = 0, limit = DEFAULT_HITS, text }: SearchQuery): SearchPage => {
  const hits: Array<SearchPage["hits"][number]> = []
  for (const match of index.search(text, after)) {
    // one more tells that there are more
    if (hits.length === limit) return { hits, after: after + limit, companies }
    hits.push(hitOf(match))
  }
  return { hits, after: null, companies }
}

const unknown = ({ index }: Known, symbol: string): UnknownSymbol => {
  const near: Array<string> = []
  for (const { listed } of index.search(symbol)) {
    if (near.length === SUGGESTED) break
    near.push(`${listed.symbol} (${listed.name})`)
  }
  const hint = near.length === 0 ? "" : `; did you mean ${near.join(", ")}?`
  return new UnknownSymbol({ symbol, message: `No company is known by the symbol ${symbol}${hint}` })
}

const profile = (known: Known, text: string): Effect.Effect<CompanyProfile, UnknownSymbol> => {
  const symbol = normaliseSymbol(text)
  for (const match of known.index.search(symbol)) {
    if (match.tier !== "symbol") break
    const { instrument, of } = match.listed
    return Effect.succeed({ company: of, instrument, fate: fateOf(instrument, match.text), price: null })
  }
  return Effect.fail(unknown(known, symbol))
}

const browse = (known: Known, query: BrowseQuery): Effect.Effect<BrowsePage, InvalidRequest> => {
  const { after, limit = DEFAULT_ITEMS, order = "size", ...filter } = query
  const page = known.catalogue.browse({ filter, order, limit, after })
  if (page === undefined) {
    const message = `"after" must be what the page before gave, in the same order (${order})`
    return Effect.fail(new InvalidRequest({ field: "after", message }))
  }
  return Effect.succeed({ items: page.entries.map(itemOf), after: page.after, total: page.total })
}

export class CompanyDirectory extends Context.Service<
  CompanyDirectory,
  {
    readonly search: (query: SearchQuery) => Effect.Effect<SearchPage, Unavailable>
    /** By any symbol it has or had, however its share class is written. */
    readonly company: (symbol: string) => Effect.Effect<CompanyProfile, UnknownSymbol | Unavailable>
    readonly facets: (filter: CompanyFilter) => Effect.Effect<Facets, Unavailable>
    readonly browse: (query: BrowseQuery) => Effect.Effect<BrowsePage, InvalidRequest | Unavailable>
    /** Of what is listed; 0 before anything is. */
    readonly counts: () => { readonly companies: number; readonly instruments: number }
    /** The largest first. Succeeds once these are what is searched. */
    readonly replace: (companies: ReadonlyArray<Company>) => Effect.Effect<void>
    /** False until there is something to search. */
    readonly isReady: () => boolean
  }
>()("lzstock/actors/companies/CompanyDirectory") {
  static readonly layer: Layer.Layer<CompanyDirectory, never, Gauges> = Layer.effect(
    CompanyDirectory,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const one = yield* Semaphore.make(1)
      let known: Known | undefined

      const build = Effect.fnUntraced(function* (companies: ReadonlyArray<Company>) {
        const entries = entriesOf(companies)
        const building = CompanyIndex.build(entries)
        for (;;) {
          const { done, value } = building.next()
          if (done === true) {
            known = { index: value, catalogue: new CompanyCatalogue(entries), companies: companies.length }
            gauges.set("companies_searched", companies.length)
            gauges.set("company_index_bytes", value.bytes)
            return
          }
          yield* Effect.yieldNow
        }
      })

      const whenKnown = <A, E>(answer: (known: Known) => Effect.Effect<A, E>): Effect.Effect<A, E | Unavailable> =>
        Effect.suspend((): Effect.Effect<A, E | Unavailable> => {
          if (known !== undefined) return answer(known)
          const message = "The companies are being read: try again in a moment"
          return Effect.fail(new Unavailable({ what: "companies", retryAfterMillis: 500, message }))
        })

      return CompanyDirectory.of({
        isReady: () => known !== undefined,
        counts: () => ({
          companies: known?.catalogue.companies ?? 0,
          instruments: known?.catalogue.instruments ?? 0
        }),
        replace: (companies) => one.withPermit(build(companies)),
        search: (query) => whenKnown((all) => Effect.succeed(search(all, query))),
        company: (symbol) => whenKnown((all) => profile(all, symbol)),
        facets: (filter) => whenKnown((all) => Effect.succeed(all.catalogue.facets(filter))),
        browse: (query) => whenKnown((all) => browse(all, query))
      })
    })
  )
}
