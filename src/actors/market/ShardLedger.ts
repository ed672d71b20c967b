/**
 * Who owns a tick shard, and how far its ticks are settled: the record every durable write of a shard is fenced by (A2).
 * Adapters: in memory here; PostgreSQL in src/app/postgres, where a claim waits for writes under the term before.
 */
import { Clock, Context, Effect, Layer, Schema } from "effect"

/** Somebody else has claimed the shard since: this owner's writes are refused, it must claim again or stop. */
export class StaleOwner extends Schema.TaggedError<StaleOwner>()("StaleOwner", {
  shard: Schema.Int,
  /** The term the writer held. */
  term: Schema.Int,
  message: Schema.String
}) {
  static of(shard: number, term: number): StaleOwner {
    const message = `Shard ${shard} has been claimed by another owner since term ${term}: this write is refused`
    return new StaleOwner({ shard, term, message })
  }
}

/** A position in a kept tick stream: everything up to and including `seq` is settled. */
export interface SettledPosition {
  /** Which stream: one that was made anew starts from its beginning. */
  readonly stream: string
  readonly seq: number
}

export interface Claim {
  /** Greater than every earlier one of the shard, by at least TERM_STEP; ms since epoch where that is greater. */
  readonly term: number
  readonly settled: SettledPosition | undefined
  /** The term before this one; undefined for the first. */
  readonly previous: number | undefined
}

/** Terms are this far apart, so that an owner may count epochs from its term without meeting its successor's. */
export const TERM_STEP = 1_000_000

export class ShardLedger extends Context.Service<
  ShardLedger,
  {
    /** Makes the caller the shard's owner; earlier owners' writes are refused from here on. Dies when the store is away. */
    readonly claim: (shard: number) => Effect.Effect<Claim>
    /** Everything up to the position is in checkpoints. A position before the one kept changes nothing. */
    readonly settle: (shard: number, term: number, position: SettledPosition) => Effect.Effect<void, StaleOwner>
  }
>()("lzstock/actors/market/ShardLedger") {
  static readonly layerMemory: Layer.Layer<ShardLedger> = Layer.sync(ShardLedger, () => {
    const claims = new Map<number, Claim>()
    return ShardLedger.of({
      claim: (shard) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const before = claims.get(shard)
          const term = before === undefined ? now : Math.max(before.term + TERM_STEP, now)
          const claim: Claim = { term, settled: before?.settled, previous: before?.term }
          claims.set(shard, claim)
          return claim
        }),
      settle: (shard, term, position) =>
        Effect.suspend(() => {
          const held = claims.get(shard)
          if (held?.term !== term) return Effect.fail(StaleOwner.of(shard, term))
          const { settled } = held
          if (settled?.stream !== position.stream || settled.seq < position.seq) {
            claims.set(shard, { ...held, settled: position })
          }
          return Effect.void
        })
    })
  })
}
