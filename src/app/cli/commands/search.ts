/** `lzstock search TEXT...`: companies by symbol, name or any word of it, as the palette finds them. */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { MAX_PAGE, type SearchHit } from "../../../rpc/companies.ts"
import { fromServer } from "../failure.ts"
import { type ConnectionFlags, connection, json, openClient } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeLines } from "../Out.ts"
import { paint } from "../paint.ts"

const HEAD = ["SYMBOL", "NAME", "EXCHANGE", "SECTOR", ""]

/** Of a text that nothing matches. */
const SHOWN = 60

/** Why it is a hit, where that does not show in symbol and name. */
const remark = ({ fate, field, listed, text }: SearchHit): string => {
  if (field === "former-symbol") return `${text} ${fate ?? ""}`.trim()
  if (field === "former-name") return `${text}: ${fate ?? ""}`
  return listed ? "" : (fate ?? "traded no more")
}

const run = Effect.fn("cli.search")(function* (
  input: { readonly text: ReadonlyArray<string>; readonly limit: number; readonly json: boolean } & ConnectionFlags
) {
  const out = yield* Out
  const client = yield* openClient(input)
  const text = input.text.join(" ")
  const { companies, hits } = yield* Effect.mapError(client.search({ text, limit: input.limit }), fromServer(input.url))
  if (input.json) return yield* writeLines(hits.map((hit) => `${JSON.stringify(hit)}\n`))
  if (hits.length === 0) {
    const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
    return yield* out.note(`lzstock: nothing like "${shown}" among ${format.count(companies)} companies`)
  }
  const rows = hits.map((hit) => [hit.symbol, hit.name, hit.exchange ?? "–", hit.sector ?? "–", remark(hit)])
  const [head = "", ...lines] = format.columns([HEAD, ...rows], [])
  yield* writeLines([`${paint(out.colours, "dim", head)}\n`, ...lines.map((line) => `${line.trimEnd()}\n`)])
})

export const search = Command.make(
  "search",
  {
    text: Argument.String("text").pipe(
      Argument.withMetavar("TEXT"),
      Argument.withDescription("Symbol, name, or the beginning of any word of it; typos are forgiven"),
      Argument.atLeast(1)
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withAlias("n"),
      Flag.withDescription(`At most so many, up to ${MAX_PAGE}`),
      Flag.withDefault(20),
      Flag.filter(
        (limit) => limit >= 1 && limit <= MAX_PAGE,
        () => `Expected 1 to ${MAX_PAGE}`
      )
    ),
    json,
    ...connection
  },
  (input) => Effect.scoped(run(input))
).pipe(
  Command.withDescription("Find companies by symbol or name, former ones too"),
  Command.withExamples([
    { command: "lzstock search coca cola", description: "By the words of a name" },
    { command: "lzstock search fb", description: "What became of a symbol" },
    { command: "lzstock search apple --json | jq -r .symbol", description: "Symbols for a script" }
  ])
)
