/** What shows on the command line that an operator asks. */
import { readFile } from "node:fs/promises"
import path from "node:path"
import { Config, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import { TOKEN_FILE } from "../gateway/operatorToken.ts"
import { ExitCode, Failure } from "./failure.ts"

export const operator = {
  dataDir: Flag.String("data-dir").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("The server's data folder, for its operator's token; also LZSTOCK_DATA_DIR. Default .lzstock"),
    Flag.withFallbackConfig(Config.withDefault(Config.String("LZSTOCK_DATA_DIR"), ".lzstock"))
  )
}

/** LZSTOCK_OPERATOR_TOKEN, else what the server has written for who runs it. */
export const operatorToken = Effect.fnUntraced(function* (dataDir: string): Effect.fn.Return<string, Failure> {
  const given = yield* Effect.orDie(Config.option(Config.String("LZSTOCK_OPERATOR_TOKEN")))
  if (Option.isSome(given)) return given.value
  const file = path.join(dataDir, TOKEN_FILE)
  return yield* Effect.tryPromise({
    try: async () => (await readFile(file, "utf8")).trim(),
    catch: () =>
      new Failure({
        code: ExitCode.Usage,
        message: `this takes the operator's token: set LZSTOCK_OPERATOR_TOKEN, or name the server's data folder with --data-dir (there is no ${file})`
      })
  })
})
