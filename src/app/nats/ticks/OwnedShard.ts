/**
 * One shard that this node owns: read from what is settled, handed to the sink in order, settled again every few seconds.
 * Runs from the claim until it is interrupted, whatever fails meanwhile.
 */
import { Cause, Deferred, Effect, Exit, type Scope } from "effect"
import type { Gauges } from "../../../actors/kernel/Gauges.ts"
import type { SettledPosition, ShardLedger } from "../../../actors/market/ShardLedger.ts"
import type { ShardTerm, ShardTerms } from "../../../actors/market/ShardTerms.ts"
import type { TickSink } from "../../../actors/market/TickSource.ts"
import type { TickBatch } from "../../../rpc/ticks.ts"
import type { DeadLetters } from "../deadletters/DeadLetters.ts"
import type { Nats } from "../NatsConnection.ts"
import { backOff } from "./acknowledged.ts"
import { makeStreamReader, type StoredMessage } from "./StreamReader.ts"
import { settledText } from "./settled.ts"
import type { TickStream } from "./TickStream.ts"
import { decodeTickMessage, type TickMessage } from "./tickMessage.ts"

export interface OwnedShardServices {
  readonly nats: Nats["Service"]
  readonly gauges: Gauges["Service"]
  readonly stream: TickStream["Service"]
  readonly terms: ShardTerms["Service"]
  readonly ledger: ShardLedger["Service"]
  readonly deadLetters: DeadLetters["Service"]
  readonly sink: TickSink
}

export interface SettlePolicy {
  /** Settled when so many bytes have been handed over, or after so long. */
  readonly bytes: number
  readonly millis: number
}

/** Read again so soon after the last time, a shard waits first: an actor that fails each time must not keep us reading. */
const QUICK_MILLIS = 10_000
const MAX_PAUSE_MILLIS = 5000

/** Marks alone are settled too, so that a successor need not read hours of them; but rarely. */
const IDLE_FACTOR = 6

/** Folding what was handed over takes longer: somebody should look. */
const CATCH_UP_MILLIS = 10_000

/** What TickSource says of the shard. */
export interface ShardView {
  publishedUpTo: number
  readonly caughtUp: () => void
  readonly behind: () => void
}

export interface OwnedShard {
  readonly run: Effect.Effect<never>
  /** Ends the reading under way, in mid-message: nothing more of it is handed over once this has returned. */
  readonly readAgain: () => void
  /** Due, and not under way: settle it. */
  readonly settleIsDue: (now: number) => boolean
  /** Settles what has been handed over so far, or learns that it cannot. */
  readonly settle: (now: number) => Effect.Effect<void>
  /** Says again what is settled, for a publisher that has not heard it. */
  readonly announce: () => void
}

type Interrupted = "read-again" | "claim-again"

/** From `sink.begins` until somebody ends it. */
interface Reading {
  readonly ended: Deferred.Deferred<Interrupted>
  over: boolean
  catchingUp: boolean
}

