/** `lzstock dlq`: the ticks no fold could take, and what was no ticks at all. Talks to NATS itself, not to a server. */
import { Config, Context, Effect, Layer, Redacted, type Scope } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import type { DeadLetterBox, StoredDeadLetter } from "../../nats/deadletters/deadLetterBox.ts"
import { ExitCode, Failure, usage } from "../failure.ts"
import { json, timeout } from "../flags.ts"
import * as format from "../format.ts"
import { Out, writeLines } from "../Out.ts"
import { paint } from "../paint.ts"
import { page, record, table } from "./dlqText.ts"

const DEFAULT_NATS = "nats://127.0.0.1:4222"
const DEFAULT_PREFIX = "lzstock"
const DEFAULT_LIMIT = 100

const where = {
  nats: Flag.String("nats").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(`NATS to ask; also LZSTOCK_NATS_URL or NATS_URL. Default ${DEFAULT_NATS}`),
    Flag.withFallbackConfig(
      Config.String("LZSTOCK_NATS_URL").pipe(
        Config.orElse(() => Config.String("NATS_URL")),
        Config.withDefault(DEFAULT_NATS)
      )
    )
  ),
  prefix: Flag.String("prefix").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription(
      `Name of the cluster, which its subjects begin with; also LZSTOCK_CLUSTER. Default ${DEFAULT_PREFIX}`
    ),
    Flag.withFallbackConfig(Config.withDefault(Config.String("LZSTOCK_CLUSTER"), DEFAULT_PREFIX))
  ),
  timeout
}
interface Where {
  readonly nats: string
  readonly prefix: string
  readonly timeout: number
}

const notNow = ({ message }: { readonly message: string }) =>
  new Failure({ code: ExitCode.TryAgain, message: message.replace(/\.$/, "") })

/** Until the scope closes. Fails when NATS is not there: a command does not wait for it. */
const open = (flags: Where): Effect.Effect<DeadLetterBox, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    // the client of NATS is loaded by this command alone: the others start faster
    const [{ Nats }, { openDeadLetterBox }, { subjectsOf }] = yield* Effect.promise(() =>
      Promise.all([
        import("../../nats/NatsConnection.ts"),
        import("../../nats/deadletters/deadLetterBox.ts"),
        import("../../nats/subjects.ts")
      ])
    )
    yield* Effect.try({
      try: () => subjectsOf(flags.prefix),
      catch: (cause) => usage(`--prefix: ${cause instanceof Error ? cause.message : String(cause)}`)
    })
    const options = { url: Redacted.make(flags.nats), name: "lzstock dlq", connectTimeout: flags.timeout * 1000 }
    const built = yield* Layer.build(Nats.layer(options).pipe(Layer.provide(Gauges.layer))).pipe(
      Effect.mapError(
        ({ reason, servers }) =>
          new Failure({ code: ExitCode.CannotConnect, message: `cannot connect to NATS at ${servers}: ${reason}` })
      )
    )
    return yield* openDeadLetterBox(Context.get(built, Nats), flags.prefix)
  })

const number = Argument.Int("number").pipe(Argument.withMetavar("NUMBER"), Argument.withDescription("As list shows it"))
const numbers = Argument.variadic(number, { min: 1 })

const found = (box: DeadLetterBox, wanted: number): Effect.Effect<StoredDeadLetter, Failure> =>
  Effect.flatMap(Effect.mapError(box.find(wanted), notNow), (letter) =>
    letter === undefined
      ? Effect.fail(
          new Failure({ code: ExitCode.Failure, message: `there is no dead letter ${wanted} (see lzstock dlq list)` })
        )
      : Effect.succeed(letter)
  )

