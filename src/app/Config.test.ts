import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { envOf, flagOf, parseOptions, type Settings } from "./Config.ts"
import { helpText } from "./help.ts"
import { type OptionText, options } from "./options.ts"

const run = (argv: ReadonlyArray<string>, env: Record<string, string> = {}): Effect.Effect<Settings, unknown> =>
  Effect.flatMap(parseOptions(argv, env), (parsed) =>
    parsed._tag === "Run" ? Effect.succeed(parsed.settings) : Effect.fail(parsed._tag)
  )
const errorOf = (argv: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  Effect.map(Effect.flip(parseOptions(argv, env)), (error) => error.message)

describe("options", () => {
  it.effect("have defaults that decode, and no recording unless asked for", () =>
    Effect.gen(function* () {
      const settings = yield* run([])
      assert.strictEqual(settings.port, 4280)
      assert.strictEqual(settings.host, "127.0.0.1")
      assert.strictEqual(settings.feed, "simulated")
      assert.strictEqual(settings.dataDir, ".lzstock")
      assert.deepStrictEqual(settings.symbols, [])
      assert.isFalse("data" in settings)
    })
  )

  it.effect("come from a flag before the environment before the default", () =>
    Effect.gen(function* () {
      const env = { LZSTOCK_PORT: "1", LZSTOCK_HOST: "::1" }
      const settings = yield* run(["--port", "2", "--drain-seconds=3"], env)
      assert.strictEqual(settings.port, 2)
      assert.strictEqual(settings.host, "::1")
      assert.strictEqual(settings.drainSeconds, 3)
    })
  )

  it.effect("of a cluster: each role needs its services, and says which variable is missing", () =>
    Effect.gen(function* () {
      const database = "postgres://lz:hush@db:5432/lz"
      assert.strictEqual(
        yield* errorOf(["--role", "gateway"], { LZSTOCK_DATABASE_URL: database }),
        "--role gateway needs LZSTOCK_NATS_URL: a URL like nats://host:4222."
      )
      assert.strictEqual(
        yield* errorOf([], { LZSTOCK_ROLE: "migrate" }),
        "--role migrate needs LZSTOCK_DATABASE_URL: a URL like postgres://user:password@host:5432/database."
      )
      const settings = yield* run(["--role", "market", "--nats-url", "nats://n:4222"], {
        LZSTOCK_DATABASE_URL: database
      })
      assert.isDefined(settings.databaseUrl)
      assert.notInclude(JSON.stringify(settings) + String(settings.databaseUrl), "hush")
    })
  )

  it.effect("that are secret are not repeated when they are wrong", () =>
    Effect.gen(function* () {
      const message = yield* errorOf([], { LZSTOCK_REDIS_URL: "http://lz:hush@redis" })
      assert.strictEqual(message, "LZSTOCK_REDIS_URL: its value is not a URL like redis://host:6379.")
      assert.strictEqual(
        yield* errorOf(["--cluster", "Two Words"]),
        '--cluster: "Two Words" is not a name of small letters, digits and dashes.'
      )
      assert.include(yield* errorOf(["--lock-seconds", "1"]), "--lock-seconds")
    })
  )

  it.effect("of the SEC: who asks is told with an e-mail address, a mirror by its URL, and never too often", () =>
    Effect.gen(function* () {
      const settings = yield* run([])
      assert.strictEqual(settings.secRequestsPerSecond, 8)
      assert.isFalse("secUserAgent" in settings || "secUrl" in settings)
      const env = { LZSTOCK_SEC_USER_AGENT: "Zoë Example zoe@example.com", LZSTOCK_SEC_URL: "http://127.0.0.1:9999" }
      const given = yield* run([], env)
      assert.strictEqual(given.secUserAgent, env.LZSTOCK_SEC_USER_AGENT)
      assert.strictEqual(given.secUrl, env.LZSTOCK_SEC_URL)
      for (const who of ["", "LZStock", "me@home", "@example.com", "a@b.c\r\nx: y", "Łukasz l@example.com"]) {
        assert.strictEqual(
          yield* errorOf([], { LZSTOCK_SEC_USER_AGENT: who }),
          `LZSTOCK_SEC_USER_AGENT: "${who}" is not a name and an e-mail address, like Your Name you@example.com.`
        )
      }
      for (const url of ["localhost:9999", "ftp://mirror", "http://", "http://me:hush@mirror", "http://mirror?x"]) {
        assert.include(yield* errorOf([], { LZSTOCK_SEC_URL: url }), "is not a URL like http://127.0.0.1:9999.")
      }
      for (const rate of ["0", "11", "1.5"]) {
        assert.include(yield* errorOf(["--sec-requests-per-second", rate]), "is not an integer, 1 to 10.")
      }
    })
  )

  it.effect("read lists, factors and the recording of a replay", () =>
    Effect.gen(function* () {
      const argv = [
        "--feed",
        "replay",
        "--data",
        "d",
        "--date",
        "2013-10-07",
        "--speed",
        "max",
        "--symbols",
        "SPY, IBM,"
      ]
      const settings = yield* run(argv)
      assert.deepStrictEqual(settings.symbols, ["SPY", "IBM"])
      assert.strictEqual(settings.speed, "max")
      assert.strictEqual((yield* run(["--start", "15:55:30"])).start, "15:55:30")
      assert.strictEqual((yield* run([], { LZSTOCK_START: "9:30" })).start, "9:30")
      assert.strictEqual((yield* run(["--speed", "0.5"])).speed, 0.5)
      assert.strictEqual((yield* run(["--symbols", "2000"])).symbols, 2000)
    })
  )

  it.effect.each([
    [["--port", "abc"], '--port: "abc" is not a port, 0 to 65535.'],
    [["--port", "65536"], '--port: "65536" is not a port, 0 to 65535.'],
    [["--port", "1.5"], '--port: "1.5" is not a port, 0 to 65535.'],
    [["--port="], '--port: "" is not a port, 0 to 65535.'],
    [["--port"], "--port needs a value: a port, 0 to 65535."],
    [["--port", "--host"], "--port needs a value: a port, 0 to 65535."],
    [["--prot", "1"], "Unknown option --prot; did you mean --port?"],
    [["--zzzzzz"], "Unknown option --zzzzzz; --help lists them all."],
    [["4280"], '"4280" is not an option; --help lists them all.'],
    [["--feed", "real"], '--feed: "real" is not simulated or replay.'],
    [["--speed", "0"], '--speed: "0" is not a number above 0, or max.'],
    [["--date", "2013-02-30"], '--date: "2013-02-30" is not a date, YYYY-MM-DD.'],
    [["--start", "25:00"], '--start: "25:00" is not a time of day in New York, HH:MM or HH:MM:SS.'],
    [["--role", "gatekeeper"], '--role: "gatekeeper" is not all-in-one, gateway, market, workers or migrate.'],
    [["--feed", "replay"], "--feed replay needs --data DIR: which recording to play."],
    [["--feed", "replay", "--data", "d"], "--feed replay needs --date YYYY-MM-DD: which recording to play."]
  ] as const)("refuse %j in one line", ([argv, message]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* errorOf(argv), message)
    })
  )

  it.effect("name the variable a bad value came from", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* errorOf([], { LZSTOCK_RATE: "-1" }), 'LZSTOCK_RATE: "-1" is not a number above 0.')
    })
  )

  it.effect("--help and --version win over what follows", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* parseOptions(["--help", "--nonsense"], {}))._tag, "Help")
      assert.strictEqual((yield* parseOptions(["--version"], {}))._tag, "Version")
    })
  )
})

describe("help", () => {
  const text = helpText({ colours: false, width: 100, version: "9.9.9" })

  it("names every option, its variable and its default, within the width", () => {
    for (const [key, option] of Object.entries<OptionText>(options)) {
      assert.include(text, `${flagOf(key)} ${option.value}`)
      assert.include(text, envOf(key))
      if (option.default) assert.include(text, `default ${option.default} · ${envOf(key)}`)
    }
    // examples are for copying: they stay whole
    const [described = ""] = text.split("Examples")
    assert.isTrue(described.split("\n").every((line) => line.length <= 100))
    assert.notInclude(text, "\u001b")
  })

  it("is what docs/operations.md tells", () => {
    const doc = readFileSync(path.resolve(import.meta.dirname, "../../docs/operations.md"), "utf8")
    for (const [key, option] of Object.entries<OptionText>(options)) {
      assert.include(doc, `| \`${flagOf(key)} ${option.value}\` | \`${envOf(key)}\` | ${option.default || "none"} |`)
    }
  })
})
