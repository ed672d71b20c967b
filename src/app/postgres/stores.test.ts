/** The port suites on both databases. */
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { databases, sharedByFile } from "../../../test/support/databases.ts"
import { symbolMasterSuite } from "../../actors/companies/SymbolMaster.suite.ts"
import { accountsSuite } from "../../actors/investors/Accounts.suite.ts"
import { apiTokensSuite } from "../../actors/investors/ApiTokens.suite.ts"
import { auditLogSuite } from "../../actors/investors/AuditLog.suite.ts"
import { signInsSuite } from "../../actors/investors/SignIns.suite.ts"
import { barStoreSuite } from "../../actors/market/BarStore.suite.ts"
import { checkpointsSuite } from "../../actors/market/Checkpoints.suite.ts"
import { shardLedgerSuite } from "../../actors/market/ShardLedger.suite.ts"
import { AccountsSql } from "./AccountsSql.ts"
import { ApiTokensSql } from "./ApiTokensSql.ts"
import { AuditLogSql } from "./AuditLogSql.ts"
import { BarStoreSql } from "./BarStoreSql.ts"
import { CheckpointsSql } from "./CheckpointsSql.ts"
import { ShardLedgerSql } from "./ShardLedgerSql.ts"
import { SignInsSql } from "./SignInsSql.ts"
import { SymbolMasterSql } from "./SymbolMasterSql.ts"

const emptied = Layer.effectDiscard(
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.andThen(
      sql`TRUNCATE bars, bar_evictions, ticker_checkpoints, tick_shards, companies, instruments, instrument_aliases,
        company_sync, investors, deleted_investors, api_tokens, sign_ins, used_tickets, security_events, outbox`,
      sql`INSERT INTO company_sync DEFAULT VALUES`
    )
  )
)

for (const { layer, name } of databases) {
  const database = Layer.provideMerge(emptied, sharedByFile(layer))
  const bars = Layer.merge(BarStoreSql.layer({ source: "suite" }), ShardLedgerSql.layer)
  const checkpoints = Layer.merge(CheckpointsSql.layer, ShardLedgerSql.layer)
  barStoreSuite(`BarStoreSql on ${name}`, Layer.provide(bars, database), { fenced: true })
  checkpointsSuite(`CheckpointsSql on ${name}`, Layer.provide(checkpoints, database), { fenced: true })
  shardLedgerSuite(`ShardLedgerSql on ${name}`, Layer.provide(ShardLedgerSql.layer, database))
  accountsSuite(`AccountsSql on ${name}`, Layer.provide(AccountsSql.layer, database))
  apiTokensSuite(`ApiTokensSql on ${name}`, Layer.provide(Layer.merge(ApiTokensSql.layer, AccountsSql.layer), database))
  auditLogSuite(`AuditLogSql on ${name}`, Layer.provide(AuditLogSql.layer, database))
  signInsSuite(`SignInsSql on ${name}`, Layer.provide(SignInsSql.layer, database))
  symbolMasterSuite(`SymbolMasterSql on ${name}`, Layer.provide(SymbolMasterSql.layer, database))
}
