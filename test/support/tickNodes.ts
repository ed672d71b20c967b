/** Nodes of the tick stream without actors: a publisher, and owners whose sink folds by origin as ticker actors do. */
import { Cause, Context, Effect, Layer, Redacted, References } from "effect"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { ShardLedger } from "../../src/actors/market/ShardLedger.ts"
import { type ShardTerm, ShardTerms } from "../../src/actors/market/ShardTerms.ts"
import { type TickSink, TickSource, Unsettled } from "../../src/actors/market/TickSource.ts"
import { DeadLetters } from "../../src/app/nats/deadletters/DeadLetters.ts"
import { Nats } from "../../src/app/nats/NatsConnection.ts"
import { NatsTickSource, type NatsTickSourceOptions } from "../../src/app/nats/ticks/NatsTickSource.ts"
import { type FeedRun, TickPublisher, type TickPublisherOptions } from "../../src/app/nats/ticks/TickPublisher.ts"
import { TickStream, type TickStreamOptions } from "../../src/app/nats/ticks/TickStream.ts"
import { Unavailable } from "../../src/rpc/market.ts"
import type { TickBatch } from "../../src/rpc/ticks.ts"
import { TICK_SHARDS, tickShard } from "../../src/rpc/topics.ts"

const ground = (url: string, stream: TickStreamOptions) =>
  TickStream.layer(stream).pipe(
    Layer.provideMerge(Nats.layer({ url: Redacted.make(url), name: "ticks-test" })),
    Layer.provideMerge(Gauges.layer),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None")),
    Layer.orDie
  )

export const publisherNode = Effect.fnUntraced(function* (
  url: string,
  stream: TickStreamOptions,
  feed: FeedRun,
  options: TickPublisherOptions = {}
) {
  const built = yield* Layer.build(TickPublisher.layer(options).pipe(Layer.provideMerge(ground(url, stream))))
  const publisher = Context.get(built, TickPublisher)
  yield* publisher.begin(feed)
  return {
    built,
    publisher,
    gauges: Context.get(built, Gauges),
    nats: Context.get(built, Nats),
    stream: Context.get(built, TickStream)
  }
})

/** What a symbol's actor has: how far in which run, and every tick once, in order. */
interface Folded {
  run: string
  next: number
  times: Array<number>
}

const copy = ({ next, run, times }: Folded): Folded => ({ next, run, times: times.slice() })

/** What outlives every node: checkpoints and the ledger. */
export interface Durable {
  readonly states: Map<string, Folded>
  readonly ledger: ShardLedger["Service"]
  /** Claims that fail by an interruption of somebody else's, still to come. */
  claimsInterrupted: number
  /** What owners were told about late claims: shard → times claimed. */
  readonly claims: Map<number, number>
}

export const durable: Effect.Effect<Durable> = Effect.map(
  Effect.provide(ShardLedger, ShardLedger.layerMemory),
  (ledger) => ({ states: new Map(), ledger, claims: new Map(), claimsInterrupted: 0 })
)

/** Folds by origin: what it has is skipped, a hole is seen. */
export class FoldingSink implements TickSink {
  readonly states = new Map<string, Folded>()
  readonly marks: Array<{ readonly shard: number; readonly mark: number }> = []
  readonly holes: Array<string> = []
  /** Ticks that came after a mark that had promised there were none. */
  readonly overtaken: Array<string> = []
  /** Ticks without an origin, as an operator plays them again. */
  readonly played: Array<TickBatch> = []
  batches = 0
  ticks = 0
  bytesHeld = 0
  /** Set to make every take wait. */
  gate: Effect.Effect<void> | undefined
  /** Set to fail the next settles. */
  unsettled = 0
  storeAway = false
  /** Set to make every settle wait. */
  beforeSettle: Effect.Effect<void> = Effect.void
  settles = 0
  /** What the source said, in order. */
  readonly told: Array<{ readonly what: "begins" | "caught-up"; readonly shard: number }> = []
  /** Told of each batch before it is folded. */
  onTake: ((batch: TickBatch) => void) | undefined
  readonly #durable: Durable
  readonly #lost = new Set<number>()
  readonly #marked = new Map<number, number>()

  constructor(stored: Durable) {
    this.#durable = stored
  }

  /** What was lost is made good by what comes now; an actor that lives keeps its state, and skips what it has. */
  readonly begins = (shard: number): Effect.Effect<void> =>
    Effect.sync(() => {
      this.told.push({ what: "begins", shard })
      this.#lost.delete(shard)
    })

  /** Set to make what was handed over be folded late. */
  beforeFolded: Effect.Effect<void> = Effect.void
  readonly folded = (_shard: number): Effect.Effect<void> => this.beforeFolded

  readonly caughtUp = (shard: number): void => void this.told.push({ what: "caught-up", shard })

  /** Its actor dies with what it had not saved; the next batch starts it from its checkpoint. */
  readonly loseActor = (symbol: string): void => {
    this.states.delete(symbol)
    this.#lost.add(tickShard(symbol))
  }

  /** The shard is this node's anew: what its actors start from. */
  readonly load = (shard: number): void => {
    this.#marked.delete(shard)
    for (const symbol of [...this.states.keys()]) if (tickShard(symbol) === shard) this.states.delete(symbol)
    for (const [symbol, state] of this.#durable.states) {
      if (tickShard(symbol) === shard) this.states.set(symbol, copy(state))
    }
  }

