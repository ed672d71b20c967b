import { Schema } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isSecRecorded, recordedTesla } from "../../../test/support/secServer.ts"
import { cikOf, detailsOf, Submissions } from "./submissions.ts"

if (!isSecRecorded) console.warn("SKIPPED: the recorded SEC data (../shared/data/sec) is not here")

const decode = Schema.decodeUnknownSync(Submissions)
const details = (fields: Readonly<Record<string, unknown>>) => detailsOf(7, decode({ cik: "7", name: "A", ...fields }))

describe("submissions", () => {
  it.skipIf(!isSecRecorded)("of Tesla, as recorded", () => {
    const file = decode(recordedTesla())
    expect(cikOf(file)).toBe(1318605)
    expect(detailsOf(1318605, file)).toEqual({
      cik: 1318605,
      name: "Tesla, Inc.",
      sic: 3711,
      industry: "Motor Vehicles & Passenger Car Bodies",
      fiscalYearEnd: "12-31",
      formerNames: [{ name: "TESLA MOTORS INC", from: "2005-02-17", until: "2017-01-27" }]
    })
  })

  it("say nothing where the file does not", () => {
    const nothing = { cik: 7, name: "A", sic: null, industry: null, fiscalYearEnd: null, formerNames: [] }
    expect(details({})).toEqual(nothing)
    expect(details({ sic: "", sicDescription: " ", fiscalYearEnd: "", formerNames: null })).toEqual(nothing)
    expect(details({ sic: null, sicDescription: null, fiscalYearEnd: null, formerNames: [] })).toEqual(nothing)
  })

  it.each([
    ["1231", "12-31"],
    ["0229", "02-29"],
    ["0930", "09-30"],
    ["12-31", "12-31"],
    ["0230", null],
    ["1301", null],
    ["0000", null],
    ["--12-31", null],
    ["931", null]
  ])("fiscal year end %j is %j", (text, day) => {
    expect(details({ fiscalYearEnd: text }).fiscalYearEnd).toBe(day)
  })

  it.each([
    ["3711", 3711],
    ["0100", 100],
    ["0000", null],
    ["37111", null],
    ["x", null]
  ])("SIC %j is %j", (text, sic) => {
    expect(details({ sic: text }).sic).toBe(sic)
  })

  it.each([
    ["2005-02-17T00:00:00.000Z", "2005-02-17"],
    ["2005-02-17", "2005-02-17"],
    ["2005-02-30T00:00:00.000Z", null],
    ["17 Feb 2005", null],
    ["", null],
    [null, null]
  ])("the day of %j is %j", (text, day) => {
    const formerNames = [{ name: "B", from: text, to: text }, { name: " " }, { name: null }]
    expect(details({ formerNames }).formerNames).toEqual([{ name: "B", from: day, until: day }])
  })

  it.each([
    ["7", 7],
    ["0000000007", 7],
    [7, 7],
    ["7a", Number.NaN],
    ["", Number.NaN]
  ])("CIK %j is %d", (cik, number) => {
    expect(cikOf(decode({ cik, name: "A" }))).toBe(number)
  })

  it.each([{ name: "" }, { name: " " }, { name: null }, { sic: 3711 }, { formerNames: ["B"] }, { formerNames: {} }])(
    "with %j is of another shape",
    (fields) => {
      expect(() => details(fields)).toThrow()
    }
  )

  it("whatever the texts are, what comes out is what the port says", () => {
    const text = fc.option(
      fc.oneof(fc.string(), fc.stringMatching(/^\d{4}$/), fc.stringMatching(/^\d{4}-\d{2}-\d{2}T$/))
    )
    fc.assert(
      fc.property(text, text, text, text, (sic, sicDescription, fiscalYearEnd, from) => {
        const read = details({ sic, sicDescription, fiscalYearEnd, formerNames: [{ name: "B", from, to: null }] })
        expect(read.sic === null || (Number.isInteger(read.sic) && read.sic > 0)).toBe(true)
        expect(read.industry).not.toBe("")
        expect(read.fiscalYearEnd ?? "01-01").toMatch(/^\d{2}-\d{2}$/)
        expect(read.formerNames[0]?.from ?? "2000-01-01").toMatch(/^\d{4}-\d{2}-\d{2}$/)
      })
    )
  })
})
