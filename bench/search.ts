/** Company search: each keystroke at the server, building and memory, beside a sorted array and a search library. */
import type { Searched, Searching, Way } from "./servers/searching.ts"
import { start } from "./support/processes.ts"
import { against, percentile, type Report, thousands } from "./support/report.ts"

const SIZES = [10_000, 1_000_000]
const WAYS: ReadonlyArray<readonly [Way, string]> = [
  ["tree", "ternary tree"],
  ["sorted", "sorted array, prefixes only"],
  ["library", "MiniSearch"]
]

const measure = async (way: Way, size: number): Promise<Searched> => {
  const child = await start<Searching>("servers/searching.ts", { node: ["--expose-gc", "--max-old-space-size=12000"] })
  try {
    return await child.ask("search", { size, way })
  } finally {
    await child.end()
  }
}

const micros = (values: ReadonlyArray<number>, share: number): string =>
  values.length === 0 ? "–" : thousands(percentile(values, share))

export const search = async (scale: number): Promise<Report> => {
  const rows: Array<ReadonlyArray<string>> = []
  const verdicts: Array<string> = []
  for (const full of SIZES) {
    const size = Math.max(10_000, Math.round(full * Math.min(1, scale)))
    for (const [way, name] of WAYS) {
      const found = await measure(way, size)
      if (found.hits === 0) throw new Error(`${name} found nothing`)
      rows.push([
        `${thousands(size)}: ${name}`,
        micros(found.typed, 0.5),
        micros(found.typed, 0.99),
        micros(found.typed, 1),
        micros(found.mistyped, 0.5),
        micros(found.mistyped, 0.99),
        thousands(found.buildMillis),
        thousands(found.bytes / size)
      ])
      if (way === "tree" && full === SIZES[0]) {
        const p99 = percentile([...found.typed, ...found.mistyped], 0.99)
        verdicts.push(
          against("10,000 companies, a keystroke, p99", p99, 1_000, 50, (value) => `${thousands(value)} µs`, "less")
        )
      }
    }
  }
  return {
    name: "search",
    title: "Company search",
    conditions: [
      "The SEC's list of tickers as recorded, the largest first; beyond it symbols with a suffix, and names made of two. One process a way, measured inside it: no wire, no socket. Twenty hits a query, in order.",
      "As typed: every beginning, up to 12 letters, of symbols and names of 120 companies. With a typo: first words of names with two letters swapped or one gone. Microseconds, after a round that compiles; of a million the slower two are asked a tenth as often.",
      "Sorted array: the same folded texts, binary search, then the largest of all that begin so; it forgives no typo. MiniSearch: prefix and fuzzy 0.2, all words, symbols boosted; it ranks by term frequencies. Memory: heap and buffers of what was built, after full collections."
    ],
    head: ["µs a keystroke", "typed p50", "p99", "max", "typo p50", "p99", "build ms", "bytes an entry"],
    rows,
    verdicts
  }
}
