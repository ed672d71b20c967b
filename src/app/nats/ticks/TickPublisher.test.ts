/** What a publisher does when nobody settles what it waits for, and with what a feed leaves behind at its end. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule, Scope } from "effect"
import { ScriptedTicks } from "../../../../test/support/scriptedTicks.ts"
import { freshPrefix, ownServices, services } from "../../../../test/support/services.ts"
import { durable, everyShard, ownerNode, publisherNode } from "../../../../test/support/tickNodes.ts"

const until = (condition: () => boolean) =>
  Effect.repeat(Effect.sync(condition), { until: (met) => met, schedule: Schedule.spaced("5 millis") })

const SMALL = 64 * 1024

/** A feed of one symbol that waits for an owner, which does not come. */
const stuck = Effect.fnUntraced(function* (maxAgeMillis: number) {
  const { natsUrl } = yield* Effect.promise(services)
  const [options, feed] = [{ prefix: freshPrefix("stuck"), maxAgeMillis }, new ScriptedTicks(1)]
  const { gauges, publisher, stream } = yield* publisherNode(natsUrl, options, feed, { unsettledBytes: SMALL })
  const playing = yield* Effect.forkChild(feed.play(publisher, 10_000))
  yield* until(() => gauges.get("tick_bytes_unsettled") >= SMALL)
  const held = Effect.map(
    Effect.promise(() => stream.manager.streams.info(stream.name)),
    ({ state }) => state
  )
  /** An owner comes, and everything is said. */
  const goesOn = Effect.gen(function* () {
    const owner = yield* ownerNode(natsUrl, options, yield* durable, { settleMillis: 20 })
    owner.own(...everyShard)
    yield* Fiber.join(playing)
    yield* publisher.flush
    yield* until(() => owner.sink.states.get("S0")?.next === 60_000)
  })
  return { held, goesOn, manager: stream.manager, name: stream.name }
})

describe("a feed that waits for an owner", () => {
  it.live("goes on when what it waits for has grown too old, with the owner that comes then", () =>
    Effect.gen(function* () {
      const { goesOn, held } = yield* stuck(1000)
      const { last_seq } = yield* held
      yield* Effect.repeat(held, {
        until: ({ first_seq }) => first_seq > last_seq,
        schedule: Schedule.spaced("50 millis")
      })
      yield* goesOn
    }).pipe(Effect.scoped)
  )

  it.live("goes on when the stream was emptied", () =>
    Effect.gen(function* () {
      const { goesOn, manager, name } = yield* stuck(60_000)
      yield* Effect.promise(() => manager.streams.purge(name))
      yield* goesOn
    }).pipe(Effect.scoped)
  )
})

describe("a feed that ends", () => {
  it.live("while NATS is away says nothing after its end, when another may be playing", () =>
    Effect.gen(function* () {
      const own = yield* ownServices(["nats"])
      const prefix = freshPrefix("late")
      const first = new ScriptedTicks(20, { no: 0 })
      const former = new ScriptedTicks(20)
      const { nats, publisher } = yield* publisherNode(own.natsUrl, { prefix }, first)
      yield* first.play(publisher, 1)
      yield* publisher.flush
      yield* own.control("nats", "kill")
      yield* until(() => !nats.connected())
      const scope = yield* Scope.make()
      yield* publisher.begin(former).pipe(Scope.provide(scope))
      yield* former.play(publisher, 10)
      yield* Scope.close(scope, Exit.void)
      yield* publisher.flush
      yield* own.control("nats", "start")
      const next = new ScriptedTicks(20, { no: 2 })
      yield* publisher.begin(next)
      yield* next.play(publisher, 10)
      yield* publisher.flush
      const owner = yield* ownerNode(own.natsUrl, { prefix }, yield* durable)
      const playings = new Set<number>()
      owner.sink.onTake = ({ origin }) => void playings.add(origin?.no ?? -1)
      owner.own(...everyShard)
      yield* until(() => next.symbols.every((symbol) => owner.sink.states.get(symbol)?.next === 60))
      assert.deepEqual([...playings], [0, 2])
    }).pipe(Effect.scoped)
  )
})
