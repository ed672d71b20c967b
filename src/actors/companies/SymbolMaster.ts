/**
 * Which companies there are, what is listed of them and what that was called: the truth, in a database, and how far the sync with
 * the SEC has come. Every change gets a version greater than all before it, so that whoever has read up to one reads on from
 * there. Adapters: memory here, SQL in src/app/postgres.
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { Company } from "../../rpc/companies.ts"

/** Where a reader stands: behind that company as of that version. */
export interface Position {
  readonly version: number
  readonly id: string
}

export interface SyncState {
  /** Of the newest change; 0: nothing has been stored yet. */
  readonly version: number
  /** Which sync may write: grows with each that begins. */
  readonly run: number
  /** Whether a worker may ask the SEC; null: none has run yet. */
  readonly isOn: boolean | null
  readonly phase: "list" | "details" | null
  readonly done: number
  readonly total: number
  /** ms since the Unix epoch. */
  readonly requestedAt: number | null
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly nextAt: number | null
  readonly error: string | null
  /** Failures in a row. */
  readonly failures: number
  /** Days in a row on which a list was refused for being short, and the last of them. */
  readonly shortLists: number
  readonly shortListedOn: string | null
  /** The day the SEC's list was last read, YYYY-MM-DD. */
  readonly listedOn: string | null
  /** Which of the lists that come with the product has been taken in. */
  readonly bundle: string | null
}

export const noSync: SyncState = {
  version: 0,
  run: 0,
  isOn: null,
  phase: null,
  done: 0,
  total: 0,
  requestedAt: null,
  startedAt: null,
  finishedAt: null,
  nextAt: null,
  error: null,
  failures: 0,
  shortLists: 0,
  shortListedOn: null,
  listedOn: null,
  bundle: null
}

export type SyncPatch = Partial<Omit<SyncState, "version" | "run">>

/** Another sync has begun since: what this one still has to say is of no account. */
export class StaleSync extends Schema.TaggedError<StaleSync>()("StaleSync", {
  run: Schema.Int,
  message: Schema.String
}) {
  static of(run: number): StaleSync {
    return new StaleSync({ run, message: `Sync ${run} of the companies was taken over by a later one` })
  }
}

/** Which companies a change is decided on: all, or those with these ids or with an instrument of these symbols, listed or not. */
export type Scope = "all" | { readonly ids: ReadonlyArray<string>; readonly symbols: ReadonlyArray<string> }

export interface Known {
  readonly companies: ReadonlyArray<Company>
  /** Number of the next instrument; those after it are free too. */
  readonly nextInstrument: number
  readonly state: SyncState
}

export interface Decision<A> {
  /** Whole companies as they are to be, new ones too. */
  readonly changed: ReadonlyArray<Company>
  readonly state?: SyncPatch
  readonly answer: A
}

export interface Change<A> {
  readonly of: Scope
  /** Refused unless this is the sync's run. */
  readonly run?: number
  /** Pure; nothing is written when it throws. */
  readonly decide: (known: Known) => Decision<A>
}

export interface Undetailed {
  readonly companies: ReadonlyArray<Company>
  /** With those beyond the limit. */
  readonly total: number
}

export class SymbolMaster extends Context.Service<
  SymbolMaster,
  {
    /** Changed since the position, in the order of change; fewer than `limit`: these were all. */
    readonly changes: (after: Position, limit: number) => Effect.Effect<ReadonlyArray<readonly [Position, Company]>>
    /** One after the other, each whole or not at all. */
    readonly change: <A>(change: Change<A>) => Effect.Effect<A, StaleSync>
    readonly state: Effect.Effect<SyncState>
    /** `run`: refused unless this is the sync's. */
    readonly note: (patch: SyncPatch, run?: number) => Effect.Effect<void, StaleSync>
    /** Begins a sync: all before it are stale. */
    readonly claim: (patch: SyncPatch) => Effect.Effect<number>
    /** Companies with a number whose particulars were last read before that day, or never; the longest ago first, then by size. */
    readonly undetailed: (before: string, limit: number) => Effect.Effect<Undetailed>
  }
>()("lzstock/actors/companies/SymbolMaster") {
  static readonly layerMemory: Layer.Layer<SymbolMaster> = Layer.sync(SymbolMaster, () => {
    const versions = new Map<string, number>()
    const companies = new Map<string, Company>()
    let state = noSync
    const checked = <A>(run: number | undefined, answer: () => A): Effect.Effect<A, StaleSync> =>
      Effect.suspend(() =>
        run !== undefined && run !== state.run ? Effect.fail(StaleSync.of(run)) : Effect.sync(answer)
      )
    const within = (of: Scope): ReadonlyArray<Company> => {
      const all = [...companies.values()]
      if (of === "all") return all
      const ids = new Set(of.ids)
      const symbols = new Set(of.symbols)
      return all.filter(({ id, instruments }) => ids.has(id) || instruments.some((one) => symbols.has(one.symbol)))
    }
    return SymbolMaster.of({
      changes: (after, limit) =>
        Effect.sync(() =>
          [...companies.values()]
            .map((company) => [{ version: versions.get(company.id) ?? 0, id: company.id }, company] as const)
            .filter(([at]) => comparePositions(at, after) > 0)
            .sort(([a], [b]) => comparePositions(a, b))
            .slice(0, limit)
        ),
      change: ({ decide, of, run }) =>
        checked(run, () => {
          const ids = [...companies.values()].flatMap(({ instruments }) => instruments.map(({ id }) => id))
          const {
            answer,
            changed,
            state: patch
          } = decide({
            companies: within(of),
            nextInstrument: Math.max(0, ...ids) + 1,
            state
          })
          state = { ...state, ...patch, version: state.version + (changed.length > 0 ? 1 : 0) }
          for (const company of changed) {
            companies.set(company.id, company)
            versions.set(company.id, state.version)
          }
          return answer
        }),
      state: Effect.sync(() => state),
      note: (patch, run) =>
        checked(run, () => {
          state = { ...state, ...patch }
        }),
      claim: (patch) =>
        Effect.sync(() => {
          state = { ...state, ...patch, run: state.run + 1 }
          return state.run
        }),
      undetailed: (before, limit) =>
        Effect.sync(() => {
          const due = [...companies.values()]
            .filter(({ cik, detailedAt }) => cik !== null && (detailedAt === null || detailedAt < before))
            .sort(
              (a, b) => compare(a.detailedAt ?? "", b.detailedAt ?? "") || rankOf(a) - rankOf(b) || compare(a.id, b.id)
            )
          return { companies: due.slice(0, limit), total: due.length }
        })
    })
  })
}

const compare = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0)
const comparePositions = (a: Position, b: Position): number => a.version - b.version || compare(a.id, b.id)
const rankOf = ({ rank }: Company): number => rank ?? Number.MAX_SAFE_INTEGER

/** Before everything. */
export const START: Position = { version: 0, id: "" }
