import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { snapshot, update, watching } from "../../../test/support/ScriptedMarket.ts"
import type { WatchEvent } from "../market.ts"
import { Pending } from "./pending.ts"
import { Tracker } from "./tracker.ts"
import type { ClientEvent } from "./types.ts"

const SYMBOLS = ["A", "B", "C"] as const
type Name = (typeof SYMBOLS)[number]

/** Judges what a consumer was told, knowing nothing of how it came about. */
class Judge {
  readonly at = new Map<string, { epoch: number; seq: number }>()
  /** A hole that was announced, and not yet mended. */
  private readonly announced = new Set<string>()
  /** Snapshots that left a hole, to be listed in the next Resumed. */
  private readonly unlisted = new Set<string>()
  private down = false

  hear(event: ClientEvent, wanted: ReadonlySet<string>): void {
    switch (event._tag) {
      case "Gap":
        expect(wanted).toContain(event.symbol)
        this.announced.add(event.symbol)
        return
      case "Disconnected":
        this.down = true
        return
      case "Resumed":
        this.down = false
        for (const { symbol } of event.missed) this.unlisted.delete(symbol)
        expect(Array.from(this.unlisted)).toEqual([])
        return
      case "Update":
      case "Snapshot": {
        const { symbol, epoch, seq, folded } = event
        expect(wanted).toContain(symbol)
        const last = this.at.get(symbol)
        if (event._tag === "Update") {
          expect({ epoch, seq }).toEqual({ epoch: last?.epoch, seq: (last?.seq ?? Number.NaN) + folded + 1 })
        } else if (last !== undefined && (last.epoch !== epoch || seq > last.seq + 1) && !this.announced.has(symbol)) {
          expect(this.down).toBe(true)
          this.unlisted.add(symbol)
        } else if (last?.epoch === epoch) {
          expect(seq).toBeGreaterThanOrEqual(last.seq)
        }
        this.announced.delete(symbol)
        this.at.set(symbol, { epoch, seq })
      }
    }
  }

  /** The consumer dropped it itself: it comes back as new. */
  forget(symbol: string): void {
    this.at.delete(symbol)
    this.announced.delete(symbol)
    this.unlisted.delete(symbol)
  }
}

/** The server's side of one watch, as Watching.ts and WatchStream.ts behave. */
class Server {
  readonly now = new Map<string, { epoch: number; seq: number }>(SYMBOLS.map((name) => [name, { epoch: 1, seq: 1 }]))
  slots = new Map<string, { epoch: number; seq: number }>()

  tick(name: Name, count: number): void {
    const { epoch, seq } = this.state(name)
    this.now.set(name, { epoch, seq: seq + count })
  }
  restart(name: Name): void {
    this.now.set(name, { epoch: this.state(name).epoch + 1, seq: 1 })
  }
  open(symbols: ReadonlyArray<string>, positions: ReadonlyArray<{ symbol: string; epoch: number; seq: number }>) {
    this.slots = new Map(symbols.map((name) => [name, { epoch: 0, seq: 0 }]))
    const recovered = positions.every(
      ({ symbol, epoch, seq }) => this.state(symbol).epoch === epoch && this.state(symbol).seq >= seq
    )
    if (recovered) for (const { symbol, epoch, seq } of positions) this.slots.set(symbol, { epoch, seq })
    return watching(symbols, positions.length === 0 ? null : recovered)
  }
  set(symbols: ReadonlyArray<string>): void {
    for (const name of this.slots.keys()) if (!symbols.includes(name)) this.slots.delete(name)
    for (const name of symbols) if (!this.slots.has(name)) this.slots.set(name, { epoch: 0, seq: 0 })
  }
  /** `lose`: a server with a bug, whose item for this symbol never arrives. */
  flush(lose: Name | null): Array<WatchEvent> {
    const events: Array<WatchEvent> = []
    for (const [name, slot] of this.slots) {
      const { epoch, seq } = this.state(name)
      if (slot.epoch === epoch && slot.seq === seq) continue
      this.slots.set(name, { epoch, seq })
      if (slot.epoch === epoch) {
        if (lose !== name) events.push(update(name, epoch, seq, seq - slot.seq - 1))
        continue
      }
      if (slot.epoch > 0) {
        const gap = { epoch: slot.epoch, from: slot.seq + 1, to: null, reason: "actor-restarted" as const }
        events.push({ _tag: "Gap", symbol: name, ...gap })
      }
      events.push(snapshot(name, epoch, seq))
    }
    return events
  }
  private state(name: string) {
    return this.now.get(name) ?? { epoch: 0, seq: 0 }
  }
}

