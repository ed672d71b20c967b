/**
 * Companies, what is listed of them, and every symbol that ever was one's: the symbol master. `version` grows with each change, so
 * that readers read on from where they were.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // "C": ids and symbols are compared by their bytes, as the code does
  yield* sql`
    CREATE TABLE companies (
      version bigint NOT NULL,
      cik bigint UNIQUE,
      rank integer,
      sic integer,
      listed_since date,
      detailed_at date,
      id text COLLATE "C" PRIMARY KEY,
      name text NOT NULL,
      legal_name text,
      sector text,
      industry text,
      fiscal_year_end text,
      former_names jsonb NOT NULL
    )`
  yield* sql`CREATE UNIQUE INDEX companies_changes ON companies (version, id)`
  yield* sql`CREATE INDEX companies_undetailed ON companies (detailed_at NULLS FIRST, rank, id) WHERE cik IS NOT NULL`

  // of listed ones each symbol is there once; checked at the end of a transaction, so that two may change theirs for one another
  yield* sql`
    CREATE TABLE instruments (
      id integer PRIMARY KEY,
      place smallint NOT NULL,
      listed boolean NOT NULL,
      company text COLLATE "C" NOT NULL REFERENCES companies,
      symbol text COLLATE "C" NOT NULL,
      exchange text,
      share_class text,
      CONSTRAINT instruments_symbol EXCLUDE USING btree (symbol WITH =) WHERE (listed) DEFERRABLE INITIALLY DEFERRED
    )`
  yield* sql`CREATE INDEX instruments_any_symbol ON instruments (symbol)`
  yield* sql`CREATE INDEX instruments_company ON instruments (company, place)`

  // place: the newest first, from 0
  yield* sql`
    CREATE TABLE instrument_aliases (
      instrument integer NOT NULL REFERENCES instruments ON DELETE CASCADE,
      place smallint NOT NULL,
      from_day date,
      until_day date,
      symbol text COLLATE "C" NOT NULL,
      exchange text,
      fate text,
      PRIMARY KEY (instrument, place)
    )`
  yield* sql`CREATE INDEX instrument_aliases_symbol ON instrument_aliases (symbol)`

  // times: ms since epoch
  yield* sql`
    CREATE TABLE company_sync (
      version bigint NOT NULL DEFAULT 0,
      run bigint NOT NULL DEFAULT 0,
      requested_at bigint,
      started_at bigint,
      finished_at bigint,
      next_at bigint,
      done integer NOT NULL DEFAULT 0,
      total integer NOT NULL DEFAULT 0,
      failures integer NOT NULL DEFAULT 0,
      short_listed_on date,
      short_lists integer NOT NULL DEFAULT 0,
      listed_on date,
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      is_on boolean,
      phase text,
      error text,
      bundle text
    ) WITH (fillfactor = 40)`
  yield* sql`INSERT INTO company_sync DEFAULT VALUES`
})
