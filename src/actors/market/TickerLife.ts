/**
 * One ticker actor: the only owner of its symbol's state. Hears batches in its mailbox (TickRouter), folds them
 * (tickerState), says the new state on `quotes.<symbol>` and changed bars on `bars.<symbol>`, and answers snapshots.
 *
 * All batches that wait are taken at once and published once: under load the rate falls, not the freshness.
 * A crash in the fold costs a restart, a new epoch and a replay (RecoverableFold), never another symbol's time. What it keeps
 * outside itself is TickerStorage's affair, under the term of its shard (ShardTerms); refused as a former owner, it looks
 * whether the shard is still here and goes on from whichever state is further.
 */
import { Clock, Deferred, Effect, Schedule, Stream } from "effect"
import type { Unavailable } from "../../rpc/market.ts"
import type { UnstoredBars } from "../../rpc/ticker.ts"
import { barsTopic, type QuoteUpdate, quotesTopic, tickShard } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { QuoteCache } from "../kernel/QuoteCache.ts"
import { supervise } from "../kernel/Supervisor.ts"
import { BarChanges } from "./BarChanges.ts"
import { Checkpoints } from "./Checkpoints.ts"
import { type BaseInterval, canWait, Feed } from "./Feed.ts"
import { FoldReport } from "./FoldReport.ts"
import { Gaps } from "./Gaps.ts"
import type { Inquiry } from "./Inquiries.ts"
import type { LocalTicker } from "./LocalTickers.ts"
import { ParkedBatches } from "./ParkedBatches.ts"
import { QuoteEncoder } from "./QuoteEncoder.ts"
import { type ShardTerm, ShardTerms } from "./ShardTerms.ts"
import { makeTickerFold } from "./TickerFold.ts"
import { makeTickerMailbox } from "./TickerMailbox.ts"
import { TickerPresence } from "./TickerPresence.ts"
import { FoldFault, TickerSettings } from "./TickerSettings.ts"
import { makeTickerStorage } from "./TickerStorage.ts"
import { TickSource, Unsettled } from "./TickSource.ts"
import { formingBars, initialTickerState, nextCloseAt } from "./tickerState.ts"

export interface TickerLife {
  readonly local: LocalTicker
  /** State and position: everything published later has a greater seq, or a greater epoch. */
  readonly snapshot: Effect.Effect<QuoteUpdate, Unavailable>
  readonly unstoredBars: (interval: BaseInterval) => Effect.Effect<UnstoredBars, Unavailable>
  /** Starts it again if it is down and has cooled; fails while it is down. */
  readonly activate: Effect.Effect<void, Unavailable>
  /** Never emits; fails when the actor gives up (A7). */
  readonly hold: Stream.Stream<never, Unavailable>
}

const untilOwned = Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("250 millis")])

