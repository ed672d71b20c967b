/** The only entry point: options → role → launch → signal → drain → exit. */
import { Cause, Effect, Exit, Option } from "effect"
import { OptionError, parseOptions, type Settings } from "./Config.ts"
import { helpText } from "./help.ts"
import { layerLogging } from "./observability/logging.ts"
import { countFibers } from "./observability/ProcessMetrics.ts"
import { version } from "./version.ts"

const isTerminal = process.stdout.isTTY === true
const print = (text: string) => Effect.sync(() => void process.stdout.write(text))

type RunRole = (settings: Settings) => Effect.Effect<void, { readonly message: string }>

/** Loaded when chosen: a wrong option or --help need not wait for a role's modules. */
const roles: Readonly<Record<Settings["role"], () => Promise<RunRole>>> = {
  "all-in-one": () => import("./roles/AllInOne.ts").then(({ runAllInOne }) => runAllInOne),
  gateway: () => import("./roles/Gateway.ts").then(({ runGateway }) => runGateway),
  market: () => import("./roles/Market.ts").then(({ runMarket }) => runMarket),
  workers: () => import("./roles/Workers.ts").then(({ runWorkers }) => runWorkers),
  migrate: () => import("./roles/Migrate.ts").then(({ runMigrate }) => runMigrate)
}

const launch = (settings: Settings) =>
  Effect.promise(roles[settings.role]).pipe(
    Effect.flatMap((runRole) => runRole(settings)),
    Effect.provide(layerLogging(settings, isTerminal)),
    countFibers
  )

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

/** A typed error is what the user can mend: one line. Anything else is our fault and shown whole. */
const report = (cause: Cause.Cause<{ readonly message: string }>): number => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  process.stderr.write(`lzstock: ${error === undefined ? Cause.pretty(cause) : error.message}\n`)
  return error instanceof OptionError ? 2 : 1
}

const exit = await Effect.runPromiseExit(program)
process.exit(Exit.isSuccess(exit) ? 0 : report(exit.cause))
