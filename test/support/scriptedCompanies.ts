/** The company RPCs of ScriptedMarket: the real directory over companies that a test decides, and an operator's side that is scripted. */
import { Effect } from "effect"
import { CompanyDirectory } from "../../src/actors/companies/CompanyDirectory.ts"
import type { Company, ImportedListing, LastPrice, SyncStatus } from "../../src/rpc/companies.ts"

export const OPERATOR = "the operator's token"

export const idle: SyncStatus = {
  state: "idle",
  phase: null,
  done: 0,
  total: 0,
  startedAt: null,
  finishedAt: null,
  nextAt: null,
  error: null,
  companies: 0,
  instruments: 0
}

export class ScriptedCompanies {
  /** The largest first. */
  all: ReadonlyArray<Company> = []
  readonly prices = new Map<string, LastPrice>()
  /** What SyncStatus answers, one after the other; the last one stays. */
  statuses: Array<SyncStatus> = [idle]
  syncs = 0
  readonly imported: Array<ImportedListing> = []

  readonly handlers = Effect.map(CompanyDirectory, (directory) => {
    let known: ReadonlyArray<Company> | undefined
    const ready = Effect.suspend(() => {
      if (known === this.all) return Effect.void
      known = this.all
      return directory.replace(this.all)
    })
    const priced = <A extends { readonly symbol: string }>(item: A) => ({
      ...item,
      price: this.prices.get(item.symbol) ?? null
    })
    const status = (): SyncStatus => (this.statuses.length > 1 ? this.statuses.shift() : this.statuses[0]) ?? idle
    return {
      "companies.Search": (query: Parameters<typeof directory.search>[0]) =>
        Effect.map(Effect.andThen(ready, directory.search(query)), (page) => ({
          ...page,
          hits: page.hits.map(priced)
        })),
      "companies.Company": ({ symbol }: { readonly symbol: string }) =>
        Effect.map(Effect.andThen(ready, directory.company(symbol)), (profile) => ({
          ...profile,
          price: this.prices.get(profile.instrument.symbol) ?? null
        })),
      "companies.Facets": (filter: Parameters<typeof directory.facets>[0]) =>
        Effect.andThen(ready, directory.facets(filter)),
      "companies.Browse": (query: Parameters<typeof directory.browse>[0]) =>
        Effect.map(Effect.andThen(ready, directory.browse(query)), (page) => ({
          ...page,
          items: page.items.map(priced)
        })),
      "companies.SyncStatus": () => Effect.sync(status),
      "companies.Sync": () =>
        Effect.sync(() => {
          this.syncs++
          return status()
        }),
      "companies.Import": (request: { readonly operator: string; readonly listings: ReadonlyArray<ImportedListing> }) =>
        Effect.sync(() => {
          this.imported.push(...request.listings)
          return { added: request.listings.length, changed: 0, unchanged: 0 }
        })
    }
  })
}
