/** The only entry point: options → role → launch → signal → drain → exit. */
import { Cause, Effect, Exit } from "effect"
import { FeedError } from "../actors/market/Feed.ts"
import { OptionError, parseOptions, type Settings } from "./Config.ts"
import { ListenError } from "./gateway/HttpListener.ts"
import { helpText } from "./help.ts"
import { layerLogging } from "./observability/logging.ts"
import { countFibers } from "./observability/ProcessMetrics.ts"
import { runAllInOne } from "./roles/AllInOne.ts"
import { version } from "./version.ts"

const isTerminal = process.stdout.isTTY === true
const print = (text: string) => Effect.sync(() => void process.stdout.write(text))

const roles = { "all-in-one": runAllInOne } as const

const launch = (settings: Settings) =>
  roles[settings.role](settings).pipe(Effect.provide(layerLogging(settings, isTerminal)), countFibers)

const program = Effect.gen(function* () {
  const parsed = yield* parseOptions(process.argv.slice(2), process.env)
  switch (parsed._tag) {
    case "Help":
      return yield* print(helpText({ colours: isTerminal, width: process.stdout.columns ?? 100, version }))
    case "Version":
      return yield* print(`${version}\n`)
    case "Run":
      return yield* launch(parsed.settings)
  }
})

/** What the user can mend is one line; anything else is our fault and shown whole. */
const report = (cause: Cause.Cause<OptionError | ListenError | FeedError>): number => {
  const error = Cause.squash(cause)
  const expected = error instanceof OptionError || error instanceof ListenError || error instanceof FeedError
  process.stderr.write(`lzstock: ${expected ? error.message : Cause.pretty(cause)}\n`)
  return error instanceof OptionError ? 2 : 1
}

const exit = await Effect.runPromiseExit(program)
process.exit(Exit.isSuccess(exit) ? 0 : report(exit.cause))
