/**
 * Effect Cluster's runner registry and shard locks in PostgreSQL, made to bridge what must not stop live quotes: a
 * PostgreSQL that is away or restarts for less than the locks' expiration. Between Sharding and SqlRunnerStorage.
 *
 * A lock is an advisory lock of one database session: it is gone when the session is, and the server ends a session that is
 * idle for the expiration. Sharding takes one failed refresh for the loss of everything and stops its entities. Here:
 *  - A refresh that fails, or does not answer in time, counts each lock as held until a margin before the expiration after
 *    PostgreSQL last confirmed it. Then it fails, and Sharding stops the entities (limits.md A3).
 *  - Locks lost with their session, after a restart of PostgreSQL, are taken again within that time if nobody else has them.
 *  - An acquisition waits a little for locks that their owner is just about to release: Sharding itself would try
 *    again only a second later.
 *  - The registry forgets a runner whose heartbeat is older than the expiration, which after a long outage is all of them. The
 *    first answer after an outage is completed from the last one before it, until all have had time for a heartbeat.
 *
 * What this costs: cut off from PostgreSQL alone, an owner's session may be ended by the server, and its successor start, while
 * it still serves; also its lock may have been somebody else's for a moment before it got it back. So two may answer
 * for one entity for seconds. The quote plane bears that (epoch and seq); durable writes are fenced by versions and terms.
 */
import { Clock, Duration, Effect, Layer } from "effect"
import {
  ClusterError,
  type Runner,
  type RunnerAddress,
  RunnerStorage,
  type ShardId,
  ShardingConfig,
  SqlRunnerStorage
} from "effect/cluster"
import type { SqlClient, SqlError } from "effect/sql"

type Storage = RunnerStorage.RunnerStorage["Service"]

/** Pause between attempts within one call. */
const RETRY_MILLIS = 50
/** How long an acquisition waits for locks on their way here. */
const PATIENCE_MILLIS = 1000
/** After an outage: time for every runner to notice that PostgreSQL is back and to say that it lives. */
const HEARTBEAT_GRACE_MILLIS = 3000

/** The times within one expiration. Sharding refreshes every third of it, and gives a refresh as long. */
const timesOf = (config: ShardingConfig.ShardingConfig["Service"]) => {
  const expiration = Duration.toMillis(config.shardLockExpiration)
  const interval = Math.min(Duration.toMillis(config.shardLockRefreshInterval), expiration / 3)
  return {
    interval,
    /** How long a confirmed lock is trusted. */
    trust: expiration * 0.9,
    /** How long one refresh may take, so that there is time to act on its failure. */
    attempt: interval * 0.4,
    patience: Math.min(PATIENCE_MILLIS, interval * 0.3)
  }
}

