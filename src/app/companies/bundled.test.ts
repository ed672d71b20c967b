import { describe, expect, it } from "vitest"
import { bundledCompanies } from "./bundled.ts"

const companies = bundledCompanies()
const by = (symbol: string) => companies.find(({ instruments }) => instruments.some((one) => one.symbol === symbol))

describe("the bundled companies", () => {
  it("are many, each once, every symbol of one of them", () => {
    expect(companies.length).toBeGreaterThan(850)
    expect(new Set(companies.map(({ id }) => id)).size).toBe(companies.length)
    const symbols = companies.flatMap(({ instruments }) => instruments.map(({ symbol }) => symbol))
    expect(new Set(symbols).size).toBe(symbols.length)
    const ids = companies.flatMap(({ instruments }) => instruments.map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
    for (const { instruments, name } of companies) {
      expect(name).toMatch(/\S/)
      expect(instruments.length).toBeGreaterThan(0)
    }
  })

  it("are the largest first", () => {
    expect(companies.slice(0, 20).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Apple", "Microsoft", "NVIDIA", "Alphabet", "Amazon.com"])
    )
  })

  it("are one where the SEC knows one, whatever is listed of it", () => {
    expect(by("GOOG")).toBe(by("GOOGL"))
    expect(by("GOOG")).toMatchObject({
      id: "cik:1652044",
      cik: 1652044,
      name: "Alphabet",
      instruments: [
        { symbol: "GOOGL", shareClass: "Class A" },
        { symbol: "GOOG", shareClass: "Class C" }
      ]
    })
  })

  it("say what some were called, and what became of others", () => {
    expect(by("META")).toMatchObject({
      formerNames: [{ name: "Facebook Inc.", from: null, until: "2022-06-09" }],
      instruments: [
        {
          symbol: "META",
          listed: true,
          aliases: [
            { symbol: "META", fate: null },
            { symbol: "FB", until: "2022-06-09", fate: "renamed" }
          ]
        }
      ]
    })
    expect(by("FB")).toBeUndefined()
    expect(by("ATVI")).toMatchObject({
      name: "Activision Blizzard Inc.",
      instruments: [{ listed: false, aliases: [{ symbol: "ATVI", fate: "acquired by Microsoft" }] }]
    })
    // what it is called now is not among ours
    expect(by("SQ")).toMatchObject({ instruments: [{ listed: false, aliases: [{ fate: "renamed XYZ" }] }] })
  })
})
