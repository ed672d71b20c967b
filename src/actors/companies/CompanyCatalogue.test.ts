import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { company, instrument } from "../../../test/support/companies.ts"
import type { BrowseOrder, CompanyFilter } from "../../rpc/companies.ts"
import { CompanyCatalogue } from "./CompanyCatalogue.ts"
import { entriesOf } from "./entries.ts"

const listed = (symbol: string, more: { exchange?: string | null; sector?: string | null; rank?: number | null }) =>
  company(symbol, `${symbol} Inc.`, {
    sector: more.sector ?? null,
    rank: more.rank ?? null,
    instruments: [instrument(symbol, { exchange: more.exchange ?? null })]
  })

const catalogue = new CompanyCatalogue(
  entriesOf([
    listed("AA", { exchange: "NYSE", sector: "Metals", rank: 3 }),
    listed("BB", { exchange: "NASDAQ", sector: "Software", rank: 1 }),
    listed("CC", { exchange: "NASDAQ", sector: "Metals", rank: 2 }),
    listed("DD", { sector: "Metals" }),
    company("GONE", "Gone", { instruments: [instrument("GONE", { listed: false })] })
  ])
)

const pages = (of: CompanyCatalogue, filter: CompanyFilter, order: BrowseOrder, limit: number) => {
  const symbols: Array<string> = []
  const totals = new Set<number>()
  let after: string | undefined
  do {
    const page = of.browse({ filter, order, limit, after })
    if (page === undefined) throw new Error("its own cursor was refused")
    expect(page.entries.length).toBeLessThanOrEqual(limit)
    symbols.push(...page.entries.map(({ symbol }) => symbol))
    totals.add(page.total)
    after = page.after ?? undefined
  } while (after !== undefined)
  expect([...totals]).toEqual([symbols.length])
  return symbols
}

describe("the catalogue", () => {
  it("counts each facet under what is chosen in the others", () => {
    expect(catalogue.facets({ exchange: "NASDAQ" })).toMatchObject({
      exchanges: [
        { value: "NASDAQ", count: 2 },
        { value: null, count: 1 },
        { value: "NYSE", count: 1 }
      ],
      sectors: [
        { value: "Metals", count: 1 },
        { value: "Software", count: 1 }
      ],
      instruments: 2,
      companies: 2
    })
    expect(catalogue.facets({ exchange: null, sector: "Metals" })).toMatchObject({ instruments: 1 })
    expect(catalogue.facets({ sector: "None such" })).toMatchObject({ instruments: 0, companies: 0 })
  })

  it("lists by size, symbol or name what is traded today, page after page", () => {
    for (const limit of [1, 2, 3, 100]) {
      expect(pages(catalogue, {}, "size", limit)).toEqual(["BB", "CC", "AA", "DD"])
      expect(pages(catalogue, {}, "symbol", limit)).toEqual(["AA", "BB", "CC", "DD"])
      expect(pages(catalogue, { sector: "Metals" }, "size", limit)).toEqual(["CC", "AA", "DD"])
    }
  })

  it("refuses a cursor that is none, or of another order", () => {
    const bySymbol = catalogue.browse({ filter: {}, order: "symbol", limit: 1 })?.after ?? ""
    for (const after of ["", "x", "[]", "[1]", "null", '["a","b","c"]', "[null,null]", bySymbol]) {
      expect(catalogue.browse({ filter: {}, order: "size", limit: 1, after })).toBeUndefined()
    }
  })

  it("tells each once, in order, whatever is listed, and goes on where it was when more are listed meanwhile", () => {
    const names = fc.stringMatching(/^[a-zA-Z]{1,3}$/)
    const one = fc.record({
      symbol: fc.stringMatching(/^[A-Z]{1,4}$/),
      name: names,
      rank: fc.option(fc.integer({ min: 1, max: 5 })),
      exchange: fc.option(fc.constantFrom("NYSE", "NASDAQ"))
    })
    const some = fc.uniqueArray(one, { selector: ({ symbol }) => symbol, maxLength: 30 })
    const order = fc.constantFrom<BrowseOrder>("size", "symbol", "name")
    fc.assert(
      fc.property(some, order, fc.integer({ min: 1, max: 7 }), fc.nat(30), (all, by, limit, later) => {
        const of = (these: typeof all) =>
          new CompanyCatalogue(
            entriesOf(
              these.map(({ exchange, name, rank, symbol }) =>
                company(symbol, name, { rank, instruments: [instrument(symbol, { exchange })] })
              )
            )
          )
        const whole = of(all)
        const symbols = pages(whole, {}, by, limit)
        expect(symbols.toSorted()).toEqual(all.map(({ symbol }) => symbol).toSorted())
        for (const exchange of ["NYSE", null]) {
          const chosen = new Set(all.filter((each) => each.exchange === exchange).map(({ symbol }) => symbol))
          expect(pages(whole, { exchange }, by, limit)).toEqual(symbols.filter((symbol) => chosen.has(symbol)))
        }
        // what was there when the first page was read is read once, though others come in between
        const before = of(all.slice(later))
        const first = before.browse({ filter: {}, order: by, limit })
        if (first === undefined || first.after === null) return
        const rest = whole.browse({ filter: {}, order: by, limit: 100, after: first.after })
        const read = [...first.entries, ...(rest?.entries ?? [])].map(({ symbol }) => symbol)
        expect(new Set(read).size).toBe(read.length)
        for (const { symbol } of all.slice(later)) expect(read).toContain(symbol)
      })
    )
  })
})
