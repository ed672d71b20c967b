/**
 * TickSource over NATS: the ticks of the shards this node owns, from the kept stream. Follows ownership: a shard gained is
 * claimed and read from what is settled, a shard lost is let go at once.
 */
import { Cause, Clock, Effect, Exit, Latch, Layer, Scope } from "effect"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { ShardLedger } from "../../../actors/market/ShardLedger.ts"
import { ShardTerms } from "../../../actors/market/ShardTerms.ts"
import { type TickSink, TickSource } from "../../../actors/market/TickSource.ts"
import { TICK_SHARDS } from "../../../rpc/topics.ts"
import { DeadLetters } from "../deadletters/DeadLetters.ts"
import { Nats } from "../NatsConnection.ts"
import { makeOwnedShard, type OwnedShard, type ShardView } from "./OwnedShard.ts"
import { TickStream } from "./TickStream.ts"

export interface NatsTickSourceOptions {
  /** How often ownership is looked at, ms. Default 40. */
  readonly pollMillis?: number | undefined
  /** A shard is settled when so many bytes were handed over. Default 2 MB. */
  readonly settleBytes?: number | undefined
  /** … or when so long has passed since the first unsettled tick, ms. Default 10 s. */
  readonly settleMillis?: number | undefined
}

const POLL_MILLIS = 40
const SETTLE_BYTES = 2 * 1024 * 1024
const SETTLE_MILLIS = 10_000
const ANNOUNCE_MILLIS = 1000

/** What this node knows of a shard, owned or not. */
class View implements ShardView {
  publishedUpTo = Number.NEGATIVE_INFINITY
  readonly current = Latch.makeUnsafe(false)
  readonly caughtUp = (): void => void this.current.openUnsafe()
  readonly behind = (): void => {
    this.publishedUpTo = Number.NEGATIVE_INFINITY
    this.current.closeUnsafe()
  }
}

interface Held {
  readonly owned: OwnedShard
  readonly scope: Scope.Closeable
  letGo: boolean
}

const make = Effect.fnUntraced(function* (options: NatsTickSourceOptions) {
  const clock = yield* Clock.Clock
  const gauges = yield* Gauges
  const services = {
    nats: yield* Nats,
    gauges,
    stream: yield* TickStream,
    terms: yield* ShardTerms,
    ledger: yield* ShardLedger,
    deadLetters: yield* DeadLetters
  }
  const { terms } = services
  const policy = { bytes: options.settleBytes ?? SETTLE_BYTES, millis: options.settleMillis ?? SETTLE_MILLIS }
  const now = () => clock.currentTimeMillisUnsafe()
  const views = Array.from({ length: TICK_SHARDS }, () => new View())
  const viewOf = (shard: number): View => views[shard] ?? new View()

  const held = new Map<number, Held>()

  const feed = Effect.fnUntraced(function* (sink: TickSink) {
    const parent = yield* Effect.scope
    let announcedAt = now()

    const lose = (shard: number, lost: Held) => {
      lost.letGo = true
      viewOf(shard).behind()
      // not when its scope has closed: what still waits in it would hold the old term while the shard is claimed again
      terms.drop(shard)
      // whoever looks at the other shards does not wait for it
      return Effect.forkIn(Scope.close(lost.scope, Exit.void), parent)
    }

    const gain = Effect.fnUntraced(function* (shard: number) {
      const owned = makeOwnedShard(shard, { ...services, sink }, policy, viewOf(shard), now)
      const scope = yield* Scope.fork(parent)
      held.set(shard, { owned, scope, letGo: false })
      gauges.add("tick_shards_active", 1)
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => {
          viewOf(shard).behind()
          held.delete(shard)
          gauges.add("tick_shards_active", -1)
        })
      )
      const running = Effect.catchCause(owned.run, (cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause)
          : Effect.andThen(
              Effect.logError("Reading a tick shard ended; it is begun again", { shard }, cause),
              Effect.suspend(() => {
                const one = held.get(shard)
                return one === undefined ? Effect.void : Effect.delay(lose(shard, one), "1 second")
              })
            )
      )
      yield* Effect.forkIn(running, scope)
    })

    const look = Effect.gen(function* () {
      const at = now()
      for (let shard = 0; shard < TICK_SHARDS; shard++) {
        const one = held.get(shard)
        if (terms.owns(shard)) {
          if (one === undefined) yield* gain(shard)
          else if (!one.letGo && one.owned.settleIsDue(at)) yield* Effect.forkIn(one.owned.settle(at), one.scope)
        } else if (one !== undefined && !one.letGo) yield* lose(shard, one)
      }
      if (at - announcedAt < ANNOUNCE_MILLIS) return
      announcedAt = at
      for (const { owned } of held.values()) owned.announce()
    }).pipe(Effect.catchCause((cause) => Effect.logError("Looking after the tick shards failed", cause)))

    yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(options.pollMillis ?? POLL_MILLIS))))
  })

  return TickSource.of({
    feed,
    readAgain: (shard) => {
      const one = held.get(shard)
      if (one !== undefined && !one.letGo) one.owned.readAgain()
      // one that is not held yet begins at what is settled
      return terms.owns(shard)
    },
    publishedUpTo: (shard) => viewOf(shard).publishedUpTo,
    isCaughtUp: (shard) => viewOf(shard).current.isOpen(),
    caughtUp: (shard) => viewOf(shard).current.await
  })
})

export const NatsTickSource = {
  layer: (
    options: NatsTickSourceOptions = {}
  ): Layer.Layer<TickSource, never, DeadLetters | Gauges | Nats | ShardLedger | ShardTerms | TickStream> =>
    Layer.effect(TickSource, make(options))
}