/** Exported for its tests: `base` is SqlRunnerStorage in production. */
export const tolerant = (
  base: Storage,
  config: ShardingConfig.ShardingConfig["Service"],
  clock: Clock.Clock
): Storage => {
  const { attempt, interval, patience, trust } = timesOf(config)
  // never the wall clock: set back, it would make a lock trusted that expired long ago
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  /** When PostgreSQL last confirmed each lock, by shard. */
  const confirmed = new Map<string, number>()
  const confirm = (shards: ReadonlyArray<ShardId.ShardId>, at: number) => {
    for (const shard of kept(shards)) confirmed.set(shard.toString(), at)
  }
  const trustedUntil = (shard: ShardId.ShardId) => (confirmed.get(shard.toString()) ?? Number.NEGATIVE_INFINITY) + trust
  /**
   * Given back, or about to be, since Sharding last asked for it: a refresh that began before must neither confirm it nor take
   * it again, or it would be held by a node that does not serve it, and no other could.
   */
  const released = new Set<string>()
  /** Every shard ever wanted. */
  const asked = new Set<string>()
  /** Whether locks held now are there to be kept. */
  const kept = (shards: ReadonlyArray<ShardId.ShardId>) => shards.filter((shard) => !released.has(shard.toString()))
  const without = (all: ReadonlyArray<ShardId.ShardId>, some: ReadonlyArray<ShardId.ShardId>) => {
    const names = new Set(some.map(String))
    return all.filter((shard) => !names.has(shard.toString()))
  }

  /** Sharding asks some more times at once when a refresh fails: until PostgreSQL has answered it is told the same. */
  let gaveUp: { readonly at: number; readonly error: ClusterError.PersistenceError } | undefined

  /** Locks that came although they were given back meanwhile, go back too. */
  const take = (address: RunnerAddress.RunnerAddress, shards: ReadonlyArray<ShardId.ShardId>) =>
    Effect.flatMap(base.acquire(address, shards), (held) => {
      const mine = kept(held)
      const late = without(held, mine)
      return Effect.as(
        Effect.forEach(late, (shard) => Effect.ignore(base.release(address, shard)), { discard: true }),
        mine
      )
    })

  const acquireKept = Effect.fnUntraced(function* (
    address: RunnerAddress.RunnerAddress,
    wanted: ReadonlyArray<ShardId.ShardId>
  ) {
    const began = now()
    let at = began
    let held = yield* take(address, kept(wanted))
    gaveUp = undefined
    confirm(held, at)
    while (kept(without(wanted, held)).length > 0 && now() - began < patience) {
      yield* Effect.sleep(RETRY_MILLIS)
      at = now()
      const more = yield* Effect.orElseSucceed(take(address, kept(without(wanted, held))), () => [])
      confirm(more, at)
      held = [...held, ...more]
    }
    return kept(held)
  })

  const acquire = (address: RunnerAddress.RunnerAddress, shardIds: Iterable<ShardId.ShardId>) =>
    Effect.suspend(() => {
      const wanted = Array.from(shardIds)
      for (const shard of wanted) {
        released.delete(shard.toString())
        asked.add(shard.toString())
      }
      return acquireKept(address, wanted)
    })

  const attemptRefresh = (address: RunnerAddress.RunnerAddress, shards: ReadonlyArray<ShardId.ShardId>) =>
    Effect.suspend(() => {
      const at = now()
      // not beyond the end of the trust, as long as there is some
      const trustLeft = Math.max(...shards.map(trustedUntil)) - at
      return base.refresh(address, shards).pipe(
        Effect.timeoutOrElse({
          duration: trustLeft > 0 ? Math.min(attempt, Math.max(RETRY_MILLIS, trustLeft)) : attempt,
          orElse: () =>
            Effect.fail(new ClusterError.PersistenceError({ cause: new Error("PostgreSQL does not answer") }))
        }),
        Effect.flatMap((held) => {
          confirm(held, at)
          const lost = kept(without(shards, held)).filter((shard) => now() < trustedUntil(shard))
          if (lost.length === 0) return Effect.succeed(kept(held))
          return Effect.map(
            Effect.orElseSucceed(acquireKept(address, lost), () => []),
            (again) => kept([...held, ...again])
          )
        }),
        Effect.tap((held) =>
          Effect.sync(() => {
            for (const shard of without(shards, held)) confirmed.delete(shard.toString())
          })
        )
      )
    })

  const refresh = Effect.fnUntraced(function* (
    address: RunnerAddress.RunnerAddress,
    shardIds: Iterable<ShardId.ShardId>
  ) {
    const wanted = Array.from(shardIds)
    // Sharding's question whether PostgreSQL is back
    if (wanted.length === 0) return yield* base.refresh(address, wanted)
    if (gaveUp !== undefined && now() - gaveUp.at < 1000) return yield* Effect.fail(gaveUp.error)
    const began = now()
    while (true) {
      const refreshed = yield* Effect.result(attemptRefresh(address, wanted))
      if (refreshed._tag === "Success") return refreshed.success
      const trusted = kept(wanted).filter((shard) => now() < trustedUntil(shard))
      if (trusted.length === 0) {
        gaveUp = { at: now(), error: refreshed.failure }
        return yield* Effect.fail(refreshed.failure)
      }
      // the next refresh comes in time to act on: until then these are ours
      if (Math.min(...trusted.map(trustedUntil)) >= began + interval + attempt) return trusted
      yield* Effect.sleep(RETRY_MILLIS)
    }
  })

  let last: ReadonlyArray<readonly [Runner.Runner, boolean]> = []
  let failing = false
  let completeUntil = 0
  const own = config.runnerAddress
  const getRunners: Storage["getRunners"] = base.getRunners.pipe(
    Effect.tapError(() =>
      Effect.sync(() => {
        failing = true
      })
    ),
    Effect.timeoutOrElse({
      duration: "2 seconds",
      orElse: () =>
        Effect.suspend(() => {
          failing = true
          return Effect.fail(new ClusterError.PersistenceError({ cause: new Error("PostgreSQL does not answer") }))
        })
    }),
    Effect.tap(() => {
      if (!failing) return Effect.void
      failing = false
      completeUntil = now() + HEARTBEAT_GRACE_MILLIS
      // an empty refresh is a heartbeat and nothing else
      return own._tag === "None" ? Effect.void : Effect.ignore(base.refresh(own.value, []))
    }),
    Effect.map((fresh) => {
      const known = new Set(fresh.map(([runner]) => runner.address.toString()))
      const silent = now() < completeUntil ? last.filter(([runner]) => !known.has(runner.address.toString())) : []
      const all = [...fresh, ...silent]
      last = all
      return all
    })
  )

  // before PostgreSQL hears of it: from then on nobody here may take it for held
  const giveBack = (shard: string) => {
    released.add(shard)
    confirmed.delete(shard)
  }

  return RunnerStorage.RunnerStorage.of({
    ...base,
    getRunners,
    acquire,
    refresh,
    release: (address, shard) =>
      Effect.suspend(() => {
        giveBack(shard.toString())
        return base.release(address, shard)
      }),
    releaseAll: (address) =>
      Effect.suspend(() => {
        for (const shard of asked) giveBack(shard)
        return base.releaseAll(address)
      })
  })
}

/**
 * Registry and locks in the given database, in tables of their own (`cluster_…`), made if they are not there. One of the
 * client's connections is held for the locks: it needs three at least.
 */
export const layer: Layer.Layer<
  RunnerStorage.RunnerStorage,
  SqlError.SqlError,
  SqlClient.SqlClient | ShardingConfig.ShardingConfig
> = Layer.effect(
  RunnerStorage.RunnerStorage,
  Effect.gen(function* () {
    const config = yield* ShardingConfig.ShardingConfig
    const base = yield* SqlRunnerStorage.make({})
    // whoever comes sweeps out those who died: unregistering removes every row whose heartbeat has expired
    if (config.runnerAddress._tag === "Some") yield* Effect.ignore(base.unregister(config.runnerAddress.value))
    return tolerant(base, config, yield* Clock.Clock)
  })
)
