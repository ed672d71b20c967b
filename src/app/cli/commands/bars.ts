/** `lzstock bars SYMBOL`: bars as CSV, oldest first. */
import { Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { LZStockClient } from "../../../rpc/client.ts"
import type { Bar, BarsPage, FeedLabel, Interval } from "../../../rpc/market.ts"
import { csvHeader, csvLine, type TimeColumn } from "../csv.ts"
import { ExitCode, type Failure, fromServer, usage } from "../failure.ts"
import { type ConnectionFlags, connection, interval, json, openClient, parseSymbols, positive } from "../flags.ts"
import { Out, writeLines } from "../Out.ts"
import { whyUnlisted } from "../unlisted.ts"
import { parseDay, parseInstant } from "../when.ts"

const PAGE = 5_000
/** Without --date, --from, --to, --limit or --all: a regular session of minutes. */
const DEFAULT_LIMIT = 390

interface Input extends ConnectionFlags {
  readonly symbol: string
  readonly interval: Interval
  readonly date: Option.Option<string>
  readonly from: Option.Option<string>
  readonly to: Option.Option<string>
  readonly limit: Option.Option<number>
  readonly all: boolean
  readonly forming: boolean
  readonly header: boolean
  readonly time: Option.Option<TimeColumn>
  readonly json: boolean
}

interface Range {
  /** Inclusive, exclusive; ms since the epoch. */
  readonly from: number | undefined
  readonly to: number | undefined
  readonly limit: number
  /** A single day, so that ms since midnight says it all. */
  readonly oneDay: boolean
}

const rangeOf = Effect.fnUntraced(function* (input: Input): Effect.fn.Return<Range, Failure> {
  const day = Option.isSome(input.date) ? yield* parseDay("--date", input.date.value) : undefined
  const from = Option.isSome(input.from) ? yield* parseInstant("--from", input.from.value, day) : day?.midnight
  const to = Option.isSome(input.to) ? yield* parseInstant("--to", input.to.value, day) : day?.nextMidnight
  if (from !== undefined && to !== undefined && from >= to) return yield* usage("--to must be later than --from")
  if (input.all && Option.isSome(input.limit)) return yield* usage("--all and --limit exclude each other")
  const ranged = from !== undefined || to !== undefined || input.all
  return {
    from,
    to,
    limit: Option.getOrElse(input.limit, () => (ranged ? Number.POSITIVE_INFINITY : DEFAULT_LIMIT)),
    oneDay:
      day !== undefined && from !== undefined && to !== undefined && from >= day.midnight && to <= day.nextMidnight
  }
})

/** A bar and where its page comes from. */
interface Labelled {
  readonly bar: Bar
  readonly label: FeedLabel
}

/** The newest `limit` bars of the range, oldest first, however many pages that takes. */
const fetchBars = (client: LZStockClient["Service"], symbol: string, input: Input, range: Range) =>
  Effect.gen(function* () {
    const pages: Array<BarsPage> = []
    // one more, because the newest may be forming and left out
    const wanted = range.limit + 1
    let got = 0
    yield* client
      .allBars({
        symbol,
        interval: input.interval,
        from: range.from,
        to: range.to,
        limit: Math.min(PAGE, wanted)
      })
      .pipe(
        Stream.runForEachWhile((page) =>
          Effect.sync(() => {
            pages.push(page)
            got += page.bars.length
            return got < wanted
          })
        )
      )
    const bars = pages
      .reverse()
      .flatMap(({ bars, label }) =>
        bars.filter((bar) => bar.final || input.forming).map((bar): Labelled => ({ bar, label }))
      )
    return bars.length > range.limit ? bars.slice(-range.limit) : bars
  })

const run = Effect.fn("cli.bars")(function* (input: Input) {
  const out = yield* Out
  const [symbol = "", ...more] = yield* parseSymbols([input.symbol])
  if (more.length > 0) return yield* usage("bars takes one symbol at a time")
  const range = yield* rangeOf(input)
  const client = yield* openClient(input)
  const bars = yield* fetchBars(client, symbol, input, range).pipe(
    Effect.mapError(fromServer(input.url)),
    Effect.catchIf(
      ({ code }) => code === ExitCode.UnknownSymbol,
      (unknown) => whyUnlisted(client, symbol, unknown)
    )
  )
  if (bars.length === 0) yield* out.note(`lzstock: no finished ${input.interval} bars of ${symbol} there`)
  if (input.json) return yield* writeLines(bars.map((one) => jsonLine(symbol, input.interval, one)))
  // the columns are those of recorded files, which have no room for it
  if (bars.some(({ label }) => label === "SIMULATED")) yield* out.note("lzstock: these prices are SIMULATED")
  const time = Option.getOrElse(input.time, (): TimeColumn => (range.oneDay ? "ms" : "iso"))
  yield* writeLines([...(input.header ? [csvHeader(time)] : []), ...bars.map(({ bar }) => csvLine(bar, time))])
})

const jsonLine = (symbol: string, length: Interval, { bar, label }: Labelled): string =>
  `${JSON.stringify({ symbol, interval: length, ...bar, label })}\n`

const instant = (name: string, about: string) =>
  Flag.String(name).pipe(Flag.withMetavar("TIME"), Flag.withDescription(about), Flag.optional)

const flag = (name: string, about: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(about), Flag.withoutNegation, Flag.withDefault(false))

export const bars = Command.make(
  "bars",
  {
    symbol: Argument.String("symbol").pipe(Argument.withMetavar("SYMBOL"), Argument.withDescription("One symbol")),
    date: Flag.String("date").pipe(
      Flag.withAlias("d"),
      Flag.withMetavar("DATE"),
      Flag.withDescription("This New York day, YYYY-MM-DD; every bar of it"),
      Flag.optional
    ),
    interval,
    from: instant("from", "First instant, New York: HH:MM (with --date), YYYY-MM-DD, YYYY-MM-DDTHH:MM"),
    to: instant("to", "End, exclusive; written as --from"),
    limit: positive("limit", `The newest N. Default ${DEFAULT_LIMIT} when no range is given`).pipe(Flag.withAlias("n")),
    all: flag("all", "Everything there is, page after page"),
    forming: flag("forming", "Also the last bar while it still forms"),
    header: flag("header", "Begin with a line of column names"),
    time: Flag.Literals("time", ["ms", "epoch", "iso"]).pipe(
      Flag.withDescription(
        "First column: ms since New York midnight (the default within one --date), ms since 1970, or New York date and time"
      ),
      Flag.optional
    ),
    json,
    ...connection
  },
  (input) => Effect.scoped(run(input))
).pipe(
  Command.withDescription(
    "Print bars as CSV, oldest first: ms,open,high,low,close,volume. Prices in dollars, ms since midnight New York."
  ),
  Command.withShortDescription("Print bars as CSV"),
  Command.withExamples([
    { command: "lzstock bars SPY --date 2013-10-07 --interval 1m", description: "The minutes of a day" },
    { command: "lzstock bars SPY --date 2013-10-07 --from 09:30 --to 16:00", description: "Regular hours only" },
    { command: "lzstock bars AAPL --interval 1d --all --header", description: "Every daily bar" }
  ])
)
