import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { marketNode, publish, shardsReady } from "../../../test/support/marketNode.ts"
import { ScriptedFeed } from "../../../test/support/ScriptedFeed.ts"
import { settle } from "../../../test/support/sessionNode.ts"
import { Ticker } from "../../rpc/ticker.ts"
import type { TickBatch, Trade } from "../../rpc/ticks.ts"
import { type QuoteUpdate, quotesTopic } from "../../rpc/topics.ts"
import { Bus } from "../kernel/Bus.ts"
import { Gauges } from "../kernel/Gauges.ts"
import { dayOfDate } from "./calendar.ts"

/** 10:00 New York of a trading day. */
const ten = (dayOfDate("2013-10-07")?.open ?? Number.NaN) + 30 * 60_000

let ids = 0
const trade = (time: number, price: number, size = 100): Trade => ({
  _tag: "Trade",
  id: ++ids,
  time,
  price: price * 10_000,
  size,
  exchange: "P",
  conditions: 0
})
const batch = (symbol: string, ...ticks: ReadonlyArray<Trade>): TickBatch => ({
  symbol,
  ingestTime: 1_000,
  previousClose: null,
  ticks
})

const bodyOf = (update: { readonly body: Uint8Array }): Record<string, unknown> =>
  JSON.parse(`{${new TextDecoder().decode(update.body)}}`)

/** Everything published on a symbol's quotes, while the test's Scope is open. */
const listen = Effect.fnUntraced(function* (symbol: string) {
  const bus = yield* Bus
  const heard: Array<QuoteUpdate> = []
  yield* bus.subscribe(quotesTopic(symbol), (update) => void heard.push(update))
  return heard
})

describe("ticker actors", () => {
  it.effect("a batch on the bus becomes a quote, bars, and a snapshot at the published position", () => {
    const feed = new ScriptedFeed(["AAPL"])
    return Effect.gen(function* () {
      yield* shardsReady
      const client = yield* Ticker.client
      const gauges = yield* Gauges
      const heard = yield* listen("AAPL")
      yield* publish(batch("AAPL", trade(ten, 10), trade(ten + 10, 12), trade(ten + 20, 11, 300)))
      yield* settle
      assert.strictEqual(heard.at(-1)?.seq, 3)
      const snapshot = yield* client("AAPL").Snapshot()
      assert.strictEqual(snapshot.seq, 3)
      assert.strictEqual(snapshot.epoch, heard.at(-1)?.epoch)
      const body = bodyOf(snapshot)
      assert.deepInclude(body, { s: "AAPL", p: 11, h: 12, l: 10, v: 500, n: 3, t: ten + 20, i: 1_000, q: 3 })
      const forming = yield* client("AAPL").FormingBars()
      assert.deepInclude(forming["1m"], {
        time: ten,
        open: 10,
        high: 12,
        low: 10,
        close: 11,
        volume: 500,
        final: false
      })
      assert.strictEqual(gauges.get("actors_active", 'kind="ticker"'), 1)
    }).pipe(Effect.scoped, Effect.provide(marketNode(feed)))
  })
})
