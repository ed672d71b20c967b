/**
 * One ticker actor: the only owner of its symbol's state. Hears batches in its mailbox (TickRouter), folds them
 * (tickerState), says the new state on `quotes.<symbol>` and changed bars on `bars.<symbol>`, and answers snapshots.
 *
 * All batches that wait are taken at once and published once: under load the rate falls, not the freshness.
 * A crash in the fold costs a restart, a new epoch and a replay (RecoverableFold), never another symbol's time.
 */
import { Clock, Deferred, Effect, Latch, Queue, Stream } from "effect"
import { Unavailable } from "../../rpc/market.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { barsTopic, type QuoteUpdate, quotesTopic } from "../../rpc/topics.ts"
import { encodeQuoteBody } from "../../rpc/wire.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { supervise } from "../kernel/Supervisor.ts"
import { BarChanges } from "./BarChanges.ts"
import { BarStore } from "./BarStore.ts"
import { Checkpoints } from "./Checkpoints.ts"
import { Feed } from "./Feed.ts"
import { FoldReport } from "./FoldReport.ts"
import type { LocalTicker } from "./LocalTickers.ts"
import { ParkedBatches } from "./ParkedBatches.ts"
import { RecoverableFold } from "./RecoverableFold.ts"
import { FoldFault, TickerSettings } from "./TickerSettings.ts"
import {
  closeBars,
  copyTickerState,
  foldBatch,
  formingBars,
  initialTickerState,
  nextCloseAt,
  quoteState,
  type TickerState
} from "./tickerState.ts"
import { UnsavedBars } from "./UnsavedBars.ts"

/** A batch, or a market time that has been reached. */
type Input = TickBatch | number

export interface TickerLife {
  readonly local: LocalTicker
  /** State and position: everything published later has a greater seq, or a greater epoch. */
  readonly snapshot: Effect.Effect<QuoteUpdate, Unavailable>
  readonly formingBars: Effect.Effect<ReturnType<typeof formingBars>, Unavailable>
  /** Starts it again if it is down and has cooled; fails while it is down. */
  readonly activate: Effect.Effect<void, Unavailable>
  /** Never emits; fails when the actor gives up (A7). */
  readonly hold: Stream.Stream<never, Unavailable>
}

