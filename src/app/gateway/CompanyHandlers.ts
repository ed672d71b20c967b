/** The company RPCs of a gateway: what the directory says, with the prices that the feed tells. */
import { Effect } from "effect"
import { CompanyDirectory } from "../../actors/companies/CompanyDirectory.ts"
import { LastPrices } from "../../actors/sessions/LastPrices.ts"
import { CompanyRpcs, type LastPrice } from "../../rpc/companies.ts"
import { makeCompanyOperations } from "./companyOperations.ts"

interface Priced {
  readonly symbol: string
  /** Absent: it is. */
  readonly listed?: boolean
  readonly price: LastPrice | null
}

export const layerCompanyHandlers = CompanyRpcs.toLayer(
  Effect.gen(function* () {
    const directory = yield* CompanyDirectory
    const lastPrices = yield* LastPrices
    const operations = yield* makeCompanyOperations

    /** What is traded no more has none: its symbol may be another company's. */
    const priced = Effect.fnUntraced(function* <A extends Priced>(wanted: boolean, items: ReadonlyArray<A>) {
      if (!wanted) return items
      const traded = items.filter(({ listed = true }) => listed)
      const prices = yield* lastPrices.of(traded.map(({ symbol }) => symbol))
      return items.map((item) => ({ ...item, price: traded.includes(item) ? (prices.get(item.symbol) ?? null) : null }))
    })

    return CompanyRpcs.of({
      "companies.Search": Effect.fn("companies.Search")(function* ({ prices = true, ...query }) {
        const page = yield* directory.search(query)
        return { ...page, hits: yield* priced(prices, page.hits) }
      }),
      "companies.Company": Effect.fn("companies.Company")(function* ({ prices = true, symbol }) {
        const profile = yield* directory.company(symbol)
        const [instrument] = yield* priced(prices, [{ ...profile.instrument, price: null }])
        return { ...profile, price: instrument?.price ?? null }
      }),
      "companies.Facets": Effect.fn("companies.Facets")(directory.facets),
      "companies.Browse": Effect.fn("companies.Browse")(function* ({ prices = true, ...query }) {
        const page = yield* directory.browse(query)
        return { ...page, items: yield* priced(prices, page.items) }
      }),
      "companies.SyncStatus": Effect.fn("companies.SyncStatus")(operations.status),
      "companies.Sync": Effect.fn("companies.Sync")(() => operations.sync()),
      "companies.Import": Effect.fn("companies.Import")(({ listings }) => operations.imported(listings))
    })
  })
)
