/** What every SymbolMaster must do, as a function of its layer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { alias, company, instrument } from "../../../test/support/companies.ts"
import type { Company } from "../../rpc/companies.ts"
import { noSync, type Position, START, type StaleSync, SymbolMaster } from "./SymbolMaster.ts"

const numbered = (cik: number, more: Partial<Company> = {}): Company =>
  company(`S${cik}`, `Company ${cik}`, {
    id: `cik:${cik}`,
    cik,
    rank: cik,
    instruments: [instrument(`S${cik}`, { id: cik })],
    ...more
  })

type Master = typeof SymbolMaster.Service

const put = (master: Master, ...companies: ReadonlyArray<Company>) =>
  master.change({ of: { ids: [], symbols: [] }, decide: () => ({ changed: companies, answer: undefined }) })

/** Read from there on in pages of that size. */
const readFrom = Effect.fnUntraced(function* (master: Master, start: Position, size: number) {
  const read: Array<Company> = []
  let at = start
  for (;;) {
    const page = yield* master.changes(at, size)
    read.push(...page.map(([, each]) => each))
    at = page.at(-1)?.[0] ?? at
    if (page.length < size) return { read, at }
  }
})

/** `layer` must give an empty master each time it is built. */
export const symbolMasterSuite = <E>(name: string, layer: Layer.Layer<SymbolMaster, E>): void => {
  const check = (title: string, body: (master: Master) => Effect.Effect<void, StaleSync>) =>
    it.live(title, () => Effect.provide(Effect.flatMap(SymbolMaster, body), layer))

  describe(name, () => {
    check("is empty at first", (master) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* master.state, noSync)
        assert.deepStrictEqual(yield* master.changes(START, 10), [])
        assert.deepStrictEqual(yield* master.undetailed("2026-01-01", 10), { companies: [], total: 0 })
      })
    )

    check("gives back all that was stored, each thing as it was", (master) =>
      Effect.gen(function* () {
        const whole = numbered(1, {
          legalName: "COMPANY ONE",
          sic: 3711,
          industry: "Motor Vehicles & 'Passenger' Car \"Bodies\"",
          fiscalYearEnd: "09-30",
          formerNames: [
            { name: "Öld Näme 🍏", from: "2001-01-01", until: "2010-12-31" },
            { name: "Older", from: null, until: null }
          ],
          instruments: [
            instrument("S1", {
              id: 4,
              shareClass: "Class A",
              aliases: [
                alias("S1", { from: "2020-01-01" }),
                alias("OLD", { exchange: null, until: "2019-12-31", fate: "renamed" })
              ]
            }),
            instrument("GONE", {
              id: 2,
              listed: false,
              exchange: null,
              aliases: [alias("GONE", { fate: "no longer listed" })]
            })
          ],
          listedSince: "2020-01-01",
          detailedAt: "2026-11-28"
        })
        const bare = company("EEM", "Fund", {
          sector: null,
          instruments: [instrument("EEM", { id: 3 })]
        })
        const empty = company("NONE", "Nothing listed", { instruments: [] })
        yield* put(master, whole, bare, empty)
        const { read } = yield* readFrom(master, START, 10)
        assert.deepStrictEqual(
          read,
          [whole, bare, empty].toSorted((a, b) => (a.id < b.id ? -1 : 1))
        )
      })
    )

    check("tells changes in their order, from anywhere on, each company once", (master) =>
      Effect.gen(function* () {
        yield* put(master, ...[1, 2, 3, 4, 5].map((cik) => numbered(cik)))
        const { at, read } = yield* readFrom(master, START, 2)
        assert.deepStrictEqual(
          read.map(({ cik }) => cik),
          [1, 2, 3, 4, 5]
        )
        assert.deepStrictEqual((yield* readFrom(master, at, 2)).read, [])
        yield* put(master, numbered(2, { name: "Two" }))
        yield* put(master, numbered(6))
        const rest = yield* readFrom(master, at, 1)
        assert.deepStrictEqual(
          rest.read.map(({ name: its }) => its),
          ["Two", "Company 6"]
        )
        // who begins now reads the changed one where it is now
        const all = yield* readFrom(master, START, 3)
        assert.deepStrictEqual(
          all.read.map(({ cik }) => cik),
          [1, 3, 4, 5, 2, 6]
        )
        assert.deepStrictEqual(all.at, rest.at)
        // no change, no version
        const { version } = yield* master.state
        yield* put(master)
        assert.strictEqual((yield* master.state).version, version)
      })
    )

    check("decides on what is known of those it is about", (master) =>
      Effect.gen(function* () {
        yield* put(
          master,
          numbered(1),
          numbered(2),
          numbered(3, { instruments: [instrument("S3", { id: 9, listed: false })] })
        )
        const seen = (of: Parameters<Master["change"]>[0]["of"]) =>
          master.change({
            of,
            decide: ({ companies, nextInstrument }) => ({
              changed: [],
              answer: [companies.map(({ cik }) => cik), nextInstrument] as const
            })
          })
        assert.deepStrictEqual(yield* seen("all"), [[1, 2, 3], 10])
        assert.deepStrictEqual(yield* seen({ ids: ["cik:2", "cik:7"], symbols: ["S1", "S3", "S9"] }), [[1, 2, 3], 10])
        assert.deepStrictEqual(yield* seen({ ids: [], symbols: [] }), [[], 10])
      })
    )

    check("an instrument moves to another company, and two change their symbols for one another", (master) =>
      Effect.gen(function* () {
        yield* put(master, numbered(1), numbered(2))
        const [one, two] = [
          instrument("S2", { id: 1, aliases: [alias("S2")] }),
          instrument("S1", { id: 2, aliases: [alias("S1")] })
        ]
        yield* put(master, numbered(1, { instruments: [one] }), numbered(2, { instruments: [two] }))
        yield* put(master, numbered(1, { instruments: [] }), numbered(2, { instruments: [two, one] }))
        const { read } = yield* readFrom(master, START, 10)
        assert.deepStrictEqual(
          read.map(({ cik, instruments }) => [cik, instruments.map(({ id, symbol }) => [id, symbol])]),
          [
            [1, []],
            [
              2,
              [
                [2, "S1"],
                [1, "S2"]
              ]
            ]
          ]
        )
      })
    )

    check("changes come one after the other, though many are asked for at once", (master) =>
      Effect.gen(function* () {
        yield* put(master, numbered(1, { rank: 0 }))
        const count = master.change({
          of: "all",
          decide: ({ companies }) => {
            const rank = (companies[0]?.rank ?? 0) + 1
            return { changed: [numbered(1, { rank })], answer: rank }
          }
        })
        const answers = yield* Effect.all(
          Array.from({ length: 8 }, () => count),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          answers.toSorted((a, b) => a - b),
          [1, 2, 3, 4, 5, 6, 7, 8]
        )
      })
    )

    check("a change that cannot be decided leaves everything as it was", (master) =>
      Effect.gen(function* () {
        yield* put(master, numbered(1))
        const before = yield* master.state
        const failed = yield* Effect.exit(
          master.change({
            of: "all",
            decide: () => {
              throw new Error("no")
            }
          })
        )
        assert.strictEqual(failed._tag, "Failure")
        assert.deepStrictEqual(yield* master.state, before)
        yield* put(master, numbered(2))
        assert.strictEqual((yield* readFrom(master, START, 10)).read.length, 2)
      })
    )

    check("keeps how far the sync has come; one that was taken over can say and change nothing", (master) =>
      Effect.gen(function* () {
        const first = yield* master.claim({ phase: "list", startedAt: 1_700_000_000_000, requestedAt: null })
        yield* master.note({ phase: "details", done: 3, total: 9, isOn: true, listedOn: "2026-11-28" }, first)
        assert.deepInclude(yield* master.state, {
          run: first,
          phase: "details",
          done: 3,
          total: 9,
          isOn: true,
          listedOn: "2026-11-28",
          startedAt: 1_700_000_000_000
        })
        const second = yield* master.claim({ error: "later" })
        assert.isAbove(second, first)
        const refused = yield* Effect.orDie(Effect.flip(master.note({ done: 4 }, first)))
        assert.strictEqual(refused._tag, "StaleSync")
        const change = { of: "all", run: first, decide: () => ({ changed: [numbered(1)], answer: 1 }) } as const
        assert.strictEqual((yield* Effect.orDie(Effect.flip(master.change(change))))._tag, "StaleSync")
        assert.deepInclude(yield* master.state, { run: second, done: 3, error: "later", version: 0 })
        yield* master.change({
          of: "all",
          run: second,
          decide: () => ({ changed: [], state: { phase: null, finishedAt: 5, error: null, bundle: "b" }, answer: 0 })
        })
        assert.deepInclude(yield* master.state, { phase: null, finishedAt: 5, error: null, bundle: "b" })
        // whoever has no run speaks for itself
        yield* master.note({ requestedAt: 7 })
        assert.strictEqual((yield* master.state).requestedAt, 7)
      })
    )

    check("tells whose particulars are due: never read, then the oldest, the largest first", (master) =>
      Effect.gen(function* () {
        yield* put(
          master,
          numbered(1, { detailedAt: "2026-11-01" }),
          numbered(2, { detailedAt: "2026-10-01" }),
          numbered(3, { rank: null }),
          numbered(4),
          numbered(5, { detailedAt: "2026-11-28" }),
          company("EEM", "No number", { instruments: [] })
        )
        const due = (before: string, limit: number) =>
          Effect.map(master.undetailed(before, limit), ({ companies, total }) => [
            total,
            ...companies.map(({ cik }) => cik)
          ])
        assert.deepStrictEqual(yield* due("2026-11-28", 10), [4, 4, 3, 2, 1])
        assert.deepStrictEqual(yield* due("2026-11-01", 10), [3, 4, 3, 2])
        assert.deepStrictEqual(yield* due("2026-11-28", 3), [4, 4, 3, 2])
        assert.deepStrictEqual((yield* master.undetailed("2000-01-01", 1)).companies, [numbered(4)])
      })
    )
  })
}
