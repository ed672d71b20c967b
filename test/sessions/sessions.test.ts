import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { describe } from "vitest"
import { Bus } from "../../src/actors/kernel/Bus.ts"
import { Gauges } from "../../src/actors/kernel/Gauges.ts"
import { SessionActors } from "../../src/actors/sessions/SessionActors.ts"
import { Watching } from "../../src/actors/sessions/Watching.ts"
import { CloseCode } from "../../src/rpc/sessions.ts"
import { feedTopic } from "../../src/rpc/topics.ts"
import { RecordingSocket } from "../support/RecordingSocket.ts"
import { ScriptedTickers } from "../support/ScriptedTickers.ts"
import { connect, localVisitor, sessionNode, settle } from "../support/sessionNode.ts"

const SYMBOLS = ["AAPL", "MSFT", "IBM"]
const tags = (events: ReadonlyArray<{ readonly _tag: string }>) => events.map((event) => event._tag)

describe("watching", () => {
  it.effect("answers with the accepted set and a reason for each refusal, then a snapshot each", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["aapl ", "AAPL", "NOPE", "$!", "MSFT", "IBM"] })
      const [watching, ...rest] = socket.events(7)
      assert.deepInclude(watching, { _tag: "Watching", accepted: ["AAPL", "MSFT"], recovered: null })
      assert.deepEqual(
        watching?._tag === "Watching" ? watching.refused.map(({ symbol, reason }) => [symbol, reason]) : [],
        [
          ["NOPE", "unknown-symbol"],
          ["$!", "malformed-symbol"],
          ["IBM", "too-many-symbols"]
        ]
      )
      assert.deepEqual(tags(rest), ["Liveness", "Snapshot", "Snapshot"])
    }).pipe(Effect.provide(sessionNode(tickers, { limits: { symbolsPerSession: 2, watchesPerSession: 1 } })))
  })

  it.effect("refuses a watch id that is open, one watch too many, and a set on an unknown one", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const { inbox } = yield* connect({ symbols: ["AAPL"] })
      const watching = yield* Watching
      const again = { watchId: "w", symbols: [], conflation: 0 } as const
      assert.strictEqual((yield* Effect.flip(watching.open(inbox.session, 8, again)))._tag, "WatchIdConflict")
      const other = yield* Effect.flip(watching.open(inbox.session, 8, { ...again, watchId: "x" }))
      assert.strictEqual(other._tag, "LimitExceeded")
      const unknown = yield* Effect.flip(watching.set(inbox.session, { watchId: "y", symbols: [] }))
      assert.strictEqual(unknown._tag, "WatchIdConflict")
    }).pipe(
      Effect.provide(sessionNode(tickers, { limits: { symbolsPerSession: 2, watchesPerSession: 1 } })),
      Effect.scoped
    )
  })

  it.effect("sends at once when idle; a window opens only after a write, and folds what comes in it", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const { socket } = yield* connect({ symbols: ["AAPL"], conflation: 100 })
      yield* TestClock.adjust(150)
      socket.events(7)
      yield* tickers.tick("AAPL", 1)
      yield* settle
      const first = socket.events(7)
      assert.deepEqual(tags(first), ["Update"], "leading edge")
      for (let n = 0; n < 5; n++) yield* tickers.tick("AAPL", 1)
      yield* TestClock.adjust(80)
      yield* settle
      assert.lengthOf(socket.events(7), 0, "the window is still open")
      yield* TestClock.adjust(40)
      yield* settle
      const [folded, ...rest] = socket.events(7)
      assert.lengthOf(rest, 0)
      assert.deepInclude(folded, { _tag: "Update", folded: 4 })
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("one encoding an update and one bus subscription a symbol, whatever the number of sessions", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const gauges = yield* Gauges
      const before = gauges.get("topic_subscriptions_active")
      const sockets = yield* Effect.forEach(Array.from({ length: 200 }), () => connect({ symbols: ["AAPL", "MSFT"] }))
      assert.strictEqual(gauges.get("topic_subscriptions_active") - before, 2)
      for (const { socket } of sockets) socket.events(7)
      const encodings = tickers.encodings
      for (let n = 0; n < 10; n++) {
        yield* tickers.tick("AAPL", 1)
        yield* settle
      }
      assert.strictEqual(tickers.encodings - encodings, 10)
      for (const { socket } of sockets) assert.lengthOf(socket.events(7), 10)
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("names a hundred refusals and counts the rest; the same text is refused once", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const wrong = Array.from({ length: 5_000 }, (_, n) => `X${n}`)
      const { socket } = yield* connect({ symbols: ["", "", ...wrong, ...wrong] })
      const [watching] = socket.events(7)
      if (watching?._tag !== "Watching") return assert.fail()
      assert.strictEqual(watching.refused.length, 100)
      assert.strictEqual(watching.refusedTotal, 5_001)
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("a symbol that is added does not wait for the window of the others", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const watching = yield* Watching
      const { inbox, socket } = yield* connect({ symbols: ["AAPL"], conflation: 1_000 })
      yield* tickers.tick("AAPL", 1)
      yield* settle
      socket.events(7)
      yield* watching.set(inbox.session, { watchId: "w", symbols: ["AAPL", "MSFT"] })
      yield* settle
      assert.deepInclude(
        socket.events(7).find((event) => event._tag === "Snapshot"),
        { symbol: "MSFT" }
      )
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect(
    "tells the watchers of a symbol whose actor is out of reach, at once and also newcomers, and mends it",
    () => {
      const tickers = new ScriptedTickers(SYMBOLS)
      return Effect.gen(function* () {
        const early = yield* connect({ symbols: ["AAPL", "MSFT"] })
        early.socket.events(7)
        tickers.lose("AAPL")
        yield* settle
        // it may only be moving to another node
        assert.deepEqual(early.socket.events(7), [])
        yield* TestClock.adjust("20 millis")
        yield* settle
        assert.deepEqual(early.socket.events(7), [
          { _tag: "Gap", symbol: "AAPL", epoch: 1, from: 2, to: null, reason: "unavailable" }
        ])
        const late = yield* connect({ symbols: ["AAPL"] })
        assert.deepEqual(tags(late.socket.events(7)), ["Watching", "Liveness", "Gap"])
        tickers.back("AAPL")
        for (let n = 0; n < 4; n++) {
          yield* TestClock.adjust("1 second")
          yield* settle
        }
        for (const { socket } of [early, late]) {
          assert.deepInclude(socket.events(7)[0], { _tag: "Snapshot", symbol: "AAPL", epoch: 1, seq: 1 })
        }
      }).pipe(Effect.provide(sessionNode(tickers, { policy: { deadAfterPingMillis: 1e9 } })))
    }
  )

  it.effect("survives a defect behind a symbol: counted, told, started again", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    tickers.defects = 1
    return Effect.gen(function* () {
      const gauges = yield* Gauges
      const { socket } = yield* connect({ symbols: ["AAPL"] })
      assert.deepEqual(tags(socket.events(7)), ["Watching", "Liveness", "Gap"])
      assert.strictEqual(gauges.get("hub_feeder_failures_total"), 1)
      yield* TestClock.adjust("2 seconds")
      yield* settle
      assert.deepEqual(tags(socket.events(7)), ["Snapshot"])
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("tells every stream when the feed is lost, also one opened meanwhile, and when it is back", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const bus = yield* Bus
      const early = yield* connect({ symbols: ["AAPL"] })
      early.socket.events(7)
      yield* bus.publish(feedTopic, { state: "feed-down", since: 5 })
      yield* settle
      assert.deepEqual(early.socket.events(7), [{ _tag: "Liveness", state: "feed-down", since: 5 }])
      const late = yield* connect({ symbols: ["AAPL"] })
      assert.deepEqual(tags(late.socket.events(7)), ["Watching", "Liveness", "Snapshot"])
      yield* bus.publish(feedTopic, { state: "live", since: 6 })
      yield* settle
      assert.deepEqual(late.socket.events(7), [{ _tag: "Liveness", state: "live", since: 6 }])
    }).pipe(Effect.provide(sessionNode(tickers)))
  })
})

describe("resume", () => {
  const resume = (position: { readonly epoch: number; readonly seq: number }) => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      yield* tickers.tick("AAPL", 9)
      const symbols = ["AAPL", "MSFT"]
      const positions = [{ symbol: "AAPL", ...position }]
      const { socket } = yield* connect({ symbols, positions })
      return socket.events(7)
    }).pipe(Effect.provide(sessionNode(tickers)))
  }

  it.effect("continues in the same epoch and says how many were missed", () =>
    Effect.gen(function* () {
      const [watching, ...rest] = yield* resume({ epoch: 1, seq: 4 })
      assert.deepInclude(watching, { recovered: true })
      const update = rest.find((event) => event._tag === "Update")
      assert.deepInclude(update, { symbol: "AAPL", seq: 10, folded: 5 })
      assert.deepInclude(
        rest.find((event) => event._tag === "Snapshot"),
        { symbol: "MSFT" }
      )
    })
  )

  it.effect("sends nothing for a symbol that did not move", () =>
    Effect.gen(function* () {
      const events = yield* resume({ epoch: 1, seq: 10 })
      assert.deepEqual(tags(events), ["Watching", "Liveness", "Snapshot"])
    })
  )

  it.effect("is all or nothing: another epoch, or a position that never was, means snapshots", () =>
    Effect.gen(function* () {
      for (const position of [
        { epoch: 7, seq: 4 },
        { epoch: 1, seq: 11 }
      ]) {
        const [watching, ...rest] = yield* resume(position)
        assert.deepInclude(watching, { recovered: false })
        assert.deepEqual(tags(rest), ["Liveness", "Snapshot", "Snapshot"])
      }
    })
  )
})

