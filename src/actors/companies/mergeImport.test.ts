import { describe, expect, it } from "vitest"
import { alias, company, instrument } from "../../../test/support/companies.ts"
import type { ImportedListing } from "../../rpc/companies.ts"
import { mergeBundled, mergeImport } from "./mergeImport.ts"

const entry = (symbol: string, more: Partial<ImportedListing> = {}): ImportedListing => ({
  symbol,
  name: null,
  legalName: null,
  exchange: null,
  sector: null,
  industry: null,
  cik: null,
  rank: null,
  ...more
})
const apple = company("AAPL", "Apple Inc.", {
  id: "cik:320193",
  cik: 320193,
  sector: null,
  listedSince: "2026-01-01",
  instruments: [instrument("AAPL", { exchange: null, aliases: [alias("AAPL", { exchange: null })] })]
})

describe("a file of companies", () => {
  it("adds what is not known: a company of its own, or another instrument of a number", () => {
    const { changed, counts } = used(
      mergeImport([apple], [entry("sap", { name: "SAP SE", exchange: "XETRA" }), entry("AAPL-PA", { cik: 320193 })], 7)
    )
    expect(counts).toEqual({ added: 2, changed: 0, unchanged: 0 })
    expect(changed).toMatchObject([
      { id: "cik:320193", instruments: [{ symbol: "AAPL" }, { id: 8, symbol: "AAPL.PA", shareClass: "Preferred A" }] },
      { id: "symbol:SAP", name: "SAP SE", instruments: [{ id: 7, symbol: "SAP", exchange: "XETRA", listed: true }] }
    ])
  })

  it("fills in and changes what it says, and the filed name stays beside the other", () => {
    const said = entry("AAPL", { name: "Apple", exchange: "NASDAQ", sector: "Technology", industry: "Computers" })
    const { changed, counts } = used(mergeImport([apple], [said], 7))
    expect(counts.changed).toBe(1)
    expect(changed).toMatchObject([
      {
        name: "Apple",
        legalName: "Apple Inc.",
        sector: "Technology",
        industry: "Computers",
        instruments: [{ exchange: "NASDAQ", aliases: [{ exchange: "NASDAQ" }] }]
      }
    ])
    expect(used(mergeImport(changed, [said], 7))).toEqual({
      changed: [],
      counts: { added: 0, changed: 0, unchanged: 1 }
    })
    // silence changes nothing
    expect(used(mergeImport(changed, [entry("AAPL")], 7)).changed).toEqual([])
  })

  it("lets a filed name stand beside the one that people know, or for it", () => {
    const ko = company("KO", "Coca-Cola")
    const both = [entry("KO", { legalName: "COCA COLA CO" }), entry("PEP", { legalName: "PEPSICO INC" })]
    expect(used(mergeImport([ko], both, 7)).changed).toMatchObject([
      { name: "Coca-Cola", legalName: "COCA COLA CO" },
      { name: "PEPSICO INC", legalName: null }
    ])
  })

  it("gives a symbol that nobody has any more to a company of its own", () => {
    const twitter = company("TWTR", "Twitter", { instruments: [instrument("TWTR", { id: 3, listed: false })] })
    const said = [entry("TWTR", { name: "Brand New Corp" })]
    const { changed } = used(mergeImport([twitter], said, 7))
    expect(changed).toMatchObject([
      { id: "symbol:TWTR/2", name: "Brand New Corp", instruments: [{ id: 7, symbol: "TWTR", listed: true }] }
    ])
    expect(used(mergeImport([twitter, ...changed], said, 8)).counts.unchanged).toBe(1)
  })

  it("that is older than what is known makes nothing new of it", () => {
    const meta = company("META", "Meta Platforms", {
      id: "cik:1326801",
      cik: 1326801,
      listedSince: "2026-01-01",
      instruments: [instrument("META", { aliases: [alias("META"), alias("FB", { fate: "renamed" })] })]
    })
    const old = entry("FB", { cik: 1326801, legalName: "Facebook Inc", rank: 6 })
    expect(used(mergeImport([meta], [old], 7))).toEqual({
      changed: [],
      counts: { added: 0, changed: 0, unchanged: 1 }
    })
  })

  it("says the number of a company that was known without, and its place where the list has none", () => {
    const fund = company("IWM", "iShares Russell 2000", { instruments: [instrument("IWM", { id: 3 })] })
    const { changed } = used(
      mergeImport(
        [fund],
        [entry("IWM", { cik: 4242, legalName: "ISHARES TRUST", rank: 9 }), entry("IJH", { cik: 4242 })],
        7
      )
    )
    expect(changed).toMatchObject([
      { id: "symbol:IWM", instruments: [] },
      { id: "cik:4242", cik: 4242, name: "iShares Russell 2000", rank: 9, instruments: [{ id: 3 }, { symbol: "IJH" }] }
    ])
  })

  it("is refused as a whole, with the reason, where an entry cannot be used", () => {
    const good = entry("SAP", { name: "SAP SE" })
    for (const [bad, reason] of [
      [entry("???", { name: "x" }), '"???" is not a symbol'],
      [entry("NEW"), "NEW is not known yet: it needs a name"],
      [entry("AAPL", { cik: 5 }), "AAPL is listed by Apple Inc. with CIK 320193; the file says 5"]
    ] as const) {
      expect(mergeImport([apple], [good, bad], 7)).toEqual({ unusable: expect.stringContaining(reason) })
    }
  })
})

