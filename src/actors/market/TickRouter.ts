/**
 * From the tick source to the mailboxes: gets every batch of this node's shards, gives it to its symbol's actor, starts the
 * actor first when it is passive. Symbols whose shard another node owns are that node's router's business.
 *
 * Order per symbol is kept: a publisher waits for its batch to be accepted, and while an actor starts its batches queue here.
 * Back-pressure: a full mailbox makes the publisher wait. Recorded and simulated feeds can wait for ever and lose nothing;
 * a live feed cannot, so after `overflowMillis` its batch is dropped, counted, and the watchers are told by a new epoch (A6).
 *
 * It also tells the actors how far the feed has come, so that bars of quiet symbols become final, has them settle what the
 * source asks to be durable, and once a second tells the cluster which actors are in use, so that they are not passivated:
 * one loop for the node, no timer per actor (F4).
 */
import { Clock, Deferred, Effect, Layer, Option, Schedule } from "effect"
import { Ticker } from "../../rpc/ticker.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { ownedShardsTopic, TICK_SHARDS, tickShard } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { canWait, Feed } from "./Feed.ts"
import { type LocalTicker, LocalTickers } from "./LocalTickers.ts"
import { ShardTerms } from "./ShardTerms.ts"
import { TickerSettings } from "./TickerSettings.ts"
import { TickSource, Unsettled } from "./TickSource.ts"

/** A symbol whose actor is being started, and what waits for it. */
interface Starting {
  readonly batches: Array<TickBatch>
  readonly done: Deferred.Deferred<void>
}

/** How often a node says which shards it serves; who watches takes four times of silence for a loss. */
const OWNED_MILLIS = 500
const allShards = Array.from({ length: TICK_SHARDS }, (_, shard) => shard)

const make = Effect.gen(function* () {
  const bus = yield* Bus
  const gauges = yield* Gauges
  const feed = yield* Feed
  const locals = yield* LocalTickers
  const settings = yield* TickerSettings
  const source = yield* TickSource
  const terms = yield* ShardTerms
  const clock = yield* Clock.Clock
  const client = yield* Ticker.client
  const scope = yield* Effect.scope
  const waits = canWait(feed.label)
  const settledAt = clock.currentTimeMillisUnsafe() + settings.shardSettleMillis
  const starting = new Map<string, Starting>()

  /** False only when another node surely owns it; while shards are still being handed out, the cluster decides. */
  const mayBeOurs = (symbol: string) => clock.currentTimeMillisUnsafe() < settledAt || terms.owns(tickShard(symbol))

  const drop = (batch: TickBatch, reason: string) =>
    gauges.add("ticks_dropped_total", batch.ticks.length, `reason="${reason}"`)

  /** Hands over, waiting for room. False: the actor has stopped. */
  const accept = (ticker: LocalTicker, batch: TickBatch): Effect.Effect<boolean> =>
    waits
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
          if (!source.readAgain(tickShard(symbol))) for (const batch of waiting.batches) drop(batch, "not-started")
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
    const now = clock.currentTimeMillisUnsafe()
    const inUse: Array<LocalTicker> = []
    for (const ticker of locals.all()) {
      if (ticker.fed && now - ticker.touchedAt >= half) inUse.push(ticker)
    }
    for (const ticker of inUse) {
      ticker.fed = false
      ticker.touchedAt = now
      yield* Effect.ignore(client(ticker.symbol).Activate(undefined, { discard: true }))
    }
  }).pipe(Effect.catchCause((cause) => Effect.logError("The ticker sweep failed", cause)))

  const reached = (shard: number, publishedUpTo: number) => {
    for (const ticker of locals.ofShard(shard)) {
      // what waits for a starting actor is not in its mailbox yet
      if (!starting.has(ticker.symbol)) ticker.advance(publishedUpTo)
    }
  }

  /** What waited for actors of the shard to start is in their mailboxes. */
  const started = Effect.fnUntraced(function* (shard: number) {
    for (const [symbol, waiting] of starting) if (tickShard(symbol) === shard) yield* Deferred.await(waiting.done)
  })

  const folded = Effect.fnUntraced(function* (shard: number) {
    yield* started(shard)
    yield* Effect.forEach(Array.from(locals.ofShard(shard)), (ticker) => ticker.folded, {
      concurrency: "unbounded",
      discard: true
    })
  })

  const settle = Effect.fnUntraced(function* (shard: number) {
    yield* started(shard)
    const undurable = Array.from(locals.ofShard(shard)).filter((ticker) => !ticker.isDurable())
    yield* Effect.forEach(undurable, (ticker) => ticker.settle, { concurrency: "unbounded", discard: true })
    if (lostOf.delete(shard)) {
      return yield* new Unsettled({ shard, message: "an actor stopped before its checkpoint was durable" })
    }
  })

  const begins = (shard: number) => {
    lostOf.delete(shard)
    return Effect.forEach(locals.ofShard(shard), (ticker) => ticker.begins, { discard: true })
  }

  /** Nobody was told what its actors folded until now. */
  const caughtUp = (shard: number) => {
    for (const ticker of locals.ofShard(shard)) ticker.repeat()
  }

  /** Shards of which batches were lost with an actor, until they are read again. */
  const lostOf = new Set<number>()
  yield* locals.onLost((shard) => {
    lostOf.add(shard)
    source.readAgain(shard)
  })

  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("1 second"), sweep)))
  const isServed = (shard: number): boolean => {
    if (!terms.owns(shard) || !source.isCaughtUp(shard)) return false
    for (const ticker of locals.ofShard(shard)) if (ticker.isWaiting()) return false
    return true
  }
  const sayOwned = Effect.suspend(() =>
    bus.publish(ownedShardsTopic, {
      shards: allShards.filter(isServed)
    })
  ).pipe(Effect.catchCause((cause) => Effect.logError("A node could not say what it owns", cause)))
  yield* Effect.forkScoped(Effect.repeat(sayOwned, Schedule.spaced(OWNED_MILLIS)))
  // what was said last may not have been heard, and on a quiet symbol nothing may follow for long
  yield* bus.onLoss(() => {
    for (const ticker of locals.all()) ticker.repeat()
  })
  yield* source.feed({ take: route, begins, folded, caughtUp, reached, settle })
})

export const TickRouter = { layer: Layer.effectDiscard(make) }
