/**
 * Whether a ticker actor can be asked now: settled, rebuilding, resting after it gave up, moving to another node, or stopped.
 * Callers read in the same breath as they find it settled, so that nothing can be published in between.
 */
import { type Clock, Deferred, Effect, Latch } from "effect"
import { Unavailable } from "../../rpc/market.ts"

/** A replay at full speed fills the store for moments at a time. */
const PATIENCE_MILLIS = 2_000

export class TickerPresence {
  readonly #symbol: string
  readonly #clock: Clock.Clock
  readonly #owned: () => boolean
  /** Open: the state may be read, and all that was published is in it. Closed while publishing or rebuilding. */
  readonly settled = Latch.makeUnsafe(false)
  readonly #wanted = Latch.makeUnsafe(false)
  readonly #revived = Latch.makeUnsafe(true)
  #died = Deferred.makeUnsafe<never, Unavailable>()
  #retryAt: number | undefined
  #stopped = false
  #waitsSince: number | undefined

  /** `owned`: whether the cluster has the symbol's shard on this node. */
  constructor(symbol: string, clock: Clock.Clock, owned: () => boolean) {
    this.#symbol = symbol
    this.#clock = clock
    this.#owned = owned
  }

  get isStopped(): boolean {
    return this.#stopped
  }
  get isResting(): boolean {
    return this.#retryAt !== undefined
  }
  /** It has waited for a store for longer than a full store takes to make room: what it said is not current. */
  get isWaiting(): boolean {
    return this.#waitsSince !== undefined && this.#clock.currentTimeMillisUnsafe() - this.#waitsSince > PATIENCE_MILLIS
  }
  waitingFor<A>(waiting: Effect.Effect<A>): Effect.Effect<A> {
    return Effect.suspend(() => {
      this.#waitsSince = this.#clock.currentTimeMillisUnsafe()
      return Effect.ensuring(
        waiting,
        Effect.sync(() => {
          this.#waitsSince = undefined
        })
      )
    })
  }
  /** Fails when the actor gives up or stops (A7). */
  get death(): Effect.Effect<never, Unavailable> {
    return Effect.suspend(() => Deferred.await(this.#died))
  }

  /** Somebody wants it: it comes back once it has cooled. */
  want(): void {
    this.#wanted.openUnsafe()
  }

  /** Gives up for `coolDownMillis`, and until somebody wants it again. */
  rest(coolDownMillis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#retryAt = this.#clock.currentTimeMillisUnsafe() + coolDownMillis
      this.#wanted.closeUnsafe()
      this.#revived.closeUnsafe()
      Deferred.doneUnsafe(this.#died, Effect.fail(this.#unavailable()))
      this.#died = Deferred.makeUnsafe()
      // whoever waited for the rebuild looks again and finds it down
      this.settled.openUnsafe()
      return Effect.sleep(coolDownMillis)
    }).pipe(
      Effect.andThen(this.#wanted.await),
      Effect.andThen(
        Effect.sync(() => {
          this.settled.closeUnsafe()
          this.#retryAt = undefined
          this.#revived.openUnsafe()
        })
      )
    )
  }

  /** From here on nobody is answered; `release` lets those who wait find out. */
  stop(): void {
    this.#stopped = true
    Deferred.doneUnsafe(this.#died, Effect.fail(this.#unavailable()))
  }
  release(): void {
    this.settled.openUnsafe()
    this.#revived.openUnsafe()
  }

  /** Reads once the actor is settled. */
  whenSettled<A>(read: () => A): Effect.Effect<A, Unavailable> {
    return Effect.suspend(() => {
      if (this.#stopped) return Effect.fail(this.#unavailable())
      if (this.#retryAt !== undefined) {
        this.want()
        if (this.#clock.currentTimeMillisUnsafe() < this.#retryAt) return Effect.fail(this.#unavailable())
        return Effect.andThen(this.#revived.await, this.whenSettled(read))
      }
      if (this.settled.isOpen()) return Effect.succeed(read())
      // a former owner is asked by those who have not heard yet
      if (!this.#owned()) return Effect.fail(this.#unavailable())
      return Effect.andThen(this.settled.await, this.whenSettled(read))
    })
  }

  #unavailable(): Unavailable {
    return new Unavailable({
      what: this.#symbol,
      retryAfterMillis: Math.max(100, (this.#retryAt ?? 0) - this.#clock.currentTimeMillisUnsafe()),
      message: this.isResting
        ? `${this.#symbol} failed too often and is resting`
        : `${this.#symbol} is moving or going to sleep, ask again`
    })
  }
}
