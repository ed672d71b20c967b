/**
 * Accounts, API tokens, sign-ins (where there is no Redis), what happened to accounts, and the events that leave with a change
 * (outbox). Times are ms since epoch.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // "C": ids are compared by their bytes, as the code does. Without e-mail address and password: the local investor
  yield* sql`
    CREATE TABLE investors (
      created_at bigint NOT NULL,
      banned_at bigint,
      signed_out_before bigint NOT NULL DEFAULT 0,
      id text COLLATE "C" PRIMARY KEY,
      email text COLLATE "C" UNIQUE,
      password_hash text,
      CHECK ((email IS NULL) = (password_hash IS NULL))
    )`

  // of those that are gone: what was on its way into the audit log when they went is kept without particulars
  yield* sql`
    CREATE TABLE deleted_investors (
      at bigint NOT NULL,
      id text COLLATE "C" PRIMARY KEY
    )`

  // last_used_at changes all the time and stands in no index: room to change in place
  yield* sql`
    CREATE TABLE api_tokens (
      created_at bigint NOT NULL,
      expires_at bigint NOT NULL,
      last_used_at bigint,
      id text COLLATE "C" PRIMARY KEY,
      investor text COLLATE "C" NOT NULL REFERENCES investors ON DELETE CASCADE,
      name text NOT NULL,
      access text NOT NULL,
      secret_hash bytea NOT NULL
    ) WITH (fillfactor = 80)`
  yield* sql`CREATE INDEX api_tokens_investor ON api_tokens (investor, created_at DESC, id)`
  yield* sql`CREATE INDEX api_tokens_expiry ON api_tokens (expires_at)`

  // no foreign key: may be kept elsewhere as well, and ends with the account all the same
  yield* sql`
    CREATE TABLE sign_ins (
      created_at bigint NOT NULL,
      last_seen_at bigint NOT NULL,
      expires_at bigint NOT NULL,
      ends_at bigint NOT NULL,
      id text COLLATE "C" PRIMARY KEY,
      investor text COLLATE "C" NOT NULL,
      kind text NOT NULL,
      secret_hash bytea NOT NULL,
      user_agent text NOT NULL,
      address text NOT NULL
    )`
  yield* sql`CREATE INDEX sign_ins_investor ON sign_ins (investor)`
  yield* sql`CREATE INDEX sign_ins_expiry ON sign_ins (expires_at)`

  yield* sql`
    CREATE TABLE used_tickets (
      expires_at bigint NOT NULL,
      nonce text COLLATE "C" PRIMARY KEY
    )`
  yield* sql`CREATE INDEX used_tickets_expiry ON used_tickets (expires_at)`

  // no foreign key: what happened outlives the account
  yield* sql`
    CREATE TABLE security_events (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at bigint NOT NULL,
      investor text COLLATE "C",
      event text NOT NULL,
      result text NOT NULL,
      address text,
      device text,
      detail text
    )`
  yield* sql`CREATE INDEX security_events_investor ON security_events (investor, id DESC)`

  // how far each process has come with writing them: what it writes again for want of an answer is there once
  yield* sql`
    CREATE TABLE audit_writers (
      at timestamptz NOT NULL DEFAULT now(),
      batch integer NOT NULL,
      writer text COLLATE "C" PRIMARY KEY
    ) WITH (fillfactor = 40)`

  yield* sql`
    CREATE TABLE signing_keys (
      created_at timestamptz NOT NULL DEFAULT now(),
      purpose text PRIMARY KEY,
      key bytea NOT NULL
    )`

  yield* sql`
    CREATE TABLE outbox (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at bigint NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      event_id text COLLATE "C" NOT NULL UNIQUE,
      body jsonb NOT NULL
    )`
})
