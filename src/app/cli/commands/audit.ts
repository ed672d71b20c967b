/** `lzstock audit`: what happened to accounts; for operators. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { AuditEvent } from "../../../rpc/client.ts"
import { fromServer } from "../failure.ts"
import { type ConnectionFlags, connection, json, openClient, positive } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeLines } from "../Out.ts"
import { operator, operatorToken } from "../operator.ts"
import { paint } from "../paint.ts"

const HEAD = ["TIME", "EVENT", "RESULT", "INVESTOR", "ADDRESS", "DEVICE", "DETAIL"]
const DEFAULT_LIMIT = 50
const PAGE = 500
const nothing = "-"

const row = ({ address, at, detail, device, event, investor, result }: AuditEvent): ReadonlyArray<string> => [
  new Date(at).toISOString(),
  event,
  result,
  investor ?? nothing,
  address ?? nothing,
  device ?? nothing,
  detail ?? nothing
]

const run = Effect.fn("cli.audit")(function* (
  input: {
    readonly dataDir: string
    readonly limit: Option.Option<number>
    readonly investor: Option.Option<string>
    readonly json: boolean
  } & ConnectionFlags
) {
  const out = yield* Out
  const token = yield* operatorToken(input.dataDir)
  const client = yield* openClient(input, token)
  const most = Option.getOrElse(input.limit, () => DEFAULT_LIMIT)
  const found: Array<AuditEvent> = []
  let before: string | null = null
  do {
    const page: { readonly events: ReadonlyArray<AuditEvent>; readonly before: string | null } = yield* client.account
      .audit(token, { limit: PAGE, ...(before === null ? {} : { before }) })
      .pipe(Effect.mapError(fromServer(input.url)))
    found.push(...page.events.filter(({ investor }) => Option.getOrElse(input.investor, () => investor) === investor))
    before = page.before
  } while (before !== null && found.length < most)
  // the newest last, where one looks
  const shown = found.slice(0, most).toReversed()
  if (input.json) return yield* writeLines(shown.map((event) => `${JSON.stringify(event)}\n`))
  if (shown.length === 0)
    return yield* out.note(
      `lzstock: nothing of the kind has happened${Option.isSome(input.investor) ? " to this account" : ""}`
    )
  const [head = "", ...lines] = format.columns([HEAD, ...shown.map(row)], [])
  yield* writeLines([`${paint(out.colours, "dim", head)}\n`, ...lines.map((line) => `${line}\n`)])
})

export const audit = Command.make(
  "audit",
  {
    ...operator,
    limit: positive("limit", `The newest N. Default ${DEFAULT_LIMIT}`),
    investor: Flag.String("investor").pipe(
      Flag.withMetavar("ID"),
      Flag.withDescription("Only what happened to this investor's account"),
      Flag.optional
    ),
    json,
    ...connection
  },
  (input) => Effect.scoped(run(input))
).pipe(
  Command.withDescription("Show what happened to accounts: sign-ins, refusals, tokens, passwords; for operators"),
  Command.withShortDescription("What happened to accounts; for operators"),
  Command.withExamples([
    { command: "lzstock audit --limit 20", description: "The newest" },
    { command: "lzstock audit --json | jq 'select(.result == \"refused\")'", description: "What was refused" }
  ])
)