const list = Command.make(
  "list",
  {
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription(`The newest N. Default ${DEFAULT_LIMIT}`),
      Flag.filter(
        (n) => n >= 1,
        () => "Expected 1 or more"
      ),
      Flag.withDefault(DEFAULT_LIMIT)
    ),
    json,
    ...where
  },
  Effect.fn("cli.dlq.list")(function* (input) {
    const out = yield* Out
    const box = yield* open(input)
    const letters = yield* Effect.mapError(box.list(input.limit), notNow)
    if (input.json) return yield* writeLines(letters.map((letter) => `${JSON.stringify(record(letter, false))}\n`))
    if (letters.length === 0) return yield* out.note("lzstock: no dead letters")
    const [head = "", ...lines] = table(letters)
    yield* writeLines([`${paint(out.colours, "dim", head)}\n`, ...lines.map((line) => `${line}\n`)])
  }, Effect.scoped)
).pipe(
  Command.withDescription("List dead letters, newest last"),
  Command.withExamples([{ command: "lzstock dlq list --json | jq .reason", description: "Why they are there" }])
)

const show = Command.make(
  "show",
  { number, json, ...where },
  Effect.fn("cli.dlq.show")(function* (input) {
    const letter = yield* found(yield* open(input), input.number)
    yield* writeLines(
      input.json ? [`${JSON.stringify(record(letter, true))}\n`] : page(letter).map((line) => `${line}\n`)
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription("Show one: its ticks, or a hex dump of what is no ticks"),
  Command.withExamples([{ command: "lzstock dlq show 7", description: "Number 7 of the list" }])
)

const replay = Command.make(
  "replay",
  { numbers, json, ...where },
  Effect.fn("cli.dlq.replay")(function* (input) {
    const out = yield* Out
    const box = yield* open(input)
    // all are looked at before any is played
    const letters = yield* Effect.forEach(new Set(input.numbers), (wanted) => found(box, wanted))
    const ready = yield* Effect.forEach(letters, (letter) =>
      letter.batch === undefined
        ? Effect.fail(
            new Failure({
              code: ExitCode.Failure,
              message: `${letter.number} is no batch of ticks and cannot be played again; nothing was (see lzstock dlq show ${letter.number})`
            })
          )
        : Effect.succeed({ letter, batch: letter.batch })
    )
    for (const { batch, letter } of ready) {
      yield* Effect.mapError(box.replay(letter, batch), notNow)
      if (input.json) yield* writeLines([`${JSON.stringify({ replayed: record(letter, false) })}\n`])
      else
        yield* out.write(
          `${letter.number}: ${format.count(batch.ticks.length)} ticks of ${batch.symbol} played again\n`
        )
    }
  }, Effect.scoped)
).pipe(
  Command.withDescription("Put batches back among the ticks of their symbol, as late ticks, and drop them here"),
  Command.withShortDescription("Play batches again"),
  Command.withExamples([{ command: "lzstock dlq replay 7 8", description: "Once what crashed on them is mended" }])
)

const drop = Command.make(
  "drop",
  {
    numbers: Argument.variadic(number),
    all: Flag.Boolean("all").pipe(
      Flag.withDescription("Every one there is"),
      Flag.withoutNegation,
      Flag.withDefault(false)
    ),
    json,
    ...where
  },
  Effect.fn("cli.dlq.drop")(function* (input) {
    const out = yield* Out
    if (input.all === input.numbers.length > 0)
      return yield* usage("either numbers or --all (see lzstock dlq drop --help)")
    const box = yield* open(input)
    const dropped = input.all
      ? yield* Effect.mapError(box.dropAll, notNow)
      : yield* Effect.gen(function* () {
          for (const wanted of new Set(input.numbers)) yield* found(box, wanted)
          for (const wanted of new Set(input.numbers)) yield* Effect.mapError(box.drop(wanted), notNow)
          return new Set(input.numbers).size
        })
    if (input.json) return yield* writeLines([`${JSON.stringify({ dropped })}\n`])
    yield* out.write(`${format.count(dropped)} dropped\n`)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Drop dead letters for good"),
  Command.withExamples([{ command: "lzstock dlq drop --all", description: "Every one" }])
)

export const dlq = Command.make("dlq").pipe(
  Command.withDescription(
    "Dead letters: batches of ticks that crashed their actor again and again, and messages on tick subjects that were none. " +
      "They are kept on NATS for two weeks. Asks NATS itself; no server need run."
  ),
  Command.withShortDescription("Look at, play again and drop dead letters"),
  Command.withSubcommands([list, show, replay, drop]),
  Command.withExamples([
    { command: "lzstock dlq list", description: "What is there" },
    { command: "lzstock dlq show 7", description: "What is in it" }
  ])
)