describe("the companies that come with the product", () => {
  const bundled = [
    company("AAPL", "Apple", {
      id: "cik:320193",
      cik: 320193,
      sector: "Technology",
      formerNames: [{ name: "Apple Computer", from: null, until: "2007-01-09" }],
      instruments: [instrument("AAPL", { aliases: [alias("AAPL"), alias("APC", { fate: "renamed" })] })]
    }),
    company("SPY", "SPDR", { instruments: [instrument("SPY", { id: 2 })] }),
    company("TWTR", "Twitter", { instruments: [instrument("TWTR", { id: 3, listed: false })] })
  ]

  it("are taken in where they are not known, numbered behind those that are", () => {
    expect(mergeBundled([], bundled, 40)).toMatchObject([
      { id: "cik:320193", instruments: [{ id: 40 }] },
      { instruments: [{ id: 41 }] },
      { instruments: [{ id: 42, listed: false }] }
    ])
  })

  it("fill in what others said less about, and call nothing otherwise than it is by now", () => {
    const trust = company("SPY", "SPDR TRUST", { id: "cik:884394", cik: 884394, listedSince: "2026-01-01" })
    expect(mergeBundled([apple, trust], bundled, 40)).toMatchObject([
      {
        id: "cik:320193",
        name: "Apple Inc.",
        legalName: null,
        sector: "Technology",
        formerNames: [{ name: "Apple Computer" }],
        instruments: [{ id: 1, aliases: [{ symbol: "AAPL" }, { symbol: "APC", fate: "renamed" }] }]
      },
      { id: "symbol:TWTR", instruments: [{ id: 40 }] }
    ])
  })

  it("leave a symbol to who has it today", () => {
    const young = company("TWTR", "Young Twitter", { id: "cik:55", cik: 55, listedSince: "2026-01-01" })
    const added = mergeBundled([young], bundled, 40)
    expect(added.map(({ id }) => id)).toEqual(["cik:320193", "symbol:SPY", "symbol:TWTR"])
    const other = company("AAPL", "Other Apple", { id: "cik:56", cik: 56, listedSince: "2026-01-01" })
    expect(mergeBundled([other], bundled, 40)[0]).toMatchObject({ id: "cik:320193", name: "Apple", instruments: [] })
  })

  it("change nothing the second time", () => {
    const first = mergeBundled([apple], bundled, 40)
    expect(mergeBundled(first, bundled, 50)).toEqual([])
  })
})

const used = (result: ReturnType<typeof mergeImport>) => {
  if ("unusable" in result) throw new Error(result.unusable)
  return result
}
