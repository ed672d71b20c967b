/** Where companies are read from, as far as the sync needs to know. Adapter: the SEC (src/app/edgar). */
import { Context, type Effect, Schema } from "effect"
import type { FormerName } from "../../rpc/companies.ts"

export interface ListedSymbol {
  readonly cik: number
  /** Normalised, as BRK.B. */
  readonly symbol: string
  /** As filed, e.g. "BERKSHIRE HATHAWAY INC". */
  readonly name: string
  /** "NYSE", "NASDAQ", "CBOE", "OTC"; null: the source does not say. */
  readonly exchange: string | null
}

export interface CompanyDetails {
  readonly cik: number
  readonly name: string
  readonly sic: number | null
  /** What the SIC code says. */
  readonly industry: string | null
  /** MM-DD. */
  readonly fiscalYearEnd: string | null
  readonly formerNames: ReadonlyArray<FormerName>
}

/** It could not be read; `message` is one line that says what to do, where one can do something. */
export class SourceError extends Schema.TaggedError<SourceError>()("SourceError", {
  /**
   * off: nothing says for whom to ask. refused: the source does not want us (403). busy: it asked for a pause, or does not
   * answer. malformed: what came is not what it should be, or a part of it.
   */
  kind: Schema.Literals(["off", "refused", "busy", "malformed"]),
  message: Schema.String,
  /** Not before, ms. */
  retryAfterMillis: Schema.Int
}) {}

export class CompanySource extends Context.Service<
  CompanySource,
  {
    /** False: asking would only fail with `off`. */
    readonly isOn: boolean
    /** Every symbol that is listed, the largest company first; whole, or a failure. */
    readonly list: Effect.Effect<ReadonlyArray<ListedSymbol>, SourceError>
    /** null: the source knows no such company. */
    readonly details: (cik: number) => Effect.Effect<CompanyDetails | null, SourceError>
  }
>()("lzstock/actors/companies/CompanySource") {}
