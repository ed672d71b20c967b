/** Why the feed does not tell a symbol: what became of it, or that only this feed does not list it. */
import { Effect } from "effect"
import type { LZStockClient } from "../../rpc/client.ts"
import type { CompanyProfile } from "../../rpc/companies.ts"
import { normaliseSymbol } from "../../rpc/market.ts"
import { ExitCode, Failure } from "./failure.ts"

const reasonOf = (symbol: string, { company, fate, instrument }: CompanyProfile): string => {
  if (fate === null) return `${symbol} (${company.name}) is not in this server's feed (see lzstock listings)`
  return instrument.listed
    ? `${symbol} is ${instrument.symbol} today (${fate})`
    : `${symbol} (${company.name}) is traded no more: ${fate}`
}

/** In the place of an unknown symbol's error; as it was, where the companies cannot be asked. */
export const whyUnlisted = (
  client: LZStockClient["Service"],
  text: string,
  unknown: Failure
): Effect.Effect<never, Failure> => {
  const symbol = normaliseSymbol(text)
  return client.company(symbol).pipe(
    Effect.matchEffect({
      onSuccess: (profile) =>
        Effect.fail(new Failure({ code: ExitCode.UnknownSymbol, message: reasonOf(symbol, profile) })),
      onFailure: () => Effect.fail(unknown)
    })
  )
}
