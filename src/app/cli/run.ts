/** Arguments → command → exit code. Everything said goes through Out; nothing here knows a process. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Layer, Logger, References } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"
import { version } from "../version.ts"
import { ExitCode, Failure } from "./failure.ts"
import { Out } from "./Out.ts"
import { makePresenter } from "./presenter.ts"
import { root } from "./root.ts"

const command = Command.runWith(root, { version })

/** Standard output is for answers. */
const layerLogs = Layer.merge(
  Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]),
  Layer.succeed(References.MinimumLogLevel, "Warn")
)

/** What the user can mend is one line; anything else is our fault and shown whole. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<ExitCode, never, Out> =>
  Effect.gen(function* () {
    const out = yield* Out
    const error = Cause.squash(cause)
    // told by the presenter
    if (CliError.isCliError(error)) {
      return error._tag === "ShowHelp" && error.errors.length === 0 ? ExitCode.Ok : ExitCode.Usage
    }
    yield* out.note(`lzstock: ${error instanceof Failure ? error.message : Cause.pretty(cause)}`)
    return error instanceof Failure ? error.code : ExitCode.Failure
  })

/** Never fails; interruption ends the command and closes what it opened. */
export const runCommandLine = (argv: ReadonlyArray<string>): Effect.Effect<ExitCode, never, Out> =>
  Effect.gen(function* () {
    const out = yield* Out
    const presenter = yield* makePresenter
    const services = Layer.mergeAll(
      NodeServices.layer,
      CliOutput.layerPresenter(presenter),
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
    )
    // nobody reads any more: an end like any other
    return yield* Effect.raceFirst(Effect.provide(command(argv), services), out.closed)
  }).pipe(
    Effect.as<ExitCode>(ExitCode.Ok),
    Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.interrupt : report(cause))),
    Effect.provide(layerLogs)
  )
