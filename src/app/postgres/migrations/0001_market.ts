/**
 * Who owns a tick shard, tickers' states, finished bars. Columns stand in the order that wastes no padding; numbers are what
 * fits: prices 1/10,000 dollar, times ms since epoch, volumes shares.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // 64 rows that change all the time: room to change in place
  yield* sql`
    CREATE TABLE tick_shards (
      term bigint NOT NULL,
      previous bigint,
      settled_seq bigint,
      shard smallint PRIMARY KEY,
      stream text,
      CHECK ((stream IS NULL) = (settled_seq IS NULL))
    ) WITH (fillfactor = 40)`

  yield* sql`
    CREATE TABLE ticker_checkpoints (
      epoch bigint NOT NULL,
      seq bigint NOT NULL,
      fed bigint NOT NULL,
      saved_at timestamptz NOT NULL DEFAULT now(),
      shard smallint NOT NULL,
      symbol text PRIMARY KEY,
      run text NOT NULL,
      state bytea NOT NULL
    ) WITH (fillfactor = 70)`
  // packed already: compressing it again would cost time for nothing
  yield* sql`ALTER TABLE ticker_checkpoints ALTER COLUMN state SET STORAGE EXTERNAL`

  yield* sql`
    CREATE TABLE bar_sources (
      id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      name text NOT NULL UNIQUE
    )`

  // interval: seconds; source: bar_sources.id, without a foreign key, which would cost a look-up and a lock for each row.
  // About 100 bytes a bar, and 40 in its key
  yield* sql`
    CREATE TABLE bars (
      time bigint NOT NULL,
      open bigint NOT NULL,
      high bigint NOT NULL,
      low bigint NOT NULL,
      close bigint NOT NULL,
      volume double precision NOT NULL,
      term bigint NOT NULL,
      trades integer NOT NULL,
      revision integer NOT NULL,
      source integer NOT NULL,
      interval integer NOT NULL,
      symbol text NOT NULL,
      PRIMARY KEY (source, symbol, interval, time)
    )`

  yield* sql`
    CREATE TABLE bar_evictions (
      up_to bigint NOT NULL,
      source integer NOT NULL,
      interval integer NOT NULL,
      symbol text NOT NULL,
      PRIMARY KEY (source, symbol, interval)
    ) WITH (fillfactor = 70)`
})
