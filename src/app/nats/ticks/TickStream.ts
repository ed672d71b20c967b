/**
 * The kept stream of ticks: a window that a new owner of a shard reads again from what is settled. Publisher and owners ask
 * for it by `ensure`; whoever comes first makes it, and makes it anew when NATS has lost it.
 */
import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { nanos } from "@nats-io/transport-node"
import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import { TICK_SHARDS } from "../../../rpc/topics.ts"
import { keepStream, managerOf, type StreamState, type StreamUnavailable, stateOf } from "../JetStream.ts"
import { Nats } from "../NatsConnection.ts"
import { type Subjects, subjectsOf } from "../subjects.ts"

export interface TickStreamOptions {
  readonly prefix: string
  /** What the window holds at most; the oldest goes first. Default 512 MB. */
  readonly maxBytes?: number | undefined
  /** Default 30 minutes. */
  readonly maxAgeMillis?: number | undefined
  /** NATS servers that hold a copy. Default 1. */
  readonly replicas?: number | undefined
}

const MAX_BYTES = 512 * 1024 * 1024
const MAX_AGE_MILLIS = 30 * 60_000
/** A message sent again within it is stored once. */
const DUPLICATES_MILLIS = 2 * 60_000

/** Readers fail for so long before it is said. */
const PATIENCE_MILLIS = 3000

export class TickStream extends Context.Service<
  TickStream,
  {
    readonly name: string
    readonly subjects: Subjects
    readonly maxBytes: number
    readonly manager: JetStreamManager
    /** Makes it where it is missing, and answers which one it is. */
    readonly ensure: Effect.Effect<StreamState, StreamUnavailable>
    /**
     * For readers: one could not be opened (`reason`), or was. Said in the log once they have failed for some seconds, not once
     * a reader: without JetStream a node would serve no prices and not say why.
     */
    readonly reading: (reason: string | undefined) => Effect.Effect<void>
  }
>()("lzstock/app/nats/TickStream") {
  static readonly layer = (options: TickStreamOptions): Layer.Layer<TickStream, never, Nats> =>
    Layer.effect(
      TickStream,
      Effect.gen(function* () {
        const nats = yield* Nats
        const clock = yield* Clock.Clock
        const manager = yield* managerOf(nats)
        const subjects = subjectsOf(options.prefix)
        const maxBytes = options.maxBytes ?? MAX_BYTES
        const maxAgeMillis = options.maxAgeMillis ?? MAX_AGE_MILLIS
        const settings = {
          name: subjects.tickStream,
          // no wildcard: what nobody reads is not kept
          subjects: Array.from({ length: TICK_SHARDS }, (_, shard) => subjects.ticks(shard)),
          retention: RetentionPolicy.Limits,
          discard: DiscardPolicy.Old,
          storage: StorageType.File,
          max_bytes: maxBytes,
          max_age: nanos(maxAgeMillis),
          duplicate_window: nanos(Math.min(DUPLICATES_MILLIS, maxAgeMillis)),
          num_replicas: options.replicas ?? 1
        }
        const one = Semaphore.makeUnsafe(1)
        let kept = false
        let unreadable: { readonly since: number; told: boolean } | undefined
        const reading = (reason: string | undefined) =>
          Effect.suspend(() => {
            if (reason === undefined) {
              const back = unreadable?.told === true
              unreadable = undefined
              return back ? Effect.logInfo("The tick stream can be read again") : Effect.void
            }
            const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
            unreadable ??= { since: now, told: false }
            if (unreadable.told || now - unreadable.since < PATIENCE_MILLIS) return Effect.void
            unreadable.told = true
            return Effect.logWarning(
              "The tick stream cannot be read, this node serves no prices; trying again. NATS must run with JetStream (-js) and room for the stream.",
              { stream: subjects.tickStream, reason }
            )
          })
        const keep = Effect.tap(keepStream(nats, manager, settings), () =>
          Effect.sync(() => {
            kept = true
          })
        )
        return TickStream.of({
          name: subjects.tickStream,
          subjects,
          maxBytes,
          manager,
          reading,
          // sixty-four shards ask at once; only the first look is more than a look
          ensure: one.withPermit(
            Effect.suspend(() => (kept ? Effect.catch(stateOf(nats, manager, subjects.tickStream), () => keep) : keep))
          )
        })
      })
    )
}
