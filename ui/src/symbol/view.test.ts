import { describe, expect, it } from "vitest"
import { standingOf, viewOf } from "./view.ts"

const instrument = (symbol: string, listed: boolean) => ({
  id: 1,
  symbol,
  exchange: null,
  shareClass: null,
  listed,
  aliases: []
})
const seen = { isListed: false, hasQuote: false, tooMany: null, company: { state: "loading" } } as const

describe("a symbol's page", () => {
  it("shows prices where the feed lists it, and while nobody knows", () => {
    expect(viewOf({ ...seen, isListed: true }).show).toBe("prices")
    expect(viewOf({ ...seen, isListed: null }).show).toBe("prices")
    expect(viewOf({ ...seen, hasQuote: true }).show).toBe("prices")
    expect(viewOf({ ...seen, isListed: true, tooMany: "At most 5" })).toEqual({ show: "refused", message: "At most 5" })
  })
  it("shows the company where only that is known, and says which of it is not", () => {
    const known = { name: "iShares" }
    expect(viewOf(seen).show).toBe("waiting")
    expect(viewOf({ ...seen, company: { state: "ready", profile: known } })).toEqual({
      show: "company",
      profile: known
    })
    for (const state of ["unknown", "failed"] as const) {
      expect(viewOf({ ...seen, company: { state, message: "why" } })).toEqual({ show: state, message: "why" })
    }
  })
})

describe("a symbol", () => {
  it("is of today, or another's now, or gone", () => {
    expect(standingOf("META", { instrument: instrument("META", true), fate: null })).toEqual({
      is: "current",
      now: "META",
      fate: ""
    })
    const fate = "until 2022-06-09: renamed"
    expect(standingOf("FB", { instrument: instrument("META", true), fate })).toEqual({
      is: "renamed",
      now: "META",
      fate
    })
    expect(standingOf("TWTR", { instrument: instrument("TWTR", false), fate })).toEqual({
      is: "gone",
      now: "TWTR",
      fate
    })
  })
})
