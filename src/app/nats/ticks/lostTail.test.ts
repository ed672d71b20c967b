/** A NATS that comes back without the end of its stream: positions and sequences go back, the stream is the same. */
import { cpSync, rmSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { ScriptedTicks } from "../../../../test/support/scriptedTicks.ts"
import { freshPrefix, ownServices } from "../../../../test/support/services.ts"
import { durable, type FoldingSink, ownerNode, publisherNode } from "../../../../test/support/tickNodes.ts"
import { tickShard } from "../../../rpc/topics.ts"

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sync(condition), { until: (met) => met, schedule: Schedule.spaced("5 millis") })

const shard = tickShard("S0")

describe("a tick stream that lost its end", () => {
  for (const running of [true, false]) {
    it.live(
      `is read from its beginning by an owner ${running ? "that was reading it" : "that comes later"}, twice`,
      () =>
        Effect.gen(function* () {
          const own = yield* ownServices(["nats"])
          const [prefix, stored, feed] = [freshPrefix("tail"), yield* durable, new ScriptedTicks(1)]
          const { nats, publisher } = yield* publisherNode(own.natsUrl, { prefix }, feed)
          const owner = yield* ownerNode(own.natsUrl, { prefix }, stored, { settleMillis: 20 })
          const store = path.join(own.folder, "nats")
          const saved = path.join(own.folder, "saved")
          const whole = (sink: FoldingSink) => {
            assert.deepEqual(sink.states.get("S0")?.times, feed.said.get("S0"))
            assert.deepEqual(sink.holes, [])
          }
          const settled = () => until(() => stored.states.get("S0")?.next === feed.said.get("S0")?.length)
          const say = (messages: number) =>
            Effect.forEach(
              Array.from({ length: messages }),
              () => Effect.andThen(feed.play(publisher, 1), publisher.flush),
              {
                discard: true
              }
            )

          owner.own(shard)
          yield* say(20)
          yield* settled()
          for (let times = 1; times <= 2; times++) {
            yield* own.control("nats", "stop")
            cpSync(store, saved, { recursive: true })
            yield* own.control("nats", "start")
            yield* until(() => nats.connected())
            yield* say(100)
            yield* settled()
            if (!running) {
              owner.lose(shard)
              yield* until(() => owner.gauges.get("tick_shards_active") === 0)
            }
            // what came since is gone with the machine
            yield* own.control("nats", "kill")
            rmSync(store, { recursive: true })
            cpSync(saved, store, { recursive: true })
            rmSync(saved, { recursive: true })
            yield* own.control("nats", "start")
            yield* until(() => nats.connected() && owner.nats.connected())
            if (running) yield* until(() => owner.gauges.get("tick_stream_tails_lost_total") === times)
            owner.own(shard)
            yield* say(10)
            yield* settled()
            whole(owner.sink)
            assert.strictEqual(owner.gauges.get("tick_stream_tails_lost_total"), times)
          }
          owner.lose(shard)
          yield* until(() => owner.gauges.get("tick_shards_active") === 0)
          assert.match((yield* stored.ledger.claim(shard)).settled?.stream ?? "", /#2$/)
        }).pipe(Effect.scoped)
    )
  }
})