const name = fc.constantFrom(...SYMBOLS)
const set = fc.subarray([...SYMBOLS])
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("tick" as const), name, count: fc.integer({ min: 1, max: 4 }) })
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("flush" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("want" as const), set }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("send" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("answer" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("disconnect" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("connect" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("take" as const) }) }
)
type Step = typeof step extends fc.Arbitrary<infer A> ? A : never

/** Runs the steps with a consumer that takes at once (`slow` false) or only at "take". */
const run = (steps: ReadonlyArray<Step>, slow: boolean) => {
  const server = new Server()
  const judge = new Judge()
  const pending = new Pending()
  const tracker = new Tracker([...SYMBOLS], [], 0)
  let connected = false
  let unanswered: ReadonlyArray<string> | null = null
  const take = () => {
    for (const event of pending.takeAll()) judge.hear(event, new Set(tracker.symbols))
  }
  const told = (events: ReadonlyArray<ClientEvent>) => {
    if (slow) {
      pending.push(events)
      expect(pending.size).toBeLessThanOrEqual(2 * SYMBOLS.length + 8)
    } else for (const event of events) judge.hear(event, new Set(tracker.symbols))
  }
  const receive = (events: ReadonlyArray<WatchEvent>) => {
    const out: Array<ClientEvent> = []
    for (const event of events) expect(tracker.accept(event, 0, out)).toBe(true)
    told(out)
  }
  const act = (now: Step) => {
    switch (now.do) {
      case "tick":
        return server.tick(now.name, now.count)
      case "restart":
        return server.restart(now.name)
      case "flush":
        return connected && receive(server.flush(null))
      case "lose":
        return connected && receive(server.flush(now.name))
      case "want":
        for (const gone of tracker.symbols) if (!now.set.includes(gone as Name)) judge.forget(gone)
        tracker.want(now.set)
        return pending.keepOnly(new Set(now.set))
      case "send":
        if (!connected || unanswered !== null) return
        unanswered = tracker.symbols
        return server.set(unanswered)
      case "answer": {
        if (unanswered === null) return
        const out: Array<ClientEvent> = []
        tracker.acknowledge(new Set(unanswered), out)
        unanswered = null
        return told(out)
      }
      case "disconnect": {
        if (!connected) return
        connected = false
        unanswered = null
        const out: Array<ClientEvent> = []
        tracker.lost("test", null, 0, out)
        return told(out)
      }
      case "connect":
        if (connected) return
        connected = true
        return receive([server.open(tracker.symbols, tracker.positions)])
      case "settle": {
        const out: Array<ClientEvent> = []
        tracker.settle(out)
        return told(out)
      }
      case "take":
        return take()
    }
  }
  for (const now of steps) act(now)
  // everything that was under way comes to its end
  for (const last of ["connect", "answer", "send", "answer", "flush", "settle", "take"] as const) act({ do: last })
  return { server, judge, tracker }
}

describe("a watch, under any interleaving", () => {
  it.each([
    ["that keeps up", false],
    ["that does not", true]
  ])("tells a consumer %s no unannounced hole, nothing twice, nothing dropped, and the latest", (_, slow) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        // losing an item is found at the next one: let there be one
        const { server, judge, tracker } = run(
          [...steps, ...SYMBOLS.map((each) => ({ do: "tick" as const, name: each, count: 1 }))],
          slow
        )
        for (const symbol of tracker.symbols)
          expect([symbol, judge.at.get(symbol)]).toEqual([symbol, server.now.get(symbol)])
      }),
      {
        numRuns: 2_000,
        // an update that is not taken when the connection is lost, and a symbol that starts anew meanwhile
        examples: [
          [
            [
              { do: "connect" },
              { do: "flush" },
              { do: "tick", name: "A", count: 1 },
              { do: "take" },
              { do: "flush" },
              { do: "disconnect" },
              { do: "restart", name: "C" }
            ]
          ],
          // a snapshot that is not taken before its resume is told, and an update that is folded into it
          [
            [
              { do: "connect" },
              { do: "flush" },
              { do: "restart", name: "A" },
              { do: "disconnect" },
              { do: "connect" },
              { do: "take" },
              { do: "flush" }
            ]
          ],
          // left and come back while there is no stream
          [
            [
              { do: "connect" },
              { do: "flush" },
              { do: "disconnect" },
              { do: "want", set: [] },
              { do: "restart", name: "A" },
              { do: "want", set: ["A"] }
            ]
          ],
          // down again before it was heard that it was up
          [
            [
              { do: "connect" },
              { do: "flush" },
              { do: "disconnect" },
              { do: "connect" },
              { do: "restart", name: "A" },
              { do: "disconnect" },
              { do: "take" }
            ]
          ],
          // two outages in one: nothing is taken between them
          [
            [
              { do: "connect" },
              { do: "flush" },
              { do: "take" },
              { do: "restart", name: "A" },
              { do: "disconnect" },
              { do: "connect" },
              { do: "flush" },
              { do: "disconnect" },
              { do: "connect" }
            ]
          ]
        ]
      }
    )
  })
})

