/**
 * A cluster of real processes on a recorded day, and what befalls it. Watchers check every word they hear, and at the end every
 * bar is held against one undisturbed process.
 */
import { Effect } from "effect"
import { beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "../../scripts/cluster/client.mjs"
import { cluster, eventually } from "../support/cluster.ts"
import { ClusterWatcher } from "../support/clusterWatcher.ts"
import {
  type BarFacts,
  isRecordingAbsent,
  recordedSymbols,
  replayOptions,
  servedBars,
  undisturbedBars
} from "../support/recordedDay.ts"

if (isRecordingAbsent) console.warn("SKIPPED: the recorded market data (../shared/data/market/lean) is not here")

const intervals = ["1s", "1m", "1d"] as const
let expected: Record<(typeof intervals)[number], Record<string, ReadonlyArray<BarFacts>>>

const markets = ({ nodes }: Cluster) => nodes.filter(({ role }) => role === "market")

/** Who folds: by its own metric. */
const foldedBy = async (url: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^ticks_folded_total (\d+)/m.exec(text)?.[1] ?? 0)
}

/** The market node that has folded most since it started. */
const busiest = async (running: Cluster) => {
  const alive = markets(running).filter(({ isRunning }) => isRunning)
  const folded = await Promise.all(alive.map(({ url }) => foldedBy(url)))
  const found = alive[folded.indexOf(Math.max(...folded))]
  if (found === undefined) throw new Error("no market node is left")
  return found
}

const ended = async (watcher: ClusterWatcher) => {
  await eventually("the recording ends", async () => (await watcher.client.status()).feed.state === "ended")
}

/** Plays the day, lets `befall` happen to it, and holds bars and watchers to account. */
const play = (speed: string, befall: (running: Cluster, watcher: ClusterWatcher) => Promise<void>) =>
  Effect.gen(function* () {
    const running = yield* cluster({ nodeOptions: [...replayOptions(speed), "--max-messages", "5000"] })
    const urls = running.nodes.filter(({ role }) => role === "gateway").map(({ url }) => url)
    const watchers = urls.map((url) => new ClusterWatcher(url, recordedSymbols))
    yield* Effect.promise(async () => {
      const [watcher] = watchers
      if (watcher === undefined) throw new Error("no gateway")
      await befall(running, watcher)
      await ended(watcher)
      const last = (one: ClusterWatcher) => recordedSymbols.map((symbol) => one.newest.get(symbol)?.last)
      await eventually("both gateways say the same", () => String(last(watcher)) === String(watchers.map(last)[1]))
      for (const interval of intervals) {
        await eventually(`all ${interval} bars are there`, async () => {
          const served = await servedBars(watcher.client, interval)
          return recordedSymbols.every((symbol) => served[symbol]?.length === expected[interval][symbol]?.length)
        })
        expect(await servedBars(watcher.client, interval)).toEqual(expected[interval])
      }
      for (const one of watchers) {
        expect(one.violations).toEqual([])
        expect(recordedSymbols.filter((symbol) => !one.isCurrent(symbol))).toEqual([])
        await one.close()
      }
    })
  }).pipe(Effect.scoped)

describe.skipIf(isRecordingAbsent)("a recorded day at full speed over many nodes", () => {
  beforeAll(async () => {
    expected = {
      "1s": await undisturbedBars("1s"),
      "1m": await undisturbedBars("1m"),
      "1d": await undisturbedBars("1d")
    }
  }, 120_000)

  it("has the same bars as one process", () => Effect.runPromise(play("max", () => Promise.resolve())), 180_000)

  it(
    "has the same bars when an owner is killed in the middle of it",
    () =>
      Effect.runPromise(
        play("max", async (running, watcher) => {
          const start = await new Promise<number>((resolve) => {
            void watcher
              .until(() => (watcher.newest.get("SPY")?.exchangeTime ?? 0) > 0)
              .then(() => resolve(watcher.newest.get("SPY")?.exchangeTime ?? 0))
          })
          await watcher.until(() => (watcher.newest.get("SPY")?.exchangeTime ?? 0) > start + 60 * 60_000)
          await (await busiest(running)).kill("SIGKILL")
        })
      ),
    180_000
  )
})
