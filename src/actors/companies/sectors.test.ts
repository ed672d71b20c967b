import { describe, expect, it } from "vitest"
import { sectorOfSic } from "./sectors.ts"

describe("the sector of an industry", () => {
  it.each([
    // as the SEC has them: Apple, Microsoft, Nvidia, Cisco, Tesla, McDonald's, Nike, Coca-Cola, Walmart, Procter & Gamble
    [3571, "Information Technology"],
    [7372, "Information Technology"],
    [3674, "Information Technology"],
    [3576, "Information Technology"],
    [3711, "Consumer Discretionary"],
    [5812, "Consumer Discretionary"],
    [3021, "Consumer Discretionary"],
    [2080, "Consumer Staples"],
    [5331, "Consumer Staples"],
    [2840, "Consumer Staples"],
    // Exxon Mobil, SLB, Chevron; Newmont, Linde; Pfizer, Medtronic, UnitedHealth; JPMorgan, Berkshire
    [2911, "Energy"],
    [1389, "Energy"],
    [1040, "Materials"],
    [2810, "Materials"],
    [2834, "Health Care"],
    [3845, "Health Care"],
    [6324, "Health Care"],
    [6021, "Financials"],
    [6331, "Financials"],
    // Prologis; NextEra; Waste Management; Verizon, Netflix; Boeing, Caterpillar, UPS
    [6798, "Real Estate"],
    [4911, "Utilities"],
    [4953, "Industrials"],
    [4813, "Communication Services"],
    [7841, "Communication Services"],
    [3721, "Industrials"],
    [3531, "Industrials"],
    [4210, "Industrials"]
  ])("%i is %s", (sic, sector) => {
    expect(sectorOfSic(sic)).toBe(sector)
  })

  it("is not made up", () => {
    for (const sic of [null, 0, 8888, 9995, 10_000]) expect(sectorOfSic(sic)).toBeNull()
  })
})
