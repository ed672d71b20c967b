/** The company RPCs of a gateway: what the directory says, with the prices that the feed tells. */
import { Effect } from "effect"
import { CompanyDirectory } from "../../actors/companies/CompanyDirectory.ts"
import { LastPrices } from "../../actors/sessions/LastPrices.ts"
import { CompanyRpcs, type LastPrice } from "../../rpc/companies.ts"
import { makeCompanyOperations } from "./companyOperations.ts"

interface Priced {
  readonly symbol: string
  readonly price: LastPrice | null
}

export const layerCompanyHandlers = CompanyRpcs.toLayer(
  Effect.gen(function* () {
    const directory = yield* CompanyDirectory
    const lastPrices = yield* LastPrices
    const operations = yield* makeCompanyOperations

    const priced = <A extends Priced>(wanted: boolean, items: ReadonlyArray<A>): Effect.Effect<ReadonlyArray<A>> =>
      wanted
        ? Effect.map(lastPrices.of(items.map(({ symbol }) => symbol)), (prices) =>
            items.map((item) => ({ ...item, price: prices.get(item.symbol) ?? null }))
          )
        : Effect.succeed(items)

    return CompanyRpcs.of({
      "companies.Search": Effect.fn("companies.Search")(function* ({ prices = true, ...query }) {
        const page = yield* directory.search(query)
        return { ...page, hits: yield* priced(prices, page.hits) }
      }),
      "companies.Company": Effect.fn("companies.Company")(function* ({ prices = true, symbol }) {
        const profile = yield* directory.company(symbol)
        const known = prices ? yield* lastPrices.of([profile.instrument.symbol]) : undefined
        return { ...profile, price: known?.get(profile.instrument.symbol) ?? null }
      }),
      "companies.Facets": Effect.fn("companies.Facets")(directory.facets),
      "companies.Browse": Effect.fn("companies.Browse")(function* ({ prices = true, ...query }) {
        const page = yield* directory.browse(query)
        return { ...page, items: yield* priced(prices, page.items) }
      }),
      "companies.SyncStatus": Effect.fn("companies.SyncStatus")(operations.status),
      "companies.Sync": Effect.fn("companies.Sync")(operations.sync),
      "companies.Import": Effect.fn("companies.Import")(operations.imported)
    })
  })
)
