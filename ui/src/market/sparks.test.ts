import { describe, expect, it } from "vitest"
import type { Bar } from "../../../src/rpc/market.ts"
import { extendSpark, isBehind, makeSparks, type Spark, sparkOf } from "./sparks.ts"

const bar = (time: number, close: number): Bar => ({
  time,
  open: close,
  high: close,
  low: close,
  close,
  volume: 1,
  trades: 1,
  final: true,
  revision: 0
})
const open = Date.UTC(2013, 9, 7, 13, 30)
const STEP = 300_000

describe("a sparkline", () => {
  it("is the newest day's closes only", () => {
    expect(sparkOf([bar(open - 86_400_000, 1), bar(open, 2), bar(open + STEP, 3)])).toEqual({
      points: [2, 3],
      newest: open + STEP
    })
    expect(sparkOf([])).toEqual({ points: [], newest: 0 })
  })
  it("moves its last point within a step, adds one with each step, and starts anew with the day", () => {
    const spark: Spark = { points: [2], newest: open }
    expect(extendSpark(spark, 2, open + 1)).toBe(false)
    expect(extendSpark(spark, 2.5, open + 1)).toBe(true)
    expect(extendSpark(spark, 3, open + STEP + 1)).toBe(true)
    expect(spark.points).toEqual([2.5, 3])
    extendSpark(spark, 9, open + 86_400_000)
    expect(spark.points).toEqual([9])
  })
  it("is behind when steps are missing before a price", () => {
    const spark: Spark = { points: [2], newest: open }
    expect(isBehind(spark, open + 3 * STEP)).toBe(false)
    expect(isBehind(spark, open + 5 * STEP)).toBe(true)
    expect(isBehind({ points: [], newest: 0 }, open)).toBe(false)
  })
})

describe("asking for sparklines", () => {
  const setup = () => {
    const asked: Array<string> = []
    const answers: Array<(bars: ReadonlyArray<Bar>) => void> = []
    let time = 0
    const sparks = makeSparks(
      (symbol) => {
        asked.push(symbol)
        return new Promise((resolve) => answers.push(resolve))
      },
      () => time,
      (task) => task()
    )
    return { asked, answers, sparks, later: (millis: number) => (time += millis) }
  }
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

  it("keeps to a few at once and takes the newest wish next", async () => {
    const { asked, answers, sparks } = setup()
    for (const symbol of ["A", "B", "C", "D", "E"]) sparks.request(symbol, () => {})
    expect(asked).toEqual(["A", "B", "C"])
    answers[0]?.([])
    await settle()
    expect(asked).toEqual(["A", "B", "C", "E"])
  })
  it("tells nobody who has lost interest while the answer was on its way", async () => {
    const { answers, sparks } = setup()
    const told: Array<string> = []
    const leave = sparks.request("A", () => told.push("first"))
    leave()
    sparks.request("A", () => told.push("second"))
    for (const answer of answers) answer([bar(open, 5)])
    await settle()
    expect(told).toEqual(["second"])
  })
  it("drops a wish that was withdrawn and remembers what it got", async () => {
    const { asked, answers, sparks, later } = setup()
    for (const symbol of ["A", "B", "C"]) sparks.request(symbol, () => {})
    sparks.request("D", () => {})()
    answers[0]?.([bar(open, 5)])
    await settle()
    expect(asked).not.toContain("D")
    const told: Array<Spark> = []
    sparks.request("A", (spark) => told.push(spark))
    expect(told[0]?.points).toEqual([5])
    expect(asked).toEqual(["A", "B", "C"])
    later(700_000)
    sparks.request("A", () => {})
    expect(asked).toEqual(["A", "B", "C", "A"])
  })
  it("asks again for a line that fell behind, but not all the time", async () => {
    const { asked, answers, sparks, later } = setup()
    const told: Array<Spark> = []
    sparks.request("A", (spark) => told.push(spark))
    expect(sparks.again("A", (spark) => told.push(spark))).toBeNull()
    answers[0]?.([bar(open, 5)])
    await settle()
    expect(sparks.again("A", (spark) => told.push(spark))).toBeNull()
    later(60_000)
    expect(sparks.again("A", (spark) => told.push(spark))).not.toBeNull()
    answers[1]?.([bar(open, 5), bar(open + STEP, 6)])
    await settle()
    expect(asked).toEqual(["A", "A"])
    expect(told.map((spark) => spark.points)).toEqual([[5], [5, 6]])
  })
})
