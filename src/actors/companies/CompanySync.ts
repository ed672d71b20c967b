/**
 * Keeps the symbol master as the SEC has it: once a day, when somebody asks, and at once where a sync was cut off. First the list of
 * what is traded, as a whole; then the particulars of companies, the largest first, a few at a time, so that whoever goes on after
 * a crash begins where it stopped. A singleton: the SEC counts the requests of all nodes together.
 */
import { Clock, DateTime, Duration, Effect, Queue, Random, type Scope } from "effect"
import { Singleton } from "effect/cluster"
import type { Company } from "../../rpc/companies.ts"
import { companiesChangedTopic, companySyncTopic, WORKER_SHARDS } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { type CompanyDetails, CompanySource, SourceError } from "./CompanySource.ts"
import { mergeDetails } from "./mergeDetails.ts"
import { mergeList } from "./mergeList.ts"
import { type StaleSync, SymbolMaster, type SyncPatch, type SyncState } from "./SymbolMaster.ts"

const DAY_MILLIS = Duration.toMillis("1 day")
/** Not everybody at the same minute. */
const SPREAD_MILLIS = Duration.toMillis("30 minutes")
/** Particulars rarely change. */
const DETAILS_DAYS = 30
/** Companies whose particulars are written together. */
const BATCH = 25
const AT_ONCE = 2
/** While particulars come in, readers are told of them this often. */
const TELL_MILLIS = Duration.toMillis("1 minute")
const LOOK_MILLIS = Duration.toMillis("1 minute")
const FIRST_PAUSE_MILLIS = Duration.toMillis("1 minute")
const LONGEST_PAUSE_MILLIS = Duration.toMillis("1 hour")
/** A list with so much less than the last one is taken for a part of it … */
const LEAST_SHARE = 0.8
/** … until it has been so short on as many days: an outage of theirs is over by then. */
const BELIEVED_AFTER_DAYS = 3
/** So many companies whose particulars make no sense are passed over; more say that the source has changed. */
const MOST_MALFORMED = 20

const dayOf = (millis: number): string => DateTime.formatIsoDateUtc(DateTime.makeUnsafe(millis))

const pauseAfter = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS * 2 ** Math.min(failures, 10))

const tellReaders = Effect.gen(function* () {
  const { version } = yield* (yield* SymbolMaster).state
  yield* (yield* Bus).publish(companiesChangedTopic, { version })
})

/** How many symbols of companies with a number there are. */
const countListed = (companies: ReadonlyArray<Company>): number =>
  companies.reduce(
    (sum, { cik, instruments }) => sum + (cik === null ? 0 : instruments.filter(({ listed }) => listed).length),
    0
  )

const syncList = Effect.fn("CompanySync.list")(function* (run: number, today: string) {
  const master = yield* SymbolMaster
  const list = yield* (yield* CompanySource).list
  const refused = yield* master.change({
    of: "all",
    run,
    decide: ({ companies, nextInstrument, state }) => {
      const had = countListed(companies)
      const shortLists = state.shortLists + (state.shortListedOn === today ? 0 : 1)
      if (state.listedOn !== null && list.length < had * LEAST_SHARE && shortLists <= BELIEVED_AFTER_DAYS) {
        return {
          changed: [],
          state: { shortLists, shortListedOn: today },
          answer: `The list names ${list.length} symbols, the last one had ${had}: it is taken for a part, nothing was changed`
        }
      }
      const changed = mergeList(companies, list, { today, before: state.listedOn, nextInstrument })
      return {
        changed,
        state: { listedOn: today, phase: "details", shortLists: 0, shortListedOn: null },
        answer: undefined
      }
    }
  })
  if (refused !== undefined) {
    return yield* new SourceError({ kind: "malformed", message: refused, retryAfterMillis: 0 })
  }
  yield* tellReaders
})

interface Read {
  readonly details: ReadonlyMap<string, CompanyDetails | null>
  readonly malformed: ReadonlyArray<string>
  /** What put an end to it. */
  readonly error: SourceError | undefined
}

