import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Option, Redacted, Schedule, Stream } from "effect"
import { ClusterError, Runner, RunnerAddress, RunnerStorage, ShardId, ShardingConfig } from "effect/cluster"
import { TestClock } from "effect/testing"
import { describe, vi } from "vitest"
import { agreed, ids } from "../../../test/support/clusterAnswers.ts"
import { type NodeOptions, startNode } from "../../../test/support/clusterNodes.ts"
import { freshPrefix, ownServices } from "../../../test/support/services.ts"
import { TICK_SHARDS } from "../../rpc/topics.ts"
import { tolerant } from "./ShardLocks.ts"

const EXPIRATION = 9000
const INTERVAL = EXPIRATION / 3
const TRUST = EXPIRATION * 0.9

const self = RunnerAddress.make("self", 1)
const shards = [1, 2, 3].map((id) => ShardId.make("market", id))
const config: ShardingConfig.ShardingConfig["Service"] = {
  ...ShardingConfig.defaults,
  runnerAddress: Option.some(self),
  shardLockExpiration: EXPIRATION,
  shardLockRefreshInterval: INTERVAL
}

const names = (all: ReadonlyArray<ShardId.ShardId>) => all.map(String).sort()
const runner = (host: string) => Runner.make({ address: RunnerAddress.make(host, 1), groups: ["market"], weight: 1 })

/** SqlRunnerStorage as it would be, by hand. */
const scripted = Effect.gen(function* () {
  const memory = yield* RunnerStorage.makeMemory
  const state = {
    postgres: "up" as "up" | "down" | "hangs",
    /** Locks of this session, and of others. */
    held: new Set<string>(),
    taken: new Set<string>(),
    runners: [runner("self"), runner("other")],
    calls: 0,
    /** What an answer takes, once PostgreSQL has done what it was asked, ms. */
    answersAfter: 0,
    heartbeats: 0
  }
  const away = new ClusterError.PersistenceError({ cause: new Error("away") })
  const answer = <A>(value: () => A): Effect.Effect<A, ClusterError.PersistenceError> =>
    Effect.suspend(() => {
      state.calls++
      if (state.postgres === "hangs") return Effect.never
      if (state.postgres === "down") return Effect.fail(away)
      const answered = value()
      return state.answersAfter === 0
        ? Effect.succeed(answered)
        : Effect.delay(Effect.succeed(answered), state.answersAfter)
    })
  const base = RunnerStorage.RunnerStorage.of({
    ...memory,
    getRunners: Effect.suspend(() => answer(() => state.runners.map((each) => [each, true] as const))),
    acquire: (_, wanted) =>
      answer(() => {
        const got = Array.from(wanted).filter((shard) => !state.taken.has(String(shard)))
        for (const shard of got) state.held.add(String(shard))
        return got
      }),
    release: (_, shard) => answer(() => void state.held.delete(String(shard))),
    releaseAll: () => answer(() => state.held.clear()),
    refresh: (_, asked) =>
      answer(() => {
        const all = Array.from(asked)
        if (all.length === 0) state.heartbeats++
        return all.filter((shard) => state.held.has(String(shard)))
      })
  })
  const clock = yield* Clock.Clock
  // a wall clock that stands still: nothing here is told by it
  const stopped = new Proxy(clock, {
    get: (target, key) => (key === "currentTimeMillisUnsafe" ? () => 0 : Reflect.get(target, key, target))
  })
  return { state, locks: tolerant(base, config, stopped) }
})

