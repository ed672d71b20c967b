import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import type { Company } from "../../rpc/companies.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { CompanySearch } from "./CompanySearch.ts"

const company = (symbol: string, name: string, more: Partial<Company> = {}): Company => ({
  id: symbol,
  cik: 1,
  name,
  sector: "Sector",
  industry: null,
  formerNames: [],
  instruments: [{ symbol, exchange: "NYSE", listed: true, aliases: [] }],
  ...more
})
const provided = Effect.provide(Layer.provideMerge(CompanySearch.layer, Gauges.layer))
const many = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => company(`S${i}`, `${name} number ${i}`))

describe("company search", () => {
  it.effect("says that it cannot answer yet, and nothing that is not whole", () =>
    Effect.gen(function* () {
      const { isReady, replace, search } = yield* CompanySearch
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
      const { replace, search } = yield* CompanySearch
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
      const { replace, search } = yield* CompanySearch
      yield* replace([
        company("META", "Meta Platforms", {
          formerNames: [
            { name: "Facebook Inc.", until: "2022-06-09" },
            { name: "Thefacebook", until: null }
          ],
          instruments: [
            {
              symbol: "META",
              exchange: "NASDAQ",
              listed: true,
              aliases: [{ symbol: "FB", until: "2022-06-09", fate: "renamed" }]
            }
          ]
        }),
        company("TWTR", "Twitter Inc.", {
          instruments: [
            {
              symbol: "TWTR",
              exchange: null,
              listed: false,
              aliases: [{ symbol: "TWTR", until: "2022-10-28", fate: "taken private" }]
            }
          ]
        })
      ])
      const found = (text: string) =>
        Effect.map(search({ text }), ({ hits }) =>
          hits.map(({ fate, field, listed, symbol }) => [symbol, listed, field, fate])
        )
      assert.deepStrictEqual(yield* found("meta"), [["META", true, "symbol", null]])
      assert.deepStrictEqual(yield* found("fb"), [["META", true, "former-symbol", "until 2022-06-09: renamed"]])
      assert.deepStrictEqual(yield* found("facebook"), [["META", true, "former-name", "name until 2022-06-09"]])
      assert.deepStrictEqual(yield* found("thefacebook"), [["META", true, "former-name", "former name"]])
      assert.deepStrictEqual(yield* found("twitter"), [["TWTR", false, "name", "until 2022-10-28: taken private"]])
    }).pipe(provided)
  )
})
