import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { atOnce } from "../../../test/support/atOnce.ts"
import { CompanyIndex, type Listed, type Match } from "./CompanyIndex.ts"
import { foldText, wordsOf } from "./foldText.ts"

const one = (symbol: string, name: string, more: Partial<Listed> = {}): Listed => ({
  symbol,
  name,
  company: symbol,
  formerSymbols: [],
  formerNames: [],
  ...more
})

/** The largest first. */
const market: ReadonlyArray<Listed> = [
  one("AAPL", "Apple Inc."),
  one("GOOGL", "Alphabet Inc.", { company: "alphabet", formerNames: ["Google Inc."] }),
  one("GOOG", "Alphabet Inc.", { company: "alphabet", formerNames: ["Google Inc."] }),
  one("META", "Meta Platforms, Inc.", { formerSymbols: ["FB"], formerNames: ["Facebook, Inc."] }),
  one("BRK-B", "BERKSHIRE HATHAWAY INC", { company: "berkshire" }),
  one("BRK-A", "BERKSHIRE HATHAWAY INC", { company: "berkshire" }),
  one("T", "AT&T INC."),
  one("KO", "COCA COLA CO"),
  one("MCD", "MCDONALDS CORP"),
  one("MMM", "3M CO"),
  one("COKE", "Coca-Cola Consolidated, Inc."),
  one("APLE", "Apple Hospitality REIT, Inc."),
  one("FB", "ProShares S&P 500 Dynamic Buffer ETF")
]

const build = <A extends Listed>(listed: ReadonlyArray<A>): CompanyIndex<A> => {
  return atOnce(CompanyIndex.build(listed))
}

const index = build(market)
const hits = (text: string) => Array.from(index.search(text))
const symbols = (text: string) => hits(text).map(({ listed }) => listed.symbol)
const covered = ({ ranges, text }: Match<Listed>) => ranges.map(([start, end]) => text.slice(start, end))

describe("a search for companies", () => {
  it.each([
    ["aapl", ["AAPL", "APLE"]],
    ["appl", ["AAPL", "APLE"]],
    ["goog", ["GOOG", "GOOGL"]],
    ["alphabet", ["GOOGL"]],
    ["berkshire", ["BRK-B"]],
    ["brk.b", ["BRK-B", "BRK-A"]],
    ["BRK/B", ["BRK-B", "BRK-A"]],
    ["brk b", ["BRK-B", "BRK-A"]],
    ["brk", ["BRK-B", "BRK-A"]],
    ["at&t", ["T"]],
    ["mcdonalds", ["MCD"]],
    ["McDonald's", ["MCD"]],
    ["3m", ["MMM"]],
    ["coca cola", ["KO", "COKE"]],
    ["coca-cola", ["KO", "COKE"]],
    ["cola coca", ["KO", "COKE"]],
    ["hospitality", ["APLE"]],
    ["aplpe", ["AAPL", "APLE"]],
    ["bershire", ["BRK-B"]],
    ["berkshire hathawya", ["BRK-B"]],
    ["nothing like it", []],
    ["", []],
    [" .*+?^$|{}()[]\\ ", []]
  ])("%j finds %j", (text, expected) => {
    expect(symbols(text)).toEqual(expected)
  })

  it("finds what is called so today before what was", () => {
    expect(hits("fb").map(({ field, listed, text }) => [listed.symbol, field, text])).toEqual([
      ["FB", "symbol", "FB"],
      ["META", "former-symbol", "FB"]
    ])
    expect(hits("facebook").map(({ field, listed, text }) => [listed.symbol, field, text])).toEqual([
      ["META", "former-name", "Facebook, Inc."]
    ])
    expect(hits("google").map(({ field, listed }) => [listed.symbol, field])).toEqual([["GOOGL", "former-name"]])
  })

  it("says which parts match", () => {
    expect(hits("coca cola").map(covered)).toEqual([["COCA COLA"], ["Coca-Cola"]])
    expect(hits("cola coca").map(covered)).toEqual([
      ["COCA", "COLA"],
      ["Coca", "Cola"]
    ])
    expect(hits("brkb").map(covered)).toEqual([["BRK-B"], []])
    expect(hits("hosp").map(covered)).toEqual([["Hosp"]])
  })

  it.each([
    ["very long", "a".repeat(10_000)],
    ["a regular expression that explodes elsewhere", `${"(a+)+".repeat(200)}$`],
    ["control characters", "\u0000\u0001\u001b[31m\u202e\ufffe"],
    ["halves of characters", "\ud800\udc00\ud800"],
    ["a thousand accents", `a${"\u0301".repeat(1_000)}`],
    ["emoji", "🍏🍎👨‍👩‍👧‍👦".repeat(50)]
  ])("takes %s for what it is", (_, text) => {
    expect(hits(text).length).toBeLessThan(market.length + 1)
  })

  it("finds by prefix what a look at every company finds, each once, whatever their order", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "é", "-", " ", "3"), minLength: 1, maxLength: 6 })
    const company = fc.record({ symbol: word, name: word, former: fc.array(word, { maxLength: 2 }) })
    fc.assert(
      fc.property(fc.array(company, { maxLength: 60 }), word, (given, text) => {
        const all = given.map(({ former, name, symbol }, i) =>
          one(symbol, name, { company: String(i), formerSymbols: former, formerNames: former })
        )
        const query = foldText(text).text
        const starts = (other: string) => foldText(other).text.startsWith(query)
        // one short word goes across words only from the beginning of a name
        const isShort = foldText(text).starts.length === 1 && query.length < 4
        const wordStarts = (other: string) => {
          const folded = foldText(other)
          const words = wordsOf(folded)
          return folded.starts.some((start, i) =>
            isShort && i > 0 ? words[i]?.startsWith(query) : folded.text.startsWith(query, start)
          )
        }
        const expected = all.filter(
          ({ formerNames, formerSymbols, name, symbol }) =>
            query !== "" && ([symbol, ...formerSymbols].some(starts) || [name, ...formerNames].some(wordStarts))
        )
        const byPrefix = new Set(["symbol", "symbol-prefix", "name-prefix", "word-prefix"])
        for (const list of [all, all.toReversed()]) {
          const found = Array.from(build(list).search(text))
          expect(new Set(found.map(({ listed }) => listed)).size).toBe(found.length)
          const prefixed = found.filter(({ tier }) => byPrefix.has(tier)).map(({ listed }) => listed.company)
          expect(prefixed.toSorted()).toEqual(expected.map((listed) => listed.company).toSorted())
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it("ranks by how it matches, then by size", () => {
    const order = ["symbol", "symbol-prefix", "name-prefix", "word-prefix", "all-words", "near"]
    const rank = new Map(market.map(({ symbol }, i) => [symbol, i]))
    for (const text of ["a", "c", "co", "inc", "b", "apple"]) {
      const found = hits(text)
      const places = found.map(({ field, listed, tier }) => [
        order.indexOf(tier),
        field.startsWith("former") ? 1 : 0,
        rank.get(listed.symbol) ?? 0
      ])
      expect(places.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))).toEqual(places)
    }
  })

  it("looks at words by themselves", () => {
    expect(wordsOf(foldText("S&P 500"))).toEqual(["s", "p", "500"])
    expect(symbols("500")).toEqual(["FB"])
  })
})

