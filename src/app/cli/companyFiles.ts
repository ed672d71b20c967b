/** What `lzstock companies import` reads: the SEC's two lists of tickers as JSON, or CSV with a header; plain or gzipped. */
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { parse } from "csv-parse/sync"
import { Data, Effect, Schema } from "effect"
import { ImportedListing } from "../../rpc/companies.ts"
import { type EntriesRead, ExchangeFile, readExchanges, readTickers, TickerFile } from "../edgar/tickerFiles.ts"

/** `message` says where in the file, and what is wrong. */
export class CompanyFileError extends Data.TaggedError("CompanyFileError")<{ readonly message: string }> {}

const refused = (message: string): CompanyFileError => new CompanyFileError({ message })

const unzip = promisify(gunzip)
const GZIP_MAGIC = 0x8b1f

const textOf = async (file: string): Promise<string> => {
  const bytes = await readFile(file)
  const isGzip = bytes.length > 2 && bytes.readUInt16LE(0) === GZIP_MAGIC
  return new TextDecoder("utf-8", { fatal: true }).decode(isGzip ? await unzip(bytes) : bytes)
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

const isExchangeFile = Schema.is(ExchangeFile)
const isTickerFile = Schema.is(TickerFile)

const entriesOf = (value: unknown): EntriesRead | string => {
  if (isExchangeFile(value)) return readExchanges(value)
  if (isTickerFile(value)) return readTickers(value)
  return "it is neither company_tickers.json nor company_tickers_exchange.json"
}

const fromJson = (text: string): Effect.Effect<ReadonlyArray<ImportedListing>, CompanyFileError> =>
  Effect.gen(function* () {
    const value: unknown = yield* Effect.try({
      try: () => JSON.parse(text),
      catch: (error) =>
        refused(`it is no JSON, or a part of it: ${error instanceof Error ? error.message : String(error)}`)
    })
    const read = entriesOf(value)
    if (typeof read === "string") return yield* refused(read)
    // the other file is in no order that means anything
    const isBySize = !isExchangeFile(value)
    if (read.unusable > 0) {
      return yield* refused(`${read.unusable} of ${read.total} entries cannot be used, e.g. ${read.example}`)
    }
    const ciks = [...new Set(read.entries.map(({ cik }) => cik))]
    const placeOf = new Map(isBySize ? ciks.map((cik, place) => [cik, place + 1]) : [])
    return read.entries.map(({ cik, exchange, name, symbol }) => ({
      symbol,
      name: null,
      legalName: name,
      exchange,
      sector: null,
      industry: null,
      cik,
      rank: placeOf.get(cik) ?? null
    }))
  })

// ---- CSV -----------------------------------------------------------------------------------------------------------

const COLUMNS = ["symbol", "name", "legal_name", "exchange", "sector", "industry", "cik"] as const
type Column = (typeof COLUMNS)[number]
const isColumn = (name: string): name is Column => COLUMNS.some((column) => column === name)

const isRow = Schema.is(
  Schema.Struct({ record: Schema.Array(Schema.String), info: Schema.Struct({ lines: Schema.Int }) })
)
const decodeListing = Schema.decodeUnknownEffect(ImportedListing)

const cellsOf = (text: string): Effect.Effect<ReadonlyArray<unknown>, CompanyFileError> =>
  Effect.try({
    try: (): ReadonlyArray<unknown> => parse(text, { bom: true, skip_empty_lines: true, trim: true, info: true }),
    catch: (error) => refused(error instanceof Error ? error.message : String(error))
  })

const fromCsv = (text: string): Effect.Effect<ReadonlyArray<ImportedListing>, CompanyFileError> =>
  Effect.gen(function* () {
    const [header, ...rows] = (yield* cellsOf(text)).filter(isRow)
    const names = (header?.record ?? []).map((name) => name.toLowerCase())
    if (!names.includes("symbol"))
      return yield* refused(`its first line must name the columns, symbol among them (${COLUMNS.join(", ")})`)
    const odd = names.find((name) => !isColumn(name))
    if (odd !== undefined) return yield* refused(`"${odd}" is no column of ours (${COLUMNS.join(", ")})`)
    return yield* Effect.forEach(rows, ({ info, record }) => {
      const cell = (column: Column): string | null => {
        const value = record[names.indexOf(column)] ?? ""
        return value === "" ? null : value
      }
      const cik = cell("cik")
      return decodeListing({
        symbol: cell("symbol") ?? "",
        name: cell("name"),
        legalName: cell("legal_name"),
        exchange: cell("exchange"),
        sector: cell("sector"),
        industry: cell("industry"),
        cik: cik === null ? null : /^\d{1,10}$/.test(cik) ? Number(cik) : Number.NaN,
        rank: null
      }).pipe(Effect.mapError(({ message }) => refused(`line ${info.lines}: ${message.replace(/\s+/g, " ")}`)))
    })
  })

/** Every entry of the file, or why it cannot be used; nothing of it is taken in by that. */
export const readListings = (file: string): Effect.Effect<ReadonlyArray<ImportedListing>, CompanyFileError> =>
  Effect.gen(function* () {
    const text = yield* Effect.tryPromise({
      try: () => textOf(file),
      catch: (error) => refused(error instanceof Error ? error.message : String(error))
    })
    const listings = yield* /^\s*[[{]/.test(text) ? fromJson(text) : fromCsv(text)
    return listings.length === 0 ? yield* refused("there is no company in it") : listings
  })
