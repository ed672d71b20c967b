/**
 * The terms under which this node owns its shards: claimed from the ledger when first needed, dropped when the cluster takes
 * the shard away or a write is refused. Epochs are counted from the term, so that they grow over every change of owner,
 * whatever the clocks of the nodes say.
 */
import { Clock, Context, Deferred, Effect, Layer } from "effect"
import { ShardId, Sharding } from "effect/cluster"
import { Unavailable } from "../../rpc/market.ts"
import { MARKET_SHARDS } from "../../rpc/topics.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { type SettledPosition, ShardLedger, type StaleOwner } from "./ShardLedger.ts"
import { TickerSettings } from "./TickerSettings.ts"

export interface ShardTerm {
  readonly shard: number
  /** What durable writes are fenced by. */
  readonly term: number
  /** Settled when it was claimed. */
  readonly settled: SettledPosition | undefined
  /** Greater than every epoch before, of this owner and of earlier ones. */
  readonly nextEpoch: () => number
  /**
   * Whether a state that its owner left under this term, as the last thing it did, may be continued where it stands: only by
   * the next owner, and once a symbol.
   */
  readonly continues: (symbol: string, leftUnder: number) => boolean
}

export class ShardTerms extends Context.Service<
  ShardTerms,
  {
    /** Whether the cluster has given this node the shard. */
    readonly owns: (shard: number) => boolean
    /** Fails while this node does not own the shard. Dies when the ledger is away. */
    readonly current: (shard: number) => Effect.Effect<ShardTerm, Unavailable>
    /** Whether it is still the term this node holds the shard under: under another one nothing is handed over or folded. */
    readonly isCurrent: (term: ShardTerm) => boolean
    /**
     * A write was refused under this term: the shard is claimed anew, if it is still this node's once the cluster has surely
     * noticed that it is not (`doubtMillis`). A node that was paused past its lease does not know yet that it lost it.
     */
    readonly refused: (error: StaleOwner) => void
    /** The shard has left this node: if it comes back, that is another term. */
    readonly drop: (shard: number) => void
  }
>()("lzstock/actors/market/ShardTerms") {
  static readonly layer: Layer.Layer<ShardTerms, never, Gauges | ShardLedger | Sharding.Sharding> = Layer.effect(
    ShardTerms,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const clock = yield* Clock.Clock
      const ledger = yield* ShardLedger
      const scope = yield* Effect.scope
      const settings = yield* TickerSettings
      const sharding = yield* Sharding.Sharding
      const terms = new Map<number, ShardTerm>()
      /** Until when a shard is not claimed, monotonic ms: whoever was refused may have been paused, and not know it yet. */
      const doubted = new Map<number, number>()
      const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const claiming = new Map<number, Deferred.Deferred<ShardTerm>>()

      const owns = (shard: number) => sharding.hasShardId(ShardId.make(MARKET_SHARDS, shard + 1))
      const notOurs = (shard: number) =>
        new Unavailable({
          what: `shard ${shard}`,
          retryAfterMillis: 250,
          message: "The shard is moving to another node, ask again"
        })

      const claim = (shard: number): Effect.Effect<ShardTerm> => {
        const waiting = claiming.get(shard)
        if (waiting !== undefined) return Deferred.await(waiting)
        const claimed = Deferred.makeUnsafe<ShardTerm>()
        claiming.set(shard, claimed)
        const claim = ledger.claim(shard).pipe(
          Effect.map(({ previous, settled, term }) => {
            let epoch = term
            const continued = new Set<string>()
            const held: ShardTerm = {
              shard,
              term,
              settled,
              nextEpoch: () => ++epoch,
              continues: (symbol, leftUnder) => {
                if (leftUnder !== previous || continued.has(symbol)) return false
                continued.add(symbol)
                return true
              }
            }
            terms.set(shard, held)
            gauges.add("shard_claims_total", 1)
            return held
          }),
          Effect.onExit((exit) =>
            Effect.suspend(() => {
              claiming.delete(shard)
              return Deferred.done(claimed, exit)
            })
          )
        )
        // on nobody's account: who asked first may be gone before it is answered, and others wait too
        return Effect.andThen(Effect.forkIn(claim, scope), Deferred.await(claimed))
      }

      const current = (shard: number) =>
        Effect.suspend((): Effect.Effect<ShardTerm, Unavailable> => {
          if (!owns(shard)) {
            terms.delete(shard)
            return Effect.fail(notOurs(shard))
          }
          const held = terms.get(shard)
          if (held !== undefined) return Effect.succeed(held)
          return (doubted.get(shard) ?? 0) > monotonic() ? Effect.fail(notOurs(shard)) : claim(shard)
        })

      return ShardTerms.of({
        owns,
        current,
        isCurrent: (term) => terms.get(term.shard) === term,
        refused: ({ shard, term }) => {
          gauges.add("stale_owner_writes_refused_total", 1)
          if (terms.get(shard)?.term !== term) return
          terms.delete(shard)
          doubted.set(shard, monotonic() + settings.doubtMillis)
        },
        drop: (shard) => {
          terms.delete(shard)
          doubted.delete(shard)
        }
      })
    })
  )
}
