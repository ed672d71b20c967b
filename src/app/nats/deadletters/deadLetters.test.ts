import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, References, Schedule } from "effect"
import { freshPrefix, ownServices, services } from "../../../../test/support/services.ts"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { ParkedBatches } from "../../../actors/market/ParkedBatches.ts"
import type { TickBatch } from "../../../rpc/ticks.ts"
import { tickShard } from "../../../rpc/topics.ts"
import { managerOf } from "../JetStream.ts"
import { Nats } from "../NatsConnection.ts"
import { subjectsOf } from "../subjects.ts"
import { DeadLetters } from "./DeadLetters.ts"
import { openDeadLetterBox } from "./deadLetterBox.ts"

const batch: TickBatch = {
  symbol: "SPY",
  ingestTime: 5,
  previousClose: 1_670_000,
  ticks: [{ _tag: "TradeCancel", time: 7, id: 9 }],
  origin: { run: "r", no: 1, from: 3 }
}

const node = Effect.fnUntraced(function* (url: string, prefix: string) {
  const built = yield* Layer.build(
    DeadLetters.layerParkedBatches.pipe(
      Layer.provideMerge(DeadLetters.layer({ prefix })),
      Layer.provideMerge(Nats.layer({ url: Redacted.make(url), name: "dead-test" })),
      Layer.provideMerge(Gauges.layer),
      Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None")),
      Layer.orDie
    )
  )
  const nats = Context.get(built, Nats)
  return {
    gauges: Context.get(built, Gauges),
    letters: Context.get(built, DeadLetters),
    parked: Context.get(built, ParkedBatches),
    nats,
    box: yield* openDeadLetterBox(nats, prefix)
  }
})

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sync(condition), { until: (met) => met, schedule: Schedule.spaced("5 millis") })

describe("dead letters", () => {
  it.live("keep a batch as it was, with its reason in one line, and in memory too", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const { box, gauges, letters, parked } = yield* node(natsUrl, freshPrefix("dead"))
      assert.deepEqual(yield* box.list(10), [])
      parked.park(batch, new Error(`too\r\nodd: ünïcode ${"x".repeat(1000)}`))
      yield* letters.flush
      const [stored, ...others] = yield* box.list(10)
      assert.deepEqual(others, [])
      assert.deepEqual(stored?.batch, batch)
      assert.match(stored?.facts.reason ?? "", /^Error: too odd: ünïcode x+$/)
      assert.strictEqual(stored?.facts.symbol, "SPY")
      assert.strictEqual(parked.list().length, 1)
      assert.strictEqual(gauges.get("parked_batches_total"), 1)
      assert.strictEqual(gauges.get("dead_letters_total"), 1)
    }).pipe(Effect.scoped)
  )

  it.live("keep what was read in the stream once, however often it is read", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const { box, letters } = yield* node(natsUrl, freshPrefix("dead"))
      const source = { stream: "S@1", subject: "x.ticks.3", seq: 12 }
      const bytes = Uint8Array.of(0, 1, 2)
      for (let n = 0; n < 3; n++) letters.park({ shard: 3, symbol: undefined, bytes, reason: "odd", source })
      yield* letters.flush
      const stored = yield* box.list(10)
      assert.strictEqual(stored.length, 1)
      assert.deepInclude(stored[0]?.facts, { reason: "odd", subject: "x.ticks.3", seq: 12, symbol: undefined })
      assert.deepEqual([...(stored[0]?.bytes ?? [])], [...bytes])
      assert.isUndefined(stored[0]?.batch)
    }).pipe(Effect.scoped)
  )

  it.live("cut what is longer than NATS takes with its headers, and go on with the next", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const { box, letters } = yield* node(natsUrl, freshPrefix("dead"))
      letters.park({ shard: 3, symbol: undefined, bytes: new Uint8Array(1024 * 1024), reason: "long" })
      letters.park({ shard: 3, symbol: undefined, bytes: new Uint8Array(1), reason: "short" })
      yield* letters.flush
      const stored = yield* box.list(10)
      assert.deepEqual(
        stored.map(({ facts }) => facts.reason),
        ["long (cut, it had 1048576 bytes)", "short"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("wait for a NATS that is away, bounded, and lose what is too much with a count", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const { box, gauges, letters, nats, parked } = yield* node(own.natsUrl, freshPrefix("dead"))
      yield* own.control("nats", "kill")
      yield* until(() => !nats.connected())
      for (let n = 0; n < 1500; n++) parked.park({ ...batch, origin: { run: "r", no: 1, from: n } }, `number ${n}`)
      assert.strictEqual(gauges.get("dead_letters_lost_total"), 1500 - 1024)
      yield* own.control("nats", "start")
      yield* letters.flush
      const stored = yield* box.list(2000)
      assert.deepEqual(
        stored.map(({ facts }) => facts.reason),
        Array.from({ length: 1024 }, (_, n) => `number ${n}`)
      )
    }).pipe(Effect.scoped)
  )

  it.live("keep a batch once that its shard's next owner parks again, but not another one of that symbol", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const prefix = freshPrefix("dead")
      const one = yield* node(natsUrl, prefix)
      const two = yield* node(natsUrl, prefix)
      const of = (run: string, no: number, from: number): TickBatch => ({ ...batch, origin: { run, no, from } })
      for (const { letters, parked } of [one, two]) {
        for (const each of [of("a run: ü", 1, 3), of("a run: ü", 1, 4), of("a run: ü", 2, 3)]) parked.park(each, "odd")
        yield* letters.flush
      }
      const stored = yield* one.box.list(10)
      assert.deepEqual(
        stored.map(({ batch }) => [batch?.origin?.no, batch?.origin?.from]),
        [
          [1, 3],
          [1, 4],
          [2, 3]
        ]
      )
      const { streams } = yield* managerOf(one.nats)
      const { config } = yield* Effect.promise(() => streams.info(subjectsOf(prefix).deadStream))
      assert.strictEqual(config.duplicate_window, 3600e9)
    }).pipe(Effect.scoped)
  )

  it.live("are played once, also when they cannot be dropped and are played again, and not when they are gone", () =>
    Effect.gen(function* () {
      const { natsUrl } = yield* Effect.promise(services)
      const prefix = freshPrefix("dead")
      const subjects = subjectsOf(prefix)
      const { box, letters, nats, parked } = yield* node(natsUrl, prefix)
      const { streams } = yield* managerOf(nats)
      yield* Effect.promise(() =>
        streams.add({ name: subjects.tickStream, subjects: [subjects.ticks(tickShard("SPY"))] })
      )
      const played = Effect.promise(async () => (await streams.info(subjects.tickStream)).state.messages)
      parked.park(batch, "odd")
      parked.park({ ...batch, origin: undefined }, "odd too")
      yield* letters.flush
      const [first, second] = yield* box.list(10)
      if (first === undefined || second === undefined) return assert.fail("they were not stored")
      yield* box.replay(first, batch)
      const gone = yield* Effect.flip(box.replay(first, batch))
      assert.include(gone.reason, "nothing was played")
      assert.strictEqual(yield* played, 1)
      yield* Effect.promise(() => streams.update(subjects.deadStream, { deny_delete: true }))
      for (let times = 0; times < 2; times++) {
        const stuck = yield* Effect.flip(box.replay(second, batch))
        assert.include(stuck.reason, "was played but could not be dropped")
      }
      assert.strictEqual(yield* played, 2)
      assert.strictEqual((yield* box.list(10)).length, 1)
    }).pipe(Effect.scoped)
  )
})