export const makeTickerLife = Effect.fnUntraced(function* (symbol: string) {
  const bus = yield* Bus
  const gauges = yield* Gauges
  const store = yield* BarStore
  const checkpoints = yield* Checkpoints
  const feed = yield* Feed
  const parked = yield* ParkedBatches
  const settings = yield* TickerSettings
  const fault = yield* FoldFault
  const clock = yield* Clock.Clock
  const quotes = quotesTopic(symbol)
  const bars = barsTopic(symbol)

  const mailbox = yield* Queue.bounded<Input>(settings.mailboxBatches)
  const saved = yield* checkpoints.load(symbol)
  /** Of the newest incarnation; outlives a state that is rebuilt. */
  let epoch = saved?.epoch ?? 0
  let encoded: QuoteUpdate | undefined
  /** Open: `fold.state` may be read, and all that was published is in it. Closed while publishing or rebuilding. */
  const settled = Latch.makeUnsafe(false)
  let stopped = false
  let resyncAsked = false
  /** Bars to be told. */
  const changes = new BarChanges()
  const unsaved = new UnsavedBars(settings.unsavedBars)
  /** Said in the log once the actor can: what happens inside the fold cannot wait. */
  const news: Array<Effect.Effect<void>> = []

  const fold = new RecoverableFold<TickerState, Input>(
    {
      initial: () => initialTickerState(symbol),
      copy: copyTickerState,
      weight: (input) => (typeof input === "number" ? 1 : input.ticks.length),
      apply: (state, input) => {
        if (typeof input === "number") {
          closeBars(state, input, changes)
          return state
        }
        fault(symbol, input)
        foldBatch(state, input, changes)
        return state
      }
    },
    {
      retries: settings.poisonRetries,
      maxJournal: settings.journalTicks,
      onParked: (input, reason) => {
        if (typeof input === "number") return
        parked.park(input, reason)
        news.push(
          Effect.logError("A batch crashed the fold again and again and was set aside", {
            symbol,
            ticks: input.ticks.length,
            firstTime: input.ticks[0]?.time,
            reason: String(reason)
          })
        )
      },
      onCheckpointDiscarded: () => gauges.add("ticker_checkpoints_discarded_total", 1)
    },
    saved
  )

  const report = new FoldReport(gauges, (saved ?? fold.state).counts)

  const startEpoch = () => {
    epoch = Math.max(clock.currentTimeMillisUnsafe(), epoch + 1)
    fold.state.epoch = epoch
    fold.state.seq = 0
    resyncAsked = false
  }

  /** The state as every watcher gets it: encoded at most once per position (F1). */
  const current = (): QuoteUpdate => {
    const { state } = fold
    if (encoded !== undefined && encoded.seq === state.seq && encoded.epoch === state.epoch) return encoded
    const quote = quoteState(state)
    gauges.add("quote_encodings_total", 1)
    encoded = {
      symbol,
      epoch: state.epoch,
      seq: state.seq,
      exchangeTime: quote.exchangeTime,
      ingestTime: quote.ingestTime,
      body: encodeQuoteBody(quote)
    }
    return encoded
  }

  const save = Effect.suspend(() =>
    Effect.forEach(
      unsaved.batches(),
      ([interval, finished]) =>
        Effect.map(store.put(symbol, interval, finished), () => unsaved.done(interval, finished)),
      { discard: true }
    )
  ).pipe(
    // live quotes go on while the store is down; what waits is tried again with the next finished bar
    Effect.catchCause((cause) => {
      gauges.add("bar_store_failures_total", 1)
      return Effect.logWarning("Finished bars could not be stored, will try again", cause)
    })
  )

  const keepCheckpoint = Effect.suspend(() => checkpoints.save(symbol, fold.checkpoint())).pipe(
    Effect.catchCause((cause) => {
      gauges.add("checkpoint_failures_total", 1)
      return Effect.logWarning("A checkpoint could not be saved", cause)
    })
  )

  /** What follows the quote: bars to charts, finished ones to the store, a checkpoint when the journal is long. */
  const announceBars = (): Effect.Effect<void> => {
    const steps: Array<Effect.Effect<void>> = []
    const listened = bus.hasSubscribers(bars)
    for (const [interval, changed] of changes.entries()) {
      const forgotten = unsaved.add(interval, changed)
      if (forgotten > 0) gauges.add("bars_forgotten_total", forgotten)
      if (listened) steps.push(bus.publish(bars, { symbol, interval, bars: changed }))
    }
    changes.clear()
    if (!unsaved.isEmpty) steps.push(save)
    if (fold.checkpointDue) steps.push(keepCheckpoint)
    if (steps.length === 0) return Effect.void
    return steps.length === 1 && steps[0] !== undefined ? steps[0] : Effect.all(steps, { discard: true })
  }

  /** Says the state. `settled` opens once the quote is out: until then a snapshot could carry a position still to be published. */
  const announce = (): Effect.Effect<void> => {
    if (!bus.hasSubscribers(quotes)) {
      settled.openUnsafe()
      return announceBars()
    }
    return Effect.flatMap(bus.publish(quotes, current()), () => {
      settled.openUnsafe()
      return announceBars()
    })
  }

  const turn = Effect.suspend(() => {
    settled.closeUnsafe()
    const resynchronise = resyncAsked
    if (resynchronise) startEpoch()
    const before = fold.state.seq
    fold.fold()
    report.tell(fold.state.counts)
    if (resynchronise || fold.state.seq !== before) return announce()
    settled.openUnsafe()
    return announceBars()
  })

  /**
   * Time that passed while it was passive or resting: what it says first is of today. Not while batches wait, which may be
   * older: the next sweep comes after them.
   */
  const catchUp = () => {
    if (fold.waiting > 0 || Queue.sizeUnsafe(mailbox) > 0) return
    // without a day there is nothing to close: its session is the clock's
    const reached = fold.state.midnight > 0 ? feed.publishedUpTo() - settings.closeGraceMillis : feed.marketTime()
    if (reached < nextCloseAt(fold.state)) return
    fold.take([reached])
    fold.fold()
  }

  /** From (re)start to crash: a new epoch, the whole state said, then batches as they come. */
  const life = Effect.suspend(() => {
    settled.closeUnsafe()
    if (fold.broken) {
      // what the crashed fold changed is not to be told; the replay tells it anew
      changes.clear()
      fold.recover()
    }
    catchUp()
    startEpoch()
    return announce()
  }).pipe(
    Effect.andThen(Effect.suspend(() => Effect.all(news.splice(0), { discard: true }))),
    Effect.andThen(Effect.suspend(() => (fold.waiting > 0 ? turn : Effect.void))),
    Effect.andThen(
      Effect.forever(
        Effect.flatMap(Queue.takeAll(mailbox), (inputs) => {
          fold.take(inputs)
          return turn
        })
      )
    )
  )

  // ---- giving up, and coming back --------------------------------------------------------------------------------

  let retryAt: number | undefined
  let died = Deferred.makeUnsafe<never, Unavailable>()
  const wanted = Latch.makeUnsafe(false)
  const revived = Latch.makeUnsafe(true)

  const unavailable = () =>
    new Unavailable({
      what: symbol,
      retryAfterMillis: Math.max(100, (retryAt ?? 0) - clock.currentTimeMillisUnsafe()),
      message: stopped
        ? `${symbol} is moving or going to sleep, ask again`
        : `${symbol} failed too often and is resting`
    })

  const rest = Effect.gen(function* () {
    retryAt = clock.currentTimeMillisUnsafe() + settings.coolDownMillis
    wanted.closeUnsafe()
    revived.closeUnsafe()
    Deferred.doneUnsafe(died, Effect.fail(unavailable()))
    died = Deferred.makeUnsafe()
    // whoever waited for the rebuild looks again and finds it down
    settled.openUnsafe()
    yield* Effect.sleep(settings.coolDownMillis)
    yield* wanted.await
    settled.closeUnsafe()
    retryAt = undefined
    revived.openUnsafe()
  })

  const alive = Effect.scoped(
    Effect.andThen(
      gauges.track("actors_active", 'kind="ticker"'),
      supervise({
        kind: "ticker",
        id: symbol,
        intensity: settings.intensity,
        period: settings.periodMillis
      })(life)
    )
  )

  /** Reads once the actor is settled, in the same breath as finding it so: nothing can be published in between. */
  const whenSettled = <A>(read: () => A): Effect.Effect<A, Unavailable> =>
    Effect.suspend(() => {
      if (stopped) return Effect.fail(unavailable())
      if (retryAt !== undefined) {
        wanted.openUnsafe()
        if (clock.currentTimeMillisUnsafe() < retryAt) return Effect.fail(unavailable())
        return Effect.andThen(revived.await, whenSettled(read))
      }
      return settled.isOpen() ? Effect.succeed(read()) : Effect.andThen(settled.await, whenSettled(read))
    })

  // ---- what others may do ----------------------------------------------------------------------------------------

  const drop = (batch: TickBatch, reason: string) => {
    gauges.add("ticks_dropped_total", batch.ticks.length, `reason="${reason}"`)
    resyncAsked = true
  }

  const accept = (batch: TickBatch): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      if (stopped) return Effect.succeed(false)
      if (retryAt === undefined) {
        // the publisher waits for room, but not for a dead actor
        return Effect.raceFirst(
          Queue.offer(mailbox, batch),
          Effect.matchEffect(Deferred.await(died), { onSuccess: Effect.succeed, onFailure: () => accept(batch) })
        )
      }
      wanted.openUnsafe()
      if (!Queue.offerUnsafe(mailbox, batch)) drop(batch, "actor-down")
      return Effect.succeed(true)
    })

  const local: LocalTicker = {
    symbol,
    fed: false,
    touchedAt: Number.NEGATIVE_INFINITY,
    offer: (batch) => retryAt === undefined && Queue.offerUnsafe(mailbox, batch),
    accept,
    advance: (publishedUpTo) => {
      const reached = publishedUpTo - settings.closeGraceMillis
      if (!settled.isOpen() || fold.broken || retryAt !== undefined || reached < nextCloseAt(fold.state)) return
      Queue.offerUnsafe(mailbox, reached)
    },
    resync: () => {
      resyncAsked = true
    }
  }

  /** Passivation, or the shard moves: fold what is left, say it, leave a checkpoint for the next incarnation. */
  const finish = Effect.gen(function* () {
    stopped = true
    for (let rest = yield* Queue.clear(mailbox); rest.length > 0; rest = yield* Queue.clear(mailbox)) fold.take(rest)
    yield* Queue.shutdown(mailbox)
    Deferred.doneUnsafe(died, Effect.fail(unavailable()))
    if (fold.broken) fold.recover()
    if (fold.waiting > 0) yield* turn
    yield* keepCheckpoint
  }).pipe(
    Effect.catchCause((cause) => {
      gauges.add("ticker_unclean_stops_total", 1)
      return Effect.logError("A ticker actor could not finish its work", cause)
    }),
    // callers that waited look again and find it stopped
    Effect.ensuring(Effect.sync(() => settled.openUnsafe() && revived.openUnsafe())),
    Effect.annotateLogs({ actor: "ticker", id: symbol })
  )

  yield* Effect.addFinalizer(() => finish)
  yield* Effect.forkScoped(Effect.forever(Effect.catchTag(alive, "Escalated", () => rest)))

  const self: TickerLife = {
    local,
    snapshot: whenSettled(current),
    formingBars: whenSettled(() => formingBars(fold.state)),
    activate: whenSettled(() => {}),
    hold: Stream.unwrap(whenSettled(() => Stream.fromEffect(Deferred.await(died))))
  }
  return self
})
