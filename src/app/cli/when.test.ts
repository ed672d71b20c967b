import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { dayOfDate } from "../../actors/market/calendar.ts"
import { parseDay, parseInstant } from "./when.ts"

const day = dayOfDate("2013-10-07") ?? undefined
const midnight = day?.midnight ?? Number.NaN
const half = 34_200_000

describe("times as typed", () => {
  it.effect.each([
    ["09:30", midnight + half],
    ["9:30", midnight + half],
    ["09:30:01", midnight + half + 1_000],
    ["24:00", midnight + 86_400_000],
    ["2013-10-07", midnight],
    ["20131007", midnight],
    ["2013-10-07T09:30", midnight + half],
    ["2013-10-07 09:30:00", midnight + half],
    ["2013-10-07T13:30:00Z", midnight + half],
    ["2013-10-07T15:30:00+02:00", midnight + half],
    ["1381152600000", 1_381_152_600_000]
  ] as const)("%s", ([text, instant]) =>
    Effect.map(parseInstant("--from", text, day), (parsed) => assert.strictEqual(parsed, instant))
  )

  it.effect.each(["25:00", "9:60", "2013-02-30", "yesterday", "2013-10-07T", "12", ""])("not %s", (text) =>
    Effect.map(Effect.flip(parseInstant("--from", text, day)), (failure) => {
      assert.strictEqual(failure.code, 2)
      assert.include(failure.message, `--from: "${text}"`)
    })
  )

  it.effect("a time of day needs a day", () =>
    Effect.map(Effect.flip(parseInstant("--from", "09:30", undefined)), (failure) =>
      assert.include(failure.message, "needs --date")
    )
  )

  it.effect("a day that is none", () =>
    Effect.map(Effect.flip(parseDay("--date", "2013-13-07")), (failure) =>
      assert.strictEqual(failure.message, '--date: "2013-13-07" is not a date (YYYY-MM-DD)')
    )
  )
})
