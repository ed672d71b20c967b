import { describe, expect, it } from "vitest"
import type { Company, Instrument } from "../../../src/rpc/client.ts"
import { edgarUrl, formatYearEnd, formersOf, othersOf } from "./company.ts"

const meta: Instrument = {
  id: 1,
  symbol: "META",
  exchange: "NASDAQ",
  shareClass: null,
  listed: true,
  aliases: [
    { symbol: "META", exchange: "NASDAQ", from: "2022-06-09", until: null, fate: null },
    { symbol: "FB", exchange: "NASDAQ", from: "2012-05-18", until: "2022-06-09", fate: "renamed" }
  ]
}
const warrant: Instrument = {
  id: 2,
  symbol: "META.WS",
  exchange: null,
  shareClass: "Warrant",
  listed: false,
  aliases: [{ symbol: "META.WS", exchange: null, from: null, until: "2019-01-02", fate: "expired" }]
}
const company: Pick<Company, "formerNames" | "instruments"> = {
  formerNames: [{ name: "Facebook Inc.", from: null, until: "2021-10-28" }],
  instruments: [meta, warrant, { ...meta, id: 3, symbol: "METB", aliases: [] }]
}

describe("a company", () => {
  it("has a page at the SEC by its number of ten digits", () => {
    expect(edgarUrl(320_193)).toMatch(/getcompany&CIK=0000320193$/)
  })
  it("ends its year on a day that people read", () => {
    expect(formatYearEnd("09-30")).toBe("30 September")
    expect(formatYearEnd("02-05")).toBe("5 February")
    for (const odd of ["", "13-01", "0930"]) expect(formatYearEnd(odd)).toBe(odd)
  })
  it("has other instruments, those of today", () => {
    expect(othersOf(company, meta).map(({ symbol }) => symbol)).toEqual(["METB"])
    expect(othersOf(company, warrant).map(({ symbol }) => symbol)).toEqual(["META", "METB"])
  })
  it("had names and symbols, the newest first, and what became of them", () => {
    expect(formersOf(company).map(({ fate, what, when }) => [what, when, fate])).toEqual([
      ["FB", "2012-05-18 – 2022-06-09", "renamed"],
      ["Facebook Inc.", "until 2021-10-28", ""],
      ["META.WS", "until 2019-01-02", "expired"]
    ])
  })
})
