/**
 * All periodic work of a node on one wheel: window flushes, heartbeats, expiry. No timer and no fiber per session (F4).
 * Resolution 10 ms; the loop sleeps while nothing is scheduled. Monotonic: setting the machine's clock moves nothing.
 */
import { Clock, Context, Effect, Latch, Layer } from "effect"
import { Gauges } from "./Gauges.ts"

/** Scheduled by identity; whoever no longer wants to run checks that itself, so cancelling costs nothing. */
export interface WheelTask {
  /** Must not throw and must not block; `now` as `TimingWheel.now`. */
  readonly onWheel: (now: number) => void
}

const RESOLUTION = 10
const SLOTS = 1024
/** Longest delay; a longer one is cut to this, and its task schedules itself again. */
export const LONGEST_DELAY_MILLIS = RESOLUTION * (SLOTS - 2)

export class TimingWheel extends Context.Service<
  TimingWheel,
  {
    /** Monotonic, ms from an arbitrary start: for windows and deadlines. */
    readonly now: () => number
    /** ms since epoch: for what is shown. */
    readonly wall: () => number
    /** Run once, `delayMillis` from now or up to 10 ms later. */
    readonly schedule: (delayMillis: number, task: WheelTask) => void
    /** Run once, when the code that is running now has finished: coalesces a burst into one run. */
    readonly soon: (task: WheelTask) => void
  }
>()("lzstock/actors/kernel/TimingWheel") {
  static readonly layer: Layer.Layer<TimingWheel, never, Gauges> = Layer.effect(
    TimingWheel,
    Effect.gen(function* () {
      const gauges = yield* Gauges
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const slots = Array.from({ length: SLOTS }, (): Array<WheelTask> => [])
      const wake = Latch.makeUnsafe(false)
      let spare: Array<WheelTask> = []
      let scheduled = 0
      let cursor = Math.floor(now() / RESOLUTION)
      let open = true

      /** Each task gets the time it is run at: in a long turn, those that share one would be due together ever after. */
      const runAll = (tasks: Array<WheelTask>) => {
        for (const task of tasks) {
          try {
            task.onWheel(now())
          } catch {
            // a task guards itself; this only keeps one broken task from stopping everybody's time
            gauges.add("wheel_task_failures", 1)
          }
        }
        tasks.length = 0
      }

      const turn = () => {
        const time = now()
        const target = Math.floor(time / RESOLUTION)
        // after a long pause every slot is due at most once
        if (target - cursor > SLOTS) cursor = target - SLOTS
        while (cursor < target) {
          cursor++
          const index = cursor % SLOTS
          const tasks = slots[index]
          if (tasks === undefined || tasks.length === 0) continue
          slots[index] = spare
          scheduled -= tasks.length
          runAll(tasks)
          spare = tasks
        }
      }

      let soonTasks: Array<WheelTask> = []
      let soonSpare: Array<WheelTask> = []
      const runSoon = () => {
        const tasks = soonTasks
        soonTasks = soonSpare
        if (open) runAll(tasks)
        tasks.length = 0
        soonSpare = tasks
      }

      const loop = Effect.gen(function* () {
        while (true) {
          if (scheduled === 0) {
            wake.closeUnsafe()
            yield* wake.await
          }
          yield* Effect.sleep(RESOLUTION)
          turn()
        }
      })
      yield* Effect.forkScoped(loop)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          open = false
        })
      )

      return TimingWheel.of({
        now,
        wall: () => clock.currentTimeMillisUnsafe(),
        schedule: (delayMillis, task) => {
          const time = now()
          // an idle wheel has not turned: bring the cursor to the present first
          if (scheduled === 0) cursor = Math.max(cursor, Math.floor(time / RESOLUTION))
          const delay = Math.min(Math.max(delayMillis, 1), LONGEST_DELAY_MILLIS)
          const slot = Math.max(Math.ceil((time + delay) / RESOLUTION), cursor + 1)
          slots[slot % SLOTS]?.push(task)
          scheduled++
          if (scheduled === 1) wake.openUnsafe()
        },
        soon: (task) => {
          if (soonTasks.length === 0) setImmediate(runSoon)
          soonTasks.push(task)
        }
      })
    })
  )
}
