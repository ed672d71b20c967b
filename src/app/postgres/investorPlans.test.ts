/** How the database comes by the answers that investors' stores ask for all the time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { databases, sharedByFile } from "../../../test/support/databases.ts"
import { LIST as TOKENS, USED } from "./ApiTokensSql.ts"
import { EVERYTHING, PAGE } from "./AuditLogSql.ts"
import { float8, float8s, int4, texts } from "./params.ts"
import { REDEEM, SEEN, LIST as SIGN_INS } from "./SignInsSql.ts"

interface PlanNode {
  readonly "Node Type": string
  readonly "Relation Name"?: string
  readonly "Index Name"?: string
  readonly "Actual Rows": number
  readonly "Shared Hit Blocks": number
  readonly "Shared Read Blocks": number
  readonly Plans?: ReadonlyArray<PlanNode>
}

const nodesOf = (node: PlanNode): ReadonlyArray<PlanNode> => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

/** Which indexes it went by; fails where a table was read from end to end. */
const explain = Effect.fnUntraced(function* (statement: string, params: ReadonlyArray<unknown>) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql.unsafe<{ readonly "QUERY PLAN": ReadonlyArray<{ readonly Plan: PlanNode }> }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`,
    params
  )
  const top = row?.["QUERY PLAN"][0]?.Plan ?? (yield* Effect.die(new Error("No plan")))
  const nodes = nodesOf(top)
  assert.isFalse(nodes.some((node) => node["Node Type"] === "Seq Scan"))
  return {
    indexes: nodes.flatMap((node) => node["Index Name"] ?? []),
    /** Rows that went into a sort. */
    sorted: nodes
      .filter((node) => node["Node Type"] === "Sort")
      .flatMap((node) => node.Plans ?? [])
      .reduce((rows, node) => rows + node["Actual Rows"], 0),
    blocks: top["Shared Hit Blocks"] + top["Shared Read Blocks"]
  }
})

const NOW = 1_000_000

for (const { layer, name } of databases) {
  describe(`The statements of investors' stores on ${name}`, () => {
    const database = sharedByFile(layer)

    it.effect("go by an index, and cost what they answer, not what there is", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`
          INSERT INTO investors (created_at, id, email, password_hash) SELECT 0, 'i' || i, i || '@example.org', 'hash' FROM generate_series(0, 1999) AS i`
        yield* sql`
          INSERT INTO api_tokens SELECT i, ${NOW + 10}::bigint + i, NULL, 't' || i, 'i' || i % 2000, 'Token', 'read', ''
          FROM generate_series(1, 20000) AS i`
        yield* sql`
          INSERT INTO sign_ins
          SELECT i, i, ${NOW + 10}::bigint + i, 2000000, 's' || i, 'i' || i % 2000, 'browser', '', '', ''
          FROM generate_series(1, 20000) AS i`
        yield* sql`
          INSERT INTO used_tickets SELECT ${NOW}::bigint + i, 'n' || i FROM generate_series(1, 20000) AS i`
        yield* sql`
          INSERT INTO security_events (at, investor, event, result)
          SELECT i, 'i' || i % 400, 'event', 'done' FROM generate_series(1, 40000) AS i`
        yield* sql`ANALYZE investors, api_tokens, sign_ins, used_tickets, security_events`

        const tokens = yield* explain(TOKENS, [float8(NOW), "i7"])
        assert.includeMembers(tokens.indexes, ["api_tokens_investor", "api_tokens_expiry"])
        assert.isBelow(tokens.blocks, 60)
        const used = yield* explain(USED, [texts(["t1", "t2", "none"]), float8(NOW)])
        assert.includeMembers(used.indexes, ["api_tokens_pkey"])

        const signIns = yield* explain(SIGN_INS, ["i7", float8(NOW)])
        assert.deepStrictEqual(signIns.indexes, ["sign_ins_investor"])
        assert.isBelow(signIns.blocks, 60)
        const seen = yield* explain(SEEN, [texts(["s1", "none"]), float8(NOW), float8(5)])
        assert.includeMembers(seen.indexes, ["sign_ins_pkey"])

        const numbers = Array.from({ length: 100 }, (_, n) => n)
        const redeem = yield* explain(REDEEM, [
          texts(numbers.map((n) => `new${n}`)),
          texts(numbers.map((n) => `s${n}`)),
          float8s(numbers.map(() => NOW + 1_000)),
          float8s(numbers.map(() => NOW)),
          float8(NOW)
        ])
        assert.includeMembers(redeem.indexes, ["sign_ins_pkey", "used_tickets_expiry"])

        const newest = "9223372036854775807"
        for (const before of [newest, "20000", "500"]) {
          for (const [statement, index, ...params] of [
            [PAGE, "security_events_investor", "i7", before, int4(20)],
            [EVERYTHING, "security_events_pkey", before, int4(20)]
          ] as const) {
            const page = yield* explain(statement, params)
            assert.deepStrictEqual(page.indexes, [index])
            // only two of the investor's rows are older than the last: PostgreSQL may sort those instead of walking the index
            assert.isAtMost(page.sorted, before === "500" ? 2 : 0)
            assert.isBelow(page.blocks, 40)
          }
        }
      }).pipe(Effect.provide(database))
    )
  })
}
