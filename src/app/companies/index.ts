/** What a gateway searches: the bundled companies, from its start on. It is not ready before. */
import { Effect, Layer } from "effect"
import { CompanySearch } from "../../actors/companies/CompanySearch.ts"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import { bundledCompanies } from "./bundled.ts"

export const layerCompanySearch: Layer.Layer<CompanySearch, never, Gauges> = Layer.effectDiscard(
  Effect.flatMap(CompanySearch, ({ replace }) => replace(bundledCompanies()))
).pipe(Layer.provideMerge(CompanySearch.layer))