export const makeTickerLife = Effect.fnUntraced(function* (symbol: string) {
  const bus = yield* Bus
  const cache = yield* QuoteCache
  const checkpoints = yield* Checkpoints
  const clock = yield* Clock.Clock
  const fault = yield* FoldFault
  const feed = yield* Feed
  const gauges = yield* Gauges
  const parked = yield* ParkedBatches
  const settings = yield* TickerSettings
  const source = yield* TickSource
  const terms = yield* ShardTerms
  const quotes = quotesTopic(symbol)
  const bars = barsTopic(symbol)
  const shard = tickShard(symbol)

  const presence = new TickerPresence(symbol, clock, () => terms.owns(shard))
  const { settled } = presence
  /** Under which term the state is; undefined until it is loaded. */
  let owner: ShardTerm | undefined
  let epoch = 0
  /** The owner before left its state in good order: watchers need not notice that it is another one now. */
  let continues = false
  let resyncAsked = false
  let repeatAsked = false
  let missed = 0
  /** Batches in the newest durable checkpoint. */
  let durable = 0
  const resync = () => {
    resyncAsked = true
  }
  const mailbox = yield* makeTickerMailbox(settings.mailboxBatches, presence, gauges, resync)
  /** Bars to be told. */
  const changes = new BarChanges()
  const gaps = new Gaps(() => source.readAgain(shard))
  const { fold, news } = makeTickerFold(symbol, changes, { fault, gaps, gauges, parked, settings })
  const report = new FoldReport(gauges, fold.state.counts)

  const startEpoch = () => {
    epoch = owner?.nextEpoch() ?? 0
    fold.state.epoch = epoch
    fold.state.seq = 0
    resyncAsked = false
    missed = fold.state.counts.missed
  }

  /** A time that has passed already changes nothing; a full mailbox wakes it too. */
  const wake = () => mailbox.reach(fold.state.marketTime)
  const encoder = new QuoteEncoder(gauges)
  const current = (): QuoteUpdate => encoder.encode(fold.state)

  const storage = yield* makeTickerStorage(symbol, () => owner, wake)
  const scope = yield* Effect.scope

  /** Whoever asked for it hears that all before is durable; beside the fold, which goes on. */
  const makeDurable = (waiting: ReadonlyArray<Inquiry>, writer: ShardTerm): Effect.Effect<void> => {
    const state = fold.checkpoint()
    const position = mailbox.taken()
    return storage.settle(writer, state).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          durable = Math.max(durable, position)
        })
      ),
      // what a former owner has is read again by the present one
      Effect.catchTag("StaleOwner", ({ message }) =>
        Effect.fail(new Unsettled({ shard, message: `${symbol}: ${message}` }))
      ),
      Effect.exit,
      Effect.flatMap((exit) => Effect.forEach(waiting, ({ answer }) => Deferred.done(answer, exit), { discard: true })),
      Effect.forkIn(scope, { startImmediately: true }),
      Effect.asVoid
    )
  }

  /** Before anybody may ask: a finished bar is among those that wait for the store, or there. */
  const keepBars = () => {
    const changed = changes.entries()
    for (const [interval, bars] of changed) storage.add(interval, bars)
    changes.clear()
    return changed
  }

  /** What follows the quote: bars to charts, finished ones to the store, checkpoints. */
  const announceBars = (changed: ReturnType<typeof keepBars>): Effect.Effect<void> => {
    const steps: Array<Effect.Effect<void>> = []
    if (bus.hasSubscribers(bars)) {
      for (const [interval, its] of changed) steps.push(bus.publish(bars, { symbol, interval, bars: its }))
    }
    // one that stops stores what waits last of all
    if (!presence.isStopped) {
      if (storage.isDue()) steps.push(storage.store)
      if (storage.isCrowded() && canWait(feed.label)) steps.push(presence.waitingFor(storage.room))
    }
    // after a crash some of what came before it may still be in hand
    const writer = fold.waiting === 0 ? owner : undefined
    const inquiries = writer === undefined ? [] : mailbox.inquiries.folded()
    if (writer !== undefined && inquiries.length > 0) steps.push(makeDurable(inquiries, writer))
    else if (fold.checkpointDue) fold.checkpoint()
    if (steps.length === 0) return Effect.void
    return steps.length === 1 && steps[0] !== undefined ? steps[0] : Effect.all(steps, { discard: true })
  }

  /** Says the state. `settled` opens once the quote is out: until then a snapshot could carry a position still to be published. */
  const announce = (): Effect.Effect<void> => {
    const changed = keepBars()
    // while an old stretch is read again nobody is told of it: who watches asks for a snapshot, and gets it caught up
    if (!bus.hasSubscribers(quotes) || !source.isCaughtUp(shard)) {
      settled.openUnsafe()
      return announceBars(changed)
    }
    const quote = current()
    cache.put(quote)
    return Effect.flatMap(bus.publish(quotes, quote), () => {
      settled.openUnsafe()
      return announceBars(changed)
    })
  }

  const turn = Effect.suspend(() => {
    settled.closeUnsafe()
    const before = fold.state.seq
    fold.fold()
    const { state } = fold
    // another run began: it counts from nothing
    if (state.epoch !== epoch) report.restart(initialTickerState(symbol).counts)
    report.tell(state.counts)
    // another run replaced the state, or ticks were lost on the way: who watches starts anew
    const resynchronise = resyncAsked || state.epoch !== epoch || state.counts.missed !== missed
    if (resynchronise) startEpoch()
    if (resynchronise || repeatAsked || state.seq !== before) {
      repeatAsked = false
      return announce()
    }
    const changed = keepBars()
    settled.openUnsafe()
    return announceBars(changed)
  })

  /**
   * Time that passed while it was passive or resting: what it says first is of today. Not while batches wait, which may be
   * older: the next sweep comes after them.
   */
  const catchUp = () => {
    if (fold.waiting > 0 || !mailbox.isEmpty()) return
    // without a day there is nothing to close: its session is the clock's
    const reached =
      fold.state.midnight > 0 ? source.publishedUpTo(shard) - settings.closeGraceMillis : feed.marketTime()
    if (reached < nextCloseAt(fold.state)) return
    fold.take([reached])
    fold.fold()
  }

  /** For the store; said once. */
  let isWaiting = false
  /** The term this node has the shard under, and the state that goes with it. */
  const own = Effect.gen(function* () {
    const term = yield* Effect.retry(terms.current(shard), untilOwned)
    if (term === owner) return
    const saved = yield* checkpoints.load(symbol)
    // the shard may have been elsewhere for a while: whichever state is further is the one
    const isFurther = saved !== undefined && (saved.run !== fold.state.run || saved.fed > fold.state.fed)
    if (owner === undefined || isFurther) {
      changes.clear()
      storage.forget()
      fold.restart(saved)
      report.restart(saved?.counts ?? fold.state.counts)
    }
    continues = owner === undefined && saved !== undefined && term.continues(symbol, saved.leftUnder)
    owner = term
    isWaiting = false
  }).pipe(
    Effect.tapDefect((defect) => {
      if (isWaiting) return Effect.void
      isWaiting = true
      return Effect.logWarning("The store is away: a ticker actor waits for it", { symbol, defect: String(defect) })
    }),
    Effect.sandbox,
    Effect.retry(untilOwned),
    Effect.orDie
  )

  const begin = Effect.suspend(() => {
    if (fold.broken) {
      // what the crashed fold changed is not to be told; the replay tells it anew
      changes.clear()
      fold.recover()
    }
    fold.state.leftUnder = 0
    if (continues) {
      continues = false
      epoch = fold.state.epoch
      missed = fold.state.counts.missed
    } else startEpoch()
    catchUp()
    return announce()
  })

  const isOwner = () => owner !== undefined && terms.isCurrent(owner)

  const taking = mailbox.takeAll((inputs) => fold.take(inputs))
  /** Until the shard has been claimed anew: then this looks which state is further. */
  const work = Effect.whileLoop({
    while: isOwner,
    body: () => Effect.flatMap(taking, () => (isOwner() ? turn : Effect.void)),
    step: () => {}
  })

  /** From (re)start to crash: a new epoch, the whole state said, then batches as they come. */
  const life = Effect.sync(() => settled.closeUnsafe()).pipe(
    Effect.andThen(own),
    Effect.andThen(begin),
    Effect.andThen(Effect.suspend(() => Effect.all(news.splice(0), { discard: true }))),
    Effect.andThen(Effect.suspend(() => (fold.waiting > 0 ? turn : Effect.void))),
    Effect.andThen(work),
    Effect.forever
  )

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

  // ---- what others may do ----------------------------------------------------------------------------------------

  const local: LocalTicker = {
    symbol,
    shard,
    fed: false,
    touchedAt: Number.NEGATIVE_INFINITY,
    isWaiting: () => presence.isWaiting,
    isDurable: () => mailbox.offered() === durable,
    offer: mailbox.offer,
    accept: mailbox.accept,
    // who is down answers nobody: nothing of it passes for current
    folded: Effect.orDie(mailbox.inquire("folded", Effect.void)),
    settle: mailbox.inquire("durable", Effect.die(new Error(`${symbol} cannot be settled now: its actor is down`))),
    begins: mailbox.begins,
    advance: (publishedUpTo) => {
      const reached = publishedUpTo - settings.closeGraceMillis
      if (!settled.isOpen() || fold.broken || presence.isResting || reached < nextCloseAt(fold.state)) return
      mailbox.reach(reached)
    },
    repeat: () => {
      repeatAsked = true
      wake()
    },
    resync
  }

  const leave = Effect.fnUntraced(function* (writer: ShardTerm) {
    if (fold.broken) {
      changes.clear()
      fold.recover()
      keepBars()
    }
    if (fold.waiting > 0) {
      // nothing makes room for the bars of what is still to be folded but this
      if (storage.isCrowded()) yield* storage.settle(writer, fold.checkpoint())
      yield* turn
    }
    const last = fold.checkpoint()
    // asleep it stays with this node, which would not know that somebody continues it
    last.leftUnder = terms.owns(shard) ? 0 : writer.term
    yield* storage.settle(writer, last)
    durable = mailbox.taken()
  })

  /** Passivation, or the shard moves: fold what is left, say it, leave a checkpoint for the next incarnation. */
  const finish = Effect.gen(function* () {
    presence.stop()
    fold.take(yield* mailbox.close)
    // never loaded: what it was given is read again, or was never acknowledged
    if (owner !== undefined) yield* Effect.timeout(leave(owner), settings.stopMillis)
  }).pipe(
    Effect.catchCause((cause) => {
      gauges.add("ticker_unclean_stops_total", 1)
      return Effect.logError("A ticker actor could not finish its work", cause)
    }),
    // callers that waited look again and find it stopped
    Effect.ensuring(Effect.sync(() => presence.release())),
    Effect.annotateLogs({ actor: "ticker", id: symbol })
  )

  yield* Effect.addFinalizer(() => finish)
  yield* Effect.forkScoped(
    Effect.forever(Effect.catchTag(alive, "Escalated", () => presence.rest(settings.coolDownMillis)))
  )

  /** Nobody is shown what is still being read again. */
  const caughtUp = <A>(read: () => A) => Effect.andThen(source.caughtUp(shard), presence.whenSettled(read))
  const self: TickerLife = {
    local,
    snapshot: caughtUp(current),
    unstoredBars: (interval) =>
      caughtUp(() => {
        const { marketTime, run } = fold.state
        const forming = formingBars(fold.state)[interval]
        const waiting = Array.from(storage.waiting(interval))
        return {
          bars: forming === null ? waiting : [...waiting, forming],
          // what is left of another playing says nothing about how far this one has come
          marketTime: run === feed.runId ? marketTime : 0
        }
      }),
    activate: presence.whenSettled(() => {}),
    hold: Stream.unwrap(presence.whenSettled(() => Stream.fromEffect(presence.death)))
  }
  return self
})
