import { describe, expect, it } from "vitest"
import { company } from "../../../test/support/companies.ts"
import type { CompanyDetails } from "./CompanySource.ts"
import { mergeDetails } from "./mergeDetails.ts"

const filed: CompanyDetails = {
  cik: 1,
  name: "Tesla, Inc.",
  sic: 3711,
  industry: "Motor Vehicles & Passenger Car Bodies",
  fiscalYearEnd: "12-31",
  formerNames: [{ name: "TESLA MOTORS INC", from: "2005-02-17", until: "2017-01-27" }]
}
const today = "2026-11-28"

describe("a company's particulars", () => {
  it("say its industry, its sector where that was not known, its fiscal year and former names", () => {
    expect(mergeDetails(company("TSLA", "Tesla", { sector: null }), filed, today)).toMatchObject({
      sector: "Consumer Discretionary",
      sic: 3711,
      industry: "Motor Vehicles & Passenger Car Bodies",
      fiscalYearEnd: "12-31",
      formerNames: filed.formerNames,
      detailedAt: today
    })
    expect(mergeDetails(company("TSLA", "Tesla", { sector: "Energy" }), filed, today).sector).toBe("Energy")
  })

  it("change a sector that came from an industry that is another now", () => {
    const before = company("TSLA", "Tesla", { sector: "Information Technology", sic: 7372 })
    expect(mergeDetails(before, filed, today).sector).toBe("Consumer Discretionary")
  })

  it("keep each former name once, with both its dates where they are filed, and never the present one", () => {
    const known = company("TSLA", "Tesla", {
      formerNames: [
        { name: "Tesla Motors, Inc", from: null, until: "2017-02-01" },
        { name: "Older", from: null, until: null }
      ]
    })
    const names = mergeDetails(
      known,
      { ...filed, formerNames: [...filed.formerNames, { name: "TESLA", from: null, until: null }] },
      today
    )
    expect(names.formerNames.map(({ name, until }) => [name, until])).toEqual([
      ["TESLA MOTORS INC", "2017-01-27"],
      ["Older", null]
    ])
  })

  it("take nothing away where the source says nothing", () => {
    const before = company("X", "X", { sic: 1, industry: "i", fiscalYearEnd: "06-30", sector: "s" })
    expect(mergeDetails(before, null, today)).toEqual({ ...before, detailedAt: today })
    const silent = { ...filed, sic: null, industry: null, fiscalYearEnd: null, formerNames: [] }
    expect(mergeDetails(before, silent, today)).toEqual({ ...before, detailedAt: today })
  })
})
