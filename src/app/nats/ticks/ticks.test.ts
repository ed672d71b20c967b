/** Publisher and owners over a real NATS: every tick folded once and in order, whatever happens between them. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schedule } from "effect"
import { ScriptedTicks } from "../../../../test/support/scriptedTicks.ts"
import { freshPrefix, ownServices, services } from "../../../../test/support/services.ts"
import { durable, everyShard, type FoldingSink, ownerNode, publisherNode } from "../../../../test/support/tickNodes.ts"
import { tickShard } from "../../../rpc/topics.ts"

const natsUrl = Effect.map(Effect.promise(services), ({ natsUrl }) => natsUrl)

/** What was waited for, and what was seen instead, is told before the test's time is over. */
const until = (condition: () => boolean, seen: () => unknown = () => "") =>
  Effect.repeat(Effect.sync(condition), { until: (met) => met, schedule: Schedule.spaced("5 millis") }).pipe(
    Effect.timeoutOrElse({
      duration: "25 seconds",
      orElse: () => Effect.die(new Error(`never came: ${condition} ${JSON.stringify(seen())}`))
    })
  )

const sum = (feed: ScriptedTicks) => [...feed.said.values()].reduce((all, { length }) => all + length, 0)

/** Every tick once and in order, by these sinks together (each symbol's last owner has it whole). */
const assertWhole = (feed: ScriptedTicks, ...sinks: ReadonlyArray<FoldingSink>) => {
  for (const [symbol, times] of feed.said) {
    const folded = sinks.map(({ states }) => states.get(symbol)?.times ?? []).sort((a, b) => b.length - a.length)[0]
    assert.deepEqual(folded, times, symbol)
  }
  for (const sink of sinks) {
    assert.deepEqual(sink.holes, [])
    assert.deepEqual(sink.overtaken, [])
  }
}

const has = (sink: FoldingSink, feed: ScriptedTicks) =>
  [...feed.said].every(([symbol, times]) => sink.states.get(symbol)?.times.length === times.length)

