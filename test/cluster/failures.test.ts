/**
 * A cluster of real processes on a recorded day, and what befalls it. Watchers check every word they hear, and at the end every
 * bar is held against one undisturbed process.
 */
import { Effect } from "effect"
import { beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "../../scripts/cluster/client.mjs"
import { until } from "../../scripts/services/processes.mjs"
import { Unavailable } from "../../src/rpc/market.ts"
import { TICK_SHARDS } from "../../src/rpc/topics.ts"
import { cluster, eventually, gauge } from "../support/cluster.ts"
import { ClusterWatcher } from "../support/clusterWatcher.ts"
import {
  type BarFacts,
  isRecordingAbsent,
  recordedSymbols,
  replayOptions,
  servedBars,
  tenOClock,
  undisturbedBars
} from "../support/recordedDay.ts"
import { ownServices } from "../support/services.ts"

if (isRecordingAbsent) console.warn("SKIPPED: the recorded market data (../shared/data/market/lean) is not here")

/** A node that thaws has written what it had to, or has noticed that it owns nothing any more. */
const THAWED_MILLIS = 5_000
const FREEZES = 4

const intervals = ["1s", "1m", "1d"] as const
let expected: Record<(typeof intervals)[number], Record<string, ReadonlyArray<BarFacts>>>

const markets = ({ nodes }: Cluster) => nodes.filter(({ role }) => role === "market")

/** The market node that has most ticker actors now; of those that have as many, the one that has folded most. */
const busiest = async (running: Cluster) => {
  const alive = markets(running).filter(({ isRunning }) => isRunning)
  const measured = await Promise.all(
    alive.map(async (node) => ({
      node,
      actors: await gauge(node.url, 'actors_active{kind="ticker"}'),
      folded: await gauge(node.url, "ticks_folded_total")
    }))
  )
  const [most] = measured.toSorted((a, b) => b.actors - a.actors || b.folded - a.folded)
  if (most === undefined || most.actors === 0) throw new Error("no market node has a ticker")
  return most.node
}

const ended = async (watcher: ClusterWatcher) => {
  await eventually("the recording ends", async () => (await watcher.client.status()).feed.state === "ended")
}

/** Who is told to try again does so. */
const whenAvailable = <A>(answer: Promise<A>): Promise<A | undefined> =>
  answer.catch((error: unknown) => {
    if (error instanceof Unavailable) return undefined
    throw error
  })

interface Play {
  readonly options?: ReadonlyArray<string>
  /** Services of its own, which may be stopped. */
  readonly services?: Parameters<typeof cluster>[0] & object
  /** Watchers come through the front door, which leads to whichever gateway is there; else to one gateway each. */
  readonly throughDoor?: true
  readonly befall: (running: Cluster, watcher: ClusterWatcher, second: ClusterWatcher) => Promise<void>
}

/** Plays the day at full speed, lets `befall` happen to it, and holds bars and watchers to account. */
const play = ({ befall, options = [], services, throughDoor }: Play) =>
  Effect.gen(function* () {
    const running = yield* cluster({
      ...services,
      nodeOptions: [...replayOptions("max"), "--max-messages", "5000", ...options]
    })
    const [first, second] = running.nodes.filter(({ role }) => role === "gateway")
    if (first === undefined || second === undefined) throw new Error("two gateways are needed")
    const watcher = new ClusterWatcher(throughDoor ? running.url : first.url, recordedSymbols)
    const other = new ClusterWatcher(throughDoor ? running.url : second.url, recordedSymbols)
    const watchers = [watcher, other]
    yield* Effect.promise(async () => {
      await befall(running, watcher, other)
      await ended(watcher)
      const last = (one: ClusterWatcher) => recordedSymbols.map((symbol) => one.newest.get(symbol)?.last)
      await eventually("both watchers hear the same", () => String(last(watcher)) === String(last(other)))
      for (const interval of intervals) {
        await eventually(`all ${interval} bars are there`, async () => {
          const served = await whenAvailable(servedBars(watcher.client, interval))
          return recordedSymbols.every((symbol) => served?.[symbol]?.length === expected[interval][symbol]?.length)
        })
        expect(await servedBars(watcher.client, interval)).toEqual(expected[interval])
      }
      for (const one of watchers) {
        await eventually("every symbol is current", () => recordedSymbols.every((symbol) => one.isCurrent(symbol)))
        expect(one.violations).toEqual([])
        await one.close()
      }
    })
    return watchers
  }).pipe(Effect.scoped)

/** The market has been open for half an hour. */
const underWay = async (watcher: ClusterWatcher) => {
  await eventually("the recording is under way", async () => {
    const { feed } = await watcher.client.status()
    return feed.marketTime > tenOClock && recordedSymbols.some((symbol) => watcher.isCurrent(symbol))
  })
}

const MINUTES = 60_000

describe.skipIf(isRecordingAbsent)("a recorded day at full speed over many nodes has the bars of one process", () => {
  beforeAll(async () => {
    expected = {
      "1s": await undisturbedBars("1s"),
      "1m": await undisturbedBars("1m"),
      "1d": await undisturbedBars("1d")
    }
  }, 2 * MINUTES)

  const run = (what: Play) => Effect.runPromise(play(what))

  it(
    "though an owner is killed in the middle of it",
    () =>
      run({
        befall: async (running, watcher) => {
          await underWay(watcher)
          await (await busiest(running)).kill("SIGKILL")
        }
      }),
    3 * MINUTES
  )

  it(
    "though an owner is told to stop and comes back: its symbols go on where they stand, in the same epoch",
    async () => {
      let epochs: ReadonlyArray<number | undefined> = []
      const epochsOf = (watcher: ClusterWatcher) => recordedSymbols.map((symbol) => watcher.newest.get(symbol)?.epoch)
      const watchers = await run({
        befall: async (running, watcher) => {
          await underWay(watcher)
          await watcher.until(() => recordedSymbols.every((symbol) => watcher.isCurrent(symbol)))
          epochs = epochsOf(watcher)
          const owner = await busiest(running)
          await owner.kill("SIGTERM")
          await owner.restart()
        }
      })
      expect(watchers.map(epochsOf)).toEqual([epochs, epochs])
      // on a machine with time to spare there is none at all; a busy one may need more than the two seconds of patience
      console.info(
        "gaps at a planned change of owner:",
        watchers.map(({ gaps }) => gaps.length)
      )
    },
    3 * MINUTES
  )

  it(
    "though an owner is frozen for longer than its lease, and what it writes when it thaws is refused",
    () =>
      run({
        options: ["--lock-seconds", "3"],
        befall: async (running, watcher) => {
          await underWay(watcher)
          const refused = async () => {
            const counts = await Promise.all(
              markets(running).map(({ url }) => gauge(url, "stale_owner_writes_refused_total"))
            )
            return counts.reduce((a, b) => a + b) > 0
          }
          // whether it has anything to write when it thaws depends on the moment it was frozen at
          for (let freeze = 1; freeze <= FREEZES && !(await refused()); freeze++) {
            const owner = await busiest(running)
            await owner.pause()
            const others = markets(running).filter((node) => node !== owner)
            await eventually("others have all its shards", async () => {
              const owned = await Promise.all(others.map(({ url }) => gauge(url, "tick_shards_active")))
              return owned.reduce((a, b) => a + b) === TICK_SHARDS
            })
            await watcher.until(() => recordedSymbols.every((symbol) => watcher.isCurrent(symbol)))
            owner.resume()
            await until(refused, THAWED_MILLIS)
          }
          expect(await refused()).toBe(true)
        }
      }),
    3 * MINUTES
  )

  it(
    "though the feed's node is killed: the recording begins again, and nothing is folded twice",
    () =>
      run({
        services: { workers: 2 },
        befall: async ({ nodes }, watcher) => {
          await underWay(watcher)
          const alive = nodes.filter(({ role }) => role === "workers")
          const running = await Promise.all(alive.map(({ url }) => gauge(url, 'actors_active{kind="feed"}')))
          await alive[running.indexOf(1)]?.kill("SIGKILL")
        }
      }),
    3 * MINUTES
  )

  it(
    "though a gateway is killed: its watchers go on where they were on another",
    () =>
      run({
        throughDoor: true,
        befall: async ({ frontDoor, nodes }, watcher, guest) => {
          await underWay(watcher)
          await guest.until(() => recordedSymbols.every((symbol) => guest.isCurrent(symbol)))
          const taken = Object.entries(frontDoor.spread()).find(([, connections]) => connections > 0)?.[0]
          await nodes.find(({ name }) => name === taken)?.kill("SIGKILL")
          // either of them may have been there
          await eventually("a watcher is cut off", () => watcher.disconnects + guest.disconnects > 0)
          for (const one of [watcher, guest]) {
            await one.until(() => recordedSymbols.every((symbol) => one.isCurrent(symbol)))
            expect(one.disconnects).toBeLessThanOrEqual(1)
          }
          await nodes.find(({ name }) => name === taken)?.restart()
        }
      }),
    3 * MINUTES
  )

  it.each(["nats", "postgres", "redis"] as const)(
    "though %s is killed under load and comes back",
    (service) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const own = yield* ownServices()
            const control: Cluster["services"]["control"] = (name, action) =>
              Effect.runPromise(own.control(name, action))
            yield* play({
              services: { services: { ...own, control } },
              befall: async (_, watcher) => {
                await underWay(watcher)
                await control(service, "kill")
                await control(service, "start")
              }
            })
          })
        )
      ),
    3 * MINUTES
  )
})
