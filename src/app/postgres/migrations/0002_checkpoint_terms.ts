/** Under which term a ticker's state was saved; 0: before there was this column. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE ticker_checkpoints ADD COLUMN term bigint NOT NULL DEFAULT 0`
})
