import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { ScriptedTicks } from "../../../test/support/scriptedTicks.ts"
import { freshPrefix, ownServices, services } from "../../../test/support/services.ts"
import { durable, everyShard, ownerNode, publisherNode } from "../../../test/support/tickNodes.ts"
import { busSuite } from "../../actors/kernel/Bus.suite.ts"
import { Bus } from "../../actors/kernel/Bus.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import { barsTopic, feedClockTopic, quotesTopic, tickShard, ticksTopic } from "../../rpc/topics.ts"
import { NatsBus } from "./NatsBus.ts"
import { Nats } from "./NatsConnection.ts"

/** A node: its own connection, its own gauges. */
const node = (url: string, prefix: string) =>
  Effect.map(
    Layer.build(
      NatsBus.layer({ prefix }).pipe(
        Layer.provideMerge(Nats.layer({ url: Redacted.make(url), name: "bus-test" })),
        Layer.provideMerge(Gauges.layer)
      )
    ),
    (built) => ({
      bus: Context.get(built, Bus),
      gauges: Context.get(built, Gauges),
      nats: Context.get(built, Nats)
    })
  ).pipe(Effect.orDie)

const shared = Effect.promise(services)

busSuite(
  "NATS, one node",
  Effect.gen(function* () {
    const { bus, gauges } = yield* node((yield* shared).natsUrl, freshPrefix("bus"))
    return { publisher: bus, subscriber: bus, gauges }
  }),
  { publisherWaits: false, knowsSubscribers: false }
)

busSuite(
  "NATS, two nodes",
  Effect.gen(function* () {
    const prefix = freshPrefix("bus")
    const { natsUrl } = yield* shared
    const one = yield* node(natsUrl, prefix)
    const two = yield* node(natsUrl, prefix)
    return { publisher: one.bus, subscriber: two.bus, gauges: two.gauges }
  }),
  { publisherWaits: false, knowsSubscribers: false }
)

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sync(condition), { until: (met) => met, schedule: Schedule.spaced("5 millis") })

const quote = (symbol: string, seq: number) => {
  const body = new TextEncoder().encode(`"s":"${symbol}","e":1,"q":${seq}`)
  return { symbol, epoch: 1, seq, exchangeTime: 2, ingestTime: 3, body }
}

