/** `lzstock companies`: keeping the server's companies up to date, from the SEC or from a file. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import type { LZStockClient } from "../../../rpc/client.ts"
import { type ImportedListing, MAX_IMPORTED, type SyncStatus } from "../../../rpc/companies.ts"
import { readListings } from "../companyFiles.ts"
import { ExitCode, Failure, fromServer, usage } from "../failure.ts"
import { type ConnectionFlags, connection, json, openClient } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeJson } from "../Out.ts"
import { operator, operatorToken } from "../operator.ts"
import { paint } from "../paint.ts"
import { progressBar } from "../progress.ts"

const LOOK_EVERY = "500 millis"

/** Draws over itself on a terminal; elsewhere it says nothing until the end. */
const showing = Effect.fnUntraced(function* (line: string) {
  const out = yield* Out
  if (out.isTerminal) yield* out.write(`\r\u001b[K${line}`)
})

// ---- sync ----------------------------------------------------------------------------------------------------------

const phaseText = ({ phase, state }: SyncStatus): string => {
  if (state === "waiting") return "waiting for a worker"
  return phase === "list" ? "reading the SEC's list" : "reading particulars"
}

const follow = Effect.fnUntraced(function* (
  client: LZStockClient["Service"],
  url: string,
  begun: SyncStatus
): Effect.fn.Return<SyncStatus, Failure, Out> {
  const out = yield* Out
  let status = begun
  let said = ""
  for (;;) {
    if (status.state === "off") {
      return yield* new Failure({
        code: ExitCode.Failure,
        message: 'no worker may ask the SEC: start one with LZSTOCK_SEC_USER_AGENT="Your Name you@example.com"'
      })
    }
    if (status.error !== null) {
      yield* showing("")
      const again = status.nextAt === null ? "" : `; it goes on by itself at ${new Date(status.nextAt).toISOString()}`
      return yield* new Failure({ code: ExitCode.TryAgain, message: `${status.error.replace(/\.$/, "")}${again}` })
    }
    if (status.state === "idle" && status.finishedAt !== begun.finishedAt) return status
    const counts = status.state === "running" ? status : { done: 0, total: 0 }
    const phase = phaseText(status)
    if (!out.isTerminal && phase !== said) yield* out.note(phase)
    said = phase
    yield* showing(`${progressBar(counts.done, counts.total, out.columns())} ${phase}`)
    yield* Effect.sleep(LOOK_EVERY)
    status = yield* Effect.mapError(client.syncStatus, fromServer(url))
  }
})

const summary = ({ companies, done, instruments }: SyncStatus): string =>
  `${format.count(companies)} companies with ${format.count(instruments)} listed symbols; particulars of ${format.count(done)} read`

const runSync = Effect.fn("cli.companies.sync")(function* (
  input: { readonly dataDir: string; readonly json: boolean } & ConnectionFlags
) {
  const out = yield* Out
  const token = yield* operatorToken(input.dataDir)
  const client = yield* openClient(input, token)
  const begun = yield* Effect.mapError(client.syncCompanies(token), fromServer(input.url))
  const status = yield* follow(client, input.url, begun)
  if (input.json) return yield* writeJson(status)
  yield* showing("")
  yield* out.write(`${summary(status)}\n`)
})

const sync = Command.make("sync", { ...operator, json, ...connection }, (input) => Effect.scoped(runSync(input))).pipe(
  Command.withDescription("Read now what the SEC lists, and follow how far that is; Ctrl-C only ends the following"),
  Command.withExamples([{ command: "lzstock companies sync", description: "Every listed company, as of today" }])
)

// ---- status --------------------------------------------------------------------------------------------------------

const time = (millis: number | null): string => (millis === null ? "never" : new Date(millis).toISOString())

const runStatus = Effect.fn("cli.companies.status")(function* (input: { readonly json: boolean } & ConnectionFlags) {
  const out = yield* Out
  const client = yield* openClient(input)
  const status = yield* Effect.mapError(client.syncStatus, fromServer(input.url))
  if (input.json) return yield* writeJson(status)
  const lines: ReadonlyArray<readonly [string, string | null]> = [
    ["companies", `${format.count(status.companies)}, with ${format.count(status.instruments)} listed symbols`],
    ["sync", status.state === "running" ? `${phaseText(status)}, ${status.done} of ${status.total}` : status.state],
    ["finished", time(status.finishedAt)],
    ["next", status.state === "off" || status.state === "running" ? null : time(status.nextAt)],
    ["error", status.error]
  ]
  yield* out.write(
    lines
      .flatMap(([name, value]) => (value === null ? [] : [`${paint(out.colours, "dim", name.padEnd(10))}${value}\n`]))
      .join("")
  )
})

const status = Command.make("status", { json, ...connection }, (input) => Effect.scoped(runStatus(input))).pipe(
  Command.withDescription("Show how many companies are known, and when they were last synced")
)

// ---- import --------------------------------------------------------------------------------------------------------

const chunksOf = (listings: ReadonlyArray<ImportedListing>): ReadonlyArray<ReadonlyArray<ImportedListing>> =>
  Array.from({ length: Math.ceil(listings.length / MAX_IMPORTED) }, (_, i) =>
    listings.slice(i * MAX_IMPORTED, (i + 1) * MAX_IMPORTED)
  )

const runImport = Effect.fn("cli.companies.import")(function* (
  input: { readonly file: string; readonly dataDir: string; readonly json: boolean } & ConnectionFlags
) {
  const out = yield* Out
  // a file that cannot be read whole is not begun
  const listings = yield* Effect.mapError(readListings(input.file), ({ message }) => usage(`${input.file}: ${message}`))
  const token = yield* operatorToken(input.dataDir)
  const client = yield* openClient(input, token)
  const sum = { added: 0, changed: 0, unchanged: 0 }
  for (const chunk of chunksOf(listings)) {
    const done = sum.added + sum.changed + sum.unchanged
    yield* showing(progressBar(done, listings.length, out.columns()))
    const part = yield* client.importCompanies(token, chunk).pipe(
      Effect.mapError(fromServer(input.url)),
      Effect.tapError(() => showing("")),
      Effect.mapError(({ code, message }) => {
        const so = done === 0 ? "" : `; the ${format.count(done)} entries before it were taken in`
        return new Failure({ code, message: `${message}${so}` })
      })
    )
    sum.added += part.added
    sum.changed += part.changed
    sum.unchanged += part.unchanged
  }
  if (input.json) return yield* writeJson(sum)
  yield* showing("")
  const { added, changed, unchanged } = sum
  yield* out.write(
    `${format.count(added)} added, ${format.count(changed)} changed, ${format.count(unchanged)} as they were\n`
  )
})

const importFile = Command.make(
  "import",
  {
    file: Argument.String("file").pipe(
      Argument.withMetavar("FILE"),
      Argument.withDescription(
        "The SEC's company_tickers.json or company_tickers_exchange.json, or a CSV with a column symbol and any of name, legal_name, exchange, sector, industry, cik; also gzipped"
      )
    ),
    ...operator,
    json,
    ...connection
  },
  (input) => Effect.scoped(runImport(input))
).pipe(
  Command.withDescription("Add companies from a file, and what it says of those that are known; takes nothing away"),
  Command.withExamples([
    { command: "lzstock companies import company_tickers.json", description: "Where the server reaches no SEC" },
    { command: "lzstock companies import europe.csv", description: "Companies that the SEC does not list" }
  ])
)

export const companies = Command.make("companies").pipe(
  Command.withDescription("Keep the server's list of companies up to date"),
  Command.withSubcommands([sync, importFile, status])
)
