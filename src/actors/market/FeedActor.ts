/**
 * The feed of a cluster: an entity with one owner, so that one connection to the vendor is open (rpc/feed.ts). It plays for as
 * long as its owner lives, tells everybody a few times a second where it stands (`feed.clock`), and answers for what it lists
 * and knows of the past. The singleton beside it sees to it that it plays although nobody asks.
 */
import { Effect, Layer, Schedule, type Scope } from "effect"
import { type Sharding, Singleton } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { FEED_ID, MarketFeed } from "../../rpc/feed.ts"
import { Unavailable } from "../../rpc/market.ts"
import { feedClockTopic, WORKER_SHARDS } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { Feed } from "./Feed.ts"

/** A clock this old says that the feed is gone (RemoteFeed). */
export const CLOCK_MILLIS = 250
const ASK_DEADLINE = "2 seconds"

/** Says where the feed stands for as long as the Scope is open, once more at its end. */
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
  yield* Effect.forkScoped(Effect.repeat(tell, Schedule.spaced(CLOCK_MILLIS)))
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
      const feed = yield* Effect.retry(
        Effect.tapCause(playing, (cause) => Effect.logError("The feed cannot be made, will try again", cause)),
        Schedule.spaced("2 seconds")
      ).pipe(Effect.orDie)
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
        .pipe(Effect.timeout(ASK_DEADLINE), Effect.ignore, Effect.repeat(Schedule.spaced("1 second")), Effect.asVoid),
      { shardGroup: WORKER_SHARDS }
    )
  )
)

export const FeedActor = {
  layer: <E, R>(playing: Effect.Effect<typeof Feed.Service, E, R | Scope.Scope>) =>
    Layer.merge(entity(playing), starter)
}
