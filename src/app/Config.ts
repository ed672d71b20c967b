/**
 * Every option of the server: what it is called, what it means, what it defaults to. One table; the flags, the environment
 * variables, `--help` and docs/operations.md all come from it. A flag beats its variable, a variable beats the default.
 */
import { Context, Effect, Option, Schema, SchemaTransformation } from "effect"
import { timeOfDay } from "./feeds/timeOfDay.ts"

// ---- values --------------------------------------------------------------------------------------------------------

// "" would read as 0
const number = Schema.String.check(Schema.isPattern(/^-?\d+(\.\d+)?$/)).pipe(Schema.decodeTo(Schema.FiniteFromString))
const integer = (minimum: number, maximum: number) =>
  number.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

const text = Schema.NonEmptyString
const list = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Array(Schema.NonEmptyString),
    SchemaTransformation.transform({
      decode: (line): ReadonlyArray<string> =>
        line
          .split(",")
          .map((one) => one.trim())
          .filter((one) => one !== ""),
      encode: (items: ReadonlyArray<string>) => items.join(",")
    })
  )
)
/** `500`, or `SPY,IBM`; empty: no restriction. */
const countOrList = Schema.Union([integer(1, 100_000), list])
const positive = number.check(Schema.isGreaterThan(0))
const calendarDate = Schema.String.check(
  Schema.makeFilter((date) => {
    const time = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN
    return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
  })
)

const timeText = Schema.String.check(Schema.makeFilter((time) => timeOfDay(time) !== undefined))

/** Decoded from text, whether it came from a flag, the environment or the table's default. */
const settings = Schema.Struct({
  port: integer(0, 65_535),
  host: text,
  allowedOrigins: list,
  role: Schema.Literals(["all-in-one"]),
  feed: Schema.Literals(["simulated", "replay"]),
  symbols: countOrList,
  seed: integer(0, 2 ** 31 - 1),
  rate: positive,
  data: Schema.optionalKey(text),
  date: Schema.optionalKey(calendarDate),
  start: Schema.optionalKey(timeText),
  speed: Schema.Union([Schema.Literals(["max"]), positive]),
  dataDir: text,
  maxSessions: integer(1, 1_000_000),
  maxSymbols: integer(1, 20_000),
  maxWatches: integer(1, 10_000),
  maxMessages: integer(1, 100_000),
  drainSeconds: integer(0, 3_600),
  logLevel: Schema.Literals(["trace", "debug", "info", "warn", "error", "none"]),
  logFormat: Schema.Literals(["auto", "pretty", "json"])
})
export type Settings = typeof settings.Type

// ---- the table -----------------------------------------------------------------------------------------------------

export interface OptionText {
  readonly group: "Server" | "Market data" | "Limits" | "Operations"
  /** Stands for the value in `--help`. */
  readonly value: string
  /** As it would be typed; absent: the option has none and may stay unset. */
  readonly default?: string
  readonly about: string
  /** Completes "… is not ". */
  readonly expects: string
}

type Key = keyof Settings

export const options: Readonly<Record<Key, OptionText>> = {
  port: {
    group: "Server",
    value: "PORT",
    default: "4280",
    about: "Port of the dashboard and the RPC WebSocket; 0 takes any free one.",
    expects: "a port, 0 to 65535"
  },
  host: {
    group: "Server",
    value: "HOST",
    default: "127.0.0.1",
    about: "Address to listen on; 0.0.0.0 for every network.",
    expects: "an address"
  },
  allowedOrigins: {
    group: "Server",
    value: "LIST",
    default: "",
    about: "Origins besides our own whose pages may open the WebSocket, comma-separated, e.g. https://desk.example.",
    expects: "a comma-separated list"
  },
  role: {
    group: "Server",
    value: "ROLE",
    default: "all-in-one",
    about: "What this process does. all-in-one: everything, in one process.",
    expects: "all-in-one"
  },
  feed: {
    group: "Market data",
    value: "FEED",
    default: "simulated",
    about: "simulated: a seeded market of real companies. replay: a recorded day (--data, --date).",
    expects: "simulated or replay"
  },
  symbols: {
    group: "Market data",
    value: "WHICH",
    default: "",
    about:
      "simulated: how many symbols (none: every bundled company). replay: which ones, comma-separated (none: all).",
    expects: "a number from 1, or a comma-separated list"
  },
  seed: {
    group: "Market data",
    value: "N",
    default: "42",
    about: "simulated: the same seed gives the same market.",
    expects: "an integer from 0"
  },
  rate: {
    group: "Market data",
    value: "FACTOR",
    default: "1",
    about: "simulated: how busy the market is; 2 trades twice as often.",
    expects: "a number above 0"
  },
  data: {
    group: "Market data",
    value: "DIR",
    about: "replay: folder of the recording in LEAN's layout (tick/SYMBOL/YYYYMMDD_trade.zip, …); required.",
    expects: "a folder"
  },
  date: {
    group: "Market data",
    value: "DATE",
    about: "replay: the day, YYYY-MM-DD; required. simulated: start on that trading day instead of now.",
    expects: "a date, YYYY-MM-DD"
  },
  start: {
    group: "Market data",
    value: "TIME",
    about:
      "Time of day in New York. replay: at --speed from here on, all before at once (none: 09:29:30; at max no difference). simulated: start then, on --date or the newest trading day.",
    expects: "a time of day in New York, HH:MM or HH:MM:SS"
  },
  speed: {
    group: "Market data",
    value: "FACTOR",
    default: "1",
    about: "Market seconds per second: 1 is real time, 60 a minute per second, max as fast as the actors fold.",
    expects: "a number above 0, or max"
  },
  dataDir: {
    group: "Operations",
    value: "DIR",
    default: ".lzstock",
    about: "Where this process keeps its files; created when missing.",
    expects: "a folder"
  },
  maxSessions: {
    group: "Limits",
    value: "N",
    default: "12000",
    about: "Open WebSocket sessions in all; one more is told to try again later.",
    expects: "an integer from 1"
  },
  maxSymbols: {
    group: "Limits",
    value: "N",
    default: "5000",
    about: "Symbols a session may watch, over all its streams.",
    expects: "an integer, 1 to 20000"
  },
  maxWatches: {
    group: "Limits",
    value: "N",
    default: "32",
    about: "Watch streams a session may have open.",
    expects: "an integer, 1 to 10000"
  },
  maxMessages: {
    group: "Limits",
    value: "N",
    default: "50",
    about: "Messages a session may send per second, four times as many in a burst; faster ones close it (4429).",
    expects: "an integer, 1 to 100000"
  },
  drainSeconds: {
    group: "Operations",
    value: "N",
    default: "10",
    about: "On SIGTERM or SIGINT: time to tell clients and close. A second signal ends at once.",
    expects: "an integer, 0 to 3600"
  },
  logLevel: {
    group: "Operations",
    value: "LEVEL",
    default: "info",
    about: "trace, debug, info, warn, error or none.",
    expects: "trace, debug, info, warn, error or none"
  },
  logFormat: {
    group: "Operations",
    value: "FORMAT",
    default: "auto",
    about: "pretty, json (a line per event), or auto: pretty on a terminal, else json.",
    expects: "auto, pretty or json"
  }
}

