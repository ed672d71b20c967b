/**
 * Symbols → slots: one bus subscription per watched symbol per node, reference-counted, whatever the number of sessions (M1).
 * Comes from: `quotes.<symbol>` on the bus (TickerActor); while an actor is still cold, from QuoteCache. Goes to: WatchStream.mark, one call per watching stream.
 */
import { Context, Effect, type Fiber, FiberSet, identity, Latch, Layer, Option, Schedule, Semaphore } from "effect"
import { quotesTopic, TICK_SHARDS, tickShard } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { QuoteCache } from "../kernel/QuoteCache.ts"
import { TimingWheel } from "../kernel/TimingWheel.ts"
import { makeOwnerWatch } from "./OwnerWatch.ts"
import { Tickers } from "./Tickers.ts"
import { type Slot, Topic } from "./Topic.ts"
import type { WatchStream } from "./WatchStream.ts"

const retrySnapshot = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")])
const OWNER_GONE_PAUSE = "20 millis"
/** Snapshots under way per shard: an owner that does not answer holds up its own symbols only. */
const ASKED_AT_ONCE = 2
const FEEDER_PAUSE = "1 second"

interface Watched {
  readonly topic: Topic
  /** Opened to have the actor asked again where it stands. */
  readonly again: Latch.Latch
}

export class QuoteHub extends Context.Service<
  QuoteHub,
  {
    /** Adds the symbol to the stream's set; the first watcher of a symbol on this node opens its topic. */
    readonly attach: (symbol: string, stream: WatchStream) => Slot
    /** Takes it out: from here on the stream hears nothing of it. The last watcher closes the topic. */
    readonly detach: (slot: Slot) => void
  }
>()("lzstock/actors/sessions/QuoteHub") {
  static readonly layer: Layer.Layer<QuoteHub, never, Bus | Gauges | QuoteCache | Tickers | TimingWheel> = Layer.effect(
    QuoteHub,
    Effect.gen(function* () {
      const bus = yield* Bus
      const cache = yield* QuoteCache
      const gauges = yield* Gauges
      const tickers = yield* Tickers
      const wheel = yield* TimingWheel
      const topics = new Map<string, Watched & { readonly feeder: Fiber.Fiber<never> }>()
      const run = yield* FiberSet.runtime(yield* FiberSet.make<never>())()

      yield* bus.onLoss(() => {
        for (const { again } of topics.values()) again.openUnsafe()
      })
      const owners = yield* makeOwnerWatch(bus, wheel.now, (shard) => {
        for (const { again, topic } of topics.values()) {
          if (tickShard(topic.symbol) !== shard) continue
          topic.lose(wheel.now())
          again.openUnsafe()
        }
      })

      /** A session that opens a thousand symbols must not hold the node up with a thousand answers at once. */
      const turns = Array.from({ length: TICK_SHARDS }, () => Semaphore.makeUnsafe(ASKED_AT_ONCE))
      const asking = (symbol: string) => turns[tickShard(symbol)]?.withPermit ?? identity

      /** Something to show until the actor answers. */
      const bridge = (topic: Topic) =>
        Effect.map(cache.get(topic.symbol), (cached) => {
          if (Option.isSome(cached)) topic.offer(cached.value, wheel.now())
        })

      /** Lives as long as the topic has watchers. Capture position first (subscribe), load state second (F5). */
      const feed = ({ again, topic }: Watched) =>
        Effect.scoped(
          Effect.gen(function* () {
            yield* asking(topic.symbol)(
              bus.subscribe(quotesTopic(topic.symbol), (update) => {
                topic.accept(update, wheel.now())
              })
            )
            yield* Effect.forkScoped(bridge(topic))
            while (true) {
              // before asking: what opens it meanwhile is not in the answer
              again.closeUnsafe()
              const snapshot = yield* asking(topic.symbol)(tickers.snapshot(topic.symbol)).pipe(
                Effect.tapError(() => Effect.sync(() => topic.lose(wheel.now()))),
                Effect.retry(retrySnapshot)
              )
              topic.confirm(snapshot, wheel.now())
              owners.served(tickShard(topic.symbol))
              // ends when the owner goes: ask whoever owns the symbol next where it stands. A planned change of owner is over
              // before anybody need be told; one that is not comes as an error of the snapshot, or as silence (OwnerWatch)
              yield* Effect.raceFirst(Effect.exit(tickers.hold(topic.symbol)), again.await)
              yield* Effect.sleep(OWNER_GONE_PAUSE)
            }
          })
        ).pipe(
          // a topic in the map without its feeder would be silent for good
          Effect.catchCause((cause) => {
            gauges.add("hub_feeder_failures_total", 1)
            topic.lose(wheel.now())
            return Effect.andThen(
              Effect.logError(
                "The feeder of a watched symbol failed, starting it again",
                { symbol: topic.symbol },
                cause
              ),
              Effect.sleep(FEEDER_PAUSE)
            )
          }),
          Effect.forever
        )

      return QuoteHub.of({
        attach: (symbol, stream) => {
          let entry = topics.get(symbol)
          if (entry === undefined) {
            const watched: Watched = { topic: new Topic(symbol), again: Latch.makeUnsafe(false) }
            entry = { ...watched, feeder: run(feed(watched)) }
            topics.set(symbol, entry)
            gauges.add("watched_symbols_active", 1)
          }
          gauges.add("watched_slots_active", 1)
          return entry.topic.attach(stream)
        },
        detach: (slot) => {
          if (slot.index < 0) return
          const { topic } = slot
          topic.detach(slot)
          gauges.add("watched_slots_active", -1)
          const entry = topics.get(topic.symbol)
          if (topic.slots.length > 0 || entry?.topic !== topic) return
          topics.delete(topic.symbol)
          gauges.add("watched_symbols_active", -1)
          entry.feeder.interruptUnsafe()
        }
      })
    })
  )
}
