/**
 * Every option of the server: what it is called, what it means, what it defaults to. One table; the flags, the environment
 * variables, `--help` and docs/operations.md all come from it. A flag beats its variable, a variable beats the default.
 */
import { Context, Effect, Option, Schema, SchemaTransformation } from "effect"
import { MAX_MESSAGE_BYTES } from "../rpc/sessions.ts"
import { timeOfDay } from "./feeds/timeOfDay.ts"
import { isLoopback, parseProxies } from "./gateway/address.ts"
import { type OptionText, options } from "./options.ts"

// ---- values --------------------------------------------------------------------------------------------------------

// "" would read as 0
const number = Schema.String.check(Schema.isPattern(/^-?\d+(\.\d+)?$/)).pipe(Schema.decodeTo(Schema.FiniteFromString))
const integer = (minimum: number, maximum: number) =>
  number.check(Schema.isInt(), Schema.isBetween({ minimum, maximum }))

const text = Schema.NonEmptyString
/** Kept out of logs and errors; what its scheme may be is checked while it can still be read. */
const secretUrl = (scheme: RegExp) =>
  Schema.RedactedFromValue(Schema.String.check(Schema.makeFilter((url) => scheme.test(url) && URL.canParse(url))))
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

/** One line of plain letters, as a header can hold it, with something@somewhere.tld in it. */
const whoAsks = Schema.String.check(Schema.isPattern(/^(?=.*[^\s@]@[^\s@]+\.[^\s@.])[\x20-\x7e\xa0-\xff]+$/))
const baseUrl = Schema.String.check(
  Schema.makeFilter((url) => {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) return false
    const { hash, password, search, username } = new URL(url)
    return hash + password + search + username === ""
  })
)
const timeText = Schema.String.check(Schema.makeFilter((time) => timeOfDay(time) !== undefined))

/** Decoded from text, whether it came from a flag, the environment or the table's default. */
const settings = Schema.Struct({
  port: integer(0, 65_535),
  host: text,
  allowedOrigins: list,
  trustedProxies: list.check(Schema.makeFilter((entries) => parseProxies(entries) !== undefined)),
  signIn: Schema.Literals(["auto", "required", "local"]),
  signUp: Schema.Literals(["open", "operator"]),
  minPassword: integer(8, 64),
  signInDays: integer(1, 400),
  role: Schema.Literals(["all-in-one", "gateway", "market", "workers", "migrate"]),
  feed: Schema.Literals(["simulated", "replay"]),
  symbols: countOrList,
  seed: integer(0, 2 ** 31 - 1),
  rate: positive,
  data: Schema.optionalKey(text),
  date: Schema.optionalKey(calendarDate),
  start: Schema.optionalKey(timeText),
  speed: Schema.Union([Schema.Literals(["max"]), positive]),
  dataDir: text,
  databaseUrl: Schema.optionalKey(secretUrl(/^postgres(ql)?:/)),
  natsUrl: Schema.optionalKey(secretUrl(/^(nats|tls):/)),
  redisUrl: Schema.optionalKey(secretUrl(/^rediss?:/)),
  operatorToken: Schema.optionalKey(
    Schema.RedactedFromValue(Schema.String.check(Schema.isMinLength(16), Schema.isMaxLength(200)))
  ),
  cluster: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]*$/)),
  node: Schema.optionalKey(text),
  lockSeconds: integer(3, 300),
  secUserAgent: Schema.optionalKey(whoAsks),
  secUrl: Schema.optionalKey(baseUrl),
  secRequestsPerSecond: integer(1, 10),
  maxSessions: integer(1, 1_000_000),
  maxInvestorSessions: integer(1, 1_000_000),
  maxAddressSessions: integer(1, 1_000_000),
  maxStrangers: integer(1, 1_000_000),
  identifySeconds: integer(1, 60),
  maxUpgrades: integer(1, 1_000_000),
  maxAddressUpgrades: integer(1, 1_000_000),
  maxMessageBytes: integer(1_024, MAX_MESSAGE_BYTES),
  signInAttempts: integer(1, 1_000),
  passwordsAtOnce: integer(1, 64),
  maxSymbols: integer(1, 20_000),
  maxWatches: integer(1, 10_000),
  maxMessages: integer(1, 100_000),
  drainSeconds: integer(0, 3_600),
  logLevel: Schema.Literals(["trace", "debug", "info", "warn", "error", "none"]),
  logFormat: Schema.Literals(["auto", "pretty", "json"])
})
export type Settings = typeof settings.Type

type Key = keyof Settings
const table: Readonly<Record<Key, OptionText>> = options

/** dataDir → --data-dir */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`
/** dataDir → LZSTOCK_DATA_DIR */
export const envOf = (key: string): string => `LZSTOCK_${flagOf(key).slice(2).replaceAll("-", "_").toUpperCase()}`

/** A role, an adapter or a limit reads its settings here. */
export class Config extends Context.Service<Config, Settings>()("lzstock/app/Config") {}

// ---- reading -------------------------------------------------------------------------------------------------------

/** `message` is one line: which option, what was wrong, what would be right. */
export class OptionError extends Schema.TaggedError<OptionError>()("OptionError", { message: Schema.String }) {}

const keys = Object.keys(table).filter((key): key is Key => key in settings.fields)
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
      return yield* new OptionError({ message: `${flag} needs a value: ${table[key].expects}.` })
    }
    given.set(key, { text: value, source: flag })
  }
  return { _tag: "Run", settings: yield* decode(given) }
})

const decode = Effect.fnUntraced(function* (given: ReadonlyMap<Key, Given>): Effect.fn.Return<Settings, OptionError> {
  const texts: Partial<Record<Key, string>> = {}
  for (const key of keys) {
    const { source, text } = given.get(key) ?? { text: table[key].default, source: "the default" }
    if (text === undefined) continue
    if (Option.isNone(Schema.decodeUnknownOption(Schema.Struct({ [key]: settings.fields[key] }))({ [key]: text }))) {
      const shown = table[key].secret ? "its value" : `"${text}"`
      return yield* new OptionError({ message: `${source}: ${shown} is not ${table[key].expects}.` })
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
  if (read.signIn === "local" && !isOnThisMachine(read.host)) {
    return yield* new OptionError({
      message: `--sign-in local is for a server that only this machine can reach: with --host ${read.host} everybody has to sign in.`
    })
  }
  for (const key of needed[read.role]) {
    if (read[key] === undefined) {
      return yield* new OptionError({ message: `--role ${read.role} needs ${envOf(key)}: ${table[key].expects}.` })
    }
  }
  return read
})

const isOnThisMachine = (host: string): boolean => host === "localhost" || isLoopback(host)

/** What `signIn` comes to for this process. */
export const signInMode = ({ databaseUrl, host, role, signIn }: Settings): "local" | "accounts" => {
  if (signIn !== "auto") return signIn === "local" ? "local" : "accounts"
  return role === "all-in-one" && databaseUrl === undefined && isOnThisMachine(host) ? "local" : "accounts"
}

const needed: Readonly<Record<Settings["role"], ReadonlyArray<"databaseUrl" | "natsUrl">>> = {
  "all-in-one": [],
  gateway: ["databaseUrl", "natsUrl"],
  market: ["databaseUrl", "natsUrl"],
  workers: ["databaseUrl", "natsUrl"],
  migrate: ["databaseUrl"]
}

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