describe("shard locks", () => {
  for (const trouble of ["down", "hangs"] as const) {
    it.effect(
      `are trusted while PostgreSQL ${trouble === "down" ? "is down" : "hangs"}, but not for longer than a margin before they expire`,
      () =>
        Effect.gen(function* () {
          const { locks, state } = yield* scripted
          assert.deepEqual(names(yield* locks.acquire(self, shards)), names(shards))
          state.postgres = trouble
          yield* TestClock.adjust(INTERVAL)
          const first = yield* Effect.forkChild(locks.refresh(self, shards), { startImmediately: true })
          yield* TestClock.adjust(INTERVAL / 2)
          assert.deepEqual(names(yield* Fiber.join(first)), names(shards))
          yield* TestClock.adjust(INTERVAL / 2)
          // the next would come too late: this one goes on trying
          const second = yield* Effect.forkChild(Effect.exit(locks.refresh(self, shards)), { startImmediately: true })
          yield* TestClock.adjust(TRUST - 2 * INTERVAL - 100)
          assert.isUndefined(second.pollUnsafe())
          yield* TestClock.adjust(150)
          assert.isTrue(Exit.isFailure(yield* Fiber.join(second)))
          // Sharding asks again at once: told at once
          const { calls } = state
          assert.isTrue(Exit.isFailure(yield* Effect.exit(locks.refresh(self, shards))))
          assert.strictEqual(state.calls, calls)
          // until PostgreSQL has answered something
          state.postgres = "up"
          yield* locks.acquire(self, shards)
          assert.deepEqual(names(yield* locks.refresh(self, shards)), names(shards))
        })
    )
  }

  it.effect("are confirmed again when PostgreSQL is back in time", () =>
    Effect.gen(function* () {
      const { locks, state } = yield* scripted
      yield* locks.acquire(self, shards)
      state.postgres = "down"
      yield* TestClock.adjust(2 * INTERVAL)
      const refreshing = yield* Effect.forkChild(locks.refresh(self, shards), { startImmediately: true })
      yield* TestClock.adjust(200)
      state.postgres = "up"
      yield* TestClock.adjust(200)
      assert.deepEqual(names(yield* Fiber.join(refreshing)), names(shards))
      // and trusted from then on
      state.postgres = "down"
      yield* TestClock.adjust(INTERVAL)
      assert.deepEqual(names(yield* locks.refresh(self, shards)), names(shards))
    })
  )

  it.effect("that went with their session are taken again, those that somebody else has are lost", () =>
    Effect.gen(function* () {
      const { locks, state } = yield* scripted
      yield* locks.acquire(self, shards)
      state.held.clear()
      yield* TestClock.adjust(INTERVAL)
      assert.deepEqual(names(yield* locks.refresh(self, shards)), names(shards))
      state.held.clear()
      state.taken.add(String(shards[0]))
      const refreshing = yield* Effect.forkChild(locks.refresh(self, shards), { startImmediately: true })
      yield* TestClock.adjust(INTERVAL / 2)
      assert.deepEqual(names(yield* Fiber.join(refreshing)), names(shards.slice(1)))
    })
  )

  it.effect("are not trusted by a process that slept through their expiration", () =>
    Effect.gen(function* () {
      const { locks, state } = yield* scripted
      yield* locks.acquire(self, shards)
      state.postgres = "down"
      yield* TestClock.adjust(EXPIRATION)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(locks.refresh(self, shards))))
      // nor taken again unnoticed: somebody may have had them meanwhile
      state.postgres = "up"
      state.held.clear()
      yield* TestClock.adjust(1000)
      assert.deepEqual(yield* locks.refresh(self, shards), [])
    })
  )

  for (const bulk of [false, true]) {
    it.effect(`that are given back ${bulk ? "all at once " : ""}are not taken again by a refresh meanwhile`, () =>
      Effect.gen(function* () {
        const { locks, state } = yield* scripted
        yield* locks.acquire(self, shards)
        // PostgreSQL has unlocked, and its answer is on its way
        state.answersAfter = 100
        const release = bulk ? locks.releaseAll(self) : Effect.forEach(shards, (shard) => locks.release(self, shard))
        const releasing = yield* Effect.forkChild(release, { startImmediately: true })
        const refreshing = yield* Effect.forkChild(locks.refresh(self, shards), { startImmediately: true })
        yield* TestClock.adjust(1000)
        yield* Fiber.join(releasing)
        yield* Fiber.join(refreshing)
        assert.deepEqual([...state.held], [])
        // until Sharding wants them again
        const acquiring = yield* Effect.forkChild(locks.acquire(self, shards), { startImmediately: true })
        yield* TestClock.adjust(100)
        assert.deepEqual(names(yield* Fiber.join(acquiring)), names(shards))
        assert.strictEqual(state.held.size, shards.length)
      })
    )

    it.effect(`that a refresh is just taking again go back when they are given back ${bulk ? "all at once" : ""}`, () =>
      Effect.gen(function* () {
        const { locks, state } = yield* scripted
        yield* locks.acquire(self, shards)
        // gone with their session: the refresh takes them anew
        state.held.clear()
        state.answersAfter = 100
        const refreshing = yield* Effect.forkChild(locks.refresh(self, shards), { startImmediately: true })
        yield* TestClock.adjust(50)
        // it has been told that they are gone, or it has them and was not told yet
        const release = bulk ? locks.releaseAll(self) : Effect.forEach(shards, (shard) => locks.release(self, shard))
        const releasing = yield* Effect.forkChild(release, { startImmediately: true })
        yield* TestClock.adjust(3000)
        yield* Fiber.join(releasing)
        assert.deepEqual(yield* Fiber.join(refreshing), [])
        assert.deepEqual([...state.held], [])
      })
    )
  }

  it.effect("that were taken by an acquisition while they were given back go back too", () =>
    Effect.gen(function* () {
      const { locks, state } = yield* scripted
      state.answersAfter = 100
      const acquiring = yield* Effect.forkChild(locks.acquire(self, shards), { startImmediately: true })
      state.answersAfter = 0
      yield* locks.releaseAll(self)
      // PostgreSQL heard the two the other way round
      for (const shard of shards) state.held.add(String(shard))
      yield* TestClock.adjust(1000)
      assert.deepEqual(yield* Fiber.join(acquiring), [])
      assert.deepEqual([...state.held], [])
    })
  )

  it.effect("that are on their way here are waited for", () =>
    Effect.gen(function* () {
      const { locks, state } = yield* scripted
      state.taken.add(String(shards[1]))
      const acquiring = yield* Effect.forkChild(locks.acquire(self, shards), { startImmediately: true })
      yield* TestClock.adjust(200)
      assert.isUndefined(acquiring.pollUnsafe())
      state.taken.clear()
      yield* TestClock.adjust(100)
      assert.deepEqual(names(yield* Fiber.join(acquiring)), names(shards))

      state.taken.add(String(shards[2]))
      const another = yield* Effect.forkChild(locks.acquire(self, shards), { startImmediately: true })
      yield* TestClock.adjust(1000)
      assert.deepEqual(names(yield* Fiber.join(another)), names(shards.slice(0, 2)), "though not for ever")
    })
  )

  it.effect("the registry after an outage is that from before until all have had time to say that they live", () =>
    Effect.gen(function* () {
      const { locks, state } = yield* scripted
      const hosts = Effect.map(locks.getRunners, (runners) => runners.map(([{ address }]) => address.host).sort())
      assert.deepEqual(yield* hosts, ["other", "self"])
      state.postgres = "down"
      assert.isTrue(Exit.isFailure(yield* Effect.exit(hosts)))
      state.postgres = "up"
      state.runners = []
      assert.deepEqual(yield* hosts, ["other", "self"])
      assert.strictEqual(state.heartbeats, 1)
      state.runners = [runner("self")]
      yield* TestClock.adjust(1000)
      assert.deepEqual(yield* hosts, ["other", "self"])
      yield* TestClock.adjust(3000)
      assert.deepEqual(yield* hosts, ["self"])
    })
  )
})

