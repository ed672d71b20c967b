/**
 * Keeps the feed running: again after a failure, with growing pauses. Every watcher is told when it fails, and that it is
 * live once it delivers what they have not seen yet. A recording that reached its end is no failure: the server stays up
 * with the day as it was.
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

/** How often a starting feed is asked whether it delivers. */
const ASK_MILLIS = 100

/** Runs the feed beside everything else for as long as the Scope is open. */
export const layerRunFeed: Layer.Layer<never, never, Bus | Feed | Gauges> = Layer.effectDiscard(
  Effect.gen(function* () {
    const feed = yield* Feed
    const bus = yield* Bus
    const gauges = yield* Gauges
    let told: "live" | "feed-down" | undefined
    const tell = Effect.fnUntraced(function* (state: "live" | "feed-down") {
      if (state === told) return
      told = state
      const since = yield* Clock.currentTimeMillis
      gauges.set("feed_up", state === "live" ? 1 : 0)
      yield* bus.publish(feedTopic, { state, since })
    })

    /**
     * Up to where it had published when it last failed. A recording that is broken in the middle plays up to there again at each
     * try: that is not live.
     */
    let reached = Number.NEGATIVE_INFINITY
    const tellOnceLive = Effect.gen(function* () {
      while ((yield* feed.status).state !== "live" || feed.publishedUpTo() <= reached) yield* Effect.sleep(ASK_MILLIS)
      yield* tell("live")
    })

    const keepRunning = Effect.gen(function* () {
      let failures = 0
      for (;;) {
        const started = yield* Clock.currentTimeMillis
        const exit = yield* Effect.exit(Effect.raceFirst(feed.run, Effect.andThen(tellOnceLive, Effect.never)))
        if (Exit.isSuccess(exit)) {
          yield* tell("live")
          return yield* Effect.logInfo("The feed reached its end", { adapter: feed.adapter })
        }
        if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
        reached = Math.max(reached, feed.publishedUpTo())
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
