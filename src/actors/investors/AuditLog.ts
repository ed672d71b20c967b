/** What happened to accounts: who, what, from where, with which result. No secret, no body. Port; the adapter is app/postgres/AuditLogSql.ts. */
import { Context, type Effect } from "effect"
import type { SecurityEvent } from "../../rpc/investors.ts"

export interface AuditEntry {
  /** ms since epoch */
  readonly at: number
  /** Null: not known, as of a wrong e-mail address. */
  readonly investor: string | null
  readonly event: string
  readonly result: SecurityEvent["result"]
  readonly address: string | null
  /** "Chrome on Windows"; never the whole user agent. */
  readonly device: string | null
  readonly detail: string | null
}

/** The detail of what an operator caused. */
export const BY_OPERATOR = "by an operator"
const OPERATOR_EVENTS: ReadonlySet<string> = new Set([
  "account-added",
  "looked-at",
  "banned",
  "ban-lifted",
  "password-reset"
])
/** Others have a detail that investors write, such as a token's name. */
export const isByOperator = ({ detail, event }: Pick<AuditEntry, "detail" | "event">): boolean =>
  detail === BY_OPERATOR && OPERATOR_EVENTS.has(event)

export interface AuditPage {
  readonly events: ReadonlyArray<SecurityEvent>
  /** Ask again with this for older ones; null: these were the oldest. */
  readonly before: string | null
}

export class AuditLog extends Context.Service<
  AuditLog,
  {
    /**
     * In order, soon; never fails and waits for nothing: entries wait in memory, a bounded number, while the database is away.
     * Those waiting are written when the Scope closes. What had to be dropped is counted (`audit_entries_dropped_total`).
     */
    readonly record: (entry: AuditEntry) => Effect.Effect<void>
    /** Of one investor, newest first; `before` is a former page's. */
    readonly page: (investor: string, before: string | null, limit: number) => Effect.Effect<AuditPage>
    /** Of all, for operators, newest first. */
    readonly everything: (
      before: string | null,
      limit: number
    ) => Effect.Effect<{
      readonly entries: ReadonlyArray<AuditEntry & { readonly id: string }>
      readonly before: string | null
    }>
  }
>()("lzstock/actors/investors/AuditLog") {}
