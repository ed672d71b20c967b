/**
 * What is searched on this node: an index of every company, built anew when they change and put in the place of the old one
 * once it is whole. Meanwhile the old one answers, and others have their turn between two steps of the build.
 */
import { Context, Effect, Layer, Semaphore } from "effect"
import type { Company, Instrument, SearchHit, SearchPage } from "../../rpc/companies.ts"
import { Unavailable } from "../../rpc/market.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { CompanyIndex, type Listed, type Match } from "./CompanyIndex.ts"

const DEFAULT_LIMIT = 20

export interface SearchQuery {
  readonly text: string
  readonly limit?: number | undefined
  /** Hits of the same search to leave out: those read before. */
  readonly after?: number | undefined
}

interface Entry extends Listed {
  readonly of: Company
  readonly instrument: Instrument
}

interface Searched {
  readonly index: CompanyIndex<Entry>
  readonly companies: number
}

const entryOf = (of: Company, instrument: Instrument): Entry => ({
  of,
  instrument,
  symbol: instrument.symbol,
  name: of.name,
  company: of.id,
  formerSymbols: instrument.aliases.flatMap(({ symbol }) => (symbol === instrument.symbol ? [] : [symbol])),
  formerNames: of.formerNames.map(({ name }) => name)
})

/** "until 2022-06-09: renamed", of the alias that matched, or of what is traded no more. */
const fateOf = ({ field, listed: { instrument, of }, text }: Match<Entry>): string | null => {
  if (field === "former-name") {
    const until = of.formerNames.find(({ name }) => name === text)?.until
    return until === null || until === undefined ? "former name" : `name until ${until}`
  }
  const alias = instrument.aliases.find(({ symbol }) =>
    field === "former-symbol" ? symbol === text : !instrument.listed && symbol === instrument.symbol
  )
  if (alias === undefined) return null
  return alias.until === null ? alias.fate : `until ${alias.until}: ${alias.fate}`
}

const hitOf = (match: Match<Entry>): SearchHit => {
  const { field, ranges, text, tier } = match
  const { instrument, of } = match.listed
  return {
    symbol: instrument.symbol,
    name: of.name,
    exchange: instrument.exchange,
    sector: of.sector,
    industry: of.industry,
    cik: of.cik,
    listed: instrument.listed,
    others: of.instruments.flatMap(({ symbol }) => (symbol === instrument.symbol ? [] : [symbol])),
    tier,
    field,
    text,
    ranges,
    fate: fateOf(match)
  }
}

export class CompanySearch extends Context.Service<
  CompanySearch,
  {
    readonly search: (query: SearchQuery) => Effect.Effect<SearchPage, Unavailable>
    /** The largest first. Succeeds once these are what is searched. */
    readonly replace: (companies: ReadonlyArray<Company>) => Effect.Effect<void>
    /** False until there is something to search. */
    readonly isReady: () => boolean
  }
>()("lzstock/actors/companies/CompanySearch") {
  static readonly layer: Layer.Layer<CompanySearch, never, Gauges> = Layer.effect(
    CompanySearch,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const one = yield* Semaphore.make(1)
      let searched: Searched | undefined

      const build = Effect.fnUntraced(function* (companies: ReadonlyArray<Company>) {
        const entries = companies.flatMap((of) => of.instruments.map((instrument) => entryOf(of, instrument)))
        const building = CompanyIndex.build(entries)
        for (;;) {
          const { done, value } = building.next()
          if (done === true) {
            searched = { index: value, companies: companies.length }
            gauges.set("companies_searched", companies.length)
            gauges.set("company_index_bytes", value.bytes)
            return
          }
          yield* Effect.yieldNow
        }
      })

      return CompanySearch.of({
        isReady: () => searched !== undefined,
        replace: (companies) => one.withPermit(build(companies)),
        search: ({ after = 0, limit = DEFAULT_LIMIT, text }) =>
          Effect.suspend((): Effect.Effect<SearchPage, Unavailable> => {
            if (searched === undefined) {
              return Effect.fail(
                new Unavailable({
                  what: "companies",
                  retryAfterMillis: 500,
                  message: "The companies are being read: try again in a moment"
                })
              )
            }
            const hits: Array<SearchHit> = []
            let passed = 0
            for (const match of searched.index.search(text)) {
              if (passed++ < after) continue
              // one more tells that there are more
              if (hits.length === limit) {
                return Effect.succeed({ hits, after: after + limit, companies: searched.companies })
              }
              hits.push(hitOf(match))
            }
            return Effect.succeed({ hits, after: null, companies: searched.companies })
          })
      })
    })
  )
}
