/**
 * The symbol master in the tables `companies`, `instruments` and `instrument_aliases`. The one row of `company_sync` is locked by
 * each change, so that versions become visible in their order, and a sync that was taken over finds another run there.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import {
  type Decision,
  type Position,
  type Scope,
  StaleSync,
  SymbolMaster,
  type SyncState
} from "../../actors/companies/SymbolMaster.ts"
import { Company } from "../../rpc/companies.ts"
import { whenAway } from "./Database.ts"
import { float8, int4, texts } from "./params.ts"

/** All companies are read and written in one change, each statement within its own time. */
const CHANGED_WITHIN = "1 minute"
/** Companies read, or written, by one statement. */
const PAGE = 500

/** Companies as the contract has them; members in its order. */
const COMPANY = `
json_build_object(
  'id', c.id, 'cik', c.cik, 'name', c.name, 'legalName', c.legal_name, 'sector', c.sector, 'sic', c.sic,
  'industry', c.industry, 'fiscalYearEnd', c.fiscal_year_end, 'rank', c.rank, 'formerNames', c.former_names,
  'instruments', coalesce((
    SELECT json_agg(json_build_object(
      'id', i.id, 'symbol', i.symbol, 'exchange', i.exchange, 'shareClass', i.share_class, 'listed', i.listed,
      'aliases', coalesce((
        SELECT json_agg(json_build_object('symbol', a.symbol, 'exchange', a.exchange, 'from', a.from_day,
          'until', a.until_day, 'fate', a.fate) ORDER BY a.place)
        FROM instrument_aliases a WHERE a.instrument = i.id), '[]'::json)
      ) ORDER BY i.place)
    FROM instruments i WHERE i.company = c.id), '[]'::json),
  'listedSince', c.listed_since, 'detailedAt', c.detailed_at
)::text AS company`

/** $1, $2: a position; $3: how many. */
export const CHANGES = `
SELECT c.version::float8 AS version, c.id, ${COMPANY}
FROM companies c WHERE (c.version, c.id) > ($1::bigint, $2::text) ORDER BY c.version, c.id LIMIT $3`

/** $1: ids; $2: symbols. */
export const WITHIN = `
SELECT ${COMPANY} FROM companies c
WHERE c.id = ANY ($1::text[] || ARRAY (SELECT company FROM instruments WHERE symbol = ANY ($2::text[])))
ORDER BY c.version, c.id`

/** $1: a day; $2: how many. Those never read first: two ranges of the index, one after the other. */
export const UNDETAILED = `
SELECT company FROM (
  (SELECT 0 AS part, c.detailed_at, c.rank, c.id, ${COMPANY} FROM companies c
   WHERE c.cik IS NOT NULL AND c.detailed_at IS NULL ORDER BY c.detailed_at NULLS FIRST, c.rank, c.id LIMIT $2)
  UNION ALL
  (SELECT 1, c.detailed_at, c.rank, c.id, ${COMPANY} FROM companies c
   WHERE c.cik IS NOT NULL AND c.detailed_at < $1::date ORDER BY c.detailed_at NULLS FIRST, c.rank, c.id LIMIT $2)
) AS due ORDER BY part, detailed_at, rank, id LIMIT $2`

/** $1: companies as JSON; $2: the version. */
const PUT_COMPANIES = `
INSERT INTO companies (version, id, cik, name, legal_name, sector, sic, industry, fiscal_year_end, rank, former_names,
  listed_since, detailed_at)
SELECT $2::bigint, j->>'id', (j->>'cik')::bigint, j->>'name', j->>'legalName', j->>'sector', (j->>'sic')::int,
  j->>'industry', j->>'fiscalYearEnd', (j->>'rank')::int, j->'formerNames', (j->>'listedSince')::date,
  (j->>'detailedAt')::date
FROM jsonb_array_elements($1::jsonb) AS j
ON CONFLICT (id) DO UPDATE SET
  version = excluded.version, cik = excluded.cik, name = excluded.name, legal_name = excluded.legal_name,
  sector = excluded.sector, sic = excluded.sic, industry = excluded.industry,
  fiscal_year_end = excluded.fiscal_year_end, rank = excluded.rank, former_names = excluded.former_names,
  listed_since = excluded.listed_since, detailed_at = excluded.detailed_at`

