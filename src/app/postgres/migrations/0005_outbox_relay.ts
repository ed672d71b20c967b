/** Who empties the outbox just now, and what of it could not be read. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // one row that changes all the time: room to change in place
  yield* sql`
    CREATE TABLE outbox_relay (
      until timestamptz NOT NULL DEFAULT '-infinity',
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      holder text
    ) WITH (fillfactor = 40)`
  yield* sql`INSERT INTO outbox_relay DEFAULT VALUES`

  yield* sql`
    CREATE TABLE outbox_parked (
      id bigint PRIMARY KEY,
      at bigint NOT NULL,
      created_at timestamptz NOT NULL,
      parked_at timestamptz NOT NULL DEFAULT now(),
      event_id text COLLATE "C" NOT NULL,
      body jsonb NOT NULL,
      reason text NOT NULL
    )`
})
