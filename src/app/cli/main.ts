/** The process of the `lzstock` command: signals in, exit code out. Started by lzstock.mjs. */
import { Effect, Exit, Fiber } from "effect"
import { ExitCode } from "./failure.ts"
import { Out } from "./Out.ts"
import { runCommandLine } from "./run.ts"

const fiber = Effect.runFork(Effect.provide(runCommandLine(process.argv.slice(2)), Out.layerProcess))

let interruptedBy: ExitCode | undefined
const stop = (code: ExitCode) => () => {
  // asked twice: whoever waits has waited enough
  if (interruptedBy !== undefined) process.exit(code)
  interruptedBy = code
  fiber.interruptUnsafe()
}
process.on("SIGINT", stop(ExitCode.Interrupted))
process.on("SIGTERM", stop(ExitCode.Terminated))
// the launcher was killed: whoever asked is gone
process.on("disconnect", stop(ExitCode.Terminated))

const exit = await Effect.runPromise(Fiber.await(fiber))
const code = Exit.isSuccess(exit) ? exit.value : (interruptedBy ?? ExitCode.Failure)
// what was written must be out before the process is gone
process.stdout.write("", () => process.exit(code))
