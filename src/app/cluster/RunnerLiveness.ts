/**
 * Which runners are there: NATS knows. A process that dies closes its connection, its subscriptions vanish, and the next ping of
 * it is answered "no responders" by nats-server itself. Every runner pings the others; Sharding's own health check
 * is a singleton that may have lived on the runner that died.
 *
 * Only "no responders" proves that a runner is gone. A time-out or a NATS that is away proves nothing about it: a
 * frozen owner is left to the expiration of its locks in PostgreSQL.
 */
import { errors } from "@nats-io/transport-node"
import { Effect, Layer, Option, Schedule } from "effect"
import { type RunnerAddress, RunnerHealth, RunnerStorage, ShardingConfig } from "effect/cluster"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Nats } from "../nats/NatsConnection.ts"

/** Short: a time-out proves nothing, and a ping that its receiver took to its grave holds up the next. */
const PING_TIMEOUT_MILLIS = 300
/** A runner is asked again before it is said to be gone. */
const SECOND_PING_MILLIS = 100
const CHECK_MILLIS = 250
/** After NATS was away: time for the others to be back there as well. */
const AFTER_RECONNECT_MILLIS = 3000
/** Checks in a row that a runner must hear itself before it puts itself back in service. */
const CHECKS_TO_RETURN = 4

const token = (text: string): string => text.replace(/[^A-Za-z0-9_-]/g, "_")

/** Where a runner is reached: `.dial` for connections (NatsSocket), `.ping` for this. */
export const runnerSubject = (prefix: string, address: RunnerAddress.RunnerAddress): string =>
  `${prefix}.runner.${token(address.host)}.${address.port}`

type Answer = "alive" | "gone" | "unknown"

const isNoResponders = (error: unknown): boolean =>
  error instanceof errors.NoRespondersError || (error instanceof errors.RequestError && error.isNoResponders())

const ping = (nats: Nats["Service"], prefix: string, address: RunnerAddress.RunnerAddress): Effect.Effect<Answer> =>
  Effect.tryPromise({
    try: () =>
      nats.connection.request(`${runnerSubject(prefix, address)}.ping`, undefined, { timeout: PING_TIMEOUT_MILLIS }),
    catch: (error) => error
  }).pipe(
    Effect.as<Answer>("alive"),
    Effect.catch((error) => Effect.succeed<Answer>(isNoResponders(error) ? "gone" : "unknown"))
  )

export const layerHealth = (prefix: string): Layer.Layer<RunnerHealth.RunnerHealth, never, Nats> =>
  Layer.effect(
    RunnerHealth.RunnerHealth,
    Effect.map(Nats, (nats) => {
      const answer = (address: RunnerAddress.RunnerAddress) => ping(nats, prefix, address)
      return RunnerHealth.RunnerHealth.of({
        isAlive: (address) =>
          Effect.flatMap(answer(address), (first) =>
            first === "gone"
              ? Effect.map(Effect.delay(answer(address), SECOND_PING_MILLIS), (second) => second !== "gone")
              : Effect.succeed(true)
          )
      })
    })
  )

/** Answers pings of this runner. Before it registers, and until it has handed everything over. */
export const layerResponder = (prefix: string): Layer.Layer<never, never, Nats | ShardingConfig.ShardingConfig> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const nats = yield* Nats
      const { runnerAddress } = yield* ShardingConfig.ShardingConfig
      if (Option.isNone(runnerAddress)) return
      yield* nats.subscribe(`${runnerSubject(prefix, runnerAddress.value)}.ping`, (message) => void message.respond())
    })
  )

/** Marks runners that are gone, so that their shards move at once, and removes them when their heartbeat has expired. */
export const layerDetector = (
  prefix: string
): Layer.Layer<
  never,
  never,
  Nats | Gauges | ShardingConfig.ShardingConfig | RunnerStorage.RunnerStorage | RunnerHealth.RunnerHealth
> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const nats = yield* Nats
      const gauges = yield* Gauges
      const storage = yield* RunnerStorage.RunnerStorage
      const health = yield* RunnerHealth.RunnerHealth
      const { runnerAddress } = yield* ShardingConfig.ShardingConfig
      if (Option.isNone(runnerAddress)) return
      const self = runnerAddress.value

      let holdUntil = 0
      yield* nats.onReconnect(() => {
        holdUntil = Date.now() + AFTER_RECONNECT_MILLIS
      })
      let heard = 0
      let listed = new Map<string, RunnerAddress.RunnerAddress>()

      const gone = Effect.fnUntraced(function* (address: RunnerAddress.RunnerAddress) {
        if (yield* health.isAlive(address)) return
        gauges.add("runners_lost_total", 1)
        yield* Effect.logWarning("A runner is gone; its shards move", { runner: address.toString() })
        yield* storage.setRunnerHealth(address, false)
      })

      const check = Effect.gen(function* () {
        const runners = yield* storage.getRunners
        const before = listed
        listed = new Map(runners.map(([{ address }]) => [address.toString(), address]))
        for (const [name, address] of before) if (!listed.has(name)) yield* storage.unregister(address)
        if (!nats.connected() || Date.now() < holdUntil) return

        const own = runners.find(([{ address }]) => address.toString() === self.toString())
        if (own !== undefined && !own[1]) {
          // taken for gone, as after a break of this node's connection to NATS: back once it hears itself for a while
          heard = (yield* ping(nats, prefix, self)) === "alive" ? heard + 1 : 0
          if (heard >= CHECKS_TO_RETURN) yield* storage.setRunnerHealth(self, true)
        } else heard = 0

        const healthy = runners.filter(([, isHealthy]) => isHealthy)
        // the last one is left as it is: Sharding would not get out of a registry without a healthy runner
        if (healthy.length <= 1) return
        yield* Effect.forEach(
          healthy.filter(([{ address }]) => address.toString() !== self.toString()),
          ([{ address }]) => gone(address),
          { concurrency: 16, discard: true }
        )
      })

      yield* check.pipe(
        Effect.catchCause((cause) => Effect.logDebug("The runners could not be checked", cause)),
        Effect.repeat(Schedule.spaced(CHECK_MILLIS)),
        Effect.forkScoped
      )
    })
  )