  readonly take = (batch: TickBatch): Effect.Effect<void> | undefined => {
    this.onTake?.(batch)
    if (this.gate === undefined) return this.#fold(batch)
    return Effect.andThen(
      this.gate,
      Effect.sync(() => this.#fold(batch))
    )
  }

  #fold({ origin, symbol, ticks, ...rest }: TickBatch): undefined {
    this.batches++
    if (origin === undefined) return void this.played.push({ symbol, ticks, ...rest })
    let state = this.states.get(symbol)
    const saved = state === undefined ? this.#durable.states.get(symbol) : undefined
    if (saved !== undefined) {
      state = copy(saved)
      this.states.set(symbol, state)
    }
    if (state === undefined || state.run !== origin.run) {
      state = { run: origin.run, next: 0, times: [] }
      this.states.set(symbol, state)
    }
    // not a hole: it comes once more
    if (origin.from > state.next && this.#lost.has(tickShard(symbol))) return undefined
    if (origin.from > state.next) this.holes.push(`${symbol} ${state.next}..${origin.from}`)
    const mark = this.#marked.get(tickShard(symbol)) ?? Number.NEGATIVE_INFINITY
    ticks.forEach((tick, index) => {
      if (origin.from + index < state.next) return
      if (tick.time <= mark) this.overtaken.push(`${symbol} ${tick.time} after ${mark}`)
      state.times.push(tick.time)
      this.ticks++
    })
    state.next = Math.max(state.next, origin.from + ticks.length)
    return undefined
  }

  readonly reached = (shard: number, mark: number): void => {
    this.#marked.set(shard, mark)
    this.marks.push({ shard, mark })
  }

  readonly settle = (shard: number): Effect.Effect<void, Unsettled> =>
    Effect.andThen(this.beforeSettle, this.#save(shard))

  #save(shard: number): Effect.Effect<void, Unsettled> {
    return Effect.suspend(() => {
      this.settles++
      if (this.storeAway) return Effect.die(new Error("the store is away"))
      if (this.unsettled > 0) {
        this.unsettled--
        return Effect.fail(new Unsettled({ shard, message: "an actor was lost" }))
      }
      if (this.#lost.has(shard)) return Effect.fail(new Unsettled({ shard, message: "an actor was lost" }))
      for (const [symbol, state] of this.states) {
        if (tickShard(symbol) === shard) this.#durable.states.set(symbol, copy(state))
      }
      return Effect.void
    })
  }
}

/** A market node: owns the shards it is told to. */
export const ownerNode = Effect.fnUntraced(function* (
  url: string,
  stream: TickStreamOptions,
  stored: Durable,
  options: NatsTickSourceOptions = {}
) {
  const owned = new Set<number>()
  const terms = new Map<number, ShardTerm>()
  const sink = new FoldingSink(stored)
  const scripted = ShardTerms.of({
    owns: (shard) => owned.has(shard),
    current: (shard) =>
      Effect.suspend(() => {
        if (!owned.has(shard))
          return Effect.fail(new Unavailable({ what: `${shard}`, retryAfterMillis: 1, message: "not ours" }))
        const held = terms.get(shard)
        if (held !== undefined) return Effect.succeed(held)
        if (stored.claimsInterrupted > 0) {
          stored.claimsInterrupted--
          return Effect.failCause(Cause.interrupt())
        }
        return Effect.map(stored.ledger.claim(shard), ({ settled, term }) => {
          let epoch = term
          const claimed: ShardTerm = { shard, term, settled, nextEpoch: () => ++epoch, continues: () => false }
          terms.set(shard, claimed)
          stored.claims.set(shard, (stored.claims.get(shard) ?? 0) + 1)
          sink.load(shard)
          return claimed
        })
      }),
    isCurrent: ({ shard, term }) => terms.get(shard)?.term === term,
    refused: ({ shard, term }) => {
      if (terms.get(shard)?.term === term) terms.delete(shard)
    },
    drop: (shard) => void terms.delete(shard)
  })
  const built = yield* Layer.build(
    NatsTickSource.layer({ pollMillis: 10, ...options }).pipe(
      Layer.provideMerge(DeadLetters.layer({ prefix: stream.prefix })),
      Layer.provideMerge(
        Layer.mergeAll(
          Layer.succeed(ShardTerms, scripted),
          Layer.succeed(ShardLedger, stored.ledger),
          ground(url, stream)
        )
      )
    )
  )
  const source = Context.get(built, TickSource)
  yield* source.feed(sink)
  return {
    source,
    sink,
    gauges: Context.get(built, Gauges),
    nats: Context.get(built, Nats),
    deadLetters: Context.get(built, DeadLetters),
    /** The term it holds the shard under. */
    termOf: (shard: number) => terms.get(shard),
    own: (...shards: ReadonlyArray<number>) => shards.forEach((shard) => void owned.add(shard)),
    lose: (...shards: ReadonlyArray<number>) => shards.forEach((shard) => void owned.delete(shard))
  }
})

export const everyShard: ReadonlyArray<number> = Array.from({ length: TICK_SHARDS }, (_, shard) => shard)
