import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Logger, Redacted, References } from "effect"
import { isPretty, jsonLine } from "./logging.ts"

/** The lines an effect logs, parsed. */
const linesOf = <E>(effect: Effect.Effect<unknown, E>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const collect = Logger.map(jsonLine, (line) => {
      lines.push(line)
    })
    return effect.pipe(
      Effect.provide(Logger.layer([collect])),
      Effect.provideService(References.MinimumLogLevel, "Info"),
      Effect.map(() => lines.map((line): Record<string, unknown> => JSON.parse(line)))
    )
  })

describe("JSON log lines", () => {
  it.effect("hold the text, the data and when", () =>
    Effect.gen(function* () {
      const [line, ...more] = yield* linesOf(Effect.logInfo("Ready", { port: 4280 }, { host: "::1" }))
      assert.deepStrictEqual(more, [])
      assert.strictEqual(line?.message, "Ready")
      assert.strictEqual(line?.level, "INFO")
      assert.deepStrictEqual(line?.data, { port: 4280, host: "::1" })
      assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT.*Z$/)
    })
  )

  it.effect("stay one line with a cause, an annotation and line ends in the text", () =>
    Effect.gen(function* () {
      const cause = Cause.fail(new Error("line cut"))
      const logged = Effect.logError("two\nlines", cause).pipe(Effect.annotateLogs({ symbol: "AAPL" }))
      const [line] = yield* linesOf(logged)
      assert.include(String(line?.cause), "line cut")
      assert.deepStrictEqual(line?.annotations, { symbol: "AAPL" })
      assert.strictEqual(line?.message, "two\nlines")
    })
  )

  it.effect("never show a secret", () =>
    Effect.gen(function* () {
      const secret = Redacted.make("hunter2")
      const lines = yield* linesOf(Effect.logInfo("Connecting", { key: secret }, secret))
      assert.notInclude(JSON.stringify(lines), "hunter2")
      assert.include(JSON.stringify(lines), "<redacted>")
    })
  )

  it.effect("below the level are not written", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* linesOf(Effect.logDebug("detail")), [])
    })
  )

  it("auto is for people at a terminal", () => {
    assert.isTrue(isPretty("auto", true))
    assert.isFalse(isPretty("auto", false))
    assert.isTrue(isPretty("pretty", false))
    assert.isFalse(isPretty("json", true))
  })
})
