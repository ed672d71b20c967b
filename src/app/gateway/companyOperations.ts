/** How far the sync of companies is, and what operators may have done: a sync now, a file's companies taken in. */
import { Clock, Effect } from "effect"
import { CompanyDirectory } from "../../actors/companies/CompanyDirectory.ts"
import { type Imported, mergeImport, type Unusable } from "../../actors/companies/mergeImport.ts"
import { companyId } from "../../actors/companies/mergeList.ts"
import { type Decision, SymbolMaster, type SyncState } from "../../actors/companies/SymbolMaster.ts"
import { Bus } from "../../actors/kernel/Bus.ts"
import type { ImportedListing, SyncStatus } from "../../rpc/companies.ts"
import { InvalidRequest, normaliseSymbol } from "../../rpc/market.ts"
import { companiesChangedTopic, companySyncTopic } from "../../rpc/topics.ts"
import { whenStored } from "./whenStored.ts"

const stateOf = ({ error, isOn, phase, requestedAt }: SyncState): SyncStatus["state"] => {
  // null: no worker has been here yet; one that comes takes the request up
  if (isOn === false || (isOn === null && requestedAt === null)) return "off"
  if (requestedAt !== null || error !== null) return "waiting"
  return phase === null ? "idle" : "running"
}

const stored = whenStored("companies")

export const makeCompanyOperations = Effect.gen(function* () {
  const master = yield* SymbolMaster
  const directory = yield* CompanyDirectory
  const bus = yield* Bus

  const status = Effect.fnUntraced(function* () {
    const state = yield* stored(master.state)
    const { done, error, finishedAt, nextAt, phase, startedAt, total } = state
    const { companies, instruments } = directory.counts()
    const now = stateOf(state)
    return { state: now, phase, done, total, startedAt, finishedAt, nextAt, error, companies, instruments }
  })

  const sync = Effect.fnUntraced(function* () {
    const requestedAt = yield* Clock.currentTimeMillis
    // under the lock: a sync that begins meanwhile is the one that was asked for
    const version = yield* stored(
      master.change({
        of: { ids: [], symbols: [] },
        decide: ({ state }) => ({
          changed: [],
          state: state.isOn === false || stateOf(state) === "running" ? {} : { requestedAt, error: null },
          answer: state.version
        })
      })
    ).pipe(Effect.catchTag("StaleSync", Effect.die))
    yield* bus.publish(companySyncTopic, { version })
    return yield* status()
  })

  const imported = Effect.fnUntraced(function* (listings: ReadonlyArray<ImportedListing>) {
    const symbols = listings.map(({ symbol }) => normaliseSymbol(symbol))
    const ids = [
      ...symbols.map((symbol) => `symbol:${symbol}`),
      ...listings.flatMap(({ cik }) => (cik === null ? [] : [companyId(cik)]))
    ]
    const answer = yield* stored(
      master.change({
        of: { ids, symbols },
        decide: ({ companies, nextInstrument }): Decision<Imported["counts"] | Unusable> => {
          const merged = mergeImport(companies, listings, nextInstrument)
          return "unusable" in merged
            ? { changed: [], answer: merged }
            : { changed: merged.changed, answer: merged.counts }
        }
      })
    ).pipe(Effect.catchTag("StaleSync", Effect.die))
    if ("unusable" in answer) return yield* new InvalidRequest({ field: "listings", message: answer.unusable })
    const { version } = yield* stored(master.state)
    yield* bus.publish(companiesChangedTopic, { version })
    return answer
  })

  return { status, sync, imported }
})