/** $1: companies as JSON. */
const PUT_INSTRUMENTS = `
INSERT INTO instruments (id, company, place, symbol, exchange, share_class, listed)
SELECT (i->>'id')::int, j->>'id', place - 1, i->>'symbol', i->>'exchange', i->>'shareClass', (i->>'listed')::boolean
FROM jsonb_array_elements($1::jsonb) AS j, jsonb_array_elements(j->'instruments') WITH ORDINALITY AS its (i, place)
ON CONFLICT (id) DO UPDATE SET
  company = excluded.company, place = excluded.place, symbol = excluded.symbol, exchange = excluded.exchange,
  share_class = excluded.share_class, listed = excluded.listed
WHERE (excluded.company, excluded.place, excluded.symbol, excluded.exchange, excluded.share_class, excluded.listed)
  IS DISTINCT FROM (instruments.company, instruments.place, instruments.symbol, instruments.exchange,
    instruments.share_class, instruments.listed)`

/** $1: companies as JSON. An instrument's aliases only become more, or other. */
const PUT_ALIASES = `
INSERT INTO instrument_aliases (instrument, place, symbol, exchange, from_day, until_day, fate)
SELECT (i->>'id')::int, place - 1, a->>'symbol', a->>'exchange', (a->>'from')::date, (a->>'until')::date, a->>'fate'
FROM jsonb_array_elements($1::jsonb) AS j, jsonb_array_elements(j->'instruments') AS i,
  jsonb_array_elements(i->'aliases') WITH ORDINALITY AS its (a, place)
ON CONFLICT (instrument, place) DO UPDATE SET
  symbol = excluded.symbol, exchange = excluded.exchange, from_day = excluded.from_day,
  until_day = excluded.until_day, fate = excluded.fate
WHERE (excluded.symbol, excluded.exchange, excluded.from_day, excluded.until_day, excluded.fate)
  IS DISTINCT FROM (instrument_aliases.symbol, instrument_aliases.exchange, instrument_aliases.from_day,
    instrument_aliases.until_day, instrument_aliases.fate)`

const STATE = `
SELECT version::float8 AS version, run::float8 AS run, is_on AS "isOn", phase, done, total,
  requested_at::float8 AS "requestedAt", started_at::float8 AS "startedAt", finished_at::float8 AS "finishedAt",
  next_at::float8 AS "nextAt", error, failures, short_lists AS "shortLists", short_listed_on::text AS "shortListedOn", listed_on::text AS "listedOn", bundle
FROM company_sync`

const columns: Readonly<Record<keyof SyncState, string>> = {
  version: "version",
  run: "run",
  isOn: "is_on",
  phase: "phase",
  done: "done",
  total: "total",
  requestedAt: "requested_at",
  startedAt: "started_at",
  finishedAt: "finished_at",
  nextAt: "next_at",
  error: "error",
  failures: "failures",
  shortLists: "short_lists",
  shortListedOn: "short_listed_on",
  listedOn: "listed_on",
  bundle: "bundle"
}

interface CompanyRow {
  readonly company: string
}

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Company))
const companyOf = ({ company }: CompanyRow): Company => decode(company)

