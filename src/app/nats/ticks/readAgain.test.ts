/** What an owner tells its sink, and a shard that is read again because something of it was lost. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Logger, Schedule } from "effect"
import { ScriptedTicks } from "../../../../test/support/scriptedTicks.ts"
import { freshPrefix, ownServices, services } from "../../../../test/support/services.ts"
import { durable, everyShard, ownerNode, publisherNode } from "../../../../test/support/tickNodes.ts"
import { tickShard } from "../../../rpc/topics.ts"
import type { NatsTickSourceOptions } from "./NatsTickSource.ts"

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sync(condition), { until: (met) => met, schedule: Schedule.spaced("5 millis") })

const shard = tickShard("S0")

/** A feed of one symbol, and an owner that is told nothing yet. */
const nodes = Effect.fnUntraced(function* (options: NatsTickSourceOptions = {}) {
  const { natsUrl } = yield* Effect.promise(services)
  const [prefix, stored, feed] = [freshPrefix("again"), yield* durable, new ScriptedTicks(1)]
  const { publisher } = yield* publisherNode(natsUrl, { prefix }, feed)
  const owner = yield* ownerNode(natsUrl, { prefix }, stored, options)
  const { sink } = owner
  const whole = () => {
    assert.deepEqual(sink.states.get("S0")?.times, feed.said.get("S0"))
    assert.deepEqual(sink.holes, [])
  }
  const has = () => sink.states.get("S0")?.times.length === feed.said.get("S0")?.length
  return { stored, feed, publisher, owner, sink, whole, has }
})