/** A cluster on servers of its own. */
const breakable = Effect.gen(function* () {
  const own = yield* ownServices(["postgres", "nats"])
  const prefix = freshPrefix("locks")
  const start = (name: string, options?: Partial<NodeOptions>) =>
    startNode({ name, databaseUrl: own.databaseUrl, natsUrl: own.natsUrl, prefix, ...options })
  /** Done when so many locks are held in PostgreSQL. */
  const locked = (count: number) =>
    PgClient.PgClient.use(
      (sql) => sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'`
    ).pipe(
      Effect.provide(PgClient.layer({ url: Redacted.make(own.databaseUrl), maxConnections: 1 })),
      Effect.option,
      Effect.repeat({
        schedule: Schedule.spaced(50),
        until: (rows) => Option.isSome(rows) && rows.value[0]?.n === count
      })
    )
  return { start, control: own.control, locked }
})

// clusters come up and servers restart: seconds, more on a busy machine
vi.setConfig({ testTimeout: 60_000 })

describe("the cluster while PostgreSQL is away", () => {
  for (const [down, up] of [
    ["kill", "start"],
    ["pause", "continue"]
  ] as const) {
    it.live(`goes on through ${down} and ${up}: same owners, streams unbroken, and hands over after it`, () =>
      Effect.gen(function* () {
        const { control, locked, start } = yield* breakable
        const a = yield* start("a")
        const b = yield* start("b")
        const gateway = yield* start("gateway", { callsOnly: true })
        const owners = yield* agreed([a, b, gateway], ["a", "b"])
        const streams = yield* Effect.forEach(ids, (id) =>
          Effect.forkScoped(Effect.exit(Stream.runDrain(gateway.probe(id).Watch())))
        )
        yield* control("postgres", down)
        assert.deepEqual([...(yield* agreed([gateway, a], ["a", "b"]))], [...owners])
        yield* control("postgres", up)
        // the locks are confirmed or taken again, whatever became of the session
        yield* locked(TICK_SHARDS)
        assert.deepEqual([...(yield* agreed([gateway, b], ["a", "b"]))], [...owners])
        assert.isTrue(streams.every((stream) => stream.pollUnsafe() === undefined))
        yield* a.stop
        yield* agreed([b, gateway], ["b"])
      }).pipe(Effect.scoped)
    )
  }

  it.live("stops its actors before their locks may be somebody else's, and is back when PostgreSQL is", () =>
    Effect.gen(function* () {
      const { control, start } = yield* breakable
      const options = { lockExpirationMillis: 2000 }
      const a = yield* start("a", options)
      const b = yield* start("b", options)
      const gateway = yield* start("gateway", { callsOnly: true, ...options })
      const owners = yield* agreed([a, b, gateway], ["a", "b"])
      yield* control("postgres", "kill")
      for (const node of [a, b]) {
        yield* Effect.repeat(node.sharding.activeEntityCount, {
          schedule: Schedule.spaced(20),
          until: (count) => count === 0
        })
      }
      yield* control("postgres", "start")
      const after = yield* agreed([a, b, gateway], ["a", "b"])
      const first = Math.max(...[...owners.values()].map((owner) => owner?.start ?? 0))
      assert.isTrue([...after.values()].every((owner) => owner !== undefined && owner.start > first))
    }).pipe(Effect.scoped)
  )
})
