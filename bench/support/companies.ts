/** What company searches are measured with. */
import path from "node:path"

/** The SEC's list as recorded. */
export const recordedTickers = path.resolve(import.meta.dirname, "../../../shared/data/sec/company_tickers.json.gz")

/** Most letters that anybody types before they have seen what they look for. */
const LETTERS = 12
const COMPANIES = 120

/** As somebody types them: every beginning of some symbols and names, from all sizes. */
export const typedBeginnings = (
  listed: ReadonlyArray<{ readonly symbol: string; readonly name: string }>
): ReadonlyArray<string> => {
  const beginnings = (text: string) =>
    Array.from({ length: Math.min(LETTERS, text.length) }, (_, i) => text.slice(0, i + 1))
  return Array.from({ length: COMPANIES }, (_, i) => listed[(i * 79) % Math.min(9_000, listed.length)]).flatMap(
    (one) => (one === undefined ? [] : [...beginnings(one.symbol.toLowerCase()), ...beginnings(one.name.toLowerCase())])
  )
}
