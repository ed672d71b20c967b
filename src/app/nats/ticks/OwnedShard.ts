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

/** Marks alone are settled too, so that a successor need not read hours of them; but rarely. */
const IDLE_FACTOR = 6

/** What TickSource says of the shard. */
export interface ShardView {
  publishedUpTo: number
  readonly caughtUp: () => void
  readonly behind: () => void
}

export interface OwnedShard {
  readonly run: Effect.Effect<never>
  /** Due, and not under way: settle it. */
  readonly settleIsDue: (now: number) => boolean
  /** Settles what has been handed over so far, or learns that it cannot. */
  readonly settle: (now: number) => Effect.Effect<void>
  /** Says again what is settled, for a publisher that has not heard it. */
  readonly announce: () => void
}

type Interrupted = "read-again" | "claim-again"

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
  let failures = 0
  let notBefore = Number.NEGATIVE_INFINITY
  /** Ends the reading that is under way. */
  let ended = Deferred.makeUnsafe<Interrupted>()

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

  const handle = Effect.fnUntraced(function* (message: StoredMessage, identity: string) {
    const decoded = decode(message, identity)
    for (const batch of decoded?.batches ?? []) {
      const wait = handOver(batch)
      if (wait !== undefined) yield* wait
    }
    position = { stream: identity, seq: message.seq }
    bytes += message.bytes.length
    if (decoded?.batches.length === 0) marksSince = Math.min(marksSince, now())
    else ticksSince = Math.min(ticksSince, now())
    if (decoded?.mark !== undefined) {
      view.publishedUpTo = decoded.mark
      sink.reached(shard, decoded.mark)
    }
  })

  const forget = () => {
    position = undefined
    bytes = 0
    ticksSince = Number.POSITIVE_INFINITY
    marksSince = Number.POSITIVE_INFINITY
  }

  /** From the settled position on, until somebody ends it, or the term under which it is read is no longer this node's. */
  const read = (held: ShardTerm, after: SettledPosition | undefined): Effect.Effect<Interrupted, never, Scope.Scope> =>
    Effect.gen(function* () {
      const reader = yield* makeStreamReader(nats, gauges, stream, { subject, after })
      const reading = Effect.gen(function* () {
        for (;;) {
          const taken = yield* reader.take
          for (const message of taken.messages) {
            if (!terms.isCurrent(held)) return "claim-again" as const
            yield* handle(message, taken.stream)
          }
          if (taken.caughtUp) view.caughtUp()
          // a long backlog must not keep the rest of the node from its turn
          yield* Effect.yieldNow
        }
      })
      return yield* Effect.raceFirst(reading, Deferred.await(ended))
    })

  const claim: Effect.Effect<ShardTerm> = Effect.gen(function* () {
    for (let tries = 0; ; tries++) {
      const claimed = yield* Effect.exit(terms.current(shard))
      if (Exit.isSuccess(claimed)) return claimed.value
      if (Cause.hasInterruptsOnly(claimed.cause)) return yield* Effect.interrupt
      // not ours any more, or not yet surely: nothing to be said about
      if (tries === 0 && Cause.hasDies(claimed.cause)) {
        yield* Effect.logWarning("A shard cannot be claimed; trying again", { shard }, claimed.cause)
      }
      yield* Effect.sleep(Math.min(2000, 50 * 2 ** tries))
    }
  })

  const run: Effect.Effect<never> = Effect.gen(function* () {
    for (;;) {
      if (term === undefined) {
        term = yield* claim
        settled = term.settled
        announce()
      }
      forget()
      ended = Deferred.makeUnsafe()
      view.behind()
      const why = yield* Effect.scoped(read(term, settled))
      gauges.add("tick_shards_read_again_total", 1)
      if (why === "claim-again") term = undefined
      // an actor that fails again and again must not make us read without a pause
      yield* Effect.sleep(Math.min(5000, 50 * 2 ** failures))
    }
  })

  const announce = () => {
    if (settled === undefined || !nats.connected()) return
    nats.connection.publish(stream.subjects.settled(shard), settledText(settled))
  }

  const endReading = (reading: typeof ended, how: Interrupted, reason: string) => {
    failures++
    Deferred.doneUnsafe(reading, Effect.succeed(how))
    return Effect.logDebug("A shard is read again from what is settled", { shard, reason })
  }

  const settle = (startedAt: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const [held, reached, reading] = [term, position, ended]
      if (held === undefined || reached === undefined) return Effect.void
      const before = { bytes, ticksSince, marksSince }
      settling = true
      // what comes from here on is of the next time
      bytes = 0
      ticksSince = Number.POSITIVE_INFINITY
      marksSince = Number.POSITIVE_INFINITY
      return Effect.andThen(sink.settle(shard), ledger.settle(shard, held.term, reached)).pipe(
        Effect.andThen(
          Effect.sync(() => {
            failures = 0
            settled = reached
            announce()
          })
        ),
        Effect.catchTags({
          Unsettled: ({ message }) => endReading(reading, "read-again", message),
          StaleOwner: (error) => {
            terms.refused(error)
            return endReading(reading, "claim-again", error.message)
          }
        }),
        Effect.catchCause((cause) => {
          if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
          gauges.add("tick_settle_failures_total", 1)
          bytes += before.bytes
          ticksSince = before.ticksSince
          marksSince = before.marksSince
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
    settle,
    announce,
    settleIsDue: (at) =>
      !settling &&
      at >= notBefore &&
      position !== undefined &&
      (bytes >= policy.bytes || at - ticksSince >= policy.millis || at - marksSince >= IDLE_FACTOR * policy.millis)
  }
}
