/**
 * From a feed to the tick stream, on the node that runs the feed: behind Bus.publish of `ticks.<shard>` topics.
 *
 * Per shard one message is on its way, and what comes meanwhile gathers for the next: order is strict, the rate high, and at
 * low load a tick waits for nothing. A message whose acknowledgement is lost is sent again with its id, so it is stored once.
 * Feeds that can wait also wait for the owners: per shard only so much lies in the stream that is not settled.
 */
import { randomUUID } from "node:crypto"
import { Cause, Clock, Context, Effect, Latch, Layer, Option, type Scope } from "effect"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import type { TickBatch } from "../../../rpc/ticks.ts"
import { batchJson } from "../../../rpc/topicCodecs.ts"
import { TICK_SHARDS, tickShard } from "../../../rpc/topics.ts"
import { Nats } from "../NatsConnection.ts"
import { shardOfSubject } from "../subjects.ts"
import { backOff, headersOf, MESSAGE_ID, sendOnce } from "./acknowledged.ts"
import { type OutMessage, ShardOutbox, UnsettledBytes } from "./ShardOutbox.ts"
import { decodeSettled, isOf } from "./settled.ts"
import { TickStream } from "./TickStream.ts"
import { tickMessageText } from "./tickMessage.ts"

/** One playing of a feed. */
export interface FeedRun {
  /** TickOrigin.run. */
  readonly run: string
  /** TickOrigin.no: greater than that of every playing before, on whichever node. */
  readonly no: number
  /** Recorded and simulated feeds can wait for slow owners; a live one cannot. */
  readonly canWait: boolean
  /** Market time up to which all that was said has been accepted by `publish`; −Infinity while there is none. */
  readonly publishedUpTo: () => number
}

export interface TickPublisherOptions {
  /** Bytes a shard that may lie in the stream unsettled when the feed can wait. Default 8 MB, at most 3/4 of the window. */
  readonly unsettledBytes?: number | undefined
}

/** Target size of a message, characters. A batch is never so long that NATS's 1 MB could be exceeded. */
const MESSAGE_SIZE = 128 * 1024
const MAX_TICKS = 500
/** What waits in this process a shard; then `publish` waits. */
const GATHER_SIZE = 512 * 1024
const UNSETTLED_BYTES = 8 * 1024 * 1024
const MARK_MILLIS = 250
/** Shards without news are told this often how far the feed is. */
const IDLE_MARK_MILLIS = 1000
/** While a shard waits for its owner, this often the stream is asked what it still holds. */
const WINDOW_LOOK_MILLIS = 2000
const FLUSH_TIMEOUT = "3 seconds"

class Shard {
  readonly outbox = new ShardOutbox()
  readonly unsettled = new UnsettledBytes()
  /** Ticks of each symbol accepted in this run. */
  readonly from = new Map<string, number>()
  /** Something is to be sent. */
  readonly wanted = Latch.makeUnsafe(false)
  /** `publish` need not wait. */
  readonly room = Latch.makeUnsafe(true)
  /** The owner has settled enough. */
  readonly window = Latch.makeUnsafe(true)
  /** All that was accepted is acknowledged. */
  readonly idle = Latch.makeUnsafe(true)
  messages = 0
  lastSeq = 0
  news = false
  markedAt = Number.NEGATIVE_INFINITY
  readonly shard: number
  constructor(shard: number) {
    this.shard = shard
  }
  wake(): void {
    this.idle.closeUnsafe()
    this.wanted.openUnsafe()
  }
}

export class TickPublisher extends Context.Service<
  TickPublisher,
  {
    /** Succeeds when the batch is accepted: it will be in the stream after all accepted before. Waits while there is no room. */
    readonly publish: (batch: TickBatch) => Effect.Effect<void>
    /**
     * A playing of the feed starts: its ticks are counted from 0, and until the Scope closes the shards are told how far it
     * is; then what was accepted is sent, for three seconds at most, and the rest is dropped: the feed may be playing elsewhere by
     * then. Replaces the one before. Not while a publish waits.
     */
    readonly begin: (feed: FeedRun) => Effect.Effect<void, never, Scope.Scope>
    /** Succeeds once everything accepted is acknowledged. */
    readonly flush: Effect.Effect<void>
  }
