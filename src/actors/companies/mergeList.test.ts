import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { alias, company, instrument } from "../../../test/support/companies.ts"
import type { Company } from "../../rpc/companies.ts"
import type { ListedSymbol } from "./CompanySource.ts"
import { type ListContext, mergeList } from "./mergeList.ts"

const listed = (
  cik: number,
  symbol: string,
  name = `Company ${cik}`,
  exchange: string | null = "NYSE"
): ListedSymbol => ({
  cik,
  symbol,
  name,
  exchange
})

const context: ListContext = { today: "2026-11-28", before: "2026-11-27", nextInstrument: 1_000 }

/** The companies after that list. */
const merged = (known: ReadonlyArray<Company>, list: ReadonlyArray<ListedSymbol>, at: ListContext = context) => {
  const all = new Map(known.map((each) => [each.id, each]))
  for (const changed of mergeList(known, list, at)) all.set(changed.id, changed)
  return [...all.values()]
}
const first = (list: ReadonlyArray<ListedSymbol>) => merged([], list, { ...context, before: null, today: "2026-11-27" })
const find = (all: ReadonlyArray<Company>, cik: number) => all.find((each) => each.cik === cik)

describe("the list of today", () => {
  it("makes one company of one number, its instruments and the companies in the list's order", () => {
    const all = first([
      listed(2, "GOOGL", "Alphabet"),
      listed(1, "KO"),
      listed(2, "GOOG", "Alphabet"),
      listed(1, "KO.PA")
    ])
    expect(all).toMatchObject([
      { id: "cik:2", rank: 1, name: "Alphabet", instruments: [{ symbol: "GOOGL", id: 1_000 }, { symbol: "GOOG" }] },
      { id: "cik:1", rank: 2, instruments: [{ symbol: "KO" }, { symbol: "KO.PA", shareClass: "Preferred A" }] }
    ])
    // before anybody looked nobody knows since when
    expect(all[0]?.instruments[0]?.aliases).toEqual([alias("GOOGL")])
  })

  it("dates what changes: another symbol, another exchange, another name", () => {
    const all = first([listed(1, "FB", "Facebook Inc", "NASDAQ")])
    expect(find(merged(all, [listed(1, "META", "Meta Platforms", "NASDAQ")]), 1)).toMatchObject({
      name: "Meta Platforms",
      formerNames: [{ name: "Facebook Inc", until: "2026-11-27" }],
      instruments: [
        {
          id: 1_000,
          symbol: "META",
          listed: true,
          aliases: [
            { symbol: "META", from: "2026-11-28", until: null, fate: null },
            { symbol: "FB", until: "2026-11-27", fate: "renamed" }
          ]
        }
      ]
    })
    expect(find(merged(all, [listed(1, "FB", "Facebook Inc", "NYSE")]), 1)?.instruments).toMatchObject([
      {
        exchange: "NYSE",
        aliases: [
          { exchange: "NYSE", from: "2026-11-28", fate: null },
          { exchange: "NASDAQ", until: "2026-11-27", fate: "moved to NYSE" }
        ]
      }
    ])
    // another spelling is no other name
    expect(find(merged(all, [listed(1, "FB", "FACEBOOK, INC.", "NASDAQ")]), 1)).toMatchObject({
      name: "FACEBOOK, INC.",
      formerNames: []
    })
  })

  it("keeps what went, with its last day; and takes it up again when it comes back", () => {
    const all = first([listed(1, "AA"), listed(1, "AA.PA"), listed(2, "BB"), listed(2, "BB.WT")])
    const fewer = merged(all, [listed(1, "AA")])
    expect(find(fewer, 1)?.instruments).toMatchObject([
      { symbol: "AA", listed: true },
      { symbol: "AA.PA", listed: false, aliases: [{ until: "2026-11-27", fate: "no longer listed" }] }
    ])
    expect(find(fewer, 2)).toMatchObject({ rank: null, instruments: [{ listed: false }, { listed: false }] })
    const back = merged(fewer, [listed(1, "AA"), listed(2, "BB")], {
      ...context,
      before: "2026-11-28",
      today: "2026-11-29"
    })
    expect(find(back, 2)).toMatchObject({
      rank: 2,
      instruments: [
        { symbol: "BB", listed: true, aliases: [{ from: "2026-11-29", fate: null }, { until: "2026-11-27" }] },
        { symbol: "BB.WT", listed: false }
      ]
    })
  })

  it("does not take one share class for another", () => {
    const all = first([listed(1, "AA"), listed(1, "AA.WT")])
    const changed = merged(all, [listed(1, "AB"), listed(1, "AB.WT")])
    expect(find(changed, 1)?.instruments).toMatchObject([
      { id: 1_000, symbol: "AB" },
      { id: 1_001, symbol: "AB.WT" }
    ])
    // two went and two came of a kind: which is which cannot be known
    const two = first([listed(1, "AA"), listed(1, "BB")])
    expect(find(merged(two, [listed(1, "CC"), listed(1, "DD")]), 1)?.instruments).toMatchObject([
      { symbol: "CC", listed: true },
      { symbol: "DD", listed: true },
      { symbol: "AA", listed: false },
      { symbol: "BB", listed: false }
    ])
  })

  it("gives a symbol that another company takes over to that one, and the old one keeps its past", () => {
    const all = first([listed(1, "FB", "Facebook"), listed(2, "PRO", "ProShares")])
    const changed = merged(all, [
      listed(1, "META", "Facebook"),
      listed(2, "PRO", "ProShares"),
      listed(2, "FB", "ProShares")
    ])
    expect(find(changed, 1)?.instruments).toMatchObject([{ symbol: "META", aliases: [{}, { symbol: "FB" }] }])
    expect(find(changed, 2)?.instruments).toMatchObject([{ symbol: "PRO" }, { symbol: "FB", listed: true }])
  })

  it("tells a rename though another company takes the old symbol on the same day, whichever is larger", () => {
    const all = first([listed(1, "AAA"), listed(2, "BBB"), listed(3, "DDD")])
    for (const list of [
      [listed(1, "BBB"), listed(2, "CCC"), listed(3, "AAA")],
      [listed(3, "AAA"), listed(2, "CCC"), listed(1, "BBB")]
    ]) {
      const changed = merged(all, list)
      expect([1, 2, 3].map((cik) => find(changed, cik)?.instruments.map(({ id, symbol }) => [id, symbol]))).toEqual([
        [[1_000, "BBB"]],
        [[1_001, "CCC"]],
        [[1_002, "AAA"]]
      ])
      expect(find(changed, 2)?.instruments[0]?.aliases).toMatchObject([
        { symbol: "CCC" },
        { symbol: "BBB", fate: "renamed" }
      ])
    }
    // one that has none of its own left says whose it is now
    expect(find(merged(all, [listed(1, "AAA"), listed(3, "DDD"), listed(3, "BBB")]), 2)?.instruments).toMatchObject([
      { listed: false, aliases: [{ symbol: "BBB", fate: "now of Company 3" }] }
    ])
  })

  it("leaves names, sectors and finer exchanges that were chosen before, and companies that have no number", () => {
    const known = [
      company("KO", "Coca-Cola", { id: "cik:1", cik: 1 }),
      company("SPY", "SPDR S&P 500", { instruments: [instrument("SPY", { id: 2, exchange: "NYSE Arca" })] }),
      company("EEM", "iShares Emerging", { instruments: [instrument("EEM", { id: 3 })] })
    ]
    const all = merged(known, [listed(1, "KO", "COCA COLA CO"), listed(7, "SPY", "SPDR TRUST")])
    expect(find(all, 1)).toMatchObject({ name: "Coca-Cola", legalName: "COCA COLA CO", sector: "Sector" })
    expect(find(all, 7)).toMatchObject({
      name: "SPDR S&P 500",
      legalName: "SPDR TRUST",
      instruments: [{ id: 2, exchange: "NYSE Arca" }]
    })
    expect(all.find(({ id }) => id === "symbol:SPY")?.instruments).toEqual([])
    expect(all.find(({ id }) => id === "symbol:EEM")).toBe(known[2])
    // and once it is renamed there, the chosen name is the past too
    expect(find(merged(all, [listed(1, "KO", "Cola World")]), 1)).toMatchObject({
      name: "Cola World",
      legalName: null,
      formerNames: [{ name: "COCA COLA CO" }]
    })
  })

  it("joins what is known by an old symbol only to the company that has the new one, or still the old", () => {
    const block = company("SQ", "Block Inc.", {
      instruments: [
        instrument("SQ", { id: 5, listed: false, aliases: [alias("SQ", { until: "2025-01-21", fate: "renamed XYZ" })] })
      ]
    })
    const today = merged([block], [listed(9, "XYZ", "Block, Inc.")])
    expect(find(today, 9)?.instruments).toMatchObject([
      { symbol: "XYZ", listed: true },
      { id: 5, symbol: "SQ", listed: false, aliases: [{ fate: "renamed XYZ" }] }
    ])
    expect(today.find(({ id }) => id === "symbol:SQ")?.instruments).toEqual([])
    const older = merged([block], [listed(9, "SQ", "Block, Inc.")])
    expect(find(older, 9)?.instruments).toMatchObject([{ id: 5, symbol: "SQ", listed: true }])
    // whoever takes the symbol of one that was bought is somebody else
    const twitter = company("TWTR", "Twitter", {
      instruments: [instrument("TWTR", { id: 6, listed: false, aliases: [alias("TWTR", { fate: "taken private" })] })]
    })
    expect(merged([twitter], [listed(8, "TWTR", "Young")])).toMatchObject([
      { id: "symbol:TWTR", name: "Twitter" },
      { id: "cik:8", instruments: [{ id: 1_000 }] }
    ])
  })

  it("whatever the lists: each symbol once, nothing lost, and the same list again changes nothing", () => {
    const symbol = fc.constantFrom("A", "B", "C", "D", "A.PA", "B.PA", "C.WT", "D.WT")
    const one = fc.record({
      cik: fc.integer({ min: 1, max: 4 }),
      symbol,
      name: fc.constantFrom("One", "ONE", "Two", "Three"),
      exchange: fc.constantFrom("NYSE", "NASDAQ", null)
    })
    const list = fc.uniqueArray(one, { selector: (each) => each.symbol })
    const start: ReadonlyArray<Company> = [
      company("A", "Fund A", { instruments: [instrument("A", { id: 1 })] }),
      company("Z", "Fund Z", { instruments: [instrument("Z", { id: 2 })] })
    ]
    fc.assert(
      fc.property(fc.array(list, { maxLength: 5 }), (lists) => {
        let all = start
        for (const [day, today] of lists.entries()) {
          const at: ListContext = {
            today: `2026-01-${10 + day}`,
            before: day === 0 ? null : `2026-01-${9 + day}`,
            nextInstrument: 1 + Math.max(...all.flatMap(({ instruments }) => instruments.map(({ id }) => id)))
          }
          const before = all
          all = merged(all, today, at)
          const instruments = all.flatMap((each) => each.instruments.map((its) => ({ of: each, its })))
          const ids = instruments.map(({ its }) => its.id)
          expect(new Set(ids).size).toBe(ids.length)
          const traded = instruments.filter(({ its, of }) => its.listed && of.cik !== null)
          expect(traded.map(({ its, of }) => `${of.cik} ${its.symbol}`).toSorted()).toEqual(
            today.map((each) => `${each.cik} ${each.symbol}`).toSorted()
          )
          const everywhere = instruments.filter(({ its }) => its.listed).map(({ its }) => its.symbol)
          expect(new Set(everywhere).size).toBe(everywhere.length)
          for (const { its } of instruments) {
            const [newest] = its.aliases
            expect([newest?.symbol, newest?.fate === null]).toEqual([its.symbol, its.listed])
            expect(its.aliases.filter(({ fate }) => fate === null)).toHaveLength(its.listed ? 1 : 0)
          }
          // whatever an instrument was called before is still said of it
          for (const { id, aliases } of before.flatMap((each) => each.instruments)) {
            const now = instruments.find(({ its }) => its.id === id)?.its.aliases.map((each) => each.symbol)
            for (const each of aliases) expect(now).toContain(each.symbol)
          }
          expect(mergeList(all, today, { ...at, before: at.today })).toEqual([])
        }
      })
    )
  })
})
