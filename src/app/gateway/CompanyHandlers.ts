/** The company RPCs of a gateway. */
import { Effect } from "effect"
import { CompanySearch } from "../../actors/companies/CompanySearch.ts"
import { CompanyRpcs } from "../../rpc/companies.ts"

export const layerCompanyHandlers = CompanyRpcs.toLayer(
  Effect.map(CompanySearch, ({ search }) =>
    CompanyRpcs.of({
      "companies.Search": Effect.fn("companies.Search")(search)
    })
  )
)
