/** A process that searches companies in one of three ways, and says how long each keystroke took. */
import { existsSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import MiniSearch from "minisearch"
import { CompanyIndex, type Listed } from "../../src/actors/companies/CompanyIndex.ts"
import { foldText } from "../../src/actors/companies/foldText.ts"
import { bundledCompanies } from "../../src/app/companies/bundled.ts"
import { atOnce } from "../../test/support/atOnce.ts"
import { recordedTickers, typedBeginnings } from "../support/companies.ts"
import { answer } from "../support/processes.ts"
import { settledMemory } from "../support/vitals.ts"

const HITS = 20

interface Row {
  readonly cik_str: number
  readonly ticker: string
  readonly title: string
}

const real = (): ReadonlyArray<Listed> => {
  const bare = { formerSymbols: [], formerNames: [] }
  if (!existsSync(recordedTickers)) {
    return bundledCompanies().flatMap(({ id, instruments, name }) =>
      instruments.map(({ symbol }) => ({ symbol, name, company: id, ...bare }))
    )
  }
  const rows: Readonly<Record<string, Row>> = JSON.parse(gunzipSync(readFileSync(recordedTickers)).toString("utf8"))
  return Object.values(rows).map(({ cik_str, ticker, title }) => ({
    symbol: ticker,
    name: title,
    company: String(cik_str),
    ...bare
  }))
}

/** The real ones first; then as many as are wanted, of their symbols and of the words of two names. */
const corpus = (size: number): ReadonlyArray<Listed> => {
  const base = real()
  return Array.from({ length: size }, (_, i) => {
    const one = base[i % base.length] ?? base[0]
    const other = base[(i * 7919) % base.length] ?? one
    if (one === undefined || other === undefined) throw new Error("no companies")
    const round = Math.floor(i / base.length)
    if (round === 0) return one
    const suffix = round.toString(36).toUpperCase()
    const [first = "", second = ""] = other.name.split(" ")
    return {
      ...one,
      symbol: one.symbol + suffix,
      name: `${first} ${second} ${one.name}`,
      company: `${one.company}.${suffix}`
    }
  })
}

type Search = (text: string) => number

const tree = (listed: ReadonlyArray<Listed>): Search => {
  const value = atOnce(CompanyIndex.build(listed))
  return (text) => {
    let hits = 0
    for (const _ of value.search(text)) if (++hits === HITS) break
    return hits
  }
}

/** Symbols, names and the words of names, folded, in one sorted array; the best by size of those that begin so. No typos. */
const sorted = (listed: ReadonlyArray<Listed>): Search => {
  const keys: Array<{ readonly text: string; readonly entry: number }> = []
  for (const [entry, { name, symbol }] of listed.entries()) {
    keys.push({ text: foldText(symbol).text, entry })
    const { starts, text } = foldText(name)
    for (const start of starts) keys.push({ text: text.slice(start), entry })
  }
  keys.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
  const first = (wanted: string): number => {
    let [low, high] = [0, keys.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((keys[middle]?.text ?? "") < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
  return (text) => {
    const wanted = foldText(text).text
    const best = new Set<number>()
    for (let at = first(wanted); keys[at]?.text.startsWith(wanted); at++) best.add(keys[at]?.entry ?? 0)
    return Array.from(best)
      .sort((a, b) => a - b)
      .slice(0, HITS).length
  }
}

const library = (listed: ReadonlyArray<Listed>): Search => {
  const index = new MiniSearch<{ readonly id: number; readonly symbol: string; readonly name: string }>({
    fields: ["symbol", "name"],
    searchOptions: { prefix: true, fuzzy: 0.2, boost: { symbol: 4 }, combineWith: "AND" }
  })
  index.addAll(listed.map(({ name, symbol }, id) => ({ id, symbol, name })))
  return (text) => index.search(text).slice(0, HITS).length
}

const ways = { tree, sorted, library }
export type Way = keyof typeof ways

/** The first word of names with two neighbours swapped, or one letter gone. */
const mistyped = (listed: ReadonlyArray<Listed>): ReadonlyArray<string> =>
  Array.from(
    { length: 400 },
    (_, i) => listed[(i * 23) % Math.min(9_000, listed.length)]?.name.toLowerCase() ?? ""
  ).flatMap((name) => {
    const [word = ""] = name.split(/[^a-z]/)
    if (word.length < 6) return []
    return [word.slice(0, 2) + word[3] + word[2] + word.slice(4), word.slice(0, 3) + word.slice(4)]
  })

export interface Searched {
  readonly buildMillis: number
  /** Heap and buffers of what was built. */
  readonly bytes: number
  /** Microseconds, one a query. */
  readonly typed: ReadonlyArray<number>
  readonly mistyped: ReadonlyArray<number>
  readonly hits: number
}

const timed = (search: Search, queries: ReadonlyArray<string>, rounds: number) => {
  const micros: Array<number> = []
  let hits = 0
  for (let round = 0; round < rounds; round++) {
    for (const query of queries) {
      const started = performance.now()
      hits += search(query)
      // the first rounds compile
      if (round > 0) micros.push((performance.now() - started) * 1_000)
    }
  }
  return { micros, hits }
}

const searching = {
  search: async ({ size, way }: { readonly size: number; readonly way: Way }): Promise<Searched> => {
    const listed = corpus(size)
    const before = await settledMemory()
    const started = performance.now()
    const search = ways[way](listed)
    const buildMillis = performance.now() - started
    const after = await settledMemory()
    // the library takes a second and more for a keystroke over a million
    const rounds = size > 100_000 && way !== "tree" ? 2 : 6
    const queries = typedBeginnings(listed)
    const some = rounds === 2 ? queries.filter((_, i) => i % 10 === 0) : queries
    const asTyped = timed(search, some, rounds)
    const wrong = way === "sorted" ? [] : mistyped(listed)
    const withTypos = timed(search, rounds === 2 ? wrong.slice(0, 40) : wrong, rounds)
    return {
      buildMillis,
      bytes: after.heapUsed + after.external - before.heapUsed - before.external,
      typed: asTyped.micros,
      mistyped: withTypos.micros,
      hits: asTyped.hits + withTypos.hits
    }
  }
}
export type Searching = typeof searching

answer(searching)
