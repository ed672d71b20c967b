/**
 * The SEC's two lists of tickers, and the one they make together:
 *
 *   company_tickers.json            {"0": {"cik_str": 789019, "ticker": "MSFT", "title": "MICROSOFT CORP"}, …}, by size
 *   company_tickers_exchange.json   {"fields": ["cik", "name", "ticker", "exchange"], "data": [[789019, …], …]}
 */
import { Schema } from "effect"
import type { ListedSymbol } from "../../actors/companies/CompanySource.ts"
import { normaliseSymbol, symbolPattern } from "../../rpc/market.ts"
import { plainText } from "./plainText.ts"

/** One bad entry must not hide the others: each is judged by itself. */
export const TickerFile = Schema.Record(Schema.String, Schema.Unknown)
export const ExchangeFile = Schema.Struct({ fields: Schema.Array(Schema.String), data: Schema.Array(Schema.Unknown) })

/** The greatest number of ten digits: what fits into CIK##########. */
export const MAX_CIK = 9_999_999_999
export const isCik = (cik: unknown): cik is number =>
  typeof cik === "number" && Number.isInteger(cik) && cik >= 1 && cik <= MAX_CIK

export interface EntriesRead {
  /** In the file's order; of each symbol the first. */
  readonly entries: ReadonlyArray<ListedSymbol>
  /** Entries as such, those that repeat a symbol too. */
  readonly total: number
  readonly unusable: number
  /** The first one, for the log. */
  readonly example: string | undefined
}

type Row = Readonly<Record<"cik" | "ticker" | "name" | "exchange", unknown>>
const COLUMNS = ["cik", "ticker", "name", "exchange"] as const

const exchangeOf = (value: unknown): string | null | undefined => {
  if (value === null || value === undefined) return null
  if (typeof value !== "string") return undefined
  // "Nasdaq", but "NYSE" and "CBOE"
  const name = plainText(value)
  return name === "" ? null : name.toUpperCase()
}

/** undefined: of no use. */
const entryOf = (row: Row): ListedSymbol | undefined => {
  if (!isCik(row.cik) || typeof row.ticker !== "string" || typeof row.name !== "string") return undefined
  const symbol = normaliseSymbol(row.ticker)
  const name = plainText(row.name)
  const exchange = exchangeOf(row.exchange)
  if (!symbolPattern.test(symbol) || name === "" || exchange === undefined) return undefined
  return { cik: row.cik, symbol, name, exchange }
}

const EXAMPLE_LENGTH = 200

const read = (items: ReadonlyArray<unknown>, rowOf: (item: unknown) => Row | undefined): EntriesRead => {
  const bySymbol = new Map<string, ListedSymbol>()
  let unusable = 0
  let example: string | undefined
  for (const item of items) {
    const row = rowOf(item)
    const entry = row && entryOf(row)
    if (entry === undefined) {
      unusable++
      example ??= JSON.stringify(item).slice(0, EXAMPLE_LENGTH)
    } else if (!bySymbol.has(entry.symbol)) bySymbol.set(entry.symbol, entry)
  }
  return { entries: [...bySymbol.values()], total: items.length, unusable, example }
}

const isTickerEntry = Schema.is(
  Schema.Struct({ cik_str: Schema.Unknown, ticker: Schema.Unknown, title: Schema.Unknown })
)

export const readTickers = (file: typeof TickerFile.Type): EntriesRead =>
  read(Object.values(file), (item) =>
    isTickerEntry(item) ? { cik: item.cik_str, ticker: item.ticker, name: item.title, exchange: null } : undefined
  )

/** A string: what the file lacks. */
export const readExchanges = ({ data, fields }: typeof ExchangeFile.Type): EntriesRead | string => {
  const missing = COLUMNS.find((column) => !fields.includes(column))
  if (missing !== undefined) return `it has no column "${missing}"`
  const [cik, ticker, name, exchange] = COLUMNS.map((column) => fields.indexOf(column))
  const at = (item: ReadonlyArray<unknown>, index = -1) => item[index]
  return read(data, (item) =>
    Array.isArray(item) && item.length === fields.length
      ? { cik: at(item, cik), ticker: at(item, ticker), name: at(item, name), exchange: at(item, exchange) }
      : undefined
  )
}

const TOLERATED = 0.01

/** Why the file cannot be the whole list; undefined: nothing says so. */
export const doubtOf = ({ entries, example, total, unusable }: EntriesRead, minimum: number): string | undefined => {
  if (unusable > total * TOLERATED) return `${unusable} of ${total} entries are of no use, e.g. ${example}`
  const least = Math.max(1, minimum)
  return entries.length < least ? `it has ${entries.length} symbols, ${least} is the least to be believed` : undefined
}

/** By size, then what only the exchanges' file has. Where they differ about who a symbol is, the one by size is right. */
export const mergeLists = (bySize: EntriesRead, byExchange: EntriesRead): ReadonlyArray<ListedSymbol> => {
  const rest = new Map(byExchange.entries.map((entry) => [entry.symbol, entry]))
  const merged = bySize.entries.map((entry) => {
    const other = rest.get(entry.symbol)
    rest.delete(entry.symbol)
    return other?.cik === entry.cik ? { ...entry, exchange: other.exchange } : entry
  })
  return [...merged, ...rest.values()]
}
