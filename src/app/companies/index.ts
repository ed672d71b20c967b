/**
 * What a node answers about companies: the symbol master in the database, with the bundled companies taken in by whoever starts
 * first, and the directory that is read from it. It is not ready before.
 */
import { Effect, Layer } from "effect"
import { CompanyDirectory } from "../../actors/companies/CompanyDirectory.ts"
import { layerCompanyLoader } from "../../actors/companies/CompanyLoader.ts"
import { CompanySync } from "../../actors/companies/CompanySync.ts"
import { mergeBundled } from "../../actors/companies/mergeImport.ts"
import { SymbolMaster } from "../../actors/companies/SymbolMaster.ts"
import type { Settings } from "../Config.ts"
import { SecClient } from "../edgar/SecClient.ts"
import { SecCompanySource } from "../edgar/SecCompanySource.ts"
import { SymbolMasterSql } from "../postgres/SymbolMasterSql.ts"
import { bundledCompanies, bundleEdition } from "./bundled.ts"

/** Once an edition and database, so that what was changed since stays. */
export const takeInBundled = Effect.gen(function* () {
  const master = yield* SymbolMaster
  const edition = bundleEdition()
  if ((yield* master.state).bundle === edition) return
  const added = yield* master.change({
    of: "all",
    decide: ({ companies, nextInstrument, state }) => {
      if (state.bundle === edition) return { changed: [], answer: 0 }
      const changed = mergeBundled(companies, bundledCompanies(), nextInstrument)
      return { changed, state: { bundle: edition }, answer: changed.length }
    }
  })
  yield* Effect.logInfo("The bundled companies were taken in", { changed: added })
}).pipe(Effect.orDie)

export const layerSymbolMaster = Layer.provideMerge(Layer.effectDiscard(takeInBundled), SymbolMasterSql.layer)

export const layerCompanies = Layer.provideMerge(layerCompanyLoader, CompanyDirectory.layer)

/** One in the cluster reads the SEC; where the settings do not say for whom, it says that it is off. */
export const layerCompanySync = (settings: Settings) =>
  CompanySync.layer.pipe(
    Layer.provide(SecCompanySource.layer()),
    Layer.provide(
      SecClient.layer({
        userAgent: settings.secUserAgent,
        url: settings.secUrl,
        requestsPerSecond: settings.secRequestsPerSecond
      })
    )
  )
