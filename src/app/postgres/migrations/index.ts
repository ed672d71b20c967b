/** Every step of the schema, in order; a step that has been released is never changed, what is wrong with it is another step. */
import type { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import market from "./0001_market.ts"
import checkpointTerms from "./0002_checkpoint_terms.ts"
import companies from "./0003_companies.ts"
import investors from "./0004_investors.ts"
import outboxRelay from "./0005_outbox_relay.ts"

export type MigrationRecord = Readonly<Record<string, Effect.Effect<void, unknown, SqlClient.SqlClient>>>

export const migrations: MigrationRecord = {
  "0001_market": market,
  "0002_checkpoint_terms": checkpointTerms,
  "0003_companies": companies,
  "0004_investors": investors,
  "0005_outbox_relay": outboxRelay
}
