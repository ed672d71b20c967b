import { existsSync, readdirSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import type { Tick } from "../../../rpc/ticks.ts"
import { tradesOf } from "../testing/collector.ts"
import { leanFolder, zipOf } from "../testing/leanFolder.ts"
import { Merge } from "./Merge.ts"
import { ParkedLines } from "./ParkedLines.ts"
import { SymbolFiles } from "./SymbolFiles.ts"
import { openTickFile, type TickFile, type TickKind } from "./TickFile.ts"

const MIDNIGHT = 1_381_118_400_000
const FOREVER = Number.POSITIVE_INFINITY

const opened = Effect.fnUntraced(function* (content: string | Buffer, kind: TickKind = "trade") {
  const folder = yield* leanFolder({ "x.zip": content })
  const parked = new ParkedLines()
  const file = yield* openTickFile("SPY", join(folder, "x.zip"), kind, MIDNIGHT, parked)
  return { file, parked, folder }
})

const readAll = Effect.fnUntraced(function* (file: TickFile) {
  const ticks: Array<Tick> = []
  while (file.take(FOREVER, FOREVER, ticks)) yield* file.fill
  return ticks
})

describe("a recorded file of trades", () => {
  it.effect("becomes trades: epoch times, line numbers as ids, conditions mapped", () =>
    Effect.gen(function* () {
      const { file, parked } = yield* opened("14400464,1674100,100,P,2000,0\r\n14400465,1674200,50,Q,0,1")
      assert.deepStrictEqual(
        tradesOf(yield* readAll(file)).map(({ conditions: _, ...trade }) => trade),
        [
          { _tag: "Trade", id: 1, time: MIDNIGHT + 14_400_464, price: 1_674_100, size: 100, exchange: "P" },
          { _tag: "Trade", id: 2, time: MIDNIGHT + 14_400_465, price: 1_674_200, size: 50, exchange: "Q" }
        ]
      )
      assert.strictEqual(parked.count, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("keeps what is wrong with a line, and goes on with the next", () =>
    Effect.gen(function* () {
      const bad = [
        ["x4400464,1674100,100,P,2000,0", "time is not a whole number"],
        ["14400464,-1,100,P,2000,0", "price is not a whole number"],
        ["14400464,1674100", "size is missing"],
        ["14400464,1674100,100,P,20g0,0", "condition flags is not hexadecimal"],
        ["14400464,1674100,100,P,2000", "suspicious flag is missing"],
        ["14400464,1674100,100,P,2000,0,7", "too many fields"],
        ["14400464,1674100,0,P,2000,0", "size is zero"],
        ["14400464,0,100,P,2000,0", "price is zero"],
        ["86400000,1674100,100,P,2000,0", "time is past the day's end"],
        ["14400464,1674100,100,ABCDEFGHIJKLMNOPQRST,2000,0", "exchange is too long"],
        ["14400464,12345678901234567890,100,P,2000,0", "price is too large"],
        ["\u0000\u0001garbage", "time is not a whole number"]
      ] as const
      const good = "14400465,1674200,50,Q,2000,0"
      const { file, parked } = yield* opened([good, ...bad.flatMap(([line]) => [line, good])].join("\n"))
      assert.deepStrictEqual(
        tradesOf(yield* readAll(file)).map((trade) => trade.id),
        [1, ...bad.map((_, i) => 3 + 2 * i)]
      )
      assert.strictEqual(parked.count, bad.length)
      assert.deepStrictEqual(
        parked.latest(),
        bad.map(([text, reason], i) => ({ symbol: "SPY", file: "x.zip", line: 2 + 2 * i, reason, text }))
      )
    }).pipe(Effect.scoped)
  )

  it.effect("keeps the latest hundred of many bad lines, and counts them all", () =>
    Effect.gen(function* () {
      const { file, parked } = yield* opened(`${"bad\n".repeat(1_234)}14400465,1674200,50,Q,2000,0\n`)
      assert.strictEqual((yield* readAll(file)).length, 1)
      assert.strictEqual(parked.count, 1_234)
      assert.deepStrictEqual(
        parked.latest().map((line) => line.line),
        Array.from({ length: 100 }, (_, i) => 1_135 + i)
      )
    }).pipe(Effect.scoped)
  )

  it.effect("never grows on a line without an end", () =>
    Effect.gen(function* () {
      const { file, parked } = yield* opened(`${"9".repeat(300_000)}\n14400465,1674200,50,Q,2000,0\n`)
      assert.strictEqual((yield* readAll(file)).length, 1)
      assert.isAbove(parked.count, 0)
      assert.isTrue(parked.latest().every((line) => line.text.length <= 120))
    }).pipe(Effect.scoped)
  )

  it.effect("plays as far as it can when it breaks off in the middle", () =>
    Effect.gen(function* () {
      const lines = Array.from(
        { length: 50_000 },
        (_, i) => `${14_400_000 + i},${1_674_100 + ((i * 7919) % 991)},100,P,2000,0`
      )
      const zip = zipOf("t.csv", lines.join("\n"))
      zip.fill(0xff, Math.floor(zip.length * 0.6), Math.floor(zip.length * 0.6) + 200)
      const { file, parked } = yield* opened(zip)
      const ticks = yield* readAll(file)
      assert.isTrue(ticks.length > 1_000 && ticks.length < lines.length, String(ticks.length))
      assert.strictEqual(parked.latest().at(-1)?.line, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("decodes the same whatever the bytes around each line", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.oneof(
              fc.record({
                ms: fc.nat(86_399_999),
                price: fc.integer({ min: 1, max: 9e9 }),
                size: fc.integer({ min: 1, max: 1e9 })
              }),
              fc
                .string({ unit: "binary-ascii", maxLength: 40 })
                .filter((text) => !text.includes("\n") && text.trim() !== "")
            ),
            { maxLength: 50 }
          ),
          async (rows) => {
            const lines = rows.map((row) =>
              typeof row === "string" ? `?${row}` : `${row.ms},${row.price},${row.size},P,2000,0`
            )
            const program = Effect.gen(function* () {
              const { file, parked } = yield* opened(lines.join("\n"))
              const trades = tradesOf(yield* readAll(file))
              const expected = rows.flatMap((row, i) =>
                typeof row === "string" ? [] : [[i + 1, MIDNIGHT + row.ms, row.price, row.size]]
              )
              assert.deepStrictEqual(
                trades.map((trade) => [trade.id, trade.time, trade.price, trade.size]),
                expected
              )
              assert.strictEqual(parked.count, rows.length - expected.length)
            })
            await Effect.runPromise(Effect.scoped(program))
          }
        ),
        { numRuns: 50 }
      )
    )
  )
})

describe("reading", () => {
  const lines = 400_000
  const big = Array.from({ length: lines }, (_, i) => `${14_400_000 + Math.floor(i / 10)},1674100,100,P,2000,0`).join(
    "\n"
  )

  it.effect("pulls no more than is asked for", () =>
    Effect.gen(function* () {
      const { file } = yield* opened(big)
      const ticks: Array<Tick> = []
      let fills = 0
      while (file.take(FOREVER, FOREVER, ticks)) {
        // what one chunk holds: bounded whatever the file's size
        assert.isBelow(ticks.length, 20_000)
        ticks.length = 0
        fills++
        yield* file.fill
      }
      assert.isAbove(fills, 20)
    }).pipe(Effect.scoped)
  )

  it.effect.skipIf(!existsSync("/proc/self/fd"))("lets go of a half-read file when its Scope closes", () =>
    Effect.gen(function* () {
      const openFiles = (folder: string) =>
        readdirSync("/proc/self/fd").filter((fd) => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
          } catch {
            return false
          }
        }).length
      const folder = yield* leanFolder({ "x.zip": big })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const file = yield* openTickFile("SPY", join(folder, "x.zip"), "trade", MIDNIGHT, new ParkedLines())
          assert.isFalse(file.take(MIDNIGHT + 14_400_001, 5, []))
          assert.strictEqual(openFiles(folder), 1)
        })
      )
      for (let turns = 0; openFiles(folder) > 0 && turns < 10_000; turns++) {
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      assert.strictEqual(openFiles(folder), 0)
    }).pipe(Effect.scoped)
  )
})

describe("quotes", () => {
  it.effect("make one book of a millisecond's lines, and keep the side a line leaves out", () =>
    Effect.gen(function* () {
      const text = [
        "14400054,0,0,1836300,100,Q,1,0",
        "14400241,1800100,300,0,0,P,1,0",
        "14400241,0,0,1818000,3000,P,1,0",
        "14400277,1812400,200,0,0,P,1,0",
        "14400277,9999999,200,0,0,P,1,1",
        "14400277,0,0,1818000,2900,P,1,0"
      ].join("\n")
      const { file } = yield* opened(text, "quote")
      const book = (ms: number, bid: number, bidSize: number, ask: number, askSize: number) => ({
        _tag: "TopOfBook",
        time: MIDNIGHT + ms,
        bid,
        bidSize,
        ask,
        askSize
      })
      assert.deepStrictEqual(yield* readAll(file), [
        book(14_400_054, 0, 0, 1_836_300, 100),
        book(14_400_241, 1_800_100, 300, 1_818_000, 3_000),
        book(14_400_277, 1_812_400, 200, 1_818_000, 2_900)
      ] as Array<Tick>)
    }).pipe(Effect.scoped)
  )

  it.effect("take their turn among the trades of the symbol", () =>
    Effect.gen(function* () {
      const trades = yield* opened([1, 3, 3, 9].map((ms) => `${ms},100,1,P,0,0`).join("\n"))
      const quotes = yield* opened([2, 3, 4, 10].map((ms) => `${ms},90,1,0,0,P,1,0`).join("\n"), "quote")
      const both = new SymbolFiles(trades.file, quotes.file)
      const ticks: Array<Tick> = []
      for (let dry = both.take(FOREVER, 100, ticks); dry !== undefined; dry = both.take(FOREVER, 100, ticks))
        yield* dry.fill
      assert.deepStrictEqual(
        ticks.map((tick) => `${tick._tag[1]}${tick.time - MIDNIGHT}`),
        ["r1", "o2", "r3", "r3", "o3", "o4", "r9", "o10"]
      )
      assert.strictEqual(both.nextTime, FOREVER)
    }).pipe(Effect.scoped)
  )
})

it("the merge always gives the source that comes first", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(1_000), { minLength: 1 })), (lists) => {
      const merge = new Merge<{ nextTime: number; rest: Array<number> }>()
      for (const list of lists) {
        const [nextTime = 0, ...rest] = [...list].sort((a, b) => a - b)
        merge.push({ nextTime, rest })
      }
      const out: Array<number> = []
      for (let source = merge.pop(); source !== undefined; source = merge.pop()) {
        out.push(source.nextTime)
        const [nextTime, ...rest] = source.rest
        if (nextTime !== undefined) merge.push({ nextTime, rest })
      }
      assert.deepStrictEqual(
        out,
        lists.flat().sort((a, b) => a - b)
      )
    })
  )
})