export const makeOwnedShard = (
  shard: number,
  services: OwnedShardServices,
  policy: SettlePolicy,
  view: ShardView,
  now: () => number
): OwnedShard => {
  const { deadLetters, gauges, ledger, nats, sink, stream, terms } = services
  const subject = stream.subjects.ticks(shard)
  let term: ShardTerm | undefined
  let settled: SettledPosition | undefined
  /** The last message handed over whole. */
  let position: SettledPosition | undefined
  let bytes = 0
  let ticksSince = Number.POSITIVE_INFINITY
  let marksSince = Number.POSITIVE_INFINITY
  let settling = false
  /** Settles that failed in a row. */
  let failures = 0
  let notBefore = Number.NEGATIVE_INFINITY
  /** Times it was read again in quick succession, and when last. */
  let repeats = 0
  let readAgainAt = Number.NEGATIVE_INFINITY
  /** Undefined while the shard is claimed. */
  let current: Reading | undefined

  const failed = (cause: unknown) => {
    gauges.add("bus_subscriber_failures", 1)
    return Effect.logError("A batch of ticks could not be handed over", { shard, cause })
  }

  const handOver = (batch: TickBatch): Effect.Effect<void> | undefined => {
    try {
      const wait = sink.take(batch)
      return wait === undefined
        ? undefined
        : Effect.catchCause(wait, (cause) => (Cause.hasInterrupts(cause) ? Effect.failCause(cause) : failed(cause)))
    } catch (defect) {
      return failed(defect)
    }
  }

  const decode = ({ bytes, seq }: StoredMessage, identity: string): TickMessage | undefined => {
    try {
      return decodeTickMessage(shard, bytes)
    } catch (cause) {
      gauges.add("tick_messages_refused_total", 1)
      deadLetters.park({
        shard,
        symbol: undefined,
        bytes,
        reason: cause instanceof Error ? cause.message : String(cause),
        source: { stream: identity, subject, seq }
      })
      return undefined
    }
  }

  const handle = Effect.fnUntraced(function* (reading: Reading, message: StoredMessage, identity: string) {
    const decoded = decode(message, identity)
    for (const batch of decoded?.batches ?? []) {
      if (reading.over) return
      const wait = handOver(batch)
      if (wait !== undefined) yield* wait
    }
    // ended meanwhile: what was handed over is not to be taken for settled by the next one
    if (reading.over) return
    position = { stream: identity, seq: message.seq }
    bytes += message.bytes.length
    if (decoded?.batches.length === 0) marksSince = Math.min(marksSince, now())
    else ticksSince = Math.min(ticksSince, now())
    if (decoded?.mark !== undefined) {
      view.publishedUpTo = decoded.mark
      sink.reached(shard, decoded.mark)
    }
  })

  /** Beside the reading, which goes on: what follows comes after what is waited for here. */
  const catchUp = (reading: Reading) =>
    Effect.suspend(() => {
      if (reading.over || reading.catchingUp) return Effect.void
      reading.catchingUp = true
      return Effect.raceFirst(sink.folded(shard), slow).pipe(
        Effect.andThen(
          Effect.sync(() => {
            if (reading.over) return
            view.caughtUp()
            sink.caughtUp(shard)
          })
        ),
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : endWith(reading, "read-again", String(cause))
        ),
        Effect.forkScoped,
        Effect.asVoid
      )
    })
  const slow = Effect.delay(
    Effect.logWarning("The actors of a shard take long to fold what they were handed; it is not shown as current", {
      shard
    }),
    CATCH_UP_MILLIS
  ).pipe(Effect.andThen(Effect.never))

  const forget = () => {
    position = undefined
    bytes = 0
    ticksSince = Number.POSITIVE_INFINITY
    marksSince = Number.POSITIVE_INFINITY
  }

  /** From the settled position on, until somebody ends it, or the term under which it is read is no longer this node's. */
  const read = (
    reading: Reading,
    held: ShardTerm,
    after: SettledPosition | undefined
  ): Effect.Effect<Interrupted, never, Scope.Scope> =>
    Effect.gen(function* () {
      const reader = yield* makeStreamReader(nats, gauges, stream, { subject, after })
      const handingOver = Effect.gen(function* () {
        for (;;) {
          const taken = yield* reader.take
          for (const message of taken.messages) {
            if (!terms.isCurrent(held)) return "claim-again" as const
            yield* handle(reading, message, taken.stream)
          }
          if (taken.caughtUp) yield* catchUp(reading)
          // a long backlog must not keep the rest of the node from its turn
          yield* Effect.yieldNow
        }
      })
      return yield* Effect.raceFirst(handingOver, Deferred.await(reading.ended))
    })

  const claim: Effect.Effect<ShardTerm> = Effect.gen(function* () {
    for (let tries = 0; ; tries++) {
      const claimed = yield* Effect.exit(terms.current(shard))
      if (Exit.isSuccess(claimed)) return claimed.value
      // not ours any more, or not yet surely, or made by another fiber that was interrupted: nothing to be said about
      if (tries === 0 && Cause.hasDies(claimed.cause)) {
        yield* Effect.logWarning("A shard cannot be claimed; trying again", { shard }, claimed.cause)
      }
      yield* Effect.sleep(Math.min(2000, 50 * 2 ** tries))
    }
  })

  /** The first time at once: ticks are missing, and who watches waits. */
  const pause = Effect.suspend(() => {
    const at = now()
    repeats = at - readAgainAt < QUICK_MILLIS ? repeats + 1 : 0
    readAgainAt = at
    return repeats === 0 ? Effect.void : Effect.sleep(Math.min(MAX_PAUSE_MILLIS, 50 * 2 ** (repeats - 1)))
  })

  const begins = sink.begins(shard).pipe(
    Effect.tapDefect((defect) => Effect.logError("A shard's reading cannot begin; trying again", { shard, defect })),
    Effect.sandbox,
    Effect.retry(backOff),
    Effect.orDie
  )

  const run: Effect.Effect<never> = Effect.gen(function* () {
    for (;;) {
      if (term === undefined || !terms.isCurrent(term)) {
        term = yield* claim
        settled = term.settled
        announce()
      }
      const reading: Reading = { ended: Deferred.makeUnsafe(), over: false, catchingUp: false }
      forget()
      view.behind()
      current = reading
      yield* begins
      const why = yield* Effect.scoped(read(reading, term, settled))
      end(reading, why)
      gauges.add("tick_shards_read_again_total", 1)
      if (why === "claim-again") term = undefined
      // the sink is never told within its own call of readAgain
      yield* Effect.yieldNow
      yield* pause
    }
  })

  const announce = () => {
    if (settled === undefined || !nats.connected()) return
    nats.connection.publish(stream.subjects.settled(shard), settledText(settled))
  }

  const end = (reading: Reading, how: Interrupted) => {
    if (reading.over) return
    reading.over = true
    view.behind()
    Deferred.doneUnsafe(reading.ended, Effect.succeed(how))
  }

  const endWith = (reading: Reading, how: Interrupted, reason: string) => {
    end(reading, how)
    return Effect.logDebug("A shard is read again from what is settled", { shard, reason })
  }

  const settle = (startedAt: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const [held, reached, reading] = [term, position, current]
      if (held === undefined || reached === undefined || reading === undefined || reading.over) return Effect.void
      const before = { bytes, ticksSince, marksSince }
      settling = true
      // what comes from here on is of the next time
      bytes = 0
      ticksSince = Number.POSITIVE_INFINITY
      marksSince = Number.POSITIVE_INFINITY
      const write = Effect.tap(ledger.settle(shard, held.term, reached), () =>
        Effect.sync(() => {
          failures = 0
          settled = reached
          announce()
        })
      )
      // once the reading has ended, the actors may have gone back behind this position
      const settledOrOver = Effect.raceFirst(sink.settle(shard), Effect.asVoid(Deferred.await(reading.ended)))
      return Effect.andThen(
        settledOrOver,
        Effect.suspend(() => (reading.over ? Effect.void : write))
      ).pipe(
        Effect.catchTags({
          Unsettled: ({ message }) => endWith(reading, "read-again", message),
          StaleOwner: (error) => {
            terms.refused(error)
            return endWith(reading, "claim-again", error.message)
          }
        }),
        Effect.catchCause((cause) => {
          if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
          gauges.add("tick_settle_failures_total", 1)
          if (!reading.over) {
            bytes += before.bytes
            ticksSince = before.ticksSince
            marksSince = before.marksSince
          }
          notBefore = startedAt + Math.min(10_000, 250 * 2 ** failures)
          failures++
          return failures === 1
            ? Effect.logError("Ticks cannot be settled; trying again", { shard }, cause)
            : Effect.void
        }),
        Effect.ensuring(
          Effect.sync(() => {
            settling = false
          })
        )
      )
    })

  return {
    run,
    readAgain: () => {
      if (current !== undefined) end(current, "read-again")
    },
    settle,
    announce,
    settleIsDue: (at) =>
      !settling &&
      at >= notBefore &&
      position !== undefined &&
      (bytes >= policy.bytes || at - ticksSince >= policy.millis || at - marksSince >= IDLE_FACTOR * policy.millis)
  }
}