describe("the tick stream", () => {
  it.live("brings every tick of every shard once, in order, with marks behind what they cover", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(300)
      const { gauges, publisher } = yield* publisherNode(url, { prefix }, feed)
      const owner = yield* ownerNode(url, { prefix }, stored)
      owner.own(...everyShard)
      yield* feed.play(publisher, 50)
      yield* publisher.flush
      yield* until(() => owner.sink.ticks === sum(feed))
      assertWhole(feed, owner.sink)
      // the last mark comes by itself: every shard is told
      yield* until(() => everyShard.every((shard) => owner.source.publishedUpTo(shard) === feed.publishedUpTo()))
      assert.strictEqual(gauges.get("tick_publish_retries_total"), 0)
      assert.strictEqual(owner.gauges.get("tick_stream_gaps_total"), 0)
    }).pipe(Effect.scoped)
  )

  it.live("cuts long batches, and reads messages longer than a request may bring", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(3)
      const { publisher } = yield* publisherNode(url, { prefix }, feed)
      yield* feed.play(publisher, 1, 40_000)
      // the stream is there: what is said before goes nowhere
      yield* publisher.flush
      const owner = yield* ownerNode(url, { prefix }, stored)
      // garbage nearly as long as NATS takes, in front of the rest
      const shard = tickShard("S0")
      owner.nats.connection.publish(`${prefix}.ticks.${shard}`, new Uint8Array(1_048_500).fill(0x20))
      yield* Effect.promise(() => owner.nats.connection.flush())
      yield* feed.play(publisher, 2)
      owner.own(...everyShard)
      yield* until(() => owner.sink.ticks === sum(feed))
      assertWhole(feed, owner.sink)
      assert.strictEqual(owner.gauges.get("tick_messages_refused_total"), 1)
      yield* owner.deadLetters.flush
    }).pipe(Effect.scoped)
  )

  it.live("loses and doubles nothing when NATS is killed in the middle, and started again", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const [url, prefix, stored] = [own.natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(100)
      const { gauges, publisher, stream } = yield* publisherNode(url, { prefix }, feed)
      const owner = yield* ownerNode(url, { prefix }, stored, { settleMillis: 50 })
      owner.own(...everyShard)
      const playing = yield* Effect.forkChild(feed.play(publisher, 2_000))
      for (let kill = 1; kill <= 3; kill++) {
        yield* until(() => owner.sink.ticks > kill * 100_000)
        yield* own.control("nats", "kill")
        yield* own.control("nats", "start")
      }
      yield* Fiber.join(playing)
      yield* publisher.flush
      yield* until(() => has(owner.sink, feed))
      assertWhole(feed, owner.sink)
      assert.isAbove(gauges.get("tick_publish_retries_total"), 0)
      // what was sent again is stored once; between two marks the counts stand still
      const inStream = Effect.promise(() => stream.manager.streams.info(stream.name))
      yield* Effect.repeat(inStream, {
        until: ({ state }) => state.messages === gauges.get("tick_messages_published_total"),
        schedule: Schedule.spaced("50 millis")
      })
    }).pipe(Effect.scoped)
  )

  it.live("stores a message once whose acknowledgement was lost", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const prefix = freshPrefix("ticks")
      const feed = new ScriptedTicks(1)
      const { gauges, nats, publisher, stream } = yield* publisherNode(own.natsUrl, { prefix }, feed)
      yield* feed.play(publisher, 1)
      yield* publisher.flush
      // NATS stands still with the message in its socket, and answers to a connection that is gone
      yield* own.control("nats", "pause")
      yield* feed.play(publisher, 1)
      yield* until(() => !nats.connected())
      yield* own.control("nats", "continue")
      yield* publisher.flush
      assert.isAbove(gauges.get("tick_publish_retries_total"), 0)
      yield* Effect.repeat(
        Effect.promise(() => stream.manager.streams.info(stream.name)),
        {
          until: ({ state }) => state.messages === gauges.get("tick_messages_published_total"),
          schedule: Schedule.spaced("50 millis")
        }
      )
    }).pipe(Effect.scoped)
  )

  it.live("makes a feed that can wait wait for a slow owner, and holds little meanwhile", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(1)
      const { gauges, publisher } = yield* publisherNode(url, { prefix }, feed, { unsettledBytes: 1024 * 1024 })
      const owner = yield* ownerNode(url, { prefix }, stored, { settleMillis: 100 })
      owner.own(...everyShard)
      const gate = yield* Deferred.make<void>()
      owner.sink.gate = Deferred.await(gate)
      const playing = yield* Effect.forkChild(feed.play(publisher, 60_000))
      yield* until(() => gauges.get("tick_bytes_unsettled") >= 1024 * 1024)
      // the idle shards' marks tell the time: two seconds of them, and nothing more is accepted in the second
      const marks = (count: number) => {
        const from = gauges.get("tick_messages_published_total")
        return until(() => gauges.get("tick_messages_published_total") >= from + count)
      }
      yield* marks(64)
      const accepted = sum(feed)
      yield* marks(64)
      assert.strictEqual(sum(feed), accepted)
      assert.isBelow(gauges.get("tick_bytes_unsettled"), 1.3 * 1024 * 1024)
      assert.isUndefined(playing.pollUnsafe())
      owner.sink.gate = undefined
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(playing)
      yield* publisher.flush
      yield* until(() => has(owner.sink, feed))
      assertWhole(feed, owner.sink)
      yield* until(() => gauges.get("tick_bytes_unsettled") < 64 * 1024)
    }).pipe(Effect.scoped)
  )

  it.live("lets a live feed go on without owners, up to the window", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(1, { canWait: false, run: "live" })
      const { publisher } = yield* publisherNode(url, { prefix, maxBytes: 2 * 1024 * 1024 }, feed)
      yield* feed.play(publisher, 60_000)
      yield* publisher.flush
      const owner = yield* ownerNode(url, { prefix, maxBytes: 2 * 1024 * 1024 }, stored)
      owner.own(...everyShard)
      const last = feed.said.get("S0")?.at(-1)
      yield* until(() => owner.sink.states.get("S0")?.times.at(-1) === last)
      // the owner sees what the window has lost
      assert.strictEqual(owner.sink.holes.length, 1)
      assert.isBelow(owner.sink.ticks, sum(feed))
    }).pipe(Effect.scoped)
  )

  it.live("goes on from the settled position with another owner, which has caught up when it says so", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(50)
      const { publisher } = yield* publisherNode(url, { prefix }, feed)
      const one = yield* ownerNode(url, { prefix }, stored, { settleMillis: 50 })
      const two = yield* ownerNode(url, { prefix }, stored, { settleMillis: 50 })
      one.own(...everyShard)
      yield* feed.play(publisher, 20)
      yield* until(() => one.sink.ticks === sum(feed) && stored.states.size === 50)
      const before = one.sink.batches
      one.lose(...everyShard)
      yield* until(() => everyShard.every((shard) => !one.source.isCaughtUp(shard)))
      assert.strictEqual(one.source.publishedUpTo(0), Number.NEGATIVE_INFINITY)
      yield* feed.play(publisher, 20)
      yield* publisher.flush
      assert.isFalse(two.source.isCaughtUp(0))
      // what must be handed over first holds a shard back, and no other
      const gate = yield* Deferred.make<void>()
      two.sink.gate = Deferred.await(gate)
      two.own(...everyShard)
      const busy = new Set(feed.symbols.map(tickShard))
      yield* until(() => everyShard.every((shard) => busy.has(shard) || two.source.isCaughtUp(shard)))
      assert.deepEqual(
        everyShard.filter((shard) => busy.has(shard) && two.source.isCaughtUp(shard)),
        []
      )
      two.sink.gate = undefined
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.forEach(everyShard, (shard) => two.source.caughtUp(shard), { concurrency: "unbounded" })
      // caught up: everything is there, at once
      assertWhole(feed, two.sink)
      assert.strictEqual(one.sink.batches, before)
      // nothing settled was read again, but for what was settled after the last look
      assert.isBelow(two.sink.batches, 40 * 50)
      // and back, in the middle
      const playing = yield* Effect.forkChild(feed.play(publisher, 200))
      two.lose(...everyShard)
      one.own(...everyShard)
      yield* Fiber.join(playing)
      yield* publisher.flush
      yield* until(() => has(one.sink, feed))
      assertWhole(feed, one.sink)
    }).pipe(Effect.scoped)
  )

  it.live("reads again when an actor was lost, and claims again when its term is old", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(1)
      const shard = tickShard("S0")
      const { publisher } = yield* publisherNode(url, { prefix }, feed)
      const owner = yield* ownerNode(url, { prefix }, stored, { settleMillis: 50 })
      owner.own(shard)
      yield* feed.play(publisher, 100)
      yield* until(() => stored.states.get("S0")?.next === 600)
      owner.sink.unsettled = 2
      yield* feed.play(publisher, 100)
      yield* until(() => stored.states.get("S0")?.next === 1200)
      assert.strictEqual(owner.sink.unsettled, 0)
      assertWhole(feed, owner.sink)
      assert.strictEqual(stored.claims.get(shard), 1)
      // somebody else claims it: this owner's settling is refused, and it is still its shard
      yield* stored.ledger.claim(shard)
      yield* feed.play(publisher, 100)
      yield* until(() => stored.states.get("S0")?.next === 1800 && stored.claims.get(shard) === 2)
      yield* until(() => has(owner.sink, feed))
      assertWhole(feed, owner.sink)
    }).pipe(Effect.scoped)
  )

  it.live("goes on reading while the store is away, and settles when it is back", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(1)
      const { publisher } = yield* publisherNode(url, { prefix }, feed)
      const owner = yield* ownerNode(url, { prefix }, stored, { settleMillis: 20 })
      owner.own(...everyShard)
      owner.sink.storeAway = true
      yield* feed.play(publisher, 10)
      yield* until(() => owner.gauges.get("tick_settle_failures_total") >= 2)
      yield* feed.play(publisher, 10)
      yield* until(() => has(owner.sink, feed))
      assert.strictEqual(stored.states.size, 0)
      owner.sink.storeAway = false
      yield* until(() => stored.states.get("S0")?.next === 120)
      assertWhole(feed, owner.sink)
    }).pipe(Effect.scoped)
  )

  it.live("a recording played again from its beginning is folded once; another run starts anew", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const owner = yield* ownerNode(url, { prefix }, stored)
      owner.own(...everyShard)
      const killed = new ScriptedTicks(20)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { publisher } = yield* publisherNode(url, { prefix }, killed)
          yield* killed.play(publisher, 7)
        })
      )
      const feed = new ScriptedTicks(20)
      const { publisher } = yield* publisherNode(url, { prefix }, feed)
      yield* feed.play(publisher, 10)
      yield* until(() => has(owner.sink, feed))
      assert.deepEqual(owner.sink.holes, [])
      for (const [symbol, times] of feed.said) assert.deepEqual(owner.sink.states.get(symbol)?.times, times)
      const next = new ScriptedTicks(20, { run: "replay:2013-10-08" })
      yield* publisher.begin(next)
      yield* next.play(publisher, 3)
      yield* until(() => has(owner.sink, next))
      assert.deepEqual(owner.sink.holes, [])
    }).pipe(Effect.scoped)
  )

  it.live("begins anew with a stream that was lost", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(5)
      const { gauges, publisher, stream } = yield* publisherNode(url, { prefix }, feed)
      const owner = yield* ownerNode(url, { prefix }, stored, { settleMillis: 20 })
      const seen = () => ({
        said: sum(feed),
        folded: owner.sink.ticks,
        published: gauges.get("tick_messages_published_total"),
        publisherTriedAgain: gauges.get("tick_publish_retries_total"),
        readersFailed: owner.gauges.get("tick_reader_failures_total"),
        readAgain: owner.gauges.get("tick_shards_read_again_total"),
        owned: owner.gauges.get("tick_shards_active"),
        next: [...stored.states.values()].map(({ next }) => next)
      })
      owner.own(...everyShard)
      yield* feed.play(publisher, 10)
      yield* until(() => has(owner.sink, feed) && stored.states.size === 5, seen)
      yield* Effect.promise(() => stream.manager.streams.delete(stream.name))
      yield* feed.play(publisher, 10)
      yield* until(() => has(owner.sink, feed), seen)
      assertWhole(feed, owner.sink)
      yield* until(() => [...stored.states.values()].every(({ next }) => next === 120), seen)
      // lost while nobody owns the shard: what is settled is a position in another stream
      owner.lose(...everyShard)
      yield* until(() => owner.gauges.get("tick_shards_active") === 0, seen)
      yield* Effect.promise(() => stream.manager.streams.delete(stream.name))
      yield* feed.play(publisher, 10)
      yield* publisher.flush
      owner.own(...everyShard)
      yield* until(() => has(owner.sink, feed), seen)
      assertWhole(feed, owner.sink)
    }).pipe(Effect.scoped)
  )

  it.live("parks garbage with its reason and goes on, on every subject it listens to", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const feed = new ScriptedTicks(1)
      const shard = tickShard("S0")
      const { gauges, nats, publisher, stream } = yield* publisherNode(url, { prefix }, feed)
      const owner = yield* ownerNode(url, { prefix }, stored)
      owner.own(shard)
      yield* feed.play(publisher, 1)
      yield* publisher.flush
      const other = ["A", "B", "C"].find((symbol) => tickShard(symbol) !== shard) ?? "A"
      const garbage = [
        "",
        "not json",
        "{}",
        '{"b":7}',
        '{"b":[{}]}',
        '{"b":[],"m":"x"}',
        `{"b":[{"s":"${other}","i":1,"c":null,"t":[[2,1,1]]}]}`
      ]
      for (const text of garbage) {
        nats.connection.publish(`${prefix}.ticks.${shard}`, text)
        nats.connection.publish(`${prefix}.settled.${shard}`, text)
        nats.connection.publish(`${prefix}.settled.x`, text)
      }
      nats.connection.publish(`${prefix}.ticks.x`, "nobody's")
      yield* until(() => owner.gauges.get("tick_messages_refused_total") === garbage.length)
      yield* until(() => gauges.get("bus_messages_refused_total") === 2 * garbage.length)
      yield* owner.deadLetters.flush
      const dead = yield* Effect.promise(() => stream.manager.streams.info(stream.subjects.deadStream))
      assert.strictEqual(dead.state.messages, garbage.length)
      yield* feed.play(publisher, 1)
      yield* until(() => has(owner.sink, feed))
      assertWhole(feed, owner.sink)
    }).pipe(Effect.scoped)
  )

  it.live("leaves nothing open", () =>
    Effect.gen(function* () {
      const [url, prefix, stored] = [yield* natsUrl, freshPrefix("ticks"), yield* durable]
      const gauges = yield* Effect.scoped(
        Effect.gen(function* () {
          const owner = yield* ownerNode(url, { prefix }, stored)
          owner.own(...everyShard)
          yield* until(() => everyShard.every((shard) => owner.source.isCaughtUp(shard)))
          assert.strictEqual(owner.gauges.get("tick_shards_active"), 64)
          return owner.gauges
        })
      )
      assert.strictEqual(gauges.get("tick_shards_active"), 0)
    })
  )
})
