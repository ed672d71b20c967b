/** What a gateway searches: the bundled companies, from its start on. It is not ready before. */
import { Effect, Layer } from "effect"
import { CompanyDirectory } from "../../actors/companies/CompanyDirectory.ts"
import type { Gauges } from "../../actors/kernel/Gauges.ts"
import { bundledCompanies } from "./bundled.ts"

export const layerCompanyDirectory: Layer.Layer<CompanyDirectory, never, Gauges> = Layer.effectDiscard(
  Effect.flatMap(CompanyDirectory, ({ replace }) => replace(bundledCompanies()))
).pipe(Layer.provideMerge(CompanyDirectory.layer))
