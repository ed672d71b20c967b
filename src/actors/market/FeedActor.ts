/**
 * The feed of a cluster: an entity with one owner, so that one connection to the vendor is open (rpc/feed.ts). It plays for as
 * long as its owner lives, tells everybody a few times a second where it stands (`feed.clock`), and answers for what it lists
 * and knows of the past. The singleton beside it sees to it that it plays although nobody asks.
 */
import { Effect, Exit, Layer, Schedule, Scope } from "effect"
import { type Sharding, Singleton } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { FEED_ID, MarketFeed } from "../../rpc/feed.ts"
import { Unavailable } from "../../rpc/market.ts"
import { feedClockTopic, WORKER_SHARDS } from "../../rpc/topics.ts"
import { asked } from "../kernel/asked.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { Feed } from "./Feed.ts"

/** A clock this old says that the feed is gone (RemoteFeed). */
export const CLOCK_MILLIS = 250
const ASK_DEADLINE = "2 seconds"

/** Says where the feed stands for as long as the Scope is open. */
const tellClock = Effect.gen(function* () {
  const feed = yield* Feed
  const bus = yield* Bus
  const tell = Effect.gen(function* () {
    const { malformed, marketTime, speed, state, ticks } = yield* feed.status
    yield* bus.publish(feedClockTopic, {
      state,
      marketTime,
      publishedUpTo: feed.publishedUpTo(),
      speed,
      ticks,
      malformed
    })
  })
  const told = Effect.catchCause(tell, (cause) => Effect.logError("The feed's clock could not be told", cause))
  yield* Effect.forkScoped(Effect.repeat(told, Schedule.spaced(CLOCK_MILLIS)))
})

/** Tries again until it plays; what a try that failed had opened is closed before the next. */
const untilPlaying = Effect.fnUntraced(function* <E, R>(playing: Effect.Effect<typeof Feed.Service, E, R>) {
  const parent = yield* Effect.scope
  const attempt = Effect.flatMap(Scope.fork(parent), (scope) =>
    Effect.onExit(Scope.provide(playing, scope), (exit) =>
      Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)
    )
  )
  while (true) {
    const exit = yield* Effect.exit(attempt)
    if (Exit.isSuccess(exit)) return exit.value
    yield* Effect.logError("The feed cannot be made, will try again", exit.cause)
    yield* Effect.sleep("2 seconds")
  }
})

/**
 * `playing`: a feed that plays for as long as its Scope is open, made anew each time this node becomes its owner.
 * It is logged and tried again when it cannot be made.
 */
const entity = <E, R>(playing: Effect.Effect<typeof Feed.Service, E, R | Scope.Scope>) =>
  MarketFeed.toLayer(
    Effect.gen(function* () {
      const gauges = yield* Gauges
      yield* gauges.track("actors_active", 'kind="feed"')
      const feed = yield* untilPlaying(playing)
      yield* Effect.provideService(tellClock, Feed, feed)
      const { adapter, label, listings, runId, source } = feed
      const history = (error: { readonly message: string }) =>
        new Unavailable({ what: "history", retryAfterMillis: 1_000, message: error.message })
      return MarketFeed.of({
        Describe: () => Effect.succeed({ adapter, label, runId, source, listings }),
        Status: () => feed.status,
        History: ({ payload }) => Rpc.fork(Effect.mapError(feed.history(payload), history))
      })
    }),
    // the starter asks every second: it never sleeps
    { maxIdleTime: "1 hour", disableFatalDefects: true }
  )

/** Once in the cluster: asks for the feed every second, and so starts it wherever it belongs. */
const starter: Layer.Layer<never, never, Sharding.Sharding> = Layer.unwrap(
  Effect.map(MarketFeed.client, (client) =>
    Singleton.make(
      "market-feed",
      client(FEED_ID)
        .Status()
        .pipe(
          asked("feed", ASK_DEADLINE, (why) => why),
          // whatever an owner on its way out answers, the next one is asked too
          Effect.exit,
          Effect.repeat(Schedule.spaced("1 second")),
          Effect.asVoid
        ),
      { shardGroup: WORKER_SHARDS }
    )
  )
)

export const FeedActor = {
  layer: <E, R>(playing: Effect.Effect<typeof Feed.Service, E, R | Scope.Scope>) =>
    Layer.merge(entity(playing), starter)
}