>()("lzstock/app/nats/TickPublisher") {
  static readonly layer = (
    options: TickPublisherOptions = {}
  ): Layer.Layer<TickPublisher, never, Gauges | Nats | TickStream> => Layer.effect(TickPublisher, make(options))
}

const make = Effect.fnUntraced(function* (options: TickPublisherOptions) {
  const nats = yield* Nats
  const gauges = yield* Gauges
  const stream = yield* TickStream
  const clock = yield* Clock.Clock
  const instance = randomUUID()
  const mayLie = Math.min(options.unsettledBytes ?? UNSETTLED_BYTES, (stream.maxBytes * 3) / 4 / TICK_SHARDS)
  const shards = Array.from({ length: TICK_SHARDS }, (_, shard) => new Shard(shard))
  let feed: FeedRun | undefined
  let identity: string | undefined
  let failing = false
  /** What was accepted in an earlier one is not sent any more. */
  let sending = 0

  // ---- accepting -------------------------------------------------------------------------------------------------

  const accept = (shard: Shard, { no, run }: FeedRun, batch: TickBatch) => {
    const { symbol, ticks } = batch
    let from = shard.from.get(symbol) ?? 0
    for (let at = 0; at < ticks.length; at += MAX_TICKS) {
      const part = ticks.length <= MAX_TICKS ? ticks : ticks.slice(at, at + MAX_TICKS)
      shard.outbox.accept(batchJson({ ...batch, ticks: part, origin: { run, no, from } }))
      from += part.length
    }
    shard.from.set(symbol, from)
    shard.news = true
    shard.wake()
  }

  const publish = (batch: TickBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      const shard = shards[tickShard(batch.symbol)]
      if (shard === undefined || feed === undefined) return Effect.die(new Error("No feed has begun"))
      if (shard.outbox.size >= GATHER_SIZE) {
        shard.room.closeUnsafe()
        return Effect.andThen(shard.room.await, publish(batch))
      }
      accept(shard, feed, batch)
      return Effect.void
    })

  /** Read and put behind all that is accepted in one breath: a mark covers nothing that is not in front of it. */
  const mark = (now: number) => {
    const upTo = Math.floor(feed?.publishedUpTo() ?? Number.NEGATIVE_INFINITY)
    if (!Number.isSafeInteger(upTo)) return
    for (const shard of shards) {
      if (!shard.news && now - shard.markedAt < IDLE_MARK_MILLIS) continue
      shard.news = false
      shard.markedAt = now
      shard.outbox.mark(upTo)
      shard.wake()
    }
  }

  // ---- sending ---------------------------------------------------------------------------------------------------

  const unsettledGauge = () =>
    gauges.set(
      "tick_bytes_unsettled",
      shards.reduce((sum, { unsettled }) => sum + unsettled.total, 0)
    )

  /** A stream made anew holds nothing of what was published. */
  const ensure = Effect.tap(stream.ensure, (found) =>
    Effect.sync(() => {
      if (found.identity === identity) return
      identity = found.identity
      for (const shard of shards) {
        shard.lastSeq = 0
        shard.unsettled.clear()
        shard.window.openUnsafe()
      }
    })
  )

  const openWindow = (shard: Shard) => {
    if (shard.unsettled.total < mayLie) shard.window.openUnsafe()
  }

  /**
   * Nobody will settle what the stream does not hold any more: it grew old or was purged while no node owned the shard, or
   * NATS lost it when its machine failed. Whoever waited for that would wait for ever.
   */
  const lookAtWindow = Effect.suspend(() => {
    if (shards.every(({ window }) => window.isOpen())) return Effect.void
    const asked = shards.map(({ lastSeq }) => lastSeq)
    return Effect.map(ensure, ({ firstSeq, lastSeq }) => {
      for (const shard of shards) {
        shard.unsettled.settled(firstSeq - 1)
        // not what was published since it was asked
        shard.unsettled.lost(lastSeq, asked[shard.shard])
        openWindow(shard)
      }
    })
  })

  const trouble = Effect.fnUntraced(function* ({ message }: { readonly message: string }) {
    gauges.add("tick_publish_retries_total", 1)
    if (!failing) {
      failing = true
      yield* Effect.logWarning("Ticks cannot be published; trying again", { reason: message })
    }
  })

  /** It may be the stream that is missing; not at once, for it may be being made. */
  const mend = (failures: number) => (failures > 2 && nats.connected() ? Effect.ignore(ensure) : Effect.void)

  const send = (shard: Shard, { batches, mark }: OutMessage): Effect.Effect<void> => {
    const text = tickMessageText(batches, mark)
    const message = {
      subject: stream.subjects.ticks(shard.shard),
      payload: text,
      headers: headersOf({ [MESSAGE_ID]: `${instance}.${shard.shard}.${shard.messages++}` })
    }
    let failures = 0
    const current = sending
    const over = () => sending !== current
    const attempt = Effect.suspend(() => (over() ? Effect.succeed(undefined) : sendOnce(nats, stream.name, message)))
    return attempt.pipe(
      Effect.tapError((error) => Effect.andThen(trouble(error), mend(++failures))),
      Effect.retry(backOff),
      Effect.orDie,
      Effect.flatMap((seq) => {
        if (seq === undefined) return Effect.void
        failing = false
        gauges.add("tick_messages_published_total", 1)
        // sequences only grow: this is another stream than it was, or one that has lost its end
        const anew = seq <= shard.lastSeq ? Effect.ignore(ensure) : Effect.void
        return Effect.map(anew, () => {
          shard.unsettled.lost(seq - 1)
          shard.lastSeq = seq
          shard.unsettled.published(seq, text.length)
          if (shard.unsettled.total >= mayLie) shard.window.closeUnsafe()
        })
      })
    )
  }

  const sendAll = Effect.fnUntraced(function* (shard: Shard) {
    for (;;) {
      yield* shard.wanted.await
      if (feed?.canWait === true) yield* shard.window.await
      const message = shard.outbox.next(MESSAGE_SIZE)
      if (shard.outbox.size < GATHER_SIZE) shard.room.openUnsafe()
      if (message === undefined) {
        shard.wanted.closeUnsafe()
        shard.idle.openUnsafe()
      } else yield* send(shard, message)
    }
  })

  // ---- what runs -------------------------------------------------------------------------------------------------

  yield* nats.subscribe(stream.subjects.everySettled, ({ data, subject }) => {
    const said = decodeSettled(data)
    const shard = shards[shardOfSubject(subject, TICK_SHARDS) ?? -1]
    if (said === undefined || shard === undefined) return gauges.add("bus_messages_refused_total", 1)
    if (identity === undefined || !isOf(said.stream, identity)) return
    shard.unsettled.settled(said.seq)
    openWindow(shard)
  })

  const start = ensure.pipe(
    Effect.tapError(trouble),
    Effect.retry(backOff),
    Effect.orDie,
    Effect.andThen(Effect.forEach(shards, sendAll, { concurrency: "unbounded", discard: true }))
  )
  yield* Effect.forkScoped(
    Effect.catchCause(start, (cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError("Publishing ticks ended", cause)
    )
  )
  const marking = Effect.sync(() => {
    mark(clock.currentTimeMillisUnsafe())
    unsettledGauge()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(MARK_MILLIS), marking)))

  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(Effect.sleep(WINDOW_LOOK_MILLIS), Effect.ignore(lookAtWindow)))
  )

  const flush = Effect.forEach(shards, ({ idle }) => idle.await, { discard: true })

  const end = (ended: FeedRun) =>
    Effect.suspend(() => {
      if (feed !== ended) return Effect.void
      // to every shard, news or not
      mark(Number.POSITIVE_INFINITY)
      feed = undefined
      return Effect.timeoutOption(Effect.interruptible(flush), FLUSH_TIMEOUT).pipe(
        Effect.flatMap((flushed) => (Option.isSome(flushed) || feed !== undefined ? Effect.void : drop))
      )
    })

  const drop = Effect.suspend(() => {
    sending++
    for (const shard of shards) {
      shard.outbox.clear()
      shard.wanted.closeUnsafe()
      shard.room.openUnsafe()
      shard.idle.openUnsafe()
    }
    return Effect.logWarning("What a feed had said at its end could not be published, and is dropped")
  })

  return TickPublisher.of({
    publish,
    flush,
    begin: (next) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            feed = next
            for (const shard of shards) {
              // the window is for feeds that can wait
              if (!next.canWait) shard.window.openUnsafe()
              shard.from.clear()
              shard.markedAt = Number.NEGATIVE_INFINITY
            }
          }),
          () => end(next)
        )
      )
  })
})
