/**
 * Whether somebody serves each tick shard, by what market nodes say twice a second (`market.owned`). A shard is judged from the
 * first time somebody said that it serves it, or an actor of it answered; and not at all where nobody says such things.
 */
import { Effect } from "effect"
import { ownedShardsTopic, TICK_SHARDS } from "../../rpc/topics.ts"
import { makeAwakeTime } from "../kernel/awake.ts"
import type { Bus } from "../kernel/Bus.ts"

/** An owner that says nothing for so long is gone, or cut off from here; a planned change of owner is over in less. */
export const OWNER_SILENCE_MILLIS = 2_000
const LOOK_MILLIS = 250

/** `onLost` is called once when a shard falls silent. `now`: monotonic ms. */
export const makeOwnerWatch = Effect.fnUntraced(function* (
  bus: typeof Bus.Service,
  now: () => number,
  onLost: (shard: number) => void
) {
  let isSaid = false
  const awake = makeAwakeTime(LOOK_MILLIS, now)
  const heardAt = new Float64Array(TICK_SHARDS).fill(Number.POSITIVE_INFINITY)
  const lost = new Set<number>()
  yield* bus.subscribe(ownedShardsTopic, ({ shards }) => {
    isSaid = true
    for (const shard of shards) {
      heardAt[shard] = awake.time()
      lost.delete(shard)
    }
  })
  const look = Effect.sync(() => {
    const since = awake.look() - OWNER_SILENCE_MILLIS
    if (!isSaid) return
    for (let shard = 0; shard < TICK_SHARDS; shard++) {
      if ((heardAt[shard] ?? Number.POSITIVE_INFINITY) > since || lost.has(shard)) continue
      lost.add(shard)
      onLost(shard)
    }
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(LOOK_MILLIS), look)))
  return {
    /** An actor of the shard has answered: somebody serves it. */
    served: (shard: number) => {
      if (heardAt[shard] === Number.POSITIVE_INFINITY) heardAt[shard] = awake.time()
    }
  }
})
