/** The search index over every ticker that the SEC lists, as recorded in ../shared/data/sec. */
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { gunzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { CompanyIndex, type Listed } from "../../src/actors/companies/CompanyIndex.ts"
import { foldText } from "../../src/actors/companies/foldText.ts"
import { atOnce } from "../support/atOnce.ts"

const file = path.resolve(import.meta.dirname, "../../../shared/data/sec/company_tickers.json.gz")
const isAbsent = !existsSync(file)
if (isAbsent) console.warn("SKIPPED: the recorded SEC data (../shared/data/sec) is not here")

interface Row {
  readonly cik_str: number
  readonly ticker: string
  readonly title: string
}

const load = (): CompanyIndex<Listed> => {
  const rows: Readonly<Record<string, Row>> = JSON.parse(gunzipSync(readFileSync(file)).toString("utf8"))
  const listed = Object.values(rows).map(
    ({ cik_str, ticker, title }): Listed => ({
      symbol: ticker,
      name: title,
      company: String(cik_str),
      formerSymbols: [],
      formerNames: []
    })
  )
  return atOnce(CompanyIndex.build(listed))
}

const first = (index: CompanyIndex<Listed>, text: string, count: number) => {
  const found: Array<string> = []
  for (const { listed } of index.search(text)) {
    found.push(listed.symbol)
    if (found.length === count) break
  }
  return found
}

describe.skipIf(isAbsent)("every listed ticker", () => {
  const index = isAbsent ? undefined : load()
  const all = index === undefined ? [] : index.all.map(({ symbol }) => symbol)

  it("is the first hit for its own text", () => {
    if (index === undefined) return
    expect(all.length).toBeGreaterThan(9_000)
    expect(all.filter((symbol) => first(index, symbol, 1)[0] !== symbol)).toEqual([])
    expect(all.filter((symbol) => first(index, symbol.toLowerCase().replaceAll("-", "."), 1)[0] !== symbol)).toEqual([])
  })

  it("appears under each of its beginnings, when one reads on", () => {
    if (index === undefined) return
    const byPrefix = new Map<string, Array<string>>()
    for (const symbol of all) {
      for (let length = 1; length <= symbol.length; length++) {
        const prefix = symbol.slice(0, length)
        const those = byPrefix.get(prefix)
        if (those === undefined) byPrefix.set(prefix, [symbol])
        else those.push(symbol)
      }
    }
    const missing: Array<string> = []
    for (const [prefix, expected] of byPrefix) {
      if (foldText(prefix).text === "") continue
      const found = new Set<string>()
      for (const { listed, tier } of index.search(prefix)) {
        if (tier !== "symbol" && tier !== "symbol-prefix") break
        found.add(listed.symbol)
      }
      for (const symbol of expected) if (!found.has(symbol)) missing.push(`${symbol} under ${prefix}`)
    }
    expect(missing).toEqual([])
  })

  it.each([
    ["appl", ["AAPL"]],
    ["apple", ["AAPL"]],
    ["goog", ["GOOG", "GOOGL"]],
    ["berkshire", ["BRK-B"]],
    ["brk.b", ["BRK-B"]],
    ["brk b", ["BRK-B"]],
    ["at&t", ["T"]],
    ["mcdonalds", ["MCD"]],
    ["mcdonald's", ["MCD"]],
    ["3m", ["MMM"]],
    ["coca cola", ["KO"]],
    ["coca-cola", ["KO"]],
    ["microsfot", ["MSFT"]],
    ["nvdia", ["NVDA"]],
    ["johnson & johnson", ["JNJ"]],
    ["jp morgan", ["JPM"]],
    ["jpmorgan", ["JPM"]],
    ["bank of america", ["BAC"]],
    ["exxon", ["XOM"]],
    ["procter gamble", ["PG"]],
    ["walmart", ["WMT"]],
    ["home depot", ["HD"]],
    ["disney", ["DIS"]],
    ["tesla", ["TSLA"]],
    ["netflx", ["NFLX"]],
    ["costco", ["COST"]]
  ])("%j finds %j first", (text, expected) => {
    if (index === undefined) return
    expect(first(index, text, expected.length)).toEqual(expected)
  })
})