it.each([
  [2, [update("A", 1, 2)]],
  [3, [update("A", 1, 3, 1)]],
  [4, [snapshot("A", 1, 4)]]
])("an update that was not taken before a resume is not a hole afterwards: seq %i", (seq, taken) => {
  const pending = new Pending()
  pending.push([update("A", 1, 2)])
  pending.push([snapshot("A", 1, seq)])
  expect(pending.takeAll()).toEqual(taken)
})

it("holds nothing of a symbol that has left", () => {
  const tracker = new Tracker(["A", "B"], [], 0)
  for (const event of [watching(["A", "B"]), snapshot("A", 1, 10), snapshot("B", 1, 10)]) tracker.accept(event, 0, [])
  tracker.want(["A"])
  tracker.acknowledge(new Set(["A"]), [])
  tracker.want(["A", "B"])
  expect(tracker.positions).toEqual([{ symbol: "A", epoch: 1, seq: 10 }])
})

describe("resuming", () => {
  const resumed = (events: ReadonlyArray<WatchEvent>, settle = false) => {
    const tracker = new Tracker(["A", "B"], [], 0)
    const out: Array<ClientEvent> = []
    const first = [watching(["A", "B"]), snapshot("A", 1, 10), snapshot("B", 1, 10)]
    for (const event of first) tracker.accept(event, 1_000, out)
    tracker.lost("gone", 1006, 2_000, out)
    out.length = 0
    for (const event of events) tracker.accept(event, 5_000, out)
    if (settle) tracker.settle(out)
    return { out, tracker }
  }
  const missed = (symbol: string, to: { epoch: number; seq: number }, updates: number | null) => ({
    symbol,
    from: { epoch: 1, seq: 10 },
    to,
    updates
  })

  it("counts exactly within an epoch, admits ignorance across epochs, and does not list what is whole", () => {
    const { out } = resumed([watching(["A", "B"], false), snapshot("A", 1, 11), snapshot("B", 7, 3)])
    expect(out.at(-1)).toEqual({
      _tag: "Resumed",
      downMillis: 3_000,
      recovered: false,
      missed: [missed("B", { epoch: 7, seq: 3 }, null)],
      awaiting: []
    })
  })

  it("announces on its own what becomes current only later", () => {
    const { out, tracker } = resumed([watching(["A", "B"], false), snapshot("A", 1, 13)], true)
    expect(out.at(-1)).toMatchObject({
      _tag: "Resumed",
      missed: [missed("A", { epoch: 1, seq: 13 }, 2)],
      awaiting: ["B"]
    })
    const late: Array<ClientEvent> = []
    tracker.accept(snapshot("B", 1, 15), 6_000, late)
    expect(late).toEqual([
      { _tag: "Gap", symbol: "B", epoch: 1, from: 11, to: 14, reason: "disconnected" },
      snapshot("B", 1, 15)
    ])
  })

  it("names what still owes its snapshot when the connection is lost again first", () => {
    const { out, tracker } = resumed([watching(["A", "B"], false), snapshot("A", 1, 11)])
    tracker.lost("gone again", 1006, 6_000, out)
    expect(out.slice(-2)).toMatchObject([{ _tag: "Resumed", awaiting: ["B"] }, { _tag: "Disconnected" }])
  })

  it("awaits nothing of what the server continues, and the rest where not every position could be presented", () => {
    const settled = (presented: ReadonlyArray<string>) => {
      const { out, tracker } = resumed([])
      tracker.present(tracker.positions.filter(({ symbol }) => presented.includes(symbol)))
      tracker.accept(watching(["A", "B"], true), 5_000, out)
      tracker.settle(out)
      return out.at(-1)
    }
    expect(settled(["A", "B"])).toMatchObject({ _tag: "Resumed", recovered: true, awaiting: [] })
    expect(settled(["A"])).toMatchObject({ _tag: "Resumed", recovered: false, awaiting: ["B"] })
  })

  it("does not go backwards on a node that stands a little behind, and keeps count there", () => {
    const { out } = resumed([
      watching(["A", "B"], false),
      snapshot("A", 1, 8),
      snapshot("B", 1, 10),
      update("A", 1, 9),
      update("A", 1, 12, 2)
    ])
    const ofA = out.filter((event) => "symbol" in event && event.symbol === "A")
    expect(ofA).toEqual([{ ...update("A", 1, 12), folded: 1 }])
  })
})
