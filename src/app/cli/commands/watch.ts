/** `lzstock watch SYMBOL...`: prices as they move, until Ctrl-C. */
import { Clock, Effect, Fiber, Latch, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import type { ClientEvent, LZStockClient, WatchRefused } from "../../../rpc/client.ts"
import type { Conflation } from "../../../rpc/market.ts"
import { ExitCode, Failure, fromServer } from "../failure.ts"
import {
  type ConnectionFlags,
  connection,
  json,
  openClient,
  parseSymbols,
  positive,
  symbolArguments
} from "../flags.ts"
import { Out } from "../Out.ts"
import { MarketView } from "../watch/MarketView.ts"
import { makePainter } from "../watch/painter.ts"
import { plainLine, renderTable } from "../watch/table.ts"

/** A terminal is redrawn at most ten times a second: more cannot be read. */
const FRAME_MILLIS = 100
/** Ages grow though nothing trades. */
const IDLE_FRAME_MILLIS = 1_000

interface Input extends ConnectionFlags {
  readonly symbol: ReadonlyArray<string>
  readonly conflation: Conflation
  readonly count: Option.Option<number>
  readonly json: boolean
}

/** How a face of `watch` shows what came in together; false ends the watch. */
interface Face {
  readonly show: (events: ReadonlyArray<ClientEvent>) => Effect.Effect<void>
}

/** An Error's own JSON is empty or holds a stack; a reader wants tag and message. */
const jsonLine = (event: ClientEvent): string =>
  `${JSON.stringify(event._tag === "WatchRefused" ? { ...event, error: { ...event.error, message: event.error.message } } : event)}\n`

const jsonFace: Effect.Effect<Face, never, Out> = Effect.map(Out, (out) => ({
  show: (events) => out.write(events.map(jsonLine).join(""))
}))

const plainFace = (view: MarketView): Effect.Effect<Face, never, Out> =>
  Effect.gen(function* () {
    const out = yield* Out
    const rows = new Map(view.rows.map((row) => [row.symbol, row]))
    return {
      show: (events) =>
        Effect.gen(function* () {
          let text = ""
          for (const event of events) {
            const now = yield* Clock.currentTimeMillis
            const notice = view.apply(event, now)
            if (notice !== undefined) yield* out.note(`lzstock: ${notice}`)
            if (event._tag !== "Snapshot" && event._tag !== "Update") continue
            const row = rows.get(event.symbol)
            if (row !== undefined) text += `${plainLine(row, view.label)}\n`
          }
          yield* out.write(text)
        })
    }
  })

const tableFace = (view: MarketView, client: LZStockClient["Service"]) =>
  Effect.gen(function* () {
    const out = yield* Out
    const clock = yield* Clock.Clock
    const painter = yield* makePainter
    const dirty = Latch.makeUnsafe(true)
    const draw = Effect.suspend(() =>
      painter.draw(
        renderTable(view, clock.currentTimeMillisUnsafe(), {
          columns: out.columns(),
          rows: out.rows(),
          colours: out.colours
        })
      )
    )
    yield* client.states.pipe(
      Stream.runForEach((state) =>
        Effect.sync(() => {
          view.connection = state
          dirty.openUnsafe()
        })
      ),
      Effect.forkScoped
    )
    const frame = Effect.gen(function* () {
      dirty.closeUnsafe()
      yield* draw
      yield* Effect.sleep(FRAME_MILLIS)
      yield* Effect.timeoutOption(dirty.await, IDLE_FRAME_MILLIS - FRAME_MILLIS)
    })
    const painting = yield* Effect.forkScoped(Effect.forever(frame))
    // what is left on the terminal is the last state, not the last frame's
    yield* Effect.addFinalizer(() => Effect.andThen(Fiber.interrupt(painting), draw))
    const face: Face = {
      show: (events) =>
        Effect.sync(() => {
          for (const event of events) view.apply(event, clock.currentTimeMillisUnsafe())
          dirty.openUnsafe()
        })
    }
    return face
  })

/** The events up to and including the n-th update; the second member tells whether that was in them. */
export const upToUpdate = (
  events: ReadonlyArray<ClientEvent>,
  n: number
): { readonly events: ReadonlyArray<ClientEvent>; readonly left: number } => {
  let left = n
  for (const [i, event] of events.entries()) {
    if (event._tag === "Update" && --left === 0) return { events: events.slice(0, i + 1), left }
  }
  return { events, left }
}

/** Every symbol refused: there will never be anything to show. */
const hopeless = (event: ClientEvent): Failure | undefined =>
  event._tag === "Watching" && event.accepted.length === 0 && event.refused.length > 0
    ? new Failure({ code: ExitCode.UnknownSymbol, message: event.refused.map(({ message }) => message).join("; ") })
    : undefined

/** Nothing comes after it: the token has ended, or the server has no room for such a watch. */
const isRefusedForGood = (event: ClientEvent): event is WatchRefused =>
  event._tag === "WatchRefused" && event.retryAfterMillis === null

const run = Effect.fn("cli.watch")(function* (input: Input) {
  const out = yield* Out
  const symbols = yield* parseSymbols(input.symbol)
  const client = yield* openClient(input)
  const handle = yield* client.openWatch({ symbols, conflation: input.conflation })
  const view = new MarketView(symbols, input.conflation)
  const face = yield* input.json ? jsonFace : out.isTerminal ? tableFace(view, client) : plainFace(view)
  let left = Option.getOrElse(input.count, () => Number.POSITIVE_INFINITY)
  yield* handle.events.pipe(
    Stream.chunks,
    Stream.mapError(fromServer(input.url)),
    Stream.runForEachWhile((arrived) =>
      Effect.gen(function* () {
        const told = upToUpdate(arrived, left)
        left = told.left
        for (const event of told.events) {
          const failure = hopeless(event)
          if (failure !== undefined) return yield* failure
        }
        const refused = told.events.find(isRefusedForGood)
        // to people one line says it all, and the others that came with it the same once more
        if (refused === undefined || input.json) yield* face.show(told.events)
        if (refused !== undefined) return yield* fromServer(input.url)(refused.error)
        return left > 0
      })
    )
  )
})

const conflation = Flag.ChoiceWithValue("conflation", [
  ["0", 0],
  ["100", 100],
  ["250", 250],
  ["1000", 1000]
] as const).pipe(
  Flag.withAlias("c"),
  Flag.withMetavar("0|100|250|1000"),
  Flag.withDescription("At most one update a symbol in so many ms, the latest; 0 sends each one. Default 100"),
  Flag.withDefault(100 as const)
)

export const watch = Command.make(
  "watch",
  {
    symbol: symbolArguments,
    conflation,
    count: positive("count", "End after N updates, over all symbols; the first snapshots do not count").pipe(
      Flag.withAlias("n")
    ),
    json,
    ...connection
  },
  (input) => Effect.scoped(run(input))
).pipe(
  Command.withDescription(
    "Watch prices move: a table that updates in place on a terminal, else a line an update. Reconnects by itself and says what it missed. Ends with Ctrl-C."
  ),
  Command.withShortDescription("Watch prices move"),
  Command.withExamples([
    { command: "lzstock watch AAPL MSFT", description: "A live table" },
    { command: "lzstock watch AAPL --conflation 0 --json", description: "Every event, one JSON object a line" },
    { command: "lzstock watch SPY --count 1", description: "Wait for one update" }
  ])
)
