/**
 * Keeps the feed running: again after a failure, with growing pauses, telling every watcher in between. A recording that
 * reached its end is no failure: the server stays up with the day as it was.
 */
import { Cause, Clock, Effect, Exit, Layer } from "effect"
import { Bus } from "../../actors/kernel/Bus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { Feed } from "../../actors/market/Feed.ts"
import { feedTopic } from "../../rpc/topics.ts"

/** Half a second, doubling up to half a minute. */
export const pauseAfter = (failures: number): number => Math.min(30_000, 500 * 2 ** (failures - 1))

/** A run that lasted this long was healthy: the next failure counts as the first. */
const HEALTHY_MILLIS = 60_000

/** Runs the feed beside everything else for as long as the Scope is open. */
export const layerRunFeed: Layer.Layer<never, never, Bus | Feed | Gauges> = Layer.effectDiscard(
  Effect.gen(function* () {
    const feed = yield* Feed
    const bus = yield* Bus
    const gauges = yield* Gauges
    const tell = (state: "live" | "feed-down") =>
      Effect.flatMap(Clock.currentTimeMillis, (since) => {
        gauges.set("feed_up", state === "live" ? 1 : 0)
        return bus.publish(feedTopic, { state, since })
      })

    const keepRunning = Effect.gen(function* () {
      let failures = 0
      for (;;) {
        const started = yield* Clock.currentTimeMillis
        yield* tell("live")
        const exit = yield* Effect.exit(feed.run)
        if (Exit.isSuccess(exit)) return yield* Effect.logInfo("The feed reached its end", { adapter: feed.adapter })
        if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
        failures = (yield* Clock.currentTimeMillis) - started > HEALTHY_MILLIS ? 1 : failures + 1
        const pauseMillis = pauseAfter(failures)
        gauges.add("feed_failures_total", 1)
        yield* tell("feed-down")
        yield* Effect.logError("The feed failed and will be started again", { pauseMillis }, exit.cause)
        yield* Effect.sleep(pauseMillis)
      }
    })
    yield* Effect.forkScoped(keepRunning)
  })
)
