/** What watchers see while a service is away for a while, and after. */
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import type { Cluster } from "../../scripts/cluster/client.mjs"
import { cluster, eventually, settledDown } from "../support/cluster.ts"
import { ClusterWatcher } from "../support/clusterWatcher.ts"
import { isRecordingAbsent, recordedSymbols, replayOptions } from "../support/recordedDay.ts"
import { ownServices } from "../support/services.ts"

if (isRecordingAbsent) console.warn("SKIPPED: the recorded market data (../shared/data/market/lean) is not here")

const MINUTE = 60_000

/** The recorded day at twenty times its pace, on services that may be stopped. */
const play = (body: (running: Cluster, watcher: ClusterWatcher) => Promise<void>) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const own = yield* ownServices()
        const control: Cluster["services"]["control"] = (name, action) => Effect.runPromise(own.control(name, action))
        const running = yield* cluster({
          gateways: 1,
          markets: 2,
          services: { ...own, control },
          nodeOptions: [...replayOptions("20"), "--lock-seconds", "60"]
        })
        yield* Effect.promise(async () => {
          const watcher = new ClusterWatcher(
            running.nodes.find(({ role }) => role === "gateway")?.url ?? "",
            recordedSymbols
          )
          // nothing is on its way between nodes: that could not end without PostgreSQL
          await settledDown(running)
          const everySymbolMoves = async () => {
            const before = new Map(watcher.newest)
            const moves = (symbol: string) =>
              (watcher.newest.get(symbol)?.exchangeTime ?? 0) > (before.get(symbol)?.exchangeTime ?? 0)
            await eventually("every symbol moves", () => recordedSymbols.every(moves))
          }
          await everySymbolMoves()
          await eventually("the market opens", () => recordedSymbols.every((symbol) => watcher.isCurrent(symbol)))
          // what moved first may have been the last word of the owner before
          await everySymbolMoves()
          await body(running, watcher)
          await eventually("every symbol is current", () =>
            recordedSymbols.every((symbol) => watcher.isCurrent(symbol))
          )
          await watcher.client.bars({ symbol: "SPY", interval: "1m", limit: 10 })
          expect(watcher.violations).toEqual([])
          await watcher.close()
        })
      })
    )
  )

const timeOf = (watcher: ClusterWatcher) => watcher.newest.get("SPY")?.exchangeTime ?? 0

describe.skipIf(isRecordingAbsent)("while a service is away", () => {
  it(
    "PostgreSQL: live quotes go on as if nothing were, history says that it will be back",
    () =>
      play(async ({ services }, watcher) => {
        await services.control("postgres", "kill")
        const start = timeOf(watcher)
        const refused = watcher.client.bars({ symbol: "SPY", interval: "1m", limit: 10 })
        await expect(refused).rejects.toMatchObject({ _tag: "Unavailable" })
        // longer than the ticks' owners take between two checkpoints
        await watcher.until(() => timeOf(watcher) > start + 4 * MINUTE)
        expect(watcher.gaps).toEqual([])
        expect(watcher.liveness).toBe("live")
        await services.control("postgres", "start")
        await eventually("history is back", () =>
          watcher.client.bars({ symbol: "SPY", interval: "1m", limit: 10 }).then(
            () => true,
            () => false
          )
        )
      }),
    3 * MINUTE
  )

  it(
    "NATS: every value is marked, and taken back when it returns",
    () =>
      play(async ({ services }, watcher) => {
        await services.control("nats", "kill")
        await watcher.until(() => watcher.liveness === "feed-down")
        await watcher.until(() => recordedSymbols.every((symbol) => !watcher.isCurrent(symbol)))
        const start = timeOf(watcher)
        await services.control("nats", "start")
        await watcher.until(() => watcher.liveness === "live")
        await watcher.until(() => timeOf(watcher) > start + MINUTE)
      }),
    3 * MINUTE
  )
})