export const SymbolMasterSql = {
  layer: Layer.effect(
    SymbolMaster,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const changes = Effect.fnUntraced(function* ({ id, version }: Position, limit: number) {
        const rows = yield* sql.unsafe<CompanyRow & Position>(CHANGES, [float8(version), id, int4(limit)])
        return rows.map((row) => [{ version: row.version, id: row.id }, companyOf(row)] as const)
      })

      const within = Effect.fnUntraced(function* (of: Scope) {
        if (of !== "all") {
          return (yield* sql.unsafe<CompanyRow>(WITHIN, [texts(of.ids), texts(of.symbols)])).map(companyOf)
        }
        const companies: Array<Company> = []
        let after: Position = { version: 0, id: "" }
        for (;;) {
          const page = yield* changes(after, PAGE)
          companies.push(...page.map(([, company]) => company))
          const last = page.at(-1)
          if (last === undefined || page.length < PAGE) return companies
          after = last[0]
        }
      })

      const locked = Effect.fnUntraced(function* (run: number | undefined) {
        const [state] = yield* sql.unsafe<SyncState>(`${STATE} FOR UPDATE`)
        if (state === undefined) return yield* Effect.die(new Error("company_sync has no row"))
        if (run !== undefined && run !== state.run) return yield* StaleSync.of(run)
        return state
      })

      const noted = Effect.fnUntraced(function* (patch: Partial<SyncState>) {
        const given = new Map<string, unknown>(Object.entries(patch))
        const values: Record<string, unknown> = {}
        for (const [key, column] of Object.entries(columns)) {
          const value = given.get(key)
          if (value !== undefined) values[column] = typeof value === "number" ? float8(value) : value
        }
        if (Object.keys(values).length > 0) yield* sql`UPDATE company_sync SET ${sql.update(values)}`
      })

      const write = Effect.fnUntraced(function* (companies: ReadonlyArray<Company>, version: number) {
        for (let at = 0; at < companies.length; at += PAGE) {
          const json = JSON.stringify(companies.slice(at, at + PAGE))
          yield* sql.unsafe(PUT_COMPANIES, [json, float8(version)])
        }
        // an instrument may have gone to a company further on
        for (let at = 0; at < companies.length; at += PAGE) {
          const json = JSON.stringify(companies.slice(at, at + PAGE))
          yield* sql.unsafe(PUT_INSTRUMENTS, [json])
          yield* sql.unsafe(PUT_ALIASES, [json])
        }
      })

      return SymbolMaster.of({
        changes: (after, limit) => whenAway(changes(after, limit)),
        change: <A>({ decide, of, run }: Parameters<typeof SymbolMaster.Service.change<A>>[0]) =>
          Effect.gen(function* () {
            const state = yield* locked(run)
            const companies = yield* within(of)
            const [top] = yield* sql<{ readonly id: number | null }>`SELECT max(id) AS id FROM instruments`
            const nextInstrument = (top?.id ?? 0) + 1
            const { answer, changed, state: patch }: Decision<A> = decide({ companies, nextInstrument, state })
            const version = state.version + (changed.length > 0 ? 1 : 0)
            yield* write(changed, version)
            yield* noted({ ...patch, version })
            return answer
          }).pipe(sql.withTransaction, (changed) => whenAway(changed, CHANGED_WITHIN)),
        state: whenAway(
          Effect.flatMap(sql.unsafe<SyncState>(STATE), ([state]) =>
            state === undefined ? Effect.die(new Error("company_sync has no row")) : Effect.succeed(state)
          )
        ),
        note: (patch, run) => whenAway(sql.withTransaction(Effect.andThen(locked(run), noted(patch)))),
        claim: (patch) =>
          whenAway(
            sql.withTransaction(
              Effect.gen(function* () {
                const run = (yield* locked(undefined)).run + 1
                yield* noted({ ...patch, run })
                return run
              })
            )
          ).pipe(Effect.orDie),
        undetailed: (before, limit) =>
          Effect.gen(function* () {
            const rows = yield* sql.unsafe<CompanyRow>(UNDETAILED, [before, int4(limit)])
            const [count] = yield* sql<{ readonly total: number }>`
              SELECT count(*)::int AS total FROM companies
              WHERE cik IS NOT NULL AND (detailed_at IS NULL OR detailed_at < ${before}::date)`
            return { companies: rows.map(companyOf), total: count?.total ?? 0 }
          }).pipe(whenAway)
      })
    })
  )
}
