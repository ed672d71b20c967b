import { stripVTControlCharacters } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { snapshot, update, watching } from "../../../../test/support/ScriptedMarket.ts"
import { Out } from "../Out.ts"
import { MarketView } from "./MarketView.ts"
import { makePainter } from "./painter.ts"
import { crop, plainLine, renderTable } from "./table.ts"

const NOW = 1_700_000_100_000
const screen = { columns: 120, rows: 24, colours: false }
const open = { status: "open", since: NOW } as const

const opened = (...symbols: ReadonlyArray<string>): MarketView => {
  const view = new MarketView(symbols, 100)
  view.connection = open
  return view
}

const visible = stripVTControlCharacters

describe("the live table", () => {
  it("shows label, connection, session and a row a symbol", () => {
    const view = opened("AAPL", "MSFT")
    view.apply(watching(["AAPL", "MSFT"]), NOW)
    view.apply(snapshot("AAPL", 1, 7), NOW)
    const [head = "", names = "", first = "", second = ""] = renderTable(view, NOW + 4_000, screen)
    for (const part of ["SIMULATED", "● connected", "as of 17:13:20 New York, regular session", "every 100 ms"])
      assert.include(head, part)
    assert.match(names, /^SYMBOL +LAST +CHANGE +% +BID +ASK +VOLUME +AGE$/)
    assert.match(first, /^AAPL +100\.07 +▲ \+0\.57 +\+0\.57% +– +100\.02 +7,000 +4s$/)
    assert.match(second, /^MSFT +…$/)
  })

  it("says that values are stale while reconnecting, and what was missed after it", () => {
    const view = opened("AAPL")
    view.apply(snapshot("AAPL", 1, 7), NOW)
    view.apply({ _tag: "Disconnected", reason: "going away", code: 1012 }, NOW)
    view.connection = {
      status: "reconnecting",
      attempt: 2,
      retryAt: NOW + 3_000,
      reason: "going away",
      code: 1012,
      retryAfterMillis: null
    }
    const lost = renderTable(view, NOW, screen)
    assert.include(lost[0], "○ reconnecting, try 2 in 3.0 s, values are stale")
    assert.include(lost.at(-1), "connection lost: going away (code 1012)")
    view.connection = open
    const told = view.apply(
      {
        _tag: "Resumed",
        downMillis: 4_200,
        recovered: false,
        missed: [
          { symbol: "AAPL", from: { epoch: 1, seq: 7 }, to: { epoch: 1, seq: 50 }, updates: 42 },
          { symbol: "MSFT", from: { epoch: 1, seq: 7 }, to: { epoch: 2, seq: 1 }, updates: null }
        ],
        awaiting: []
      },
      NOW
    )
    assert.strictEqual(told, "connected again after 4.2 s, updates missed: 42 of AAPL, an unknown number of MSFT")
    assert.include(renderTable(view, NOW, screen).at(-1), "updates missed: 42 of AAPL")
  })

  it("does not say that nothing was missed while values are still due", () => {
    const say = (awaiting: ReadonlyArray<string>, updates: ReadonlyArray<number>) =>
      opened("AAPL").apply(
        {
          _tag: "Resumed",
          downMillis: 4_200,
          recovered: false,
          missed: updates.map((n) => ({
            symbol: "IBM",
            from: { epoch: 1, seq: 7 },
            to: { epoch: 1, seq: 8 + n },
            updates: n
          })),
          awaiting
        },
        NOW
      )
    assert.strictEqual(say([], []), "connected again after 4.2 s, nothing missed")
    assert.strictEqual(say(["AAPL"], []), "connected again after 4.2 s; AAPL still on the way")
    assert.strictEqual(
      say(["AAPL", "MSFT"], [4]),
      "connected again after 4.2 s, updates missed: 4 of IBM; 2 symbols still on the way"
    )
  })

  it("says when the feed is down though the connection is well", () => {
    const view = opened("AAPL")
    view.apply({ _tag: "Liveness", state: "feed-down", since: NOW }, NOW)
    assert.include(renderTable(view, NOW, screen)[0], "feed down, values are stale")
    view.apply({ _tag: "Liveness", state: "live", since: NOW }, NOW)
    assert.include(renderTable(view, NOW, screen)[0], "● connected")
  })

  it("tells the feed's liveness when it is news, and forgets it with the connection", () => {
    const view = opened("AAPL")
    const live = { _tag: "Liveness", state: "live", since: NOW } as const
    const down = { _tag: "Liveness", state: "feed-down", since: NOW } as const
    assert.isUndefined(view.apply(live, NOW))
    assert.strictEqual(view.apply(down, NOW), "the feed is down: values stand still")
    assert.isUndefined(view.apply(down, NOW))
    assert.strictEqual(view.apply(live, NOW), "the feed is live again")
    view.apply(down, NOW)
    view.apply({ _tag: "Disconnected", reason: "gone", code: 1006 }, NOW)
    assert.isUndefined(view.feedDownSince)
    assert.isUndefined(view.apply(live, NOW))
    view.apply({ _tag: "Resumed", downMillis: 1, recovered: true, missed: [], awaiting: [] }, NOW)
    assert.include(renderTable(view, NOW, screen)[0], "● connected")
  })

  describe("marks as stale what stands still on an open connection", () => {
    const DIM = "\u001b[2m"
    const coloured = { ...screen, colours: true }
    const resumed = { _tag: "Resumed", downMillis: 1, recovered: false, missed: [] } as const
    const both = (): MarketView => {
      const view = opened("AAPL", "MSFT")
      view.apply(watching(["AAPL", "MSFT"]), NOW)
      for (const symbol of ["AAPL", "MSFT"]) view.apply(snapshot(symbol, 1, 7), NOW)
      return view
    }
    const shown = (view: MarketView) => {
      const [head = "", , aapl = "", msft = ""] = renderTable(view, NOW, coloured)
      return { head: visible(head), dim: [aapl, msft].map((line) => line.startsWith(DIM)) }
    }

    it("a stream that is gone, until it is resumed", () => {
      const view = both()
      assert.deepStrictEqual(shown(view).dim, [false, false])
      view.apply({ _tag: "Disconnected", reason: "the server ended the watch", code: null }, NOW)
      view.apply(watching(["AAPL", "MSFT"], false), NOW)
      assert.include(shown(view).head, "○ connected, resuming, values are stale")
      assert.deepStrictEqual(shown(view).dim, [true, true])
      view.apply({ ...resumed, awaiting: ["MSFT"] }, NOW)
      assert.include(shown(view).head, "● connected, 1 value is stale")
      assert.deepStrictEqual(shown(view).dim, [false, true])
      assert.match(renderTable(view, NOW, screen)[3] ?? "", /^MSFT STALE /)
      view.apply(snapshot("MSFT", 1, 9), NOW)
      assert.notInclude(shown(view).head, "stale")
      assert.deepStrictEqual(shown(view).dim, [false, false])
    })

    it("a symbol with a hole, until its next value", () => {
      const view = both()
      view.apply({ _tag: "Gap", symbol: "AAPL", epoch: 1, from: 8, to: 9, reason: "out-of-sequence" }, NOW)
      assert.include(shown(view).head, "1 value is stale")
      assert.deepStrictEqual(shown(view).dim, [true, false])
      view.apply(update("AAPL", 1, 10), NOW)
      assert.deepStrictEqual(shown(view).dim, [false, false])
    })

    it("a symbol that is refused, until it is accepted and told again", () => {
      const view = both()
      const refused = [{ symbol: "MSFT", reason: "unknown-symbol" as const, message: "MSFT left" }]
      view.apply({ ...watching(["AAPL"]), refused }, NOW)
      assert.include(shown(view).head, "● connected, 1 refused")
      assert.deepStrictEqual(shown(view).dim, [false, true])
      view.apply(watching(["AAPL", "MSFT"]), NOW)
      assert.include(shown(view).head, "1 value is stale")
      view.apply(snapshot("MSFT", 1, 9), NOW)
      assert.deepStrictEqual(shown(view).dim, [false, false])
    })
  })

  it("names a refused symbol in its row", () => {
    const view = opened("AAPL", "NOPE")
    const refused = [{ symbol: "NOPE", reason: "unknown-symbol" as const, message: "not listed" }]
    assert.strictEqual(view.apply({ ...watching(["AAPL"]), refused }, NOW), "NOPE: not listed")
    assert.match(renderTable(view, NOW, screen)[3] ?? "", /^NOPE +unknown-symbol$/)
  })

  it("never exceeds the terminal, whatever is in it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 8, max: 40 }),
        fc.integer({ min: 1, max: 130 }),
        fc.boolean(),
        (symbols, rows, width, colours) => {
          const view = opened(...Array.from({ length: symbols }, (_, i) => `S${i}`))
          for (const [i, { symbol }] of view.rows.entries()) view.apply(snapshot(symbol, 1, i + 1), NOW)
          view.apply({ _tag: "Draining", retryAfterMillis: 1 }, NOW)
          const lines = renderTable(view, NOW, { columns: width, rows, colours })
          assert.isBelow(lines.length, rows)
          for (const line of lines) assert.isAtMost(visible(line).length, width)
          if (symbols + 5 > rows) assert.isTrue(lines.some((line) => visible(line).startsWith("…")))
          if (!colours) assert.notInclude(lines.join(""), "\u001b")
        }
      )
    )
  })

  it("cuts between characters, never inside a colour", () => {
    assert.strictEqual(crop("\u001b[31mabcdef\u001b[0m", 3), "\u001b[31mabc\u001b[0m")
    assert.strictEqual(crop("abc", 3), "abc")
    assert.strictEqual(crop("abcd", 3), "abc")
  })

  it("one quote as a line has price, change, both sides and volume", () => {
    const view = opened("AAPL")
    view.apply(snapshot("AAPL", 1, 7), NOW)
    view.apply(update("AAPL", 1, 8), NOW)
    const [row] = view.rows
    assert.isDefined(row)
    if (row !== undefined) {
      assert.strictEqual(
        plainLine(row, view.label),
        "17:13:20  AAPL    100.08  ▲ +0.58 +0.58%  bid –  ask 100.02 x 300  vol 8,000  SIMULATED"
      )
    }
    assert.strictEqual(view.updates, 1)
  })
})

describe("painter", () => {
  it.effect("draws over what it drew before and gives the cursor back", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const out = Out.of({
        isTerminal: true,
        colours: false,
        columns: () => 80,
        rows: () => 24,
        write: (text) => Effect.sync(() => void written.push(text)),
        note: () => Effect.void,
        closed: Effect.never
      })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const painter = yield* makePainter
          yield* painter.draw(["one", "two"])
          yield* painter.draw(["three"])
        })
      ).pipe(Effect.provideService(Out, out))
      assert.deepStrictEqual(written, [
        "\u001b[?25l",
        "\rone\u001b[K\ntwo\u001b[K\n\u001b[J",
        "\u001b[2A\rthree\u001b[K\n\u001b[J",
        "\u001b[?25h"
      ])
    })
  )
})