describe("NatsBus", () => {
  it.live("carries quotes, also of a symbol with a dot, only to those of that symbol", () =>
    Effect.gen(function* () {
      const prefix = freshPrefix("bus")
      const { natsUrl } = yield* shared
      const one = yield* node(natsUrl, prefix)
      const two = yield* node(natsUrl, prefix)
      const heard: Array<string> = []
      for (const symbol of ["BRK", "BRK.B", "B"]) {
        yield* two.bus.subscribe(
          quotesTopic(symbol),
          (update) => void heard.push(`${symbol}: ${update.symbol} ${update.seq}`)
        )
      }
      yield* one.bus.publish(quotesTopic("BRK.B"), quote("BRK.B", 1))
      yield* one.bus.publish(quotesTopic("BRK"), quote("BRK", 2))
      yield* until(() => heard.length === 2)
      assert.deepEqual(heard, ["BRK.B: BRK.B 1", "BRK: BRK 2"])
    }).pipe(Effect.scoped)
  )

  it.live("keeps a quote's bytes in memory of their own, and not the whole read from the socket", () =>
    Effect.gen(function* () {
      const { bus } = yield* node((yield* shared).natsUrl, freshPrefix("bus"))
      const kept: Array<number> = []
      yield* bus.subscribe(quotesTopic("SPY"), ({ body }) => void kept.push(body.buffer.byteLength - body.byteLength))
      for (let seq = 1; seq <= 100; seq++) yield* bus.publish(quotesTopic("SPY"), quote("SPY", seq))
      yield* until(() => kept.length === 100)
      // the line before it
      assert.isBelow(Math.max(...kept), 100)
    }).pipe(Effect.scoped)
  )

  it.live("counts bytes that are no message of the topic, and goes on", () =>
    Effect.gen(function* () {
      const prefix = freshPrefix("bus")
      const { bus, gauges, nats } = yield* node((yield* shared).natsUrl, prefix)
      const heard: Array<unknown> = []
      const topics = [quotesTopic("SPY"), barsTopic("SPY"), feedClockTopic]
      yield* bus.subscribe(quotesTopic("SPY"), (message) => void heard.push(message.seq))
      yield* bus.subscribe(barsTopic("SPY"), (message) => void heard.push(message))
      yield* bus.subscribe(feedClockTopic, (message) => void heard.push(message))
      const garbage = [
        new Uint8Array(),
        Uint8Array.of(0xff, 0xfe, 10, 123),
        new TextEncoder().encode('{"a":1}\n'),
        "SPY 1 1 1 1\n{"
      ]
      for (const { name } of topics) {
        for (const bytes of garbage) nats.connection.publish(`${prefix}.${name}`, bytes)
      }
      yield* bus.publish(quotesTopic("SPY"), quote("SPY", 7))
      yield* until(() => heard.length > 0)
      yield* until(() => gauges.get("bus_messages_refused_total") === topics.length * garbage.length)
      assert.deepEqual(heard, [7])
    }).pipe(Effect.scoped)
  )

  it.live("opens one NATS subscription a topic, however many listen, and closes it with the last", () =>
    Effect.gen(function* () {
      const { bus, nats } = yield* node((yield* shared).natsUrl, freshPrefix("bus"))
      const open: Array<string> = []
      const { subscribe } = nats.connection
      nats.connection.subscribe = (subject, options) => {
        open.push(subject)
        const subscription = subscribe.call(nats.connection, subject, options)
        const { unsubscribe } = subscription
        subscription.unsubscribe = (max) => {
          open.splice(open.indexOf(subject), 1)
          unsubscribe.call(subscription, max)
        }
        return subscription
      }
      yield* Effect.scoped(
        Effect.gen(function* () {
          for (let n = 0; n < 5; n++) yield* bus.subscribe(quotesTopic("SPY"), () => {})
          yield* bus.subscribe(quotesTopic("AAPL"), () => {})
          assert.strictEqual(open.length, 2)
        })
      )
      assert.deepEqual(open, [])
    }).pipe(Effect.scoped)
  )

  it.live("takes no ticks where no feed runs, and gives none", () =>
    Effect.gen(function* () {
      const { bus } = yield* node((yield* shared).natsUrl, freshPrefix("bus"))
      const ticks = ticksTopic(tickShard("SPY"))
      const batch = { symbol: "SPY", ingestTime: 1, previousClose: null, ticks: [] }
      const published = yield* Effect.exit(bus.publish(ticks, batch))
      const subscribed = yield* Effect.exit(bus.subscribe(ticks, () => {}))
      assert.include(String(published), "does not publish ticks")
      assert.include(String(subscribed), "TickSource reads it")
    }).pipe(Effect.scoped)
  )

  it.live("takes ticks to their stream where a feed runs", () =>
    Effect.gen(function* () {
      const prefix = freshPrefix("bus")
      const { natsUrl } = yield* shared
      const feed = new ScriptedTicks(20)
      const { publisher, built } = yield* publisherNode(natsUrl, { prefix }, feed)
      const bus = Context.get(
        yield* Effect.provideContext(Layer.build(NatsBus.layerPublishing({ prefix })), built),
        Bus
      )
      const owner = yield* ownerNode(natsUrl, { prefix }, yield* durable)
      owner.own(...everyShard)
      yield* feed.play({ ...publisher, publish: (batch) => bus.publish(ticksTopic(tickShard(batch.symbol)), batch) }, 5)
      yield* until(() => owner.sink.ticks === 20 * 5 * 6)
    }).pipe(Effect.scoped)
  )

  it.live("delays nobody while NATS is away, and is heard again when it is back", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const prefix = freshPrefix("bus")
      const one = yield* node(own.natsUrl, prefix)
      const two = yield* node(own.natsUrl, prefix)
      const heard: Array<number> = []
      yield* two.bus.subscribe(quotesTopic("SPY"), ({ seq }) => void heard.push(seq))
      yield* one.bus.publish(quotesTopic("SPY"), quote("SPY", 1))
      yield* until(() => heard.length === 1)
      yield* own.control("nats", "kill")
      yield* until(() => !one.nats.connected() && !two.nats.connected())
      // a subscription made meanwhile holds from when NATS is back
      yield* two.bus.subscribe(quotesTopic("AAPL"), ({ seq }) => void heard.push(seq))
      for (let seq = 2; seq < 1000; seq++) yield* one.bus.publish(quotesTopic("SPY"), quote("SPY", seq))
      assert.strictEqual(one.gauges.get("bus_messages_dropped_total"), 998)
      yield* own.control("nats", "start")
      yield* until(() => one.nats.connected() && two.nats.connected())
      yield* Effect.repeat(
        Effect.andThen(
          one.bus.publish(quotesTopic("AAPL"), quote("AAPL", 5000)),
          Effect.sync(() => heard.includes(5000))
        ),
        { until: (met) => met, schedule: Schedule.spaced("20 millis") }
      )
      yield* one.bus.publish(quotesTopic("SPY"), quote("SPY", 1000))
      yield* until(() => heard.includes(1000))
      assert.deepEqual(
        heard.filter((seq) => seq < 5000),
        [1, 1000]
      )
    }).pipe(Effect.scoped)
  )

  it.live("holds back who says more than NATS takes, and gives up on a NATS that stands still", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const { bus, gauges, nats } = yield* node(own.natsUrl, freshPrefix("bus"))
      const long = { ...quote("SPY", 1), body: new Uint8Array(64 * 1024).fill(0x20) }
      yield* own.control("nats", "pause")
      // the first megabytes are taken, then one waits for its second, then all are dropped
      yield* Effect.repeat(
        Effect.andThen(
          bus.publish(quotesTopic("SPY"), long),
          Effect.sync(() => gauges.get("bus_messages_dropped_total"))
        ),
        { until: (dropped) => dropped > 100 }
      )
      assert.isBelow(nats.connection.stats().outBytes, 5 * 1024 * 1024)
      yield* own.control("nats", "continue")
    }).pipe(Effect.scoped)
  )
})
