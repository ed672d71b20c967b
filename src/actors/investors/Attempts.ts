/**
 * How often somebody may try: buckets by key, shared by all nodes where the adapter can. Port; adapters: `layerMemory` below, and
 * app/redis/RedisAttempts.ts, which counts by itself while Redis is away.
 */
import { Clock, Context, Effect, Layer } from "effect"

export interface AttemptLimit {
  /** Tries at once. */
  readonly burst: number
  /** One more each so many ms. */
  readonly everyMillis: number
}

export class Attempts extends Context.Service<
  Attempts,
  {
    /** Takes one try of `key`. 0: granted; else the ms until the next one is, and nothing was taken. */
    readonly take: (key: string, limit: AttemptLimit) => Effect.Effect<number>
  }
>()("lzstock/actors/investors/Attempts") {
  /** Of this process alone. */
  static readonly layerMemory = Layer.sync(Attempts, () => {
    const buckets = new AttemptBuckets()
    return Attempts.of({
      take: (key, limit) => Effect.map(Clock.currentTimeMillis, (now) => buckets.take(key, limit, now))
    })
  })
}

/** Keys beyond which those that are full again are looked for. */
const SWEEP_ABOVE = 10_000
/** Keys beyond which the one asked for longest ago goes, full or not: an attacker with many names must not fill the memory. */
const MOST_KEYS = 100_000
/** So that not every new key has all others looked at. */
const ROOM_AFTER_SWEEP = 0.9 * MOST_KEYS

/** Generic cell rate: per key the time at which its bucket is full again. Bounded, whoever asks. */
export class AttemptBuckets {
  private readonly fullAt = new Map<string, number>()
  private sweepAbove = SWEEP_ABOVE

  get size(): number {
    return this.fullAt.size
  }

  /** What `take` would answer. */
  wait(key: string, { burst, everyMillis }: AttemptLimit, now: number): number {
    const from = Math.min(Math.max(this.fullAt.get(key) ?? 0, now), now + burst * everyMillis)
    return Math.max(0, Math.ceil(from - now - (burst - 1) * everyMillis))
  }

  take(key: string, { burst, everyMillis }: AttemptLimit, now: number): number {
    // further ahead no bucket of this limit can be: the clock was set back
    const kept = this.fullAt.get(key) ?? 0
    const from = Math.min(Math.max(kept, now), now + burst * everyMillis)
    const wait = from - now - (burst - 1) * everyMillis
    if (wait > 0) {
      // else the next try would find it as far ahead again
      if (kept > from) this.fullAt.set(key, from)
      return Math.ceil(wait)
    }
    this.fullAt.delete(key)
    this.fullAt.set(key, from + everyMillis)
    if (this.fullAt.size > this.sweepAbove) this.sweep(now)
    return 0
  }

  private sweep(now: number): void {
    for (const [key, time] of this.fullAt) if (time <= now) this.fullAt.delete(key)
    for (const key of this.fullAt.keys()) {
      if (this.fullAt.size <= ROOM_AFTER_SWEEP) break
      this.fullAt.delete(key)
    }
    this.sweepAbove = Math.min(MOST_KEYS, Math.max(SWEEP_ABOVE, 2 * this.fullAt.size))
  }
}