describe("words", () => {
  const elf = build([one("ELF", "e.l.f. Beauty"), one("T", "AT&T INC."), one("FBK", "FB Financial Corp")])
  const found = (text: string) => Array.from(elf.search(text)).map(({ listed }) => listed.symbol)

  it("a short one is not found across two, unless they are a name's first", () => {
    expect(found("fb")).toEqual(["FBK"])
    expect(found("elf")).toEqual(["ELF"])
    expect(found("att")).toEqual(["T"])
    expect(found("tinc")).toEqual(["T"])
  })

  it("that only say what kind of company it is are left out where nothing is found with them", () => {
    const listed = build([
      one("MSFT", "Microsoft"),
      one("JNJ", "JOHNSON & JOHNSON"),
      one("GOOGL", "Alphabet Inc."),
      one("T", "The Company Corporation")
    ])
    const symbolsOf = (text: string) => Array.from(listed.search(text)).map(({ listed: { symbol } }) => symbol)
    expect(symbolsOf("microsoft corporation")).toEqual(["MSFT"])
    expect(symbolsOf("johnson and johnson")).toEqual(["JNJ"])
    expect(symbolsOf("alphabet inc class a")).toEqual(["GOOGL"])
    expect(symbolsOf("msft stock")).toEqual(["MSFT"])
    // as it is called
    expect(symbolsOf("the company")).toEqual(["T"])
    expect(symbolsOf("corporation of the")).toEqual([])
    expect(Array.from(listed.search("microsoft corporation")).map(({ ranges }) => ranges)).toEqual([[[0, 9]]])
  })

  it("that match a name are no typo of others; four letters that are a symbol may be", () => {
    const listed = build([
      one("KO", "Coca-Cola"),
      one("CPRT", "Copart"),
      one("APPE", "Something"),
      one("AAPL", "Apple")
    ])
    const tiersOf = (text: string) =>
      Array.from(listed.search(text)).map(({ listed: { symbol }, tier }) => [symbol, tier])
    expect(tiersOf("coca")).toEqual([["KO", "name-prefix"]])
    expect(tiersOf("appe")).toEqual([
      ["APPE", "symbol"],
      ["AAPL", "near"]
    ])
  })

  it("of several the rarest decides which names are looked at, however many have the others", () => {
    const many = Array.from({ length: 2_000 }, (_, i) => one(`N${i}`, `Technologies Number ${i}`))
    const last = build([...many, one("TTM", "TTM Advanced Technologies Group")])
    for (const text of ["technologies ttm", "ttm techn", "group techno"]) {
      expect(Array.from(last.search(text)).map(({ listed }) => listed.symbol)).toEqual(["TTM"])
    }
  })
})
