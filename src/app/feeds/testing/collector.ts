/** For tests: every batch a feed publishes, as it comes. */
import { Effect } from "effect"
import { Bus } from "../../../actors/kernel/Bus.ts"
import type { Tick, TickBatch, Trade } from "../../../rpc/ticks.ts"
import { TICK_SHARDS, ticksTopic } from "../../../rpc/topics.ts"

export interface Received extends TickBatch {
  readonly shard: number
}

/** `accept` makes the feed wait, where it answers with an Effect. */
export const collect = Effect.fnUntraced(function* (accept?: (batch: TickBatch) => Effect.Effect<void> | undefined) {
  const bus = yield* Bus
  const batches: Array<Received> = []
  for (let shard = 0; shard < TICK_SHARDS; shard++) {
    yield* bus.subscribe(ticksTopic(shard), (batch) => {
      batches.push({ ...batch, shard })
      return accept?.(batch)
    })
  }
  return batches
})

export const ticksOf = (batches: ReadonlyArray<TickBatch>, symbol?: string): ReadonlyArray<Tick> =>
  batches.filter((batch) => symbol === undefined || batch.symbol === symbol).flatMap((batch) => batch.ticks)

export const tradesOf = (ticks: ReadonlyArray<Tick>): ReadonlyArray<Trade> =>
  ticks.flatMap((tick) => (tick._tag === "Trade" ? [tick] : []))

/** Lets pending file reads come in; the test's clock stands still meanwhile. */
export const ioTurn: Effect.Effect<void> = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
