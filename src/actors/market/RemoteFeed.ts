/**
 * The feed of a node that does not run it: what it lists is asked of the feed's actor once, where it stands is heard on
 * `feed.clock`, what it knows of the past is asked each time. When its clock falls silent, everybody on this node is told that
 * the feed is down, and that it is live when it speaks again.
 */
import { Clock, Effect, Layer, Schedule } from "effect"
import type { Sharding } from "effect/cluster"
import { FEED_ID, MarketFeed } from "../../rpc/feed.ts"
import type { FeedStatus } from "../../rpc/market.ts"
import { type FeedClock, type FeedLiveness, feedClockTopic, feedTopic } from "../../rpc/topics.ts"
import { asked } from "../kernel/asked.ts"
import { makeAwakeTime } from "../kernel/awake.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { type BarQuery, Feed, FeedError } from "./Feed.ts"

/** So long without a word the feed, or the way to it, is down. */
const SILENCE_MILLIS = 2_000
const LOOK_MILLIS = 250
const ASK_DEADLINE = "5 seconds"
const DESCRIBE_DEADLINE = "2 seconds"

interface Heard {
  readonly clock: FeedClock
  /** Monotonic, ms. */
  readonly at: number
  /** Of this process's time awake, ms. */
  readonly awake: number
}

const make = Effect.gen(function* () {
  const bus = yield* Bus
  const gauges = yield* Gauges
  const clock = yield* Clock.Clock
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const ask = (yield* MarketFeed.client)(FEED_ID)

  const awake = makeAwakeTime(LOOK_MILLIS, monotonic)
  let heard: Heard | undefined
  yield* bus.subscribe(feedClockTopic, (news) => {
    heard = { clock: news, at: monotonic(), awake: awake.time() }
  })

  const described = yield* ask.Describe().pipe(
    asked("feed", DESCRIBE_DEADLINE, (why) => why),
    Effect.tapError(({ message }) => Effect.logInfo("Waiting for the feed's node", { reason: message })),
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.orDie
  )

  const isSilent = () => awake.look() - (heard?.awake ?? Number.NEGATIVE_INFINITY) > SILENCE_MILLIS

  const tellLiveness = Effect.gen(function* () {
    let told: FeedLiveness["state"] | undefined
    while (true) {
      const state = isSilent() || heard?.clock.state === "down" ? "feed-down" : "live"
      if (state !== told) {
        // the first word is not news, unless it is bad
        if (told !== undefined || state === "feed-down") {
          yield* bus.publish(feedTopic, { state, since: clock.currentTimeMillisUnsafe() })
          yield* Effect.logInfo(state === "live" ? "The feed is live" : "The feed is silent: values are stale")
        }
        told = state
        gauges.set("feed_up", state === "live" ? 1 : 0)
      }
      yield* Effect.sleep(LOOK_MILLIS)
    }
  })
  // a moment for the first word
  yield* Effect.forkScoped(Effect.andThen(Effect.sleep(SILENCE_MILLIS), tellLiveness))

  /** Between two words it goes on at the feed's speed; while it is silent it stands still. */
  const marketTime = (): number => {
    if (heard === undefined) return 0
    const { at, clock: said } = heard
    const passed = said.state === "live" ? Math.min(monotonic() - at, SILENCE_MILLIS) : 0
    return said.marketTime + Math.floor(passed * said.speed)
  }

  return Feed.of({
    adapter: described.adapter,
    label: described.label,
    runId: described.runId,
    source: described.source,
    listings: described.listings,
    marketTime,
    publishedUpTo: () => heard?.clock.publishedUpTo ?? Number.NEGATIVE_INFINITY,
    run: Effect.never,
    status: ask.Status().pipe(
      asked("feed", DESCRIBE_DEADLINE, (why) => `the feed's node does not answer (${why})`),
      Effect.catch(({ message }) =>
        Effect.sync((): FeedStatus => {
          const last = heard?.clock
          return {
            label: described.label,
            adapter: described.adapter,
            state: "down",
            detail: message,
            marketTime: marketTime(),
            speed: last?.speed ?? 0,
            symbols: described.listings.length,
            ticks: last?.ticks ?? 0,
            malformed: last?.malformed ?? 0
          }
        })
      )
    ),
    history: (query) =>
      ask.History(bounded(query)).pipe(
        asked("history", ASK_DEADLINE, (why) => `The feed's node does not tell its history (${why}): try again`),
        Effect.mapError(({ message }) => new FeedError({ adapter: described.adapter, message }))
      )
  })
})

/** No bound is left out: infinity is no whole number on the wire. */
const bounded = ({ before, from, interval, limit, symbol, to }: BarQuery) => {
  const finite = (time: number | undefined) => (time !== undefined && Number.isFinite(time) ? time : undefined)
  return { symbol, interval, limit, from: finite(from), to: finite(to), before: finite(before) }
}

export const RemoteFeed: { readonly layer: Layer.Layer<Feed, never, Bus | Gauges | Sharding.Sharding> } = {
  layer: Layer.effect(Feed, make)
}
