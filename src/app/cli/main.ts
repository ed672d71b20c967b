/** The `lzstock` command: arguments → command → exit code. Started by lzstock.mjs, or directly by a Node that reads TypeScript. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Fiber, Layer, Logger, References } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"
import { version } from "../version.ts"
import { ExitCode, Failure } from "./failure.ts"
import { Out } from "./Out.ts"
import { makePresenter } from "./presenter.ts"
import { root } from "./root.ts"

const command = Command.runWith(root, { version })(process.argv.slice(2))

const program = Effect.gen(function* () {
  const out = yield* Out
  const presenter = yield* makePresenter
  yield* command.pipe(
    Effect.provide(
      Layer.mergeAll(
        NodeServices.layer,
        CliOutput.layerPresenter(presenter),
        CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
      )
    ),
    // nobody reads any more: an end like any other, and the command closes what it opened
    Effect.raceFirst(out.closed)
  )
}).pipe(
  Effect.provide(Out.layerProcess),
  // standard output is for answers
  Effect.provide(
    Layer.merge(
      Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]),
      Layer.succeed(References.MinimumLogLevel, "Warn")
    )
  )
)

/** What the user can mend is one line; anything else is our fault and shown whole. */
const report = (cause: Cause.Cause<unknown>): number => {
  const error = Cause.squash(cause)
  // told by the presenter
  if (CliError.isCliError(error)) {
    return error._tag === "ShowHelp" && error.errors.length === 0 ? ExitCode.Ok : ExitCode.Usage
  }
  process.stderr.write(`lzstock: ${error instanceof Failure ? error.message : Cause.pretty(cause)}\n`)
  return error instanceof Failure ? error.code : ExitCode.Failure
}

const fiber = Effect.runFork(program)
let interruptedBy: number | undefined
const stop = (code: number) => () => {
  // asked twice: whoever waits has waited enough
  if (interruptedBy !== undefined) process.exit(code)
  interruptedBy = code
  fiber.interruptUnsafe()
}
process.on("SIGINT", stop(ExitCode.Interrupted))
process.on("SIGTERM", stop(ExitCode.Terminated))

const exit = await Effect.runPromise(Fiber.await(fiber))
const code = Exit.isSuccess(exit) ? ExitCode.Ok : (interruptedBy ?? report(exit.cause))
// what was written must be out before the process is gone
process.stdout.write("", () => process.exit(code))
