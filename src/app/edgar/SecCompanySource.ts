/**
 * CompanySource of the SEC: who is listed from its two ticker files, what a company is from its submissions. A list comes whole
 * or not at all: a file that is cut short, changed or mostly nonsense would look like thousands of companies that ended.
 */
import { Effect, Layer, type Schema } from "effect"
import { CompanySource, type SourceError } from "../../actors/companies/CompanySource.ts"
import { malformed } from "./answers.ts"
import { nameOf, SecClient, type SecUrl } from "./SecClient.ts"
import { cikOf, detailsOf, Submissions } from "./submissions.ts"
import {
  doubtOf,
  type EntriesRead,
  ExchangeFile,
  isCik,
  mergeLists,
  readExchanges,
  readTickers,
  TickerFile
} from "./tickerFiles.ts"

export interface SecCompanySourceOptions {
  /** Fewer symbols in a file are not believed; 1,000 if absent. */
  readonly minimumSymbols?: number | undefined
}

const MAX_BYTES = 64 * 1024 * 1024
const MINIMUM_SYMBOLS = 1_000
const TICKERS = "https://www.sec.gov/files/company_tickers.json"
const EXCHANGES = "https://www.sec.gov/files/company_tickers_exchange.json"
const submissionsUrl = (cik: number): SecUrl =>
  `https://data.sec.gov/submissions/CIK${String(cik).padStart(10, "0")}.json`

const make = Effect.fnUntraced(function* ({ minimumSymbols = MINIMUM_SYMBOLS }: SecCompanySourceOptions) {
  const client = yield* SecClient

  const readList = Effect.fnUntraced(function* <A>(
    url: SecUrl,
    schema: Schema.Decoder<A>,
    entriesOf: (file: A) => EntriesRead | string
  ): Effect.fn.Return<EntriesRead, SourceError> {
    const file = yield* client.get(url, { maxBytes: MAX_BYTES, schema })
    if (file === null) return yield* malformed(`${nameOf(new URL(url))} is not there any more (404).`)
    const read = entriesOf(file)
    const doubt = typeof read === "string" ? read : doubtOf(read, minimumSymbols)
    if (typeof read === "string" || doubt !== undefined) {
      return yield* malformed(`${nameOf(new URL(url))} is not the list it was: ${doubt}. Nothing of it is taken.`)
    }
    if (read.unusable > 0) {
      yield* Effect.logWarning("Entries of the SEC's list were left out", {
        url,
        entries: read.unusable,
        example: read.example
      })
    }
    return read
  })

  return CompanySource.of({
    isOn: client.isOn,
    list: Effect.all([readList(TICKERS, TickerFile, readTickers), readList(EXCHANGES, ExchangeFile, readExchanges)], {
      concurrency: 2
    }).pipe(
      Effect.map(([bySize, byExchange]) => mergeLists(bySize, byExchange)),
      Effect.withSpan("SecCompanySource.list")
    ),
    details: Effect.fn("SecCompanySource.details")(function* (cik) {
      if (!isCik(cik)) return null
      const url = submissionsUrl(cik)
      const file = yield* client.get(url, { maxBytes: MAX_BYTES, schema: Submissions })
      if (file === null) return null
      if (cikOf(file) !== cik)
        return yield* malformed(`${nameOf(new URL(url))} is about another company, CIK ${file.cik}.`)
      return detailsOf(cik, file)
    })
  })
})

export const SecCompanySource = {
  layer: (options: SecCompanySourceOptions = {}): Layer.Layer<CompanySource, never, SecClient> =>
    Layer.effect(CompanySource, make(options))
}
