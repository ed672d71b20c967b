import { assert, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { ScriptedTickers } from "../../../test/support/ScriptedTickers.ts"
import { connect, sessionNode, settle } from "../../../test/support/sessionNode.ts"
import { ownedShardsTopic, tickShard } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { makeOwnerWatch } from "./OwnerWatch.ts"

/** An OwnerWatch, the shards it has found lost, and the way to freeze its process: time passes and no timer fires. */
const owners = Effect.gen(function* () {
  const bus = yield* Bus
  const clock = yield* Clock.Clock
  let frozen = 0
  const lost: Array<number> = []
  const { served } = yield* makeOwnerWatch(
    bus,
    () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6 + frozen,
    (shard) => void lost.push(shard)
  )
  return {
    say: (...shards: Array<number>) => bus.publish(ownedShardsTopic, { shards }),
    freeze: (millis: number) => {
      frozen += millis
    },
    lost,
    served
  }
})
const inProcess = Effect.provide(Layer.provideMerge(Bus.layerInProcess, Gauges.layer))

it.effect("a shard that somebody served is lost once nobody has said so for two seconds, once; never before that", () =>
  Effect.gen(function* () {
    const { lost, say, served } = yield* owners
    yield* TestClock.adjust(60_000)
    assert.deepStrictEqual(lost, [])
    yield* say(3, 4)
    yield* TestClock.adjust(1_500)
    yield* say(4)
    yield* TestClock.adjust(1_000)
    assert.deepStrictEqual(lost, [3])
    yield* TestClock.adjust(250)
    yield* say(3, 4)
    // its actor has answered, and it falls silent before anybody said so
    served(5)
    yield* TestClock.adjust(2_250)
    assert.deepStrictEqual(lost, [3, 3, 4, 5])
  }).pipe(Effect.scoped, inProcess)
)

it.effect("an owner is not taken for silent because this process stood still", () =>
  Effect.gen(function* () {
    const { freeze, lost, say } = yield* owners
    yield* say(3)
    freeze(60_000)
    // the timer fires before what was said meanwhile is read
    yield* TestClock.adjust(250)
    assert.deepStrictEqual(lost, [])
    yield* say(3)
    yield* TestClock.adjust(2_000)
    assert.deepStrictEqual(lost, [3])
  }).pipe(Effect.scoped, inProcess)
)

it.effect("watchers of a silent owner's symbol are told, and made whole when it speaks again", () => {
  const tickers = new ScriptedTickers(["AAPL"])
  return Effect.gen(function* () {
    const bus = yield* Bus
    const { socket } = yield* connect({ symbols: ["AAPL"] })
    const owned = bus.publish(ownedShardsTopic, { shards: [tickShard("AAPL")] })
    yield* owned
    socket.events(7)
    // killed: its hold hangs, as the cluster's calls do until the next owner answers
    tickers.slowMillis = 5_000
    for (let n = 0; n < 3; n++) {
      yield* TestClock.adjust("1 second")
      yield* settle
    }
    assert.deepStrictEqual(
      socket.events(7).map(({ _tag }) => _tag),
      ["Gap"]
    )
    yield* owned
    for (let n = 0; n < 6; n++) {
      yield* TestClock.adjust("1 second")
      yield* settle
      yield* owned
    }
    assert.deepInclude(socket.events(7)[0], { _tag: "Snapshot", symbol: "AAPL" })
  }).pipe(Effect.scoped, Effect.provide(sessionNode(tickers, { policy: { deadAfterPingMillis: 1e9 } })))
})
