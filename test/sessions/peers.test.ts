import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { describe } from "vitest"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { DeliveryLatency } from "../../src/actors/kernel/Latency.ts"
import { CloseCode } from "../../src/rpc/sessions.ts"
import { ScriptedTickers } from "../support/ScriptedTickers.ts"
import { connect, sessionNode, settle } from "../support/sessionNode.ts"

const SYMBOLS = ["AAPL", "MSFT", "IBM"]
const tags = (events: ReadonlyArray<{ readonly _tag: string }>) => events.map((event) => event._tag)

describe("peers", () => {
  it.effect("a silent connection gets a heartbeat; a busy one does not", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const quiet = yield* connect()
      const busy = yield* connect({ symbols: ["AAPL"] })
      for (let second = 0; second < 6; second++) {
        yield* tickers.tick("AAPL", 1)
        quiet.inbox.heard()
        busy.inbox.heard()
        yield* TestClock.adjust(1_000)
        yield* settle
      }
      assert.isAtLeast(quiet.socket.sends, 2)
      assert.strictEqual(busy.socket.sends, 7, "the first answer and six updates, no heartbeat")
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("one that vanished is pinged, and gone within 10 s; one that answers stays", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const gone = yield* connect({ symbols: ["AAPL"] })
      const there = yield* connect({ symbols: ["AAPL"] })
      for (let second = 0; second < 10; second++) {
        yield* TestClock.adjust(1_000)
        if (there.socket.pings > 0) there.inbox.heard()
      }
      assert.isAtLeast(gone.socket.pings, 1)
      assert.isTrue(gone.socket.terminated)
      assert.isFalse(there.socket.terminated)
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("one that stood still together with us is pinged before it is given up", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const { inbox, socket } = yield* connect({ symbols: ["AAPL"] })
      inbox.heard()
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.isAtLeast(socket.pings, 1)
      assert.isFalse(socket.terminated)
    }).pipe(Effect.provide(sessionNode(tickers, { policy: { pingAfterMillis: 4_000, deadAfterPingMillis: 60_000 } })))
  })

  it.effect("a socket that throws costs its own session, with a code, and is counted", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const gauges = yield* Gauges
      const bad = yield* connect({ symbols: ["AAPL"] })
      const good = yield* connect({ symbols: ["AAPL"] })
      good.socket.events(7)
      bad.socket.broken = true
      yield* tickers.tick("AAPL", 1)
      yield* settle
      assert.strictEqual(bad.socket.closedWith, CloseCode.SessionFailed)
      assert.strictEqual(gauges.get("session_failures_total"), 1)
      assert.deepEqual(tags(good.socket.events(7)), ["Update"])
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("delivery latency is that of ticks: an old state that starts a stream is no late delivery", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const latency = yield* DeliveryLatency
      yield* TestClock.adjust("1 hour")
      yield* connect({ symbols: SYMBOLS })
      assert.strictEqual(latency.snapshot().count, 0)
      tickers.ingestTime += 1
      yield* tickers.tick("AAPL", 1)
      yield* settle
      assert.strictEqual(latency.snapshot().count, 1)
      // the session's phase changed, no tick came
      yield* tickers.tick("AAPL", 1)
      yield* settle
      assert.strictEqual(latency.snapshot().count, 1)
    }).pipe(Effect.provide(sessionNode(tickers, { policy: { deadAfterPingMillis: 1e9 } })))
  })

  it.effect(
    "a slow reader gets a coarser window and says so, never a queue; it is closed last, and delays nobody",
    () => {
      const tickers = new ScriptedTickers(SYMBOLS)
      return Effect.gen(function* () {
        const slow = yield* connect({ symbols: SYMBOLS, conflation: 100 })
        const quick = yield* connect({ symbols: SYMBOLS, conflation: 100 })
        slow.socket.events(7)
        slow.socket.reading = false
        let most = 0
        for (let n = 0; n < 100; n++) {
          for (const symbol of SYMBOLS) yield* tickers.tick(symbol, 1)
          yield* TestClock.adjust(100)
          slow.inbox.heard()
          quick.inbox.heard()
          most = Math.max(most, slow.socket.pending())
          if (n === 10) {
            slow.socket.read()
            const events = slow.socket.events(7)
            assert.isDefined(events.find((event) => event._tag === "Update"))
          }
        }
        assert.isBelow(most, 3_000, "bounded by the soft limit and one frame")
        assert.isAtLeast(quick.socket.events(7).length, 250)
        yield* TestClock.adjust(10_000)
        assert.strictEqual(slow.socket.closedWith, CloseCode.SlowConsumer)
        assert.isUndefined(quick.socket.closedWith)
        yield* TestClock.adjust(2_000)
        assert.isTrue(slow.socket.terminated, "cut off when the close is not answered")
      }).pipe(
        Effect.provide(
          sessionNode(tickers, { policy: { softLimitBytes: 1_500, slowCloseMillis: 10_000, deadAfterPingMillis: 1e9 } })
        )
      )
    }
  )

  it.effect("over the hard limit of unread replies the session is closed", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const { inbox, socket } = yield* connect()
      socket.reading = false
      for (let n = 0; n < 3; n++) inbox.session.reply("x".repeat(1_000))
      assert.strictEqual(socket.closedWith, CloseCode.SlowConsumer)
    }).pipe(Effect.provide(sessionNode(tickers, { policy: { hardLimitBytes: 2_000 } })))
  })
})
