/** The offline replay against the vendor's published minute bars: the whole path, feed to CSV. What matches is printed. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { afterAll } from "vitest"
import { run } from "../../../../test/support/commandLine.ts"
import { readZipCsv } from "../../feeds/lean/zipCsv.ts"

const root = process.env.LZSTOCK_TEST_DATA ?? path.resolve(import.meta.dirname, "../../../../../shared/data")
const data = path.join(root, "market/lean")
const absent = !existsSync(data)
if (absent) console.warn(`offline replay skipped: no recording under ${data}`)

const folder = mkdtempSync(path.join(tmpdir(), "lzstock-replay-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SYMBOLS = ["SPY", "IBM", "AIG", "BAC"]
const NAMES = ["open", "high", "low", "close", "volume"] as const

/** `ms` → open, high, low, close in 1/10,000 dollar, volume. */
const table = (csv: string, scale: number): Map<number, ReadonlyArray<number>> =>
  new Map(
    csv
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(",").map(Number))
      .map(([ms = Number.NaN, ...values]) => [
        ms,
        values.map((value, i) => (i < 4 ? Math.round(value * scale) : value))
      ])
  )

/** Share of the published minutes that match, a figure a column; a missing or surplus minute matches nowhere. */
const compare = (ours: ReturnType<typeof table>, published: ReturnType<typeof table>) => {
  const minutes = new Set([...ours.keys(), ...published.keys()])
  return NAMES.map((_, i) => {
    let same = 0
    for (const ms of minutes) if (ours.get(ms)?.[i] === published.get(ms)?.[i]) same++
    return same / minutes.size
  })
}

describe("lzstock replay", () => {
  it.effect.skipIf(absent)(
    "minute bars of every recorded symbol and day are the published ones",
    () =>
      Effect.gen(function* () {
        for (const date of ["2013-10-07", "2013-10-08"]) {
          const target = path.join(folder, `${date}-{symbol}.csv`)
          const symbols = SYMBOLS.flatMap((symbol) => ["--symbol", symbol])
          const { code, err, out } = yield* Effect.promise(() =>
            run(["replay", "--data", data, "--date", date, ...symbols, "--interval", "1m", "--bars", target])
          )
          assert.deepStrictEqual({ code, out }, { code: 0, out: "" })
          assert.match(err, /^lzstock: REPLAY of .* trades\/s, [\d,]+ bars of 1m\n$/)
          console.info(err.trim())
          for (const symbol of SYMBOLS.map((name) => name.toLowerCase())) {
            const file = path.join(data, "minute", symbol, `${date.replaceAll("-", "")}_trade.zip`)
            const published = table(yield* readZipCsv(file), 1)
            const ours = table(readFileSync(path.join(folder, `${date}-${symbol}.csv`), "utf8"), 10_000)
            const shares = compare(ours, published)
            console.info(
              `  ${symbol} ${date}: ${NAMES.map((name, i) => `${name} ${((shares[i] ?? 0) * 100).toFixed(2)} %`).join(", ")} of ${published.size} minutes`
            )
            for (const share of shares.slice(0, 4)) assert.isAtLeast(share, 0.997)
            assert.isAtLeast(shares[4] ?? 0, 0.994)
          }
        }
      }),
    120_000
  )

  it.effect.skipIf(absent)(
    "standard output holds the bars alone; several symbols get a column; coarser bars add up",
    () =>
      Effect.gen(function* () {
        const replay = (...args: ReadonlyArray<string>) =>
          Effect.promise(() => run(["replay", "--data", data, "--date", "2013-10-07", "--bars", "-", ...args]))
        const minutes = yield* replay("-s", "IBM", "--header")
        assert.match(minutes.out, /^ms,open,high,low,close,volume\n\d+,[\d.]+,[\d.]+,[\d.]+,[\d.]+,\d+\n/)
        const both = yield* replay("-s", "ibm,bac", "-i", "1h")
        assert.deepStrictEqual([...new Set(both.out.match(/^[A-Z]+/gm))], ["BAC", "IBM"])
        const volume = (csv: string) =>
          csv.split("\n").reduce((sum, line) => sum + (/^IBM|^\d/.test(line) ? Number(line.split(",").at(-1)) : 0), 0)
        assert.strictEqual(volume(both.out), volume(minutes.out))
      }),
    120_000
  )

  it.effect("a recording that is not there, and a file that cannot be written, are one line each", () =>
    Effect.gen(function* () {
      const missing = yield* Effect.promise(() =>
        run(["replay", "--data", folder, "--date", "2013-10-07", "--bars", "-"])
      )
      assert.deepStrictEqual({ code: missing.code, out: missing.out }, { code: 1, out: "" })
      assert.match(missing.err, /^lzstock: no recorded trades in [^\n]+\n$/)
      const unwritable = path.join(folder, "none", "bars.csv")
      const refused = yield* Effect.promise(() =>
        run(["replay", "--data", folder, "--date", "2013-10-07", "--bars", unwritable])
      )
      assert.strictEqual(refused.code, 1)
      assert.match(refused.err, /^lzstock: --bars: ENOENT[^\n]+\n$/)
    })
  )
})