/** dataDir → --data-dir */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`
/** dataDir → LZSTOCK_DATA_DIR */
export const envOf = (key: string): string => `LZSTOCK_${flagOf(key).slice(2).replaceAll("-", "_").toUpperCase()}`

/** A role, an adapter or a limit reads its settings here. */
export class Config extends Context.Service<Config, Settings>()("lzstock/app/Config") {}

// ---- reading -------------------------------------------------------------------------------------------------------

/** `message` is one line: which option, what was wrong, what would be right. */
export class OptionError extends Schema.TaggedError<OptionError>()("OptionError", { message: Schema.String }) {}

const keys = Object.keys(options).filter((key): key is Key => key in settings.fields)
const keyOfFlag = new Map(keys.map((key) => [flagOf(key), key]))
const decodeSettings = Schema.decodeUnknownOption(settings)

interface Given {
  readonly text: string
  /** Where it came from: a flag or a variable. */
  readonly source: string
}

export type Parsed =
  | { readonly _tag: "Help" }
  | { readonly _tag: "Version" }
  | { readonly _tag: "Run"; readonly settings: Settings }

/**
 * Reads flags (`--port 80`, `--port=80`) and LZSTOCK_* variables. Fails for an unknown flag, a missing or bad value, and a
 * replay without its data.
 */
export const parseOptions = Effect.fnUntraced(function* (
  argv: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>
): Effect.fn.Return<Parsed, OptionError> {
  const given = new Map<Key, Given>()
  for (const key of keys) {
    const variable = env[envOf(key)]
    if (variable !== undefined) given.set(key, { text: variable, source: envOf(key) })
  }
  for (let i = 0; i < argv.length; i++) {
    const [flag = "", ...rest] = (argv[i] ?? "").split("=")
    if (flag === "--help" || flag === "-h") return { _tag: "Help" }
    if (flag === "--version" || flag === "-v") return { _tag: "Version" }
    const key = keyOfFlag.get(flag)
    if (key === undefined) return yield* new OptionError({ message: unknownFlag(flag) })
    const value = rest.length > 0 ? rest.join("=") : argv[++i]
    if (value === undefined || (rest.length === 0 && keyOfFlag.has(value))) {
      return yield* new OptionError({ message: `${flag} needs a value: ${options[key].expects}.` })
    }
    given.set(key, { text: value, source: flag })
  }
  return { _tag: "Run", settings: yield* decode(given) }
})

const decode = Effect.fnUntraced(function* (given: ReadonlyMap<Key, Given>): Effect.fn.Return<Settings, OptionError> {
  const texts: Partial<Record<Key, string>> = {}
  for (const key of keys) {
    const { source, text } = given.get(key) ?? { text: options[key].default, source: "the default" }
    if (text === undefined) continue
    if (Option.isNone(Schema.decodeUnknownOption(Schema.Struct({ [key]: settings.fields[key] }))({ [key]: text }))) {
      return yield* new OptionError({ message: `${source}: "${text}" is not ${options[key].expects}.` })
    }
    texts[key] = text
  }
  const decoded = decodeSettings(texts)
  if (Option.isNone(decoded)) return yield* new OptionError({ message: "The options do not fit together." })
  const read = decoded.value
  if (read.feed === "replay" && (read.data === undefined || read.date === undefined)) {
    const missing = read.data === undefined ? "--data DIR" : "--date YYYY-MM-DD"
    return yield* new OptionError({ message: `--feed replay needs ${missing}: which recording to play.` })
  }
  return read
})

const unknownFlag = (flag: string): string => {
  const near = [...keyOfFlag.keys()].find((known) => known.startsWith(flag) || distance(known, flag) <= 2)
  const hint = near === undefined ? "--help lists them all." : `did you mean ${near}?`
  return flag.startsWith("-") ? `Unknown option ${flag}; ${hint}` : `"${flag}" is not an option; --help lists them all.`
}

/** Levenshtein distance. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
