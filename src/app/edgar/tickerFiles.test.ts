import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { normaliseSymbol, symbolPattern } from "../../rpc/market.ts"
import { doubtOf, type EntriesRead, mergeLists, readExchanges, readTickers } from "./tickerFiles.ts"

const tickers = (...rows: ReadonlyArray<readonly [cik: unknown, ticker: unknown, title: unknown]>) =>
  readTickers(Object.fromEntries(rows.map(([cik_str, ticker, title], i) => [String(i), { cik_str, ticker, title }])))
const exchanges = (...data: ReadonlyArray<unknown>) => {
  const read = readExchanges({ fields: ["cik", "name", "ticker", "exchange"], data })
  if (typeof read === "string") throw new Error(read)
  return read
}

const symbol = fc.stringMatching(/^[A-Z][A-Z0-9]{0,4}([-/.][A-Z0-9]{1,2})?$/)
const row = fc.record({
  cik: fc.integer({ min: 1, max: 9_999_999_999 }),
  ticker: symbol,
  name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 &.]{0,20}$/),
  exchange: fc.option(fc.constantFrom("Nasdaq", "NYSE", "CBOE", "OTC", "Other"))
})

describe("ticker files", () => {
  it("are read in their order, symbols and exchanges written our way", () => {
    expect(tickers([789019, "MSFT", "MICROSOFT CORP"], [1067983, "BRK-B", " BERKSHIRE HATHAWAY INC "]).entries).toEqual(
      [
        { cik: 789019, symbol: "MSFT", name: "MICROSOFT CORP", exchange: null },
        { cik: 1067983, symbol: "BRK.B", name: "BERKSHIRE HATHAWAY INC", exchange: null }
      ]
    )
    const read = exchanges(
      [1, "A", "A", "Nasdaq"],
      [2, "B", "B", "NYSE"],
      [3, "C", "C", "OTC"],
      [4, "D", "D", "Cboe"],
      [5, "E", "E", null],
      [6, "F", "F", " "]
    )
    expect(read.entries.map(({ exchange }) => exchange)).toEqual(["NASDAQ", "NYSE", "OTC", "CBOE", null, null])
    expect(read.unusable).toBe(0)
  })

  it("take columns in any order, further ones too, and say which is missing", () => {
    const read = readExchanges({
      fields: ["exchange", "lei", "ticker", "cik", "name"],
      data: [["NYSE", "?", "BRK-B", 7, "N"]]
    })
    expect(read).toMatchObject({ entries: [{ cik: 7, symbol: "BRK.B", name: "N", exchange: "NYSE" }], unusable: 0 })
    expect(readExchanges({ fields: ["cik", "name", "symbol", "exchange"], data: [] })).toContain('"ticker"')
  })

  it("leave out what is of no use, and count it", () => {
    const bad = [
      [0, "A", "A"],
      [-1, "A", "A"],
      [1.5, "A", "A"],
      ["1", "A", "A"],
      [10_000_000_000, "A", "A"],
      [null, "A", "A"],
      [1, "", "A"],
      [1, null, "A"],
      [1, "1A", "A"],
      [1, "A B", "A"],
      [1, "A-", "A"],
      [1, "ABCDEFGHIJKLM", "A"],
      [1, "A", ""],
      [1, "A", "  "],
      [1, "A", undefined]
    ] as const
    const read = tickers(...bad, [2, "B", "B"])
    expect(read).toMatchObject({
      unusable: bad.length,
      total: bad.length + 1,
      example: expect.stringContaining("cik_str")
    })
    expect(read.entries.map((entry) => entry.symbol)).toEqual(["B"])
    expect(readTickers({ a: null, b: 1, c: [1, "A", "A"], d: { ticker: "A" } }).unusable).toBe(4)
    expect(exchanges([1, "A", "A"], [1, "A", "A", "NYSE", 5], null, { cik: 1 }, [1, "A", "A", 5]).unusable).toBe(5)
  })

  it("of a symbol that comes twice, however written, the first stays", () => {
    const read = tickers([1, "BRK-B", "one"], [2, "BRK.B", "two"])
    expect(read.entries).toEqual([{ cik: 1, symbol: "BRK.B", name: "one", exchange: null }])
    expect(read.unusable).toBe(0)
  })

  it("merged: by size, then the rest; an exchange only from the same company", () => {
    const merged = mergeLists(
      tickers([1, "A", "a by size"], [2, "B", "b"], [3, "C", "c"]),
      exchanges(
        [9, "z", "Z", "OTC"],
        [3, "other c", "C", "NYSE"],
        [1, "other a", "A", "Nasdaq"],
        [8, "b9", "B", "NYSE"]
      )
    )
    expect(merged).toEqual([
      { cik: 1, symbol: "A", name: "a by size", exchange: "NASDAQ" },
      { cik: 2, symbol: "B", name: "b", exchange: null },
      { cik: 3, symbol: "C", name: "c", exchange: "NYSE" },
      { cik: 9, symbol: "Z", name: "z", exchange: "OTC" }
    ])
  })

  it("doubted when more than 1 % is of no use, or when there is too little", () => {
    const read = (entries: number, unusable: number): EntriesRead => ({
      entries: Array.from({ length: entries }, (_, i) => ({ cik: 1, symbol: `A${i}`, name: "a", exchange: null })),
      total: entries + unusable,
      unusable,
      example: "{}"
    })
    expect(doubtOf(read(990, 10), 1)).toBeUndefined()
    expect(doubtOf(read(990, 11), 1)).toContain("11 of 1001")
    expect(doubtOf(read(1_000, 0), 1_000)).toBeUndefined()
    expect(doubtOf(read(999, 0), 1_000)).toContain("999")
    expect(doubtOf(read(0, 0), 0)).toContain("0 symbols")
  })

  it("any two files: every symbol once, normalised, by size first, nothing lost", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.array(row, { maxLength: 30 }), (bySize, byExchange) => {
        const merged = mergeLists(
          tickers(...bySize.map(({ cik, name, ticker }) => [cik, ticker, name] as const)),
          exchanges(...byExchange.map(({ cik, exchange, name, ticker }) => [cik, name, ticker, exchange]))
        )
        const symbols = merged.map((entry) => entry.symbol)
        const expected = new Set([...bySize, ...byExchange].map(({ ticker }) => normaliseSymbol(ticker)))
        expect(symbols).toEqual([...expected])
        expect(symbols.every((one) => symbolPattern.test(one))).toBe(true)
        for (const entry of merged) {
          const source = [...bySize, ...byExchange].find(({ ticker }) => normaliseSymbol(ticker) === entry.symbol)
          expect(entry).toMatchObject({ cik: source?.cik, name: source?.name.trim() })
        }
      })
    )
  })

  it("any nonsense is counted, never thrown at, never taken", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()), (file, data) => {
        for (const { entries, total, unusable } of [readTickers(file), exchanges(...data)]) {
          expect(entries.length + unusable).toBeLessThanOrEqual(total)
          for (const entry of entries) expect(symbolPattern.test(entry.symbol) && entry.name !== "").toBe(true)
        }
      })
    )
  })
})
