import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { alias, company, instrument } from "../../../test/support/companies.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { CompanyDirectory } from "./CompanyDirectory.ts"

const provided = Effect.provide(Layer.provideMerge(CompanyDirectory.layer, Gauges.layer))
const many = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => company(`S${i}`, `${name} number ${i}`))

describe("company search", () => {
  it.effect("says that it cannot answer yet, and nothing that is not whole", () =>
    Effect.gen(function* () {
      const { isReady, replace, search } = yield* CompanyDirectory
      const refused = yield* Effect.flip(search({ text: "a" }))
      assert.strictEqual(refused._tag, "Unavailable")
      assert.isAbove(refused.retryAfterMillis, 0)
      assert.isFalse(isReady())
      yield* replace(many(20_000, "old"))
      assert.isTrue(isReady())
      const replacing = yield* Effect.forkChild(replace(many(30_000, "new")))
      let asked = 0
      while (replacing.pollUnsafe() === undefined) {
        const [old, young] = [yield* search({ text: "old" }), yield* search({ text: "new" })]
        // one or the other, and never a part
        assert.strictEqual(old.companies, young.companies)
        assert.deepStrictEqual([old.hits.length, young.hits.length], old.companies === 20_000 ? [20, 0] : [0, 20])
        asked++
        yield* Effect.yieldNow
      }
      yield* Fiber.join(replacing)
      assert.isAbove(asked, 10, "it is asked while it builds")
      assert.strictEqual((yield* search({ text: "new" })).companies, 30_000)
      assert.strictEqual((yield* Gauges).get("companies_searched"), 30_000)
    }).pipe(provided)
  )

  it.effect("gives every hit once, page after page", () =>
    Effect.gen(function* () {
      const { replace, search } = yield* CompanyDirectory
      yield* replace(many(250, "Acme"))
      const seen: Array<string> = []
      let after: number | null = 0
      while (after !== null) {
        const page: { readonly hits: ReadonlyArray<{ readonly symbol: string }>; readonly after: number | null } =
          yield* search({ text: "acme", limit: 100, after })
        seen.push(...page.hits.map(({ symbol }) => symbol))
        after = page.after
      }
      assert.deepStrictEqual(
        seen,
        Array.from({ length: 250 }, (_, i) => `S${i}`)
      )
    }).pipe(provided)
  )

  it.effect("says what became of what it was called", () =>
    Effect.gen(function* () {
      const { replace, search } = yield* CompanyDirectory
      yield* replace([
        company("META", "Meta Platforms", {
          formerNames: [
            { name: "Facebook Inc.", from: null, until: "2022-06-09" },
            { name: "Thefacebook", from: null, until: null }
          ],
          instruments: [
            instrument("META", {
              aliases: [alias("META"), alias("FB", { until: "2022-06-09", fate: "renamed" })]
            })
          ]
        }),
        company("TWTR", "Twitter Inc.", {
          instruments: [
            instrument("TWTR", {
              listed: false,
              aliases: [alias("TWTR", { until: "2022-10-28", fate: "taken private" })]
            })
          ]
        })
      ])
      const found = (text: string) =>
        Effect.map(search({ text }), ({ hits }) =>
          hits.map(({ fate, field, listed, symbol }) => [symbol, listed, field, fate])
        )
      assert.deepStrictEqual(yield* found("meta"), [["META", true, "symbol", null]])
      assert.deepStrictEqual(yield* found("fb"), [["META", true, "former-symbol", "until 2022-06-09: renamed"]])
      assert.deepStrictEqual(yield* found("facebook"), [["META", true, "former-name", "until 2022-06-09"]])
      assert.deepStrictEqual(yield* found("thefacebook"), [["META", true, "former-name", "former name"]])
      assert.deepStrictEqual(yield* found("twitter"), [["TWTR", false, "name", "until 2022-10-28: taken private"]])
    }).pipe(provided)
  )

  it.effect("knows a company by every symbol it has or had, and suggests what else may be meant", () =>
    Effect.gen(function* () {
      const directory = yield* CompanyDirectory
      yield* directory.replace([
        company("BRK.B", "Berkshire Hathaway", {
          instruments: [
            instrument("BRK.B"),
            instrument("BRK.A", { id: 2, aliases: [alias("BRK.A"), alias("BRK", { fate: "renamed" })] })
          ]
        }),
        company("META", "Meta Platforms", {
          instruments: [
            instrument("META", { aliases: [alias("META"), alias("FB", { until: "2022-06-09", fate: "renamed" })] })
          ]
        })
      ])
      for (const text of ["BRK.B", "brk-b", "BRK/B", " brk b "]) {
        const profile = yield* directory.company(text)
        assert.deepStrictEqual([profile.instrument.symbol, profile.fate], ["BRK.B", null])
        assert.strictEqual(profile.company.instruments.length, 2)
      }
      const former = yield* directory.company("fb")
      assert.deepStrictEqual([former.instrument.symbol, former.fate], ["META", "until 2022-06-09: renamed"])
      assert.strictEqual((yield* directory.company("BRK")).instrument.symbol, "BRK.A")
      const unknown = yield* Effect.flip(directory.company("META.X"))
      assert.strictEqual(unknown._tag, "UnknownSymbol")
      const near = yield* Effect.flip(directory.company("BERKSHIRE"))
      assert.match(near.message, /BERKSHIRE; did you mean BRK.B \(Berkshire Hathaway\)/)
    }).pipe(provided)
  )

  it.effect("gives a symbol to who has it today, however large who had it before was", () =>
    Effect.gen(function* () {
      const { company: profileOf, replace, search } = yield* CompanyDirectory
      yield* replace([
        company("BIG", "Big", {
          instruments: [
            instrument("BIG"),
            instrument("XYZ", {
              listed: false,
              aliases: [alias("XYZ", { until: "2026-01-01", fate: "no longer listed" })]
            })
          ]
        }),
        company("XYZ", "Newcomer")
      ])
      assert.deepInclude((yield* profileOf("XYZ")).company, { name: "Newcomer" })
      const { hits } = yield* search({ text: "xyz" })
      assert.deepStrictEqual(
        hits.map(({ fate, listed, name }) => [name, listed, fate]),
        [
          ["Newcomer", true, null],
          ["Big", false, "until 2026-01-01: no longer listed"]
        ]
      )
      assert.deepStrictEqual(
        (yield* search({ text: "big" })).hits.map(({ symbol }) => symbol),
        ["BIG"]
      )
    }).pipe(provided)
  )

  it.effect("browses what is listed, and says which cursor is none", () =>
    Effect.gen(function* () {
      const { browse, facets, replace } = yield* CompanyDirectory
      yield* replace(many(120, "Acme"))
      const first = yield* browse({ order: "name" })
      assert.deepStrictEqual([first.items.length, first.total], [50, 120])
      assert.strictEqual((yield* facets({})).instruments, 120)
      const refused = yield* Effect.flip(browse({ order: "name", after: "x" }))
      assert.strictEqual(refused._tag, "InvalidRequest")
    }).pipe(provided)
  )
})