/** As many as come before the source fails. */
const readDetails = Effect.fnUntraced(function* (
  companies: ReadonlyArray<Company>
): Effect.fn.Return<Read, never, CompanySource> {
  const source = yield* CompanySource
  const details = new Map<string, CompanyDetails | null>()
  const malformed: Array<string> = []
  const read = ({ cik, id }: Company) =>
    Effect.matchEffect(source.details(cik ?? 0), {
      onSuccess: (its) => Effect.sync(() => void details.set(id, its)),
      onFailure: (error) =>
        error.kind === "malformed" ? Effect.sync(() => void malformed.push(id)) : Effect.fail(error)
    })
  const error = yield* Effect.forEach(companies, read, { concurrency: AT_ONCE, discard: true }).pipe(
    Effect.match({ onSuccess: () => undefined, onFailure: (failure) => failure })
  )
  return { details, malformed, error }
})

interface Batch {
  readonly run: number
  readonly today: string
  readonly details: ReadonlyMap<string, CompanyDetails | null>
  readonly state: SyncPatch
}

/** Together; where the store refuses that though it is there, one by one, and the ids it will not have are returned. */
const storeDetails = Effect.fnUntraced(function* (batch: Batch) {
  const master = yield* SymbolMaster
  const store = (details: Batch["details"]) =>
    master.change({
      of: { ids: [...details.keys()], symbols: [] },
      run: batch.run,
      decide: (known) => ({
        changed: known.companies.map((company) => mergeDetails(company, details.get(company.id) ?? null, batch.today)),
        state: batch.state,
        answer: true
      })
    })
  /** False: the store is there and will not have it. One that is away ends this. */
  const stored = (details: Batch["details"]) =>
    Effect.catchDefect(store(details), (defect) =>
      Effect.andThen(master.state, Effect.as(Effect.logWarning("Particulars that cannot be stored", defect), false))
    )
  if (yield* stored(batch.details)) return []
  const refused: Array<string> = []
  for (const [id, its] of batch.details) if (!(yield* stored(new Map([[id, its]])))) refused.push(id)
  return refused
})

const syncDetails = Effect.fn("CompanySync.details")(function* (run: number, today: string) {
  const master = yield* SymbolMaster
  const gauges = yield* Gauges
  const before = dayOf(Date.parse(today) - DETAILS_DAYS * DAY_MILLIS)
  /** What makes no sense, or cannot be stored: not in this run again. */
  const passedOver = new Set<string>()
  let done = 0
  let told = yield* Clock.currentTimeMillis
  for (;;) {
    const due = yield* master.undetailed(before, BATCH + passedOver.size)
    const companies = due.companies.filter(({ id }) => !passedOver.has(id)).slice(0, BATCH)
    const total = done + due.total - passedOver.size
    if (companies.length === 0) return
    yield* master.note({ phase: "details", done, total }, run)
    const { details, error, malformed } = yield* readDetails(companies)
    for (const id of malformed) passedOver.add(id)
    done += details.size + malformed.length
    const refused = yield* storeDetails({ run, today, details, state: { done, total } })
    for (const id of refused) passedOver.add(id)
    gauges.add("company_details_read_total", details.size)
    const now = yield* Clock.currentTimeMillis
    if (now - told >= TELL_MILLIS) {
      told = now
      yield* tellReaders
    }
    if (error !== undefined) return yield* error
    if (passedOver.size > MOST_MALFORMED) {
      const message = `The particulars of ${passedOver.size} companies make no sense, as of ${[...passedOver].slice(0, 3).join(", ")}`
      return yield* new SourceError({ kind: "malformed", message, retryAfterMillis: 0 })
    }
  }
})

interface Ended {
  readonly kind: SourceError["kind"] | "failed"
  readonly message: string
  readonly retryAfterMillis: number
}

/** A bug, or a store that was away for a moment. */
const failed: Ended = {
  kind: "failed",
  message: "What the SEC said could not be taken in; the worker's log says why",
  retryAfterMillis: 0
}

