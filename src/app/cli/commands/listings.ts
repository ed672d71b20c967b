/** `lzstock listings [TEXT]`: what can be watched. */
import { Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import type { Listing } from "../../../rpc/market.ts"
import { fromServer } from "../failure.ts"
import { type ConnectionFlags, connection, json, openClient, positive } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeLines } from "../Out.ts"
import { paint } from "../paint.ts"

const HEAD = ["SYMBOL", "NAME", "EXCHANGE", "SECTOR"]

/** Symbols that begin with the text first, then those with it anywhere in symbol, name or sector. */
export const matching = (listings: ReadonlyArray<Listing>, text: string): ReadonlyArray<Listing> => {
  const wanted = text.trim().toLowerCase()
  const begins = (listing: Listing) => listing.symbol.toLowerCase().startsWith(wanted)
  const holds = ({ name, sector, symbol }: Listing) =>
    [symbol, name, sector].some((field) => field.toLowerCase().includes(wanted))
  return [...listings.filter(begins), ...listings.filter((listing) => !begins(listing) && holds(listing))]
}

const run = Effect.fn("cli.listings")(function* (
  input: {
    readonly text: Option.Option<string>
    readonly limit: Option.Option<number>
    readonly json: boolean
  } & ConnectionFlags
) {
  const out = yield* Out
  const client = yield* openClient(input)
  const all = yield* Effect.mapError(client.listings, fromServer(input.url))
  const found = matching(
    all,
    Option.getOrElse(input.text, () => "")
  )
  const shown = Option.match(input.limit, { onNone: () => found, onSome: (limit) => found.slice(0, limit) })
  if (input.json) return yield* writeLines(shown.map((listing) => `${JSON.stringify(listing)}\n`))
  if (shown.length === 0) return yield* out.note(`lzstock: none of ${format.count(all.length)} listings matches`)
  const rows = shown.map(({ exchange, name, sector, symbol }) => [symbol, name, exchange, sector])
  const [head = "", ...lines] = format.columns([HEAD, ...rows], [])
  yield* writeLines([`${paint(out.colours, "dim", head)}\n`, ...lines.map((line) => `${line}\n`)])
})

export const listings = Command.make(
  "listings",
  {
    text: Argument.String("text").pipe(
      Argument.withMetavar("TEXT"),
      Argument.withDescription("Only those with this in symbol, name or sector"),
      Argument.optional
    ),
    limit: positive("limit", "At most so many"),
    json,
    ...connection
  },
  (input) => Effect.scoped(run(input))
).pipe(
  Command.withDescription("List the symbols that can be watched"),
  Command.withExamples([
    { command: "lzstock listings bank", description: "Those with bank in symbol, name or sector" },
    { command: "lzstock listings --json | jq -r .symbol", description: "Every symbol" }
  ])
)
