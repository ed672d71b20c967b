import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Bar } from "../../../src/rpc/market.ts"
import { newYorkWall } from "../format/time.ts"
import { countRevised, isRevised, mergeBars, putLive, slotsOf } from "./series.ts"

const bar = (time: number, more: Partial<Bar> = {}): Bar => ({
  time,
  open: 10,
  high: 11,
  low: 9,
  close: 10.5,
  volume: 100,
  trades: 5,
  final: true,
  revision: 0,
  ...more
})
const open = Date.UTC(2013, 9, 7, 13, 30)
const MINUTE = 60_000

describe("slots", () => {
  it("are placed at New York's wall clock", () => {
    expect(slotsOf([bar(open)], "1m")[0]?.wall).toBe(Date.UTC(2013, 9, 7, 9, 30))
  })
  it("leave a hole for each quiet minute", () => {
    const slots = slotsOf([bar(open), bar(open + 3 * MINUTE)], "1m")
    expect(slots.map((slot) => slot.bar !== null)).toEqual([true, false, false, true])
  })
  it("shrink the night to a small gap", () => {
    const slots = slotsOf([bar(open), bar(open + 24 * 60 * MINUTE)], "1m")
    expect(slots).toHaveLength(5)
  })
  it("put no gaps between days", () => {
    expect(slotsOf([bar(open), bar(open + 3 * 24 * 60 * MINUTE)], "1d")).toHaveLength(2)
  })
  it("always rise in time, also where the clocks go back", () => {
    const fallBack = Date.UTC(2024, 10, 3, 4)
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 3_000 }), { maxLength: 60 }), (minutes) => {
        const bars = minutes.sort((a, b) => a - b).map((minute) => bar(fallBack + minute * MINUTE))
        const slots = slotsOf(bars, "1m")
        for (let i = 1; i < slots.length; i++) {
          expect(slots[i]?.wall ?? 0).toBeGreaterThan(slots[i - 1]?.wall ?? 0)
        }
      })
    )
    expect(newYorkWall(fallBack)).toBeLessThan(newYorkWall(fallBack + MINUTE))
  })
})

describe("merging bars", () => {
  it("keeps one bar per time, in order, whatever comes first", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.array(fc.integer({ min: 0, max: 50 })), (a, b) => {
        const merged = mergeBars(
          mergeBars(
            [],
            a.map((t) => bar(t))
          ),
          b.map((t) => bar(t))
        )
        expect(merged.map((x) => x.time)).toEqual([...new Set([...a, ...b])].sort((x, y) => x - y))
      })
    )
  })
  it("never goes back: a page from before the live bar does not undo it", () => {
    const live = bar(open, { final: false, trades: 9, close: 12 })
    expect(mergeBars([live], [bar(open, { final: false, trades: 3, close: 10 })])).toEqual([live])
    expect(mergeBars([live], [bar(open - MINUTE), bar(open, { final: false, trades: 3 })]).at(-1)).toEqual(live)
    const done = bar(open, { trades: 9 })
    expect(mergeBars([done], [bar(open, { final: false, trades: 12 })])).toEqual([done])
  })
  it("takes a revision, with fewer trades too", () => {
    const revised = bar(open, { revision: 1, trades: 4 })
    expect(mergeBars([bar(open)], [revised])).toEqual([revised])
    expect(isRevised(revised)).toBe(true)
    expect(mergeBars([revised], [bar(open)])).toEqual([revised])
  })
})

describe("live bars", () => {
  it("take their place: after the last, instead of the same one, or before it", () => {
    for (const time of [open - MINUTE, open, open + MINUTE, open + 2 * MINUTE, open + 3 * MINUTE]) {
      const known = [bar(open), bar(open + 2 * MINUTE)]
      const live = bar(time, { close: 99 })
      const expected = [...known.filter((one) => one.time !== time), live].sort((a, b) => a.time - b.time)
      putLive(known, [live])
      expect(known).toEqual(expected)
    }
    const none: Array<Bar> = []
    putLive(none, [bar(open)])
    expect(none).toEqual([bar(open)])
  })

  it("count against larger ones from before the server started anew", () => {
    const anew = bar(open, { final: false, trades: 1 })
    const known = [bar(open, { final: false, trades: 30 })]
    putLive(known, [anew])
    expect(known).toEqual([anew])
  })

  it("come out the same in one batch as one by one, and so does the number of revised ones", () => {
    const some = (close: number) =>
      fc
        .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2 })), {
          selector: ([minute]) => minute
        })
        .map((all) =>
          all
            .sort(([a], [b]) => a - b)
            .map(([minute, revision]) => bar(open + minute * MINUTE, { close, revision, trades: revision }))
        )
    fc.assert(
      fc.property(some(1), some(2), (known, incoming) => {
        const once = [...known]
        const oneByOne = [...known]
        const grown = putLive(once, incoming)
        for (const live of incoming) putLive(oneByOne, [live])
        expect(once).toEqual(oneByOne)
        const all = new Map([...known, ...incoming].map((one) => [one.time, one]))
        expect(once).toEqual([...all.values()].sort((a, b) => a.time - b.time))
        expect(countRevised(known) + grown).toBe(countRevised(once))
      })
    )
  })
})
