import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { describe } from "vitest"
import { Gauges } from "./Gauges.ts"
import { LONGEST_DELAY_MILLIS, TimingWheel } from "./TimingWheel.ts"

const layer = TimingWheel.layer.pipe(Layer.provideMerge(Gauges.layer))

describe("TimingWheel", () => {
  it.effect("runs each task once, not before its delay and at most one step after", () =>
    Effect.gen(function* () {
      const wheel = yield* TimingWheel
      const ran: Array<readonly [asked: number, at: number]> = []
      const delays = [0, 1, 9, 10, 11, 99, 100, 250, 1_000, 5_000]
      for (const delay of delays) wheel.schedule(delay, { onWheel: (now) => ran.push([delay, now]) })
      for (let step = 0; step < 600; step++) yield* TestClock.adjust(10)
      assert.deepEqual(
        ran.map(([asked]) => asked),
        delays
      )
      for (const [asked, at] of ran) assert.isTrue(at >= asked && at <= asked + 20, `${asked} ran at ${at}`)
    }).pipe(Effect.provide(layer))
  )

  it.effect("survives a jump of the clock, tasks that schedule themselves, and one that throws", () =>
    Effect.gen(function* () {
      const wheel = yield* TimingWheel
      const gauges = yield* Gauges
      let runs = 0
      const again = {
        onWheel: () => {
          runs++
          wheel.schedule(100, again)
        }
      }
      wheel.schedule(100, again)
      wheel.schedule(50, {
        onWheel: () => {
          throw new Error("broken")
        }
      })
      for (let n = 0; n < 10; n++) yield* TestClock.adjust(100)
      assert.isTrue(runs >= 5 && runs <= 10)
      assert.strictEqual(gauges.get("wheel_task_failures"), 1)
      yield* TestClock.adjust("1 hour")
      const before = runs
      for (let n = 0; n < 3; n++) yield* TestClock.adjust(200)
      assert.isAbove(runs, before)
    }).pipe(Effect.provide(layer))
  )

  it.effect("cuts a delay to its longest, and starts again after it was idle", () =>
    Effect.gen(function* () {
      const wheel = yield* TimingWheel
      let ran = 0
      wheel.schedule(1e9, { onWheel: () => ran++ })
      yield* TestClock.adjust(LONGEST_DELAY_MILLIS + 20)
      yield* TestClock.adjust(20)
      assert.strictEqual(ran, 1)
      yield* TestClock.adjust("3 hours")
      wheel.schedule(10, { onWheel: () => ran++ })
      yield* TestClock.adjust(20)
      yield* TestClock.adjust(20)
      assert.strictEqual(ran, 2)
    }).pipe(Effect.provide(layer))
  )
})
