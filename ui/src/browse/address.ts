/** Where the browse page is: /browse?sector=Energy&order=name. What is chosen lives in the address alone. Pure. */
import type { BrowseOrder, CompanyFilter } from "../../../src/rpc/client.ts"

export const facetNames = ["sector", "exchange", "industry"] as const
export type FacetName = (typeof facetNames)[number]

export const orders = ["size", "symbol", "name"] as const satisfies ReadonlyArray<BrowseOrder>

export interface Browsing {
  readonly filter: CompanyFilter
  readonly order: BrowseOrder
}

/** "sector=" is those of which it is not known; without "sector" it does not matter. */
export const readBrowsing = (search: string): Browsing => {
  const query = new URLSearchParams(search)
  const filter: { [Name in FacetName]?: string | null } = {}
  for (const name of facetNames) {
    const value = query.get(name)
    if (value !== null) filter[name] = value === "" ? null : value
  }
  return { filter, order: orders.find((order) => order === query.get("order")) ?? "size" }
}

export const browsePath = ({ filter, order }: Partial<Browsing>): string => {
  const query = new URLSearchParams()
  for (const name of facetNames) {
    const value = filter?.[name]
    if (value !== undefined) query.set(name, value ?? "")
  }
  if (order !== undefined && order !== "size") query.set("order", order)
  const text = query.toString()
  return text === "" ? "/browse" : `/browse?${text}`
}

/** undefined: of any. */
export const withFacet = (filter: CompanyFilter, name: FacetName, value: string | null | undefined): CompanyFilter => {
  const { [name]: _, ...rest } = filter
  return value === undefined ? rest : { ...rest, [name]: value }
}

/** Of a facet's value, for people. */
export const facetText = (value: string | null): string => value ?? "Not known"

/** "Energy, NYSE"; "" without a filter. */
export const describeFilter = (filter: CompanyFilter): string =>
  facetNames
    .flatMap((name) => {
      const value = filter[name]
      return value === undefined ? [] : [value ?? `${name} not known`]
    })
    .join(", ")
