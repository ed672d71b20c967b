import { describe, expect, it } from "vitest"
import type { SearchHit } from "../../../src/rpc/client.ts"
import { describeResults, groupsOfHits, groupsOfRemembered, itemOfHit, type Known, questionOf, step } from "./items.ts"
import type { Part } from "./marks.ts"

const hit = (fields: Partial<SearchHit>): SearchHit => ({
  symbol: "META",
  name: "Meta Platforms",
  exchange: "NASDAQ",
  sector: "Communication Services",
  industry: null,
  cik: 1,
  shareClass: null,
  price: null,
  listed: true,
  others: [],
  tier: "symbol",
  field: "symbol",
  text: "META",
  ranges: [[0, 2]],
  fate: null,
  ...fields
})
const shown = (parts: ReadonlyArray<Part>) => parts.map((part) => (part.marked ? `[${part.text}]` : part.text)).join("")

describe("a hit in the palette", () => {
  it("is marked where it matches: in its symbol or in its name", () => {
    expect(shown(itemOfHit(hit({})).symbolParts)).toBe("[ME]TA")
    const byName = itemOfHit(hit({ field: "name", text: "Meta Platforms", ranges: [[5, 9]] }))
    expect(shown(byName.nameParts)).toBe("Meta [Plat]forms")
    expect(shown(byName.symbolParts)).toBe("META")
    expect(byName.also).toBe(null)
  })
  it("says by which former symbol or name it was found, and what became of that", () => {
    const { also, symbolParts } = itemOfHit(
      hit({ field: "former-symbol", text: "FB", ranges: [[0, 2]], fate: "until 2022-06-09: renamed" })
    )
    expect(shown(also?.parts ?? [])).toBe("[FB]")
    expect(also?.fate).toBe("until 2022-06-09: renamed")
    expect(shown(symbolParts)).toBe("META")
    // a name it has besides the one shown
    expect(
      shown(itemOfHit(hit({ field: "name", text: "META PLATFORMS INC", ranges: [[0, 4]] })).also?.parts ?? [])
    ).toBe("[META] PLATFORMS INC")
  })
  it("says what became of what is traded no more", () => {
    const gone = itemOfHit(
      hit({ symbol: "TWTR", text: "TWTR", listed: false, fate: "until 2022-10-28: taken private" })
    )
    expect(gone).toMatchObject({ listed: false, also: { parts: [], fate: "until 2022-10-28: taken private" } })
  })
  it("tells what is known of exchange, sector and class, and nothing of the rest", () => {
    expect(itemOfHit(hit({ shareClass: "Class B" })).about).toBe("Class B · NASDAQ · Communication Services")
    expect(itemOfHit(hit({ exchange: null, sector: null })).about).toBe("")
  })
})

describe("what the palette lists", () => {
  it("has near matches below a heading of their own", () => {
    const groups = groupsOfHits([hit({}), hit({ symbol: "MET", tier: "near" })])
    expect(groups.map(({ heading, items }) => [heading, items.length])).toEqual([
      [null, 1],
      ["Did you mean", 1]
    ])
    expect(describeResults(groups, "meta", false)).toBe("2 results")
    expect(describeResults(groupsOfHits([hit({ tier: "near" })]), "mtea", false)).toBe(
      "No exact match. Did you mean: 1 result"
    )
    expect(describeResults([], "zzz", false)).toBe("No company matches zzz")
    expect(describeResults(groups, "meta", true)).toBe("2 results, more below")
  })
  it("is, without a text, what was looked at lately but for this page's, and the watch list", () => {
    const known: Known = { name: "Apple", exchange: "NASDAQ", sector: null, listed: true, fate: null }
    const groups = groupsOfRemembered(["META", "AAPL", "A", "B", "C", "D", "E"], ["AAPL"], "META", (symbol) =>
      symbol === "AAPL" ? known : undefined
    )
    expect(groups.map(({ heading, items }) => [heading, items.map(({ symbol }) => symbol)])).toEqual([
      ["Recent", ["AAPL", "A", "B", "C", "D"]],
      ["Watch list", ["AAPL"]]
    ])
    const keys = groups.flatMap(({ items }) => items.map(({ key }) => key))
    expect(new Set(keys).size).toBe(keys.length)
    expect(groups[0]?.items[0]?.about).toBe("NASDAQ")
    expect(groupsOfRemembered(["META"], [], "META", () => undefined)).toEqual([])
  })
})

describe("the arrows", () => {
  const keys = ["a", "b", "c"]
  it("step, go round where all is listed, and ask for more where it is not", () => {
    expect(step(keys, "a", 1, false)).toBe("b")
    expect(step(keys, "c", 1, false)).toBe("a")
    expect(step(keys, "a", -1, false)).toBe("c")
    expect(step(keys, "c", 1, true)).toBe("end")
    expect(step(keys, null, 1, false)).toBe("a")
    expect(step(keys, "gone", -1, false)).toBe("c")
    expect(step([], null, 1, false)).toBe(null)
  })
  it("stop at the ends by pages", () => {
    expect(step(keys, "a", 8, false)).toBe("c")
    expect(step(keys, "c", -8, true)).toBe("a")
    expect(step(keys, "a", 8, true)).toBe("end")
  })
})

describe("the question", () => {
  it("has no blanks at its ends, and the beginning of what is long", () => {
    expect(questionOf("  coca  cola ")).toBe("coca  cola")
    expect(questionOf(" \n ")).toBe("")
    expect(questionOf("x".repeat(10_000)).length).toBe(200)
  })
  it("is well-formed wherever it is cut", () => {
    const cut = questionOf(`${"x".repeat(199)}😀😀`)
    expect(cut.isWellFormed()).toBe(true)
    expect(questionOf("\ud83d").isWellFormed()).toBe(true)
  })
})