describe("the node", () => {
  it.effect("counts a session from its opening, so that a burst cannot pass the limit", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const sessions = yield* SessionActors
      const open = () =>
        sessions.open(
          localVisitor,
          new RecordingSocket(),
          () => Effect.void,
          () => {}
        )
      const opened = [open(), open(), open()]
      assert.deepEqual(
        opened.map((inbox) => typeof inbox),
        ["object", "object", "string"]
      )
      yield* settle
    }).pipe(Effect.provide(sessionNode(tickers, { maxSessions: 2 })))
  })

  it.effect("refuses sessions beyond its limit", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      yield* connect()
      const sessions = yield* SessionActors
      const { socket } = yield* connect()
      assert.strictEqual(
        sessions.open(
          localVisitor,
          socket,
          () => Effect.void,
          () => {}
        ),
        "full"
      )
    }).pipe(Effect.provide(sessionNode(tickers, { maxSessions: 2 })))
  })

  it.effect("a session actor that fails is closed alone, with a code", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const sessions = yield* SessionActors
      const other = yield* connect({ symbols: ["AAPL"] })
      const { socket } = yield* connect()
      const inbox = sessions.open(
        localVisitor,
        socket,
        () => Effect.die("broken"),
        () => {}
      )
      if (typeof inbox === "string") throw new Error(inbox)
      yield* settle
      const before = sessions.count()
      inbox.receive("anything")
      yield* settle
      assert.strictEqual(socket.closedWith, CloseCode.SessionFailed)
      assert.strictEqual(sessions.count(), before - 1)
      assert.isUndefined(other.socket.closedWith)
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("drain tells every client when to come back, closes all with 1012, and ends with nothing open", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const sessions = yield* SessionActors
      const gauges = yield* Gauges
      const all = yield* Effect.forEach(Array.from({ length: 40 }), () => connect({ symbols: ["AAPL"] }))
      for (const { socket } of all) socket.events(7)
      const drained = yield* Effect.forkChild(
        sessions.drain({ elsewhere: { perSecond: 20, perSecondAndAddress: 20 }, mostMillis: 60_000 })
      )
      yield* settle
      assert.strictEqual(
        sessions.open(
          localVisitor,
          all[0]?.socket ?? assert.fail(),
          () => Effect.void,
          () => {}
        ),
        "draining"
      )
      const hints = all.map(({ socket }) => socket.events(7)[0])
      assert.isTrue(hints.every((hint) => hint?._tag === "Draining"))
      assert.isAbove(new Set(hints.map((hint) => (hint?._tag === "Draining" ? hint.retryAfterMillis : 0))).size, 10)
      yield* TestClock.adjust(1_000)
      const closed = all.filter(({ socket }) => socket.closedWith === CloseCode.Draining).length
      assert.isTrue(closed > 5 && closed < 35, "staggered")
      yield* TestClock.adjust(2_000)
      for (const { inbox, socket } of all) {
        assert.strictEqual(socket.closedWith, CloseCode.Draining)
        inbox.closed()
      }
      yield* Fiber.join(drained)
      assert.strictEqual(gauges.get("sessions_active"), 0)
      assert.strictEqual(gauges.get("watched_slots_active"), 0)
    }).pipe(Effect.provide(sessionNode(tickers)))
  })

  it.effect("a session's end frees its streams even before the handlers notice", () => {
    const tickers = new ScriptedTickers(SYMBOLS)
    return Effect.gen(function* () {
      const gauges = yield* Gauges
      const { inbox, watch } = yield* connect({ symbols: SYMBOLS })
      assert.strictEqual(gauges.get("watched_slots_active"), 3)
      inbox.closed()
      yield* settle
      assert.strictEqual(gauges.get("watched_slots_active"), 0)
      assert.strictEqual(gauges.get("watches_active"), 0)
      yield* Scope.close(watch, Exit.void)
      assert.strictEqual(gauges.get("watched_slots_active"), 0, "freeing twice frees once")
    }).pipe(Effect.provide(sessionNode(tickers)))
  })
})
