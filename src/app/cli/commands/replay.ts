/** `lzstock replay`: a recorded day at full speed, offline; its bars as CSV. */
import { access, constants, writeFile } from "node:fs/promises"
import path from "node:path"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { Bar, Interval } from "../../../rpc/market.ts"
import { csvHeader, csvLine } from "../csv.ts"
import { ExitCode, Failure } from "../failure.ts"
import { interval, json, parseSymbols } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeLines } from "../Out.ts"
import type { ReplayedDay } from "../offline/ReplayedDay.ts"
import { parseDay } from "../when.ts"

interface Input {
  readonly data: string
  readonly date: string
  readonly symbol: ReadonlyArray<string>
  readonly interval: Interval
  readonly bars: Option.Option<string>
  readonly header: boolean
  readonly json: boolean
}

const PLACEHOLDER = "{symbol}"

/** Lines of one or more symbols; a first column names the symbol where several share a file. */
const linesOf = (
  bars: ReadonlyArray<readonly [symbol: string, bars: ReadonlyArray<Bar>]>,
  input: Input
): ReadonlyArray<string> => {
  const named = bars.length > 1
  const line = (symbol: string, bar: Bar): string =>
    input.json
      ? `${JSON.stringify({ symbol, interval: input.interval, ...bar })}\n`
      : `${named ? `${symbol},` : ""}${csvLine(bar, "ms")}`
  const head = input.header && !input.json ? [`${named ? "symbol," : ""}${csvHeader("ms")}`] : []
  return [...head, ...bars.flatMap(([symbol, own]) => own.map((bar) => line(symbol, bar)))]
}

const fileFailure = (cause: unknown) =>
  new Failure({
    code: ExitCode.Failure,
    message: `--bars: ${cause instanceof Error ? cause.message : String(cause)}`
  })

const writeBars = (file: string, lines: ReadonlyArray<string>): Effect.Effect<void, Failure> =>
  Effect.tryPromise({ try: () => writeFile(file, lines.join("")), catch: fileFailure })

/** Where the bars go. Looked at before the day is played, because a wrong name must not cost a replay; written after it. */
const barsTarget = (input: Input): Effect.Effect<(day: ReplayedDay) => Effect.Effect<void, Failure, Out>, Failure> =>
  Effect.gen(function* () {
    const target = Option.getOrUndefined(input.bars)
    if (target === undefined) return () => Effect.void
    if (target === "-") return (day: ReplayedDay) => writeLines(linesOf([...day.bars], input))
    yield* Effect.tryPromise({ try: () => access(path.dirname(target), constants.W_OK), catch: fileFailure })
    if (!target.includes(PLACEHOLDER)) return (day: ReplayedDay) => writeBars(target, linesOf([...day.bars], input))
    return (day: ReplayedDay) =>
      Effect.forEach(
        day.bars,
        (own) => writeBars(target.replaceAll(PLACEHOLDER, own[0].toLowerCase()), linesOf([own], input)),
        { discard: true }
      )
  })

interface Summary {
  readonly date: string
  readonly interval: Interval
  readonly symbols: ReadonlyArray<string>
  readonly trades: number
  readonly ticks: number
  readonly malformed: number
  readonly bars: number
  readonly seconds: number
  readonly tradesPerSecond: number
}

const summaryOf = (day: ReplayedDay, date: string, length: Interval): Summary => ({
  date,
  interval: length,
  symbols: [...day.bars.keys()],
  trades: day.trades,
  ticks: day.ticks,
  malformed: day.malformed,
  bars: [...day.bars.values()].reduce((sum, bars) => sum + bars.length, 0),
  seconds: Number((day.millis / 1000).toFixed(3)),
  tradesPerSecond: Math.round((day.trades / day.millis) * 1000)
})

const summaryText = (summary: Summary): string => {
  const quotes = summary.ticks - summary.trades
  return (
    `lzstock: REPLAY of ${summary.date}, ${summary.symbols.join(" ")}: ${format.count(summary.trades)} trades` +
    `${quotes > 0 ? ` and ${format.count(quotes)} quotes` : ""} in ${format.duration(summary.seconds * 1000)}, ` +
    `${format.count(summary.tradesPerSecond)} trades/s, ${format.count(summary.bars)} bars of ${summary.interval}` +
    `${summary.malformed > 0 ? `, ${format.count(summary.malformed)} malformed lines left out` : ""}`
  )
}

const run = Effect.fn("cli.replay")(function* (input: Input) {
  const out = yield* Out
  const day = yield* parseDay("--date", input.date)
  const symbols = input.symbol.length === 0 ? [] : yield* parseSymbols(input.symbol)
  const write = yield* barsTarget(input)
  // the actors and the cluster are loaded by this command alone: the others start faster
  const { replayDay } = yield* Effect.promise(() => import("../offline/ReplayedDay.ts"))
  const replayed = yield* replayDay({ data: input.data, day, symbols, interval: input.interval }).pipe(
    Effect.mapError(({ message }) => new Failure({ code: ExitCode.Failure, message }))
  )
  yield* write(replayed)
  const summary = summaryOf(replayed, day.date, input.interval)
  if (!input.json) return yield* out.note(summaryText(summary))
  const line = JSON.stringify(summary)
  yield* Option.contains(input.bars, "-") ? out.note(line) : out.write(`${line}\n`)
})

export const replay = Command.make(
  "replay",
  {
    data: Flag.String("data").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription("Folder of the recording, LEAN layout: tick/SYMBOL/YYYYMMDD_trade.zip, …")
    ),
    date: Flag.String("date").pipe(
      Flag.withAlias("d"),
      Flag.withMetavar("DATE"),
      Flag.withDescription("The recorded day, YYYY-MM-DD")
    ),
    symbol: Flag.String("symbol").pipe(
      Flag.withAlias("s"),
      Flag.withMetavar("SYMBOL"),
      Flag.withDescription("Only this one; may be given several times. Default: all that were recorded"),
      Flag.atLeast(0)
    ),
    interval,
    bars: Flag.String("bars").pipe(
      Flag.withAlias("b"),
      Flag.withMetavar("-|FILE"),
      Flag.withDescription(
        `Where the finished bars go as CSV: - is standard output; ${PLACEHOLDER} in a name makes a file each. Default: nowhere`
      ),
      Flag.optional
    ),
    header: Flag.Boolean("header").pipe(
      Flag.withDescription("Begin with a line of column names"),
      Flag.withoutNegation,
      Flag.withDefault(false)
    ),
    json
  },
  run
).pipe(
  Command.withDescription(
    "Play a recorded day at full speed through the same actors that serve live prices, without a server, and print its " +
      "finished bars: ms,open,high,low,close,volume (ms since midnight New York, dollars). Several symbols in one output " +
      "get a first column with the symbol. The summary goes to stderr."
  ),
  Command.withShortDescription("Play a recorded day at full speed, offline"),
  Command.withExamples([
    {
      command: "lzstock replay --data ../shared/data/market/lean --date 2013-10-07 --symbol SPY --interval 1m --bars -",
      description: "The minute bars of a day"
    },
    {
      command: `lzstock replay --data ../shared/data/market/lean --date 2013-10-07 --bars 'bars/${PLACEHOLDER}.csv'`,
      description: "Every recorded symbol, a file each"
    }
  ])
)
