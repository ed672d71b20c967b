/**
 * Writes src/app/companies/bundled.csv, the companies that search knows before the first sync: those of the simulated market, with
 * the SEC's numbers and its order, which is by size. By hand, when that market's list changes:
 *   node scripts/bundleCompanies.mjs ../shared/data/sec/company_tickers.json.gz
 */
import { readFileSync, writeFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"

const [, , file = ""] = process.argv
const root = new URL("../src/app/", import.meta.url)
const [, ...lines] = readFileSync(new URL("feeds/simulated/companies.csv", root), "utf8").trim().split("\n")
/** @type {Record<string, { cik_str: number, ticker: string }>} */
const listed = JSON.parse(gunzipSync(readFileSync(file)).toString("utf8"))
const bySymbol = new Map(
  Object.values(listed).map(({ cik_str, ticker }, rank) => [ticker.replaceAll("-", "."), { cik: cik_str, rank }])
)
/** Funds that the SEC lists under their trust have no place in its order: behind the largest companies, by what is traded. */
const FUNDS_FROM = 100

const rows = lines.map((line) => {
  const [symbol = "", name = "", exchange = "", sector = "", price = "0", volume = "0"] = line.split(",")
  const found = bySymbol.get(symbol)
  // a class is of the instrument, not of the company
  return {
    symbol,
    name: name.replace(/ Class [A-Z]$/, ""),
    shareClass: / (Class [A-Z])$/.exec(name)?.[1] ?? "",
    exchange,
    sector,
    cik: found?.cik,
    rank: found?.rank,
    traded: Number(price) * Number(volume)
  }
})
const ranked = rows.filter(({ rank }) => rank !== undefined).sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
const others = rows.filter(({ rank }) => rank === undefined).sort((a, b) => b.traded - a.traded)
ranked.splice(FUNDS_FROM, 0, ...others)
const text = ranked.map(({ symbol, name, exchange, sector, cik, shareClass }) =>
  [symbol, name, exchange, sector, cik ?? "", shareClass].join(",")
)
writeFileSync(new URL("companies/bundled.csv", root), `symbol,name,exchange,sector,cik,class\n${text.join("\n")}\n`)
console.log(`${text.length} instruments of ${new Set(ranked.map(({ cik, symbol }) => cik ?? symbol)).size} companies`)
