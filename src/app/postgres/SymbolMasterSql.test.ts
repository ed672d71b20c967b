/** What the port suite cannot see: how the database comes by its answers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { databases, sharedByFile } from "../../../test/support/databases.ts"
import { int4, texts } from "./params.ts"
import { CHANGES, UNDETAILED, WITHIN } from "./SymbolMasterSql.ts"

interface PlanNode {
  readonly "Node Type": string
  readonly "Relation Name"?: string
  readonly "Index Name"?: string
  readonly "Shared Hit Blocks": number
  readonly "Shared Read Blocks": number
  readonly Plans?: ReadonlyArray<PlanNode>
}

const nodesOf = (node: PlanNode): ReadonlyArray<PlanNode> => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

const explain = Effect.fnUntraced(function* (statement: string, params: ReadonlyArray<unknown>) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ readonly "QUERY PLAN": ReadonlyArray<{ readonly Plan: PlanNode }> }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`,
    params
  )
  const top = row?.["QUERY PLAN"][0]?.Plan
  return top ?? (yield* Effect.die(new Error("No plan")))
})

const indexesOf = (top: PlanNode): ReadonlyArray<string | undefined> =>
  nodesOf(top)
    .filter((node) => node["Node Type"].includes("Index"))
    .map((node) => node["Index Name"])

for (const { layer, name } of databases) {
  describe(`The symbol master's statements on ${name}`, () => {
    const database = sharedByFile(layer)

    it.live("go by an index, and cost the same at any depth", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`
          INSERT INTO companies (version, id, cik, name, rank, former_names, detailed_at)
          SELECT 1 + i / 1000, 'cik:' || i, i, 'Company ' || i, i, '[]',
            CASE WHEN i % 2 = 0 THEN DATE '2026-01-01' + (i % 300)::int END
          FROM generate_series(1, 20000) AS i`
        yield* sql`
          INSERT INTO instruments (id, company, place, symbol, listed)
          SELECT i, 'cik:' || i, 0, 'S' || i, true FROM generate_series(1, 20000) AS i`
        yield* sql`
          INSERT INTO instrument_aliases (instrument, place, symbol)
          SELECT i, 0, 'S' || i FROM generate_series(1, 20000) AS i`
        yield* sql`ANALYZE companies, instruments, instrument_aliases`

        const blocks: Array<number> = []
        for (const version of [0, 10, 19]) {
          const top = yield* explain(CHANGES, [version, "", int4(100)])
          assert.isFalse(nodesOf(top).some((node) => node["Node Type"] === "Seq Scan"))
          assert.includeMembers(
            [...indexesOf(top)],
            ["companies_changes", "instruments_company", "instrument_aliases_pkey"]
          )
          blocks.push(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
        }
        assert.isAtMost(Math.max(...blocks) - Math.min(...blocks), 30)

        const within = yield* explain(WITHIN, [texts(["cik:5", "cik:6"]), texts(["S7"])])
        assert.isFalse(nodesOf(within).some((node) => node["Node Type"] === "Seq Scan"))
        assert.includeMembers([...indexesOf(within)], ["companies_pkey", "instruments_any_symbol"])

        const due = yield* explain(UNDETAILED, ["2026-11-28", int4(50)])
        assert.isFalse(nodesOf(due).some((node) => node["Node Type"] === "Seq Scan"))
        assert.deepStrictEqual(
          indexesOf(due).filter((index) => index === "companies_undetailed"),
          ["companies_undetailed", "companies_undetailed"]
        )
        // two ranges of 50, not the ten thousand that are due
        assert.isBelow(due["Shared Hit Blocks"] + due["Shared Read Blocks"], 1_500)
      }).pipe(Effect.provide(database))
    )
  })
}
