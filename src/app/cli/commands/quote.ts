/** `lzstock quote SYMBOL...`: the state of some symbols now, once. */
import { Effect, Result } from "effect"
import { Command } from "effect/cli"
import type { Snapshot } from "../../../rpc/market.ts"
import { ExitCode, Failure, fromServer } from "../failure.ts"
import { connection, json, openClient, parseSymbols, symbolArguments } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeJson } from "../Out.ts"
import { paint } from "../paint.ts"
import { whyUnlisted } from "../unlisted.ts"

const HEAD = ["SYMBOL", "LAST", "CHANGE", "%", "BID", "ASK", "OPEN", "HIGH", "LOW", "VOLUME", "TIME", "FEED"]
const NUMBERS = HEAD.map((_, i) => i > 0 && i < 10)

const cells = (quote: Snapshot): ReadonlyArray<string> => {
  const change = format.change(quote.last, quote.previousClose)
  return [
    quote.symbol + (quote.halted ? " HALTED" : ""),
    format.priceOr(quote.last),
    change?.amount ?? "–",
    change?.percent ?? "–",
    format.priceOr(quote.bid),
    format.priceOr(quote.ask),
    format.priceOr(quote.open),
    format.priceOr(quote.high),
    format.priceOr(quote.low),
    format.count(quote.volume),
    quote.exchangeTime === 0 ? "–" : format.newYorkDateTime(quote.exchangeTime),
    quote.label
  ]
}

const table = (quotes: ReadonlyArray<Snapshot>, colours: boolean): string => {
  const lines = format.columns([HEAD, ...quotes.map(cells)], NUMBERS)
  return lines
    .map((line, i) => {
      const quote = quotes[i - 1]
      if (quote === undefined) return `${paint(colours, "dim", line)}\n`
      return `${paint(colours, format.change(quote.last, quote.previousClose)?.direction, line)}\n`
    })
    .join("")
}

const run = Effect.fn("cli.quote")(function* (input: {
  readonly symbol: ReadonlyArray<string>
  readonly json: boolean
  readonly url: string
  readonly timeout: number
}) {
  const out = yield* Out
  const symbols = yield* parseSymbols(input.symbol)
  const client = yield* openClient(input)
  const answers = yield* Effect.forEach(
    symbols,
    (symbol) =>
      Effect.result(
        client.quote(symbol).pipe(
          Effect.mapError(fromServer(input.url)),
          Effect.catchIf(
            ({ code }) => code === ExitCode.UnknownSymbol,
            (unknown) => whyUnlisted(client, symbol, unknown)
          )
        )
      ),
    { concurrency: 16 }
  )
  const quotes = answers.filter(Result.isSuccess).map((answer) => answer.success)
  const failures = answers.filter(Result.isFailure).map((answer) => answer.failure)
  if (input.json) yield* Effect.forEach(quotes, writeJson, { discard: true })
  else if (quotes.length > 0) yield* out.write(table(quotes, out.colours))
  const [first] = failures
  if (first !== undefined) {
    return yield* new Failure({ code: first.code, message: failures.map(({ message }) => message).join("; ") })
  }
})

export const quote = Command.make("quote", { symbol: symbolArguments, json, ...connection }, (input) =>
  Effect.scoped(run(input))
).pipe(
  Command.withDescription("Print the state of some symbols now. Unknown ones are named on stderr, exit code 4."),
  Command.withShortDescription("Print the state of some symbols now"),
  Command.withExamples([
    { command: "lzstock quote AAPL MSFT", description: "Two quotes as a table" },
    { command: "lzstock quote AAPL --json | jq .last", description: "One number for a script" }
  ])
)
