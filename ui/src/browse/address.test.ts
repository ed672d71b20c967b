import { describe, expect, it } from "vitest"
import { browsePath, describeFilter, readBrowsing, withFacet } from "./address.ts"

describe("the browse page's address", () => {
  it("says what is chosen and in which order, and is read as it was written", () => {
    for (const browsing of [
      { filter: {}, order: "size" },
      { filter: { sector: "Health Care", exchange: "NYSE" }, order: "name" },
      { filter: { industry: "Oil & Gas, 100% =?#", sector: null }, order: "symbol" }
    ] as const) {
      const path = browsePath(browsing)
      expect(path.startsWith("/browse")).toBe(true)
      expect(readBrowsing(path.slice("/browse".length))).toEqual(browsing)
    }
    expect(browsePath({})).toBe("/browse")
    expect(browsePath({ filter: { sector: null } })).toBe("/browse?sector=")
  })
  it("is read also where somebody made it up", () => {
    expect(readBrowsing("?order=price&colour=red&sector=A&sector=B")).toEqual({
      filter: { sector: "A" },
      order: "size"
    })
  })
})

describe("a filter", () => {
  it("takes a value, another, and lets it go", () => {
    const energy = withFacet({ exchange: "NYSE" }, "sector", "Energy")
    expect(energy).toEqual({ exchange: "NYSE", sector: "Energy" })
    expect(withFacet(energy, "sector", null)).toEqual({ exchange: "NYSE", sector: null })
    expect(withFacet(energy, "sector", undefined)).toEqual({ exchange: "NYSE" })
  })
  it("is told in words", () => {
    expect(describeFilter({})).toBe("")
    expect(describeFilter({ exchange: "NYSE", sector: "Energy", industry: null })).toBe(
      "Energy, NYSE, industry not known"
    )
  })
})
