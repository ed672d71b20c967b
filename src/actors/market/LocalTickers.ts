/** The ticker actors alive on this node: how the router reaches their mailboxes without a call through the cluster. */
import { Context, Deferred, Effect, Layer, type Scope } from "effect"
import type { TickBatch } from "../../rpc/ticks.ts"
import type { Unsettled } from "./TickSource.ts"

/** One live actor as its node sees it. */
export interface LocalTicker {
  readonly symbol: string
  /** Its tick shard. */
  readonly shard: number
  /** The router's notes: ticks came since it last told the cluster so, and when that was (ms since epoch). */
  fed: boolean
  touchedAt: number
  /** False: no room, or not taking any now; then `accept`. Never waits, allocates nothing. */
  readonly offer: (batch: TickBatch) => boolean
  /** Waits for room. False: this actor has stopped, activate it again. */
  readonly accept: (batch: TickBatch) => Effect.Effect<boolean>
  /** It waits for a store before it folds on: nothing it said is current. */
  readonly isWaiting: () => boolean
  /** Every batch it took is in a durable checkpoint. */
  readonly isDurable: () => boolean
  /** Succeeds once every batch it took before has been folded, or when it goes down. */
  readonly folded: Effect.Effect<void>
  /** Succeeds once every batch it took before is in a durable checkpoint. */
  readonly settle: Effect.Effect<void, Unsettled>
  /** All ticks up to this market time were offered: bars that ended by then become final. Cheap when none did. */
  readonly advance: (publishedUpTo: number) => void
  /** What comes from here on was read from what is settled on (TickSink.begins). Waits for room. */
  readonly begins: Effect.Effect<void>
  /** What it said last may not have been heard: it says it again. */
  readonly repeat: () => void
  /** Ticks were lost before the mailbox: a new epoch makes every watcher resynchronise. */
  readonly resync: () => void
}

export class LocalTickers extends Context.Service<
  LocalTickers,
  {
    readonly get: (symbol: string) => LocalTicker | undefined
    readonly all: () => Iterable<LocalTicker>
    readonly ofShard: (shard: number) => Iterable<LocalTicker>
    /** Called when an actor stopped with batches that are not durable. Held until the Scope closes; for one listener. */
    readonly onLost: (listener: (shard: number) => void) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Held until the Scope closes. Waits while a predecessor of the same symbol is still stopping, so that its last
     * checkpoint is there to be loaded; `build` runs after that.
     */
    readonly register: <A extends { readonly local: LocalTicker }, E, R>(
      symbol: string,
      build: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E, R | Scope.Scope>
  }
>()("lzstock/actors/market/LocalTickers") {
  static readonly layer: Layer.Layer<LocalTickers> = Layer.sync(LocalTickers, () => {
    const tickers = new Map<string, LocalTicker>()
    /** Symbols taken, from before `build` until the actor has stopped wholly. */
    const taken = new Map<string, Deferred.Deferred<void>>()

    const shards = new Map<number, Set<LocalTicker>>()
    let lost: ((shard: number) => void) | undefined

    const take = (symbol: string) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          if (taken.has(symbol)) return undefined
          const stopped = Deferred.makeUnsafe<void>()
          taken.set(symbol, stopped)
          return stopped
        }),
        (stopped) => {
          if (stopped === undefined) return Effect.void
          const ticker = tickers.get(symbol)
          if (ticker?.isDurable() === false) lost?.(ticker.shard)
          if (ticker !== undefined) shards.get(ticker.shard)?.delete(ticker)
          tickers.delete(symbol)
          taken.delete(symbol)
          return Deferred.succeed(stopped, undefined)
        }
      )

    return LocalTickers.of({
      get: (symbol) => tickers.get(symbol),
      all: () => tickers.values(),
      ofShard: (shard) => shards.get(shard) ?? [],
      onLost: (listener) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            lost = listener
          }),
          () =>
            Effect.sync(() => {
              lost = undefined
            })
        ),
      register: (symbol, build) =>
        Effect.gen(function* () {
          // taken first and so released last: `build` acquires its own resources after it
          while ((yield* take(symbol)) === undefined) {
            const predecessor = taken.get(symbol)
            if (predecessor !== undefined) yield* Deferred.await(predecessor)
          }
          const actor = yield* build
          tickers.set(symbol, actor.local)
          const others = shards.get(actor.local.shard)
          if (others === undefined) shards.set(actor.local.shard, new Set([actor.local]))
          else others.add(actor.local)
          return actor
        })
    })
  })
}
