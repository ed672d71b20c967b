/** `lzstock company SYMBOL`: who is behind a symbol, what else is listed of it, and what it was called. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import type { Alias, CompanyProfile } from "../../../rpc/companies.ts"
import { MAX_SYMBOL_LENGTH, normaliseSymbol } from "../../../rpc/market.ts"
import { ExitCode, Failure, fromServer, usage } from "../failure.ts"
import { type ConnectionFlags, connection, json, openClient } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeJson } from "../Out.ts"
import { paint } from "../paint.ts"

type Line = readonly [name: string, value: string]

const told = (name: string, value: string | number | null): ReadonlyArray<Line> =>
  value === null ? [] : [[name, String(value)]]

const span = ({ from, until }: { readonly from: string | null; readonly until: string | null }): string => {
  if (from === null) return until === null ? "" : ` until ${until}`
  return until === null ? ` since ${from}` : ` ${from} to ${until}`
}

const aliasText = (alias: Alias): string =>
  `${alias.symbol}${alias.exchange === null ? "" : ` (${alias.exchange})`}${span(alias)}${alias.fate === null ? "" : `: ${alias.fate}`}`

const priceText = ({ price }: CompanyProfile): string | null => {
  if (price === null) return null
  const change = format.change(price.last, price.previousClose)
  const moved = change === null ? "" : `  ${change.amount} (${change.percent})`
  return `${format.price(price.last)}${moved}  ${price.label}`
}

const linesOf = (profile: CompanyProfile): ReadonlyArray<Line> => {
  const { company, fate, instrument } = profile
  const others = company.instruments.filter(({ id }) => id !== instrument.id)
  // its symbol of today says nothing that the first line does not
  const aliases = instrument.aliases.filter(({ fate: was, from }) => was !== null || from !== null)
  return [
    ...told("", fate === null ? null : `${fate}${instrument.listed ? `; it is ${instrument.symbol} today` : ""}`),
    ...told("price", priceText(profile)),
    ...told("exchange", instrument.exchange),
    ...told("class", instrument.shareClass),
    ...told("legal name", company.legalName),
    ...told("sector", company.sector),
    ...told(
      "industry",
      company.industry === null ? null : `${company.industry}${company.sic === null ? "" : ` (SIC ${company.sic})`}`
    ),
    ...told("fiscal year", company.fiscalYearEnd === null ? null : `ends ${company.fiscalYearEnd}`),
    ...told("CIK", company.cik),
    ...others.map(
      ({ exchange, listed, shareClass, symbol }): Line => [
        "also",
        `${symbol}${[shareClass, exchange, listed ? null : "traded no more"].map((text) => (text === null ? "" : `, ${text}`)).join("")}`
      ]
    ),
    ...aliases.map((alias): Line => ["symbol", aliasText(alias)]),
    ...company.formerNames.map((former): Line => ["once", `${former.name}${span(former)}`])
  ]
}

const run = Effect.fn("cli.company")(function* (
  input: { readonly symbol: string; readonly json: boolean } & ConnectionFlags
) {
  const out = yield* Out
  if (input.symbol.trim() === "" || input.symbol.length > MAX_SYMBOL_LENGTH) {
    return yield* usage(`"${input.symbol.slice(0, MAX_SYMBOL_LENGTH)}" is not a symbol (like AAPL, BRK.B)`)
  }
  const client = yield* openClient(input)
  const profile = yield* client
    .company(input.symbol)
    .pipe(
      Effect.mapError((error) =>
        error._tag === "UnknownSymbol"
          ? new Failure({ code: ExitCode.UnknownSymbol, message: error.message.replace(/\.$/, "") })
          : fromServer(input.url)(error)
      )
    )
  if (input.json) return yield* writeJson(profile)
  const asked = normaliseSymbol(input.symbol)
  const symbol = profile.fate === null ? profile.instrument.symbol : asked
  yield* out.write(`${paint(out.colours, "bold", symbol)}  ${profile.company.name}\n`)
  const lines = linesOf(profile)
  const width = Math.max(...lines.map(([name]) => name.length))
  yield* out.write(
    lines.map(([name, value]) => `${paint(out.colours, "dim", name.padEnd(width))}  ${value}\n`).join("")
  )
})

export const company = Command.make(
  "company",
  {
    symbol: Argument.String("symbol").pipe(
      Argument.withMetavar("SYMBOL"),
      Argument.withDescription("A symbol it has or had; BRK.B, BRK-B and BRK/B are one")
    ),
    json,
    ...connection
  },
  (input) => Effect.scoped(run(input))
).pipe(
  Command.withDescription("Show the company behind a symbol"),
  Command.withExamples([
    { command: "lzstock company brk-b", description: "What is known of it" },
    { command: "lzstock company fb", description: "What became of a symbol" },
    { command: "lzstock company AAPL --json | jq .company.cik", description: "Its number with the SEC" }
  ])
)
