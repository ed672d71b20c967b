import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { databases, sharedByFile } from "../../../test/support/databases.ts"
import { owner } from "../../../test/support/owner.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { stateWithTrades } from "../../actors/market/Checkpoints.suite.ts"
import { Checkpoints } from "../../actors/market/Checkpoints.ts"
import { ShardLedger } from "../../actors/market/ShardLedger.ts"
import { CheckpointsSql } from "./CheckpointsSql.ts"
import { ShardLedgerSql } from "./ShardLedgerSql.ts"

for (const { layer, name } of databases) {
  const stores = Layer.provideMerge(Layer.merge(CheckpointsSql.layer, ShardLedgerSql.layer), sharedByFile(layer))

  describe(`CheckpointsSql on ${name}`, () => {
    it.live("what another version or a broken disk left is no checkpoint, counted, and can be saved over", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const gauges = yield* Gauges
        const checkpoints = yield* Checkpoints
        const mine = owner(1, (yield* (yield* ShardLedger).claim(1)).term)
        const discarded = () => gauges.get("ticker_checkpoints_discarded_total")
        for (const symbol of ["A", "B"]) yield* checkpoints.save(mine, stateWithTrades(symbol, 10))
        yield* sql`UPDATE ticker_checkpoints SET state = set_byte(state, 3, 99) WHERE symbol = 'A'`
        assert.isUndefined(yield* checkpoints.load("A"))
        assert.strictEqual(discarded(), 1)
        assert.isDefined(yield* checkpoints.load("B"))
        yield* checkpoints.save(mine, stateWithTrades("A", 11))
        assert.strictEqual((yield* checkpoints.load("A"))?.log.length, 11)
        assert.isUndefined(yield* checkpoints.load("never saved"))
        assert.strictEqual(discarded(), 1)
      }).pipe(Effect.provide(stores))
    )

    it.live("a state lies beside its row as it was written, not compressed again", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const checkpoints = yield* Checkpoints
        const mine = owner(1, (yield* (yield* ShardLedger).claim(1)).term)
        yield* checkpoints.save(mine, stateWithTrades("BUSY", 9_000))
        const [row] = yield* sql<{ readonly stored: number; readonly bytes: number; readonly row: number }>`
          SELECT pg_column_size(state) AS stored, length(state) AS bytes,
            pg_column_size(ticker_checkpoints.*) - pg_column_size(state) AS row
          FROM ticker_checkpoints WHERE symbol = 'BUSY'`
        assert.strictEqual(row?.stored, row?.bytes)
        assert.isBelow(row?.row ?? 0, 200)
      }).pipe(Effect.provide(stores))
    )
  })
}
