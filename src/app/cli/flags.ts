/** Flags and arguments that several commands share, and the connection they describe. */
import { Config, Effect, Option, type Scope } from "effect"
import { Argument, Flag } from "effect/cli"
import { LZStockClient } from "../../rpc/client.ts"
import { Interval, normaliseSymbol, symbolPattern } from "../../rpc/market.ts"
import { ExitCode, Failure, fromServer, usage } from "./failure.ts"
import { makeWebSocket } from "./webSocket.ts"

export const DEFAULT_URL = "http://127.0.0.1:4280"

const url = Flag.String("url").pipe(
  Flag.withAlias("u"),
  Flag.withMetavar("URL"),
  Flag.withDescription(`Server to ask; also LZSTOCK_URL. Default ${DEFAULT_URL}`),
  Flag.withFallbackConfig(Config.withDefault(Config.String("LZSTOCK_URL"), DEFAULT_URL))
)

export const timeout = Flag.Finite("timeout").pipe(
  Flag.withMetavar("SECONDS"),
  Flag.withDescription("Give up on connecting, or on an answer, after this long. Default 10"),
  Flag.filter(
    (seconds) => seconds > 0 && seconds <= 3_600,
    () => "Expected seconds, more than 0, at most 3600"
  ),
  Flag.withDefault(10)
)

/** Of every command that talks to a server. */
export const connection = { url, timeout }

export interface ConnectionFlags {
  readonly url: string
  readonly timeout: number
}

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("One JSON object a line, for programs"),
  Flag.withoutNegation,
  Flag.withDefault(false)
)

/** "--name N", 1 or more; none when it is left out. */
export const positive = (name: string, about: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(about),
    Flag.filter(
      (n) => n >= 1,
      () => "Expected 1 or more"
    ),
    Flag.optional
  )

export const interval = Flag.Literals("interval", Interval.literals).pipe(
  Flag.withAlias("i"),
  Flag.withDescription("Length of a bar. Default 1m"),
  Flag.withDefault("1m")
)

export const symbolArguments = Argument.String("symbol").pipe(
  Argument.withMetavar("SYMBOL"),
  Argument.withDescription("Symbols, e.g. AAPL MSFT, or AAPL,MSFT"),
  Argument.variadic({ min: 1 })
)

/** Normalised, each once, in the order given. Fails on what can be no symbol. */
export const parseSymbols = (texts: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, Failure> => {
  const symbols = new Set(
    texts
      .flatMap((text) => text.split(","))
      .map(normaliseSymbol)
      .filter((symbol) => symbol !== "")
  )
  for (const symbol of symbols) {
    if (!symbolPattern.test(symbol)) return Effect.fail(usage(`"${symbol}" is not a symbol (like AAPL, BRK.B)`))
  }
  return symbols.size === 0 ? Effect.fail(usage("no symbol given")) : Effect.succeed([...symbols])
}

const notTheOperator = (url: string): Failure =>
  new Failure({
    code: ExitCode.NotSignedIn,
    message: `this is not the operator's token of ${url}: its LZSTOCK_OPERATOR_TOKEN, or the file operator-token in its data folder (--data-dir)`
  })

/** Connected, until the scope closes. Fails when the first attempt does: a command must not wait for a server for ever. */
export const openClient = (
  flags: ConnectionFlags,
  /** The operator's token, of who asks as that: LZSTOCK_TOKEN is not looked at. */
  operator?: string
): Effect.Effect<LZStockClient["Service"], Failure, Scope.Scope> =>
  Effect.gen(function* () {
    // a variable and no flag: those stand in the list of processes
    const given = yield* Effect.orDie(Config.option(Config.String("LZSTOCK_TOKEN")))
    const token = operator ?? Option.getOrUndefined(Option.filter(given, (text) => text !== ""))
    const timeoutMillis = Math.ceil(flags.timeout * 1000)
    const client = yield* LZStockClient.make({ url: flags.url, timeoutMillis, token, makeWebSocket }).pipe(
      // wrong text, not a missing server
      Effect.mapError((error) => usage(`--url: ${error.message}`))
    )
    yield* client.opened.pipe(
      Effect.mapError((error) =>
        operator !== undefined && error._tag === "NotSignedIn"
          ? notTheOperator(flags.url)
          : fromServer(flags.url)(error)
      ),
      Effect.timeoutOrElse({
        duration: timeoutMillis,
        orElse: () =>
          Effect.fail(
            new Failure({
              code: ExitCode.CannotConnect,
              message: `cannot connect to ${flags.url}: no answer in ${flags.timeout} s`
            })
          )
      })
    )
    return client
  })
