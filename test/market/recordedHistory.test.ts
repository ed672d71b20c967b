/** A replay pages its recorded history: bars that do not say how many trades they had are bars all the same. */
import { existsSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, References } from "effect"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { QuoteCache } from "../../src/actors/kernel/QuoteCache.ts"
import { BarHistory } from "../../src/actors/market/BarHistory.ts"
import { BarStore } from "../../src/actors/market/BarStore.ts"
import { Checkpoints } from "../../src/actors/market/Checkpoints.ts"
import { dayOfDate } from "../../src/actors/market/calendar.ts"
import { Feed } from "../../src/actors/market/Feed.ts"
import { ShardLedger } from "../../src/actors/market/ShardLedger.ts"
import { TickerActors } from "../../src/actors/market/TickerActor.ts"
import * as SingleNode from "../../src/app/cluster/SingleNode.ts"
import { replayLayer } from "../../src/app/feeds/lean/Replay.ts"
import { leanFolder } from "../../src/app/feeds/testing/leanFolder.ts"
import type { Bar, Interval } from "../../src/rpc/market.ts"
import { shardsReady } from "../support/marketNode.ts"
import { settle } from "../support/sessionNode.ts"

const midnight = (date: string): number => dayOfDate(date)?.midnight ?? Number.NaN

const replay = (dataDir: string, symbols?: ReadonlyArray<string>) =>
  BarHistory.layer.pipe(
    Layer.provideMerge(TickerActors.layer),
    Layer.provideMerge(SingleNode.layerSurroundings),
    Layer.provideMerge(
      Layer.mergeAll(
        replayLayer({ dataDir, date: "2013-10-07", speed: "max", symbols }),
        SingleNode.layer,
        BarStore.layerMemory,
        Checkpoints.layerMemory,
        ShardLedger.layerMemory,
        QuoteCache.layerNone
      )
    ),
    Layer.provideMerge(Bus.layerInProcess),
    Layer.provideMerge(Gauges.layer),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
  )

/** All pages, the oldest bar first. */
const allOf = Effect.fnUntraced(function* (symbol: string, interval: Interval, limit: number) {
  const history = yield* BarHistory
  const bars: Array<Bar> = []
  for (let before: number | undefined; ; ) {
    const page = yield* history.page({ symbol, interval, limit, before })
    bars.unshift(...page.bars)
    if (page.before === null) return bars
    before = page.before
  }
})

describe("recorded history", () => {
  it.effect("pages through bars without a number of trades, up to the one that forms", () =>
    Effect.gen(function* () {
      const dataDir = yield* leanFolder({
        "tick/aaa/20131007_trade.zip": "34200500,1100000,300,P,0,0\n34260500,1200000,100,P,0,0",
        "daily/aaa.zip": ["20131002", "20131003", "20131004"]
          .map((day, i) => `${day} 00:00,10000${i},1020000,900000,10100${i},${5_000 + i}`)
          .join("\n"),
        "minute/aaa/20131004_trade.zip": [0, 60_000, 120_000]
          .map((ms) => `${34_200_000 + ms},1000000,1010000,990000,1000000,700`)
          .join("\n")
      })
      yield* Effect.gen(function* () {
        yield* shardsReady
        const feed = yield* Feed
        yield* feed.run
        yield* settle
        const days = yield* allOf("AAA", "1d", 2)
        assert.deepStrictEqual(
          days.map((day) => [day.time, day.volume, day.trades, day.final]),
          [
            [midnight("2013-10-02"), 5_000, 0, true],
            [midnight("2013-10-03"), 5_001, 0, true],
            [midnight("2013-10-04"), 5_002, 0, true],
            [midnight("2013-10-07"), 400, 2, false]
          ]
        )
        const [week, thisWeek] = yield* allOf("AAA", "1w", 1)
        assert.deepInclude(week, { time: midnight("2013-09-30"), volume: 15_003, trades: 0, final: true })
        assert.deepInclude(thisWeek, { volume: 400, trades: 2 })
        const month = yield* allOf("AAA", "1mo", 1)
        // of four days, three do not say: neither can their month
        assert.deepInclude(month[0], { volume: 15_403, trades: 0 })
        assert.strictEqual((yield* allOf("AAA", "1m", 2)).length, 5)
      }).pipe(Effect.provide(replay(dataDir)))
    }).pipe(Effect.scoped)
  )

  const data = process.env.LZSTOCK_TEST_DATA ?? path.resolve(import.meta.dirname, "../../../shared/data")
  const equity = path.join(data, "market/lean")
  const present = existsSync(path.join(equity, "daily/spy.zip"))
  if (!present) console.warn(`skipped: no recorded data in ${data}`)

  it.effect.skipIf(!present)("of SPY goes back years", () =>
    Effect.gen(function* () {
      yield* shardsReady
      const days = yield* allOf("SPY", "1d", 500)
      const times = days.map((day) => day.time)
      assert.isAbove(days.length, 1_000)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => a - b)
      )
      assert.strictEqual(days.at(-1)?.time, midnight("2013-10-04"))
      assert.isTrue(days.every((day) => day.volume > 0 && day.low <= day.high))
    }).pipe(Effect.provide(replay(equity, ["SPY"])))
  )
})
