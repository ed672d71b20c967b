/**
 * From the bus to the mailboxes: hears every batch on `ticks.<shard>`, gives it to its symbol's actor on this node, starts
 * the actor first when it is passive. Symbols whose shard another node owns are that node's router's business.
 *
 * Order per symbol is kept: a publisher waits for its batch to be accepted, and while an actor starts its batches queue here.
 * Back-pressure: a full mailbox makes the publisher wait. Recorded and simulated feeds can wait for ever and lose nothing;
 * a live feed cannot, so after `overflowMillis` its batch is dropped, counted, and the watchers are told by a new epoch (A6).
 *
 * Once a second it also tells the actors how far the feed has published, so that bars of quiet symbols become final, and tells the cluster
 * which actors are in use, so that they are not passivated: one loop for the node, no timer per actor (F4).
 */
import { Clock, Deferred, Effect, Layer, Option, Schedule } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import { Ticker } from "../../rpc/ticker.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { TICK_SHARDS, tickShard, ticksTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { Feed } from "./Feed.ts"
import { type LocalTicker, LocalTickers } from "./LocalTickers.ts"
import { TickerSettings } from "./TickerSettings.ts"

/** A symbol whose actor is being started, and what waits for it. */
interface Starting {
  readonly batches: Array<TickBatch>
  readonly done: Deferred.Deferred<void>
}

const make = Effect.gen(function* () {
  const bus = yield* Bus
  const gauges = yield* Gauges
  const feed = yield* Feed
  const locals = yield* LocalTickers
  const settings = yield* TickerSettings
  const sharding = yield* Sharding.Sharding
  const clock = yield* Clock.Clock
  const client = yield* Ticker.client
  const scope = yield* Effect.scope
  const canWait = feed.label === "SIMULATED" || feed.label === "REPLAY"
  const settledAt = clock.currentTimeMillisUnsafe() + settings.shardSettleMillis
  const starting = new Map<string, Starting>()

  /** False only when another node surely owns it; while shards are still being handed out, the cluster decides. */
  const mayBeOurs = (symbol: string) =>
    clock.currentTimeMillisUnsafe() < settledAt ||
    sharding.hasShardId(sharding.getShardId(EntityId.make(symbol), Ticker.getShardGroup(EntityId.make(symbol))))

  const drop = (batch: TickBatch, reason: string) =>
    gauges.add("ticks_dropped_total", batch.ticks.length, `reason="${reason}"`)

  /** Hands over, waiting for room. False: the actor has stopped. */
  const accept = (ticker: LocalTicker, batch: TickBatch): Effect.Effect<boolean> =>
    canWait
      ? ticker.accept(batch)
      : Effect.map(
          Effect.timeoutOption(ticker.accept(batch), settings.overflowMillis),
          Option.getOrElse(() => {
            drop(batch, "overflow")
            ticker.resync()
            return true
          })
        )

  const start = (symbol: string, waiting: Starting): Effect.Effect<void> =>
    Effect.gen(function* () {
      const activated = yield* Effect.exit(
        client(symbol)
          .Activate()
          .pipe(
            // resting after an escalation: its mailbox knows what to do with batches
            Effect.catchTag("Unavailable", () => Effect.void),
            Effect.retry({ times: 5, schedule: Schedule.exponential("50 millis") })
          )
      )
      const ticker = locals.get(symbol)
      if (activated._tag === "Failure" || ticker === undefined) {
        // started, but not here: its node's router hears the same batches
        if (activated._tag === "Failure") {
          yield* Effect.logWarning("A ticker actor could not be started", activated.cause)
          for (const batch of waiting.batches) drop(batch, "not-started")
        }
        waiting.batches.length = 0
        return
      }
      touched(ticker)
      for (let batch = waiting.batches[0]; batch !== undefined; batch = waiting.batches[0]) {
        // stopped again in the meantime: start it once more, in order
        if (!(yield* accept(ticker, batch))) return yield* start(symbol, waiting)
        waiting.batches.shift()
      }
    })

  const startWith = (batch: TickBatch): Effect.Effect<void> => {
    const waiting: Starting = { batches: [batch], done: Deferred.makeUnsafe() }
    starting.set(batch.symbol, waiting)
    return start(batch.symbol, waiting).pipe(
      Effect.ensuring(
        Effect.suspend(() => {
          starting.delete(batch.symbol)
          return Deferred.succeed(waiting.done, undefined)
        })
      ),
      Effect.forkIn(scope),
      Effect.asVoid
    )
  }

  const routeSlowly = (batch: TickBatch): Effect.Effect<void> =>
    Effect.suspend(() => {
      const waiting = starting.get(batch.symbol)
      if (waiting !== undefined) {
        if (waiting.batches.length < settings.mailboxBatches) {
          waiting.batches.push(batch)
          return Effect.void
        }
        return Effect.andThen(Deferred.await(waiting.done), routeSlowly(batch))
      }
      const ticker = locals.get(batch.symbol)
      if (ticker === undefined) return mayBeOurs(batch.symbol) ? startWith(batch) : Effect.void
      ticker.fed = true
      return Effect.flatMap(accept(ticker, batch), (accepted) => (accepted ? Effect.void : startWith(batch)))
    })

  /** The hot path: a look-up and an offer, no Effect when there is room. */
  const route = (batch: TickBatch): Effect.Effect<void> | undefined => {
    if (starting.size === 0 || !starting.has(batch.symbol)) {
      const ticker = locals.get(batch.symbol)
      if (ticker?.offer(batch)) {
        ticker.fed = true
        return undefined
      }
    }
    return routeSlowly(batch)
  }

  const half = settings.maxIdleMillis / 2
  /** Actors started in the same second are not all touched in the same second later. */
  const touched = (ticker: LocalTicker) => {
    ticker.touchedAt = clock.currentTimeMillisUnsafe() - (half * tickShard(ticker.symbol)) / TICK_SHARDS
  }

  const sweep = Effect.gen(function* () {
    // not the clock's: ticks of before now may still be about to be published
    const publishedUpTo = feed.publishedUpTo()
    const now = clock.currentTimeMillisUnsafe()
    const inUse: Array<LocalTicker> = []
    for (const ticker of locals.all()) {
      // what waits for a starting actor is not in its mailbox yet
      if (!starting.has(ticker.symbol)) ticker.advance(publishedUpTo)
      if (ticker.fed && now - ticker.touchedAt >= half) inUse.push(ticker)
    }
    for (const ticker of inUse) {
      ticker.fed = false
      ticker.touchedAt = now
      yield* Effect.ignore(client(ticker.symbol).Activate(undefined, { discard: true }))
    }
  }).pipe(Effect.catchCause((cause) => Effect.logError("The ticker sweep failed", cause)))

  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("1 second"), sweep)))
  for (let shard = 0; shard < TICK_SHARDS; shard++) yield* bus.subscribe(ticksTopic(shard), route)
})

export const TickRouter = { layer: Layer.effectDiscard(make) }
