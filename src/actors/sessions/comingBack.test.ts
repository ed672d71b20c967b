import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ADMISSION_BURST, type Admission, comingBack } from "./comingBack.ts"

const asConfigured: Admission = { perSecond: 2_000, perSecondAndAddress: 50 }
const anywhere = (many: number) => Array.from({ length: many }, (_, i) => `192.0.2.${i}`)
const last = (times: ReadonlyArray<number>) => Math.max(0, ...times)

describe("coming back", () => {
  it("takes as long as there are sessions: few come at once, many as fast as another node takes them", () => {
    expect(comingBack([], asConfigured, 5_000)).toEqual([])
    expect(comingBack(anywhere(1), asConfigured, 5_000)).toEqual([0])
    expect(last(comingBack(anywhere(10), asConfigured, 5_000))).toBeLessThan(200)
    expect(last(comingBack(anywhere(4_000), asConfigured, 5_000))).toBeCloseTo(2_000, -1)
    expect(last(comingBack(anywhere(12_000), asConfigured, 5_000))).toBe(5_000)
  })

  it("goes by the pace of one address too, and has those of others not wait for it", () => {
    const office = Array.from({ length: 300 }, () => "198.51.100.1")
    const times = comingBack([...office, "192.0.2.1"], asConfigured, 5_000)
    expect(last(times)).toBe(2_000)
    expect(times.at(-1)).toBeLessThan(300)
    expect(times.slice(0, 200).every((time) => time < 200)).toBe(true)
    // whoever is not counted there has no pace but that of all
    expect(
      last(
        comingBack(
          Array.from({ length: 300 }, () => null),
          asConfigured,
          5_000
        )
      )
    ).toBeLessThan(200)
  })

  it("never takes longer than there is time, nor comes faster than is allowed where there is time", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b", null), { maxLength: 400 }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 20_000 }),
        (addresses, perSecond, perSecondAndAddress, mostMillis) => {
          const times = comingBack(addresses, { perSecond, perSecondAndAddress }, mostMillis)
          expect(times).toHaveLength(addresses.length)
          expect(last(times)).toBeLessThanOrEqual(mostMillis + 1e-6)
          if (last(times) > mostMillis - 1) return
          for (const second of [0, 1, 2, 3]) {
            const within = times.filter((time) => time >= second * 1_000 && time < (second + 1) * 1_000)
            expect(within.length).toBeLessThanOrEqual(perSecond + 1)
          }
          for (const address of ["a", "b"]) {
            const theirs = times.filter((_, i) => addresses[i] === address).sort((a, b) => a - b)
            for (const [before, time] of theirs.entries()) {
              expect(before).toBeLessThanOrEqual((ADMISSION_BURST + time / 1_000) * perSecondAndAddress + 1)
            }
          }
        }
      )
    )
  })
})