/** From the beginning, or where the last one of the same day was cut off. */
const sync = Effect.fn("CompanySync.sync")(function* (
  state: SyncState
): Effect.fn.Return<void, StaleSync, Bus | CompanySource | Gauges | SymbolMaster> {
  const master = yield* SymbolMaster
  const gauges = yield* Gauges
  const startedAt = yield* Clock.currentTimeMillis
  const today = dayOf(startedAt)
  const isResumed = state.phase === "details" && state.listedOn === today
  const phase = isResumed ? "details" : "list"
  // due until it is through: whoever comes after a crash goes on
  const patch = {
    isOn: true,
    startedAt,
    requestedAt: null,
    nextAt: startedAt,
    error: null,
    phase,
    done: 0,
    total: 0
  } as const
  const run = yield* master.claim(patch)
  yield* Effect.logInfo(isResumed ? "The sync of companies goes on" : "The sync of companies begins", { run })
  const error = yield* Effect.andThen(isResumed ? Effect.void : syncList(run, today), syncDetails(run, today)).pipe(
    Effect.as(undefined),
    Effect.catchTag("SourceError", (failure): Effect.Effect<Ended> => Effect.succeed(failure)),
    Effect.catchDefect((defect) => Effect.as(Effect.logError("The sync of companies failed", defect), failed))
  )
  const now = yield* Clock.currentTimeMillis
  if (error === undefined) {
    const spread = Math.round((yield* Random.next) * SPREAD_MILLIS)
    const nextAt = now + DAY_MILLIS + spread
    yield* master.note({ phase: null, finishedAt: now, nextAt, error: null, failures: 0 }, run)
    yield* Effect.logInfo("The companies are as the SEC has them", {
      run,
      seconds: Math.round((now - startedAt) / 1_000)
    })
  } else {
    const { done } = yield* master.state
    // what came in, or an operator who tries, makes the pauses no longer
    const before = done > 0 ? 0 : state.failures
    const nextAt = now + Math.max(error.retryAfterMillis, pauseAfter(before))
    const failures = state.requestedAt === null ? before + 1 : before
    yield* master.note({ nextAt, error: error.message, failures: Math.max(1, failures) }, run)
    yield* Effect.logWarning("The sync of companies stopped, will go on later", { run, error: error.message })
  }
  gauges.add("company_syncs_total", 1, `result="${error === undefined ? "done" : error.kind}"`)
  // readers learn of what came in, whether or not it is all
  yield* tellReaders
})

/** Syncs whenever that is due, until interrupted. */
export const keepInSync: Effect.Effect<never, never, Bus | CompanySource | Gauges | SymbolMaster | Scope.Scope> =
  Effect.gen(function* () {
    const bus = yield* Bus
    const master = yield* SymbolMaster
    const source = yield* CompanySource
    const wake = yield* Queue.sliding<void>(1)
    yield* bus.subscribe(companySyncTopic, () => void Queue.offerUnsafe(wake, undefined))
    const pause = (millis: number) => Effect.timeoutOption(Queue.take(wake), Math.max(0, Math.min(millis, LOOK_MILLIS)))

    const step = Effect.gen(function* () {
      const state = yield* master.state
      if (!source.isOn) {
        if (state.isOn !== false || state.requestedAt !== null) yield* master.note({ isOn: false, requestedAt: null })
        return yield* pause(LOOK_MILLIS)
      }
      const now = yield* Clock.currentTimeMillis
      const dueAt = state.requestedAt === null ? (state.nextAt ?? now) : now
      if (now < dueAt) return yield* pause(dueAt - now)
      yield* sync(state)
    })
    return yield* step.pipe(
      Effect.catchCause((cause) =>
        Effect.andThen(
          Effect.logWarning("The sync of companies was cut off, will try again", cause),
          pause(LOOK_MILLIS)
        )
      ),
      Effect.forever
    )
  })

export const CompanySync = {
  /** Wherever it lives, one in the cluster. */
  layer: Singleton.make("company-sync", Effect.scoped(keepInSync), { shardGroup: WORKER_SHARDS })
}
