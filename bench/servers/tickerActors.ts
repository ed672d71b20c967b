/** A process that keeps ticker actors, each with a day begun, and says what they hold; in three ways. */
import { Context, Effect, Layer, Scope } from "effect"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { makeTickerLife } from "../../src/actors/market/TickerLife.ts"
import { foldBatch, initialTickerState } from "../../src/actors/market/tickerState.ts"
import { Ticker } from "../../src/rpc/ticker.ts"
import { tickShard, ticksTopic } from "../../src/rpc/topics.ts"
import { countFibers, fibersActive } from "../support/fibers.ts"
import { layerOneProcess } from "../support/marketNode.ts"
import { firstTrade, TEN_O_CLOCK } from "../support/morning.ts"
import { answer } from "../support/processes.ts"
import { symbolAt } from "../support/topology.ts"
import { type Memory, settledMemory } from "../support/vitals.ts"

export interface Kept {
  readonly memory: Memory
  readonly fibers: number
}

const layer = layerOneProcess([], () => TEN_O_CLOCK)

type Begin = (symbols: ReadonlyArray<string>) => Effect.Effect<void>

/** Only what is folded: no actor. */
const states = () => {
  const kept = new Map<string, ReturnType<typeof initialTickerState>>()
  const begin: Begin = (symbols) =>
    Effect.sync(() => {
      for (const symbol of symbols) {
        const state = initialTickerState(symbol)
        foldBatch(state, firstTrade(symbol))
        kept.set(symbol, state)
      }
    })
  return Effect.succeed(begin)
}

/** Fiber, mailbox, supervision, storage: the actor without a cluster around it. */
const lives = Effect.gen(function* () {
  const context = yield* Effect.context<Layer.Success<typeof layer> | Scope.Scope>()
  const one = Effect.fnUntraced(function* (symbol: string) {
    const life = yield* makeTickerLife(symbol)
    yield* life.activate
    yield* life.local.accept(firstTrade(symbol))
    while ((yield* life.snapshot).seq < 1) yield* Effect.yieldNow
    return life
  })
  const kept: Array<unknown> = []
  const begin: Begin = (symbols) =>
    Effect.forEach(symbols, (symbol) => Effect.map(one(symbol), (life) => void kept.push(life)), {
      discard: true
    }).pipe(Effect.provideContext(context), Effect.orDie)
  return begin
})

/** As a node keeps them: cluster entities behind the router. */
const entities = Effect.gen(function* () {
  const bus = yield* Bus
  const client = yield* Ticker.client
  const one = Effect.fnUntraced(function* (symbol: string) {
    yield* client(symbol).Activate()
    yield* bus.publish(ticksTopic(tickShard(symbol)), firstTrade(symbol))
    while ((yield* client(symbol).Snapshot()).seq < 1) yield* Effect.yieldNow
  })
  const begin: Begin = (symbols) => Effect.orDie(Effect.forEach(symbols, one, { concurrency: 16, discard: true }))
  return begin
})

const ways = { states: states(), lives, entities }

let begin: ((symbols: ReadonlyArray<string>) => Promise<void>) | undefined

const actors = {
  open: async (way: keyof typeof ways): Promise<void> => {
    const scope = Scope.makeUnsafe()
    const opening = Effect.gen(function* () {
      const context = Context.merge(yield* Layer.build(layer), Context.make(Scope.Scope, scope))
      const begin = yield* Effect.provideContext(ways[way], context)
      return { begin, run: Effect.runPromiseWith(context) }
    })
    const opened = await Effect.runPromise(Scope.provide(opening, scope).pipe(countFibers))
    begin = (symbols) => opened.run(opened.begin(symbols).pipe(countFibers))
  },
  /** Actors of the symbols from … to − 1, each with one batch folded. */
  begin: async ({ from, to }: { readonly from: number; readonly to: number }): Promise<void> => {
    await begin?.(Array.from({ length: to - from }, (_, index) => symbolAt(from + index)))
  },
  kept: (_: null): Kept => ({ memory: settledMemory(), fibers: fibersActive() })
}
export type TickerKeeping = typeof actors

answer(actors)