describe("a shard", () => {
  it.live("begins, and has caught up, each time it is read", () =>
    Effect.gen(function* () {
      const { feed, has, owner, publisher, sink, whole } = yield* nodes()
      yield* feed.play(publisher, 10)
      yield* publisher.flush
      const order: Array<string> = []
      sink.onTake = () => void order.push(sink.told.at(-1)?.what ?? "nothing")
      assert.isFalse(owner.source.readAgain(shard))
      owner.own(shard)
      yield* until(() => sink.told.length === 2)
      assert.isTrue(owner.source.isCaughtUp(shard))
      const once = [
        { what: "begins", shard },
        { what: "caught-up", shard }
      ]
      assert.deepEqual(sink.told, once)
      assert.isTrue(owner.source.readAgain(shard))
      assert.isFalse(owner.source.isCaughtUp(shard))
      // under way already, also then
      assert.isTrue(owner.source.readAgain(shard))
      yield* until(() => sink.told.length === 4)
      assert.isTrue(owner.source.isCaughtUp(shard))
      assert.deepEqual(sink.told, [...once, ...once])
      assert.isTrue(order.every((what) => what === "begins"))
      assert.strictEqual(owner.gauges.get("tick_shards_read_again_total"), 1)
      yield* feed.play(publisher, 1)
      yield* until(has)
      whole()
      owner.lose(shard)
      yield* until(() => owner.gauges.get("tick_shards_active") === 0)
      assert.isFalse(owner.source.readAgain(shard))
    }).pipe(Effect.scoped)
  )

  it.live("has caught up once what was handed over is folded, and reads on meanwhile", () =>
    Effect.gen(function* () {
      const { feed, has, owner, publisher, sink, whole } = yield* nodes()
      yield* feed.play(publisher, 10)
      yield* publisher.flush
      const folded = yield* Deferred.make<void>()
      const asked = yield* Deferred.make<void>()
      sink.beforeFolded = Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(folded))
      owner.own(shard)
      yield* Deferred.await(asked)
      yield* feed.play(publisher, 10)
      yield* until(has)
      whole()
      assert.isFalse(owner.source.isCaughtUp(shard))
      assert.deepEqual(sink.told, [{ what: "begins", shard }])
      yield* Deferred.succeed(folded, undefined)
      yield* owner.source.caughtUp(shard)
      yield* until(() => sink.told.at(-1)?.what === "caught-up")
    }).pipe(Effect.scoped)
  )

  it.live("that is read again has not caught up by what was folded of the reading before", () =>
    Effect.gen(function* () {
      const { feed, owner, publisher, sink } = yield* nodes()
      yield* feed.play(publisher, 10)
      yield* publisher.flush
      const answers: Array<Deferred.Deferred<void>> = []
      // it cannot be taken back: the actors answer whenever they come to it
      sink.beforeFolded = Effect.suspend(() => {
        const answer = Deferred.makeUnsafe<void>()
        answers.push(answer)
        return Effect.uninterruptible(Deferred.await(answer))
      })
      const answer = (n: number) => Deferred.succeed(answers[n] ?? assert.fail("not asked"), undefined)
      owner.own(shard)
      yield* until(() => answers.length === 1)
      assert.isTrue(owner.source.readAgain(shard))
      yield* answer(0)
      yield* until(() => answers.length === 2)
      assert.isFalse(owner.source.isCaughtUp(shard))
      yield* answer(1)
      yield* until(() => sink.told.length === 3)
      assert.isTrue(owner.source.isCaughtUp(shard))
      assert.deepEqual(
        sink.told.map(({ what }) => what),
        ["begins", "begins", "caught-up"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("whose actors cannot say what they have folded is read again", () =>
    Effect.gen(function* () {
      const { feed, owner, publisher, sink } = yield* nodes()
      yield* feed.play(publisher, 10)
      yield* publisher.flush
      let fails = 2
      sink.beforeFolded = Effect.suspend(() => (fails-- > 0 ? Effect.die(new Error("injected")) : Effect.void))
      owner.own(shard)
      yield* owner.source.caughtUp(shard)
      assert.strictEqual(owner.gauges.get("tick_shards_read_again_total"), 2)
    }).pipe(Effect.scoped)
  )

  it.live("is read again from in the middle of a message: not one more batch of it is handed over", () =>
    Effect.gen(function* () {
      const { feed, has, owner, publisher, sink, whole } = yield* nodes()
      // many batches a message: what gathers while the first is on its way
      yield* feed.play(publisher, 200)
      yield* publisher.flush
      let taken = 0
      const said: Array<boolean> = []
      const from: Array<number> = []
      sink.onTake = ({ origin }) => {
        from.push(origin?.from ?? -1)
        if (++taken === 30) said.push(owner.source.readAgain(shard))
      }
      owner.own(shard)
      yield* until(has)
      assert.deepEqual(said, [true])
      const firstReading = Array.from({ length: 30 }, (_, n) => 6 * n)
      assert.deepEqual(from.slice(0, 31), [...firstReading, 0])
      assert.strictEqual(sink.told.filter(({ what }) => what === "begins").length, 2)
      whole()
    }).pipe(Effect.scoped)
  )

  it.live("is read again while the sink makes it wait, and what waits is given up", () =>
    Effect.gen(function* () {
      const { feed, has, owner, publisher, sink, whole } = yield* nodes()
      yield* feed.play(publisher, 20)
      yield* publisher.flush
      sink.gate = Effect.never
      owner.own(shard)
      yield* until(() => sink.told.length === 1)
      assert.isTrue(owner.source.readAgain(shard))
      sink.gate = undefined
      yield* until(has)
      whole()
    }).pipe(Effect.scoped)
  )

  it.live("whose actor died is read again from its checkpoint, and settled once it is whole", () =>
    Effect.gen(function* () {
      const { feed, owner, publisher, sink, stored, whole } = yield* nodes({ settleMillis: 20 })
      owner.own(shard)
      yield* feed.play(publisher, 50)
      yield* until(() => stored.states.get("S0")?.next === 300)
      sink.loseActor("S0")
      yield* feed.play(publisher, 50)
      yield* until(() => stored.states.get("S0")?.next === 600)
      whole()
    }).pipe(Effect.scoped)
  )

  it.live("is not settled at what a reading had reached that ended while its actors were asked", () =>
    Effect.gen(function* () {
      const { feed, has, owner, publisher, sink, stored, whole } = yield* nodes({ settleMillis: 20 })
      const asked = yield* Deferred.make<void>()
      const saved = yield* Deferred.make<void>()
      sink.beforeSettle = Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(saved))
      owner.own(shard)
      yield* feed.play(publisher, 10)
      yield* Deferred.await(asked)
      const gate = yield* Deferred.make<void>()
      sink.gate = Deferred.await(gate)
      assert.isTrue(owner.source.readAgain(shard))
      yield* Deferred.succeed(saved, undefined)
      yield* until(() => sink.told.filter(({ what }) => what === "begins").length === 2)
      assert.isUndefined((yield* stored.ledger.claim(shard)).settled)
      // that claim was another owner's: it must claim again, and reads from the beginning
      sink.gate = undefined
      yield* Deferred.succeed(gate, undefined)
      yield* until(has)
      whole()
    }).pipe(Effect.scoped)
  )

  it.live("goes on being read while settling dies, over and over", () =>
    Effect.gen(function* () {
      const { feed, has, owner, publisher, sink, whole } = yield* nodes({ settleMillis: 10 })
      sink.storeAway = true
      owner.own(...everyShard)
      yield* feed.play(publisher, 10)
      yield* until(() => owner.gauges.get("tick_settle_failures_total") >= 3)
      yield* feed.play(publisher, 10)
      yield* until(has)
      whole()
      assert.strictEqual(owner.gauges.get("tick_shards_read_again_total"), 0)
      assert.strictEqual(sink.told.filter((told) => told.what === "begins" && told.shard === shard).length, 1)
    }).pipe(Effect.scoped)
  )

  it.live("is claimed again when another fiber's claim was interrupted, and let go while it cannot be claimed", () =>
    Effect.gen(function* () {
      const { feed, has, owner, publisher, stored, whole } = yield* nodes()
      yield* feed.play(publisher, 5)
      stored.claimsInterrupted = 3
      owner.own(shard)
      yield* until(has)
      whole()
      assert.strictEqual(stored.claimsInterrupted, 0)
      assert.strictEqual(stored.claims.get(shard), 1)
      owner.lose(shard)
      yield* until(() => owner.gauges.get("tick_shards_active") === 0)
      stored.claimsInterrupted = Number.POSITIVE_INFINITY
      owner.own(shard)
      yield* until(() => owner.gauges.get("tick_shards_active") === 1)
      owner.lose(shard)
      yield* until(() => owner.gauges.get("tick_shards_active") === 0)
    }).pipe(Effect.scoped)
  )

  it.live("that is lost is another term at once, also while something of it still waits; and comes back", () =>
    Effect.gen(function* () {
      const { feed, has, owner, publisher, sink, whole } = yield* nodes()
      yield* feed.play(publisher, 5)
      const gate = yield* Deferred.make<void>()
      sink.gate = Effect.uninterruptible(Deferred.await(gate))
      let taken = 0
      sink.onTake = () => void taken++
      owner.own(shard)
      yield* until(() => taken === 1)
      const first = owner.termOf(shard)
      owner.lose(shard)
      yield* until(() => owner.termOf(shard) === undefined)
      assert.strictEqual(owner.gauges.get("tick_shards_active"), 1)
      sink.gate = undefined
      owner.own(shard)
      yield* Deferred.succeed(gate, undefined)
      yield* until(() => sink.told.length >= 2 && has())
      whole()
      assert.notStrictEqual(owner.termOf(shard), first)
      assert.isDefined(owner.termOf(shard))
    }).pipe(Effect.scoped)
  )

  it.live("that cannot be read is said once, for all shards, and so is that it can be read again", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const said: Array<string> = []
      const log = Logger.make(({ message }) => void said.push(String(Array.isArray(message) ? message[0] : message)))
      const stream = { prefix: freshPrefix("unreadable") }
      const owner = yield* ownerNode(own.natsUrl, stream, yield* durable).pipe(Effect.provide(Logger.layer([log])))
      yield* own.control("nats", "kill")
      yield* until(() => !owner.nats.connected())
      owner.own(...everyShard)
      const about = (text: string) => said.filter((line) => line.includes(text)).length
      yield* until(() => about("serves no prices") > 0)
      const failures = owner.gauges.get("tick_reader_failures_total")
      yield* until(() => owner.gauges.get("tick_reader_failures_total") > failures + 128)
      yield* own.control("nats", "start")
      yield* until(() => everyShard.every((shard) => owner.source.isCaughtUp(shard)))
      assert.strictEqual(about("serves no prices"), 1)
      assert.strictEqual(about("can be read again"), 1)
    }).pipe(Effect.scoped)
  )
})
