import { Deferred, Effect, Queue } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import {
  bar,
  type OpenedWatch,
  ScriptedMarket,
  snapshot,
  update,
  watching
} from "../../../test/support/ScriptedMarket.ts"
import { type ClientEvent, connect, type MarketClient, type Watch } from "../client.ts"
import { LimitExceeded } from "../market.ts"

/** Everything a watch was told, and a way to wait for what comes next. */
class Told {
  readonly events: Array<ClientEvent> = []
  private waiting: Array<() => void> = []

  readonly listener = (events: ReadonlyArray<ClientEvent>): void => {
    this.events.push(...events)
    for (const wake of this.waiting.splice(0)) wake()
  }

  /** The first event that fits, now or later. */
  async until<E extends ClientEvent>(fits: (event: ClientEvent) => event is E): Promise<E>
  async until(fits: (event: ClientEvent) => boolean): Promise<ClientEvent>
  async until(fits: (event: ClientEvent) => boolean): Promise<ClientEvent> {
    for (;;) {
      const found = this.events.find(fits)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
  }
}

const is =
  <T extends ClientEvent["_tag"]>(tag: T) =>
  (event: ClientEvent): event is Extract<ClientEvent, { readonly _tag: T }> =>
    event._tag === tag
const stateOf = (symbol: string, seq: number) => (event: ClientEvent) =>
  (event._tag === "Update" || event._tag === "Snapshot") && event.symbol === symbol && event.seq === seq

const market = { current: new ScriptedMarket() }
const clients: Array<MarketClient> = []
const server = (): ScriptedMarket => market.current
const open = (timeoutMillis?: number): MarketClient => {
  const client = connect({ url: server().url, timeoutMillis })
  clients.push(client)
  return client
}
const nextWatch = (): Promise<OpenedWatch> => Effect.runPromise(Queue.take(server().watches))
const nextSet = () => Effect.runPromise(Queue.take(server().sets))
const watchOf = async (symbols: ReadonlyArray<string>): Promise<{ told: Told; watch: Watch; served: OpenedWatch }> => {
  const told = new Told()
  const watch = open().watch({ symbols, conflation: 0 }, told.listener)
  return { told, watch, served: await nextWatch() }
}

beforeEach(async () => {
  market.current = new ScriptedMarket()
  await server().start()
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await server().stop()
})

describe("calls", () => {
  it("answer through the contract's schemas, and fail with its errors", async () => {
    const client = open()
    expect(await client.quote(" aapl ")).toEqual(snapshot("AAPL", 1, 7))
    await expect(client.quote("NOPE")).rejects.toMatchObject({ _tag: "UnknownSymbol", symbol: "NOPE" })
    expect((await client.status()).feed.adapter).toBe("scripted")
    expect((await client.listings()).map(({ symbol }) => symbol)).toEqual(["AAPL", "IBM", "MSFT"])
  })

  it("page through all bars, newest page first", async () => {
    server().pages = [
      [bar(50), bar(60)],
      [bar(30), bar(40)],
      [bar(10), bar(20)]
    ]
    const times: Array<number> = []
    for await (const page of open().allBars({ symbol: "AAPL", interval: "1m" })) {
      times.push(...page.bars.map(({ time }) => time))
    }
    expect(times).toEqual([50, 60, 30, 40, 10, 20])
  })

  it("in flight at a disconnect are asked again of the server that comes back", async () => {
    server().mute = true
    const client = open()
    await client.opened()
    const asked = client.quote("AAPL")
    await client.status()
    await server().stop()
    server().mute = false
    await server().start()
    expect(await asked).toEqual(snapshot("AAPL", 1, 7))
    expect(server().calls).toEqual(["Quote AAPL", "Quote AAPL"])
  })

  it("reject with Closed when the client closes", async () => {
    server().mute = true
    const client = open()
    const asked = client.quote("AAPL")
    const rejected = expect(asked).rejects.toMatchObject({ _tag: "Closed" })
    await client.opened()
    await client.close()
    await rejected
    expect(client.state).toMatchObject({ status: "closed" })
  })
})

describe("watch", () => {
  it("tells the set, snapshots and updates in order", async () => {
    const { told, served, watch } = await watchOf(["aapl", "AAPL", " msft "])
    expect(served.request).toMatchObject({ symbols: ["AAPL", "MSFT"], conflation: 0 })
    expect(served.request.positions).toBeUndefined()
    const said = [
      watching(["AAPL", "MSFT"]),
      snapshot("AAPL", 1, 10),
      update("AAPL", 1, 11),
      snapshot("MSFT", 2, 5),
      update("AAPL", 1, 15, 3)
    ]
    served.say(...said)
    await told.until(stateOf("AAPL", 15))
    expect(told.events).toEqual(said)
    expect(watch.positions).toEqual([
      { symbol: "AAPL", epoch: 1, seq: 15 },
      { symbol: "MSFT", epoch: 2, seq: 5 }
    ])
  })

  it("announces a hole it finds itself, and mends it", async () => {
    const { told, served } = await watchOf(["AAPL"])
    served.say(watching(["AAPL"]), snapshot("AAPL", 1, 10), update("AAPL", 1, 14, 1), update("AAPL", 1, 15))
    await told.until(stateOf("AAPL", 15))
    expect(told.events.slice(2)).toEqual([
      { _tag: "Gap", symbol: "AAPL", epoch: 1, from: 11, to: 13, reason: "out-of-sequence" },
      { ...snapshot("AAPL", 1, 14) },
      update("AAPL", 1, 15)
    ])
  })

  it("delivers nothing more of a symbol from the moment it is dropped", async () => {
    const { told, served, watch } = await watchOf(["AAPL", "MSFT"])
    served.say(watching(["AAPL", "MSFT"]), snapshot("AAPL", 1, 1), snapshot("MSFT", 1, 1))
    await told.until(stateOf("MSFT", 1))
    const answered = watch.set(["MSFT", "IBM"])
    expect(watch.symbols).toEqual(["MSFT", "IBM"])
    const set = await nextSet()
    served.say(update("AAPL", 1, 2), update("MSFT", 1, 2))
    await told.until(stateOf("MSFT", 2))
    set.answer(watching(["MSFT", "IBM"]))
    expect((await answered).accepted).toEqual(["MSFT", "IBM"])
    served.say(snapshot("IBM", 1, 1))
    await told.until(stateOf("IBM", 1))
    expect(told.events.some(stateOf("AAPL", 2))).toBe(false)
  })

  it("gives a snapshot to a symbol that left and came back before the server heard of it", async () => {
    const { told, served, watch } = await watchOf(["AAPL", "MSFT"])
    served.say(watching(["AAPL", "MSFT"]), snapshot("AAPL", 1, 1), snapshot("MSFT", 1, 1))
    await told.until(stateOf("MSFT", 1))
    const answers = [watch.setConflation(250)]
    const first = await nextSet()
    answers.push(watch.set(["MSFT"]), watch.set(["MSFT", "AAPL"]))
    expect(first.request).toMatchObject({ symbols: ["AAPL", "MSFT"], conflation: 250 })
    served.say(update("AAPL", 1, 2), update("MSFT", 1, 2))
    await told.until(stateOf("MSFT", 2))
    first.answer(watching(["AAPL", "MSFT"]))
    const second = await nextSet()
    expect(second.request.symbols).toEqual(["MSFT", "AAPL"])
    second.answer(watching(["MSFT", "AAPL"]))
    await Promise.all(answers)
    served.say(update("AAPL", 1, 3))
    await told.until(stateOf("AAPL", 3))
    const ofApple = told.events.filter((event) => "symbol" in event && event.symbol === "AAPL")
    expect(ofApple).toEqual([snapshot("AAPL", 1, 1), snapshot("AAPL", 1, 2), update("AAPL", 1, 3)])
  })

  it("asks for what can be no symbol, and is refused it by the server", async () => {
    const { served, watch } = await watchOf(["AAPL"])
    served.say(watching(["AAPL"]))
    const long = watch.set(["AAPL", "A".repeat(60)])
    const { answer, request } = await nextSet()
    expect(request.symbols).toEqual(["AAPL", "A".repeat(32)])
    answer({
      ...watching(["AAPL"]),
      refused: [{ symbol: "A".repeat(32), reason: "malformed-symbol", message: "no symbol" }]
    })
    expect(await long).toMatchObject({ accepted: ["AAPL"], refused: [{ reason: "malformed-symbol" }] })
    await expect(open().quote("A".repeat(60))).rejects.toMatchObject({ _tag: "UnknownSymbol" })
    await expect(open().search({ text: "a", limit: 1_000 })).rejects.toMatchObject({
      _tag: "InvalidArguments",
      message: expect.stringMatching(/companies\.Search: .*"limit"/)
    })
  })

  it("fails what cannot be said at all, and goes on", async () => {
    const { served, watch } = await watchOf(["AAPL"])
    served.say(watching(["AAPL"]))
    // as JavaScript may say it
    const odd: Promise<unknown> = Reflect.apply(watch.setConflation, watch, [7])
    await expect(odd).rejects.toMatchObject({
      _tag: "InvalidArguments",
      message: expect.stringMatching(/market\.SetWatched: .*"conflation"/)
    })
    const later = watch.set(["IBM"])
    const { answer, request } = await nextSet()
    expect(request).toMatchObject({ symbols: ["IBM"], conflation: 0 })
    answer(watching(["IBM"]))
    expect(await later).toMatchObject({ accepted: ["IBM"] })
  })

  it("keeps the old set when the server refuses the new one", async () => {
    const { told, served, watch } = await watchOf(["AAPL"])
    served.say(watching(["AAPL"]), snapshot("AAPL", 1, 1))
    await told.until(stateOf("AAPL", 1))
    const answered = watch.set(["MSFT"])
    const refusal = { limit: "symbols", allowed: 1, retryAfterMillis: null, message: "no" }
    const rejected = expect(answered).rejects.toMatchObject({ _tag: "LimitExceeded", allowed: 1 })
    ;(await nextSet()).answer(new LimitExceeded(refusal))
    await rejected
    expect(watch.symbols).toEqual(["AAPL"])
    served.say(update("AAPL", 1, 2))
    await told.until(stateOf("AAPL", 2))
    expect(told.events.some((event) => event._tag === "Gap")).toBe(false)
  })

  it("keeps what the server answered for, not what was wanted by then, when a change made meanwhile is refused", async () => {
    const { told, served, watch } = await watchOf(["AAPL"])
    const answered = watch.set(["MSFT"])
    const refusal = { limit: "symbols", allowed: 1, retryAfterMillis: null, message: "no" }
    const rejected = expect(answered).rejects.toMatchObject({ _tag: "LimitExceeded" })
    served.say(watching(["AAPL"]), snapshot("AAPL", 1, 1))
    const set = await nextSet()
    expect(set.request.symbols).toEqual(["MSFT"])
    set.answer(new LimitExceeded(refusal))
    await rejected
    expect(watch.symbols).toEqual(["AAPL"])
    served.say(update("AAPL", 1, 2))
    await told.until(stateOf("AAPL", 2))
    expect(told.events).toEqual([watching(["AAPL"]), snapshot("AAPL", 1, 1), update("AAPL", 1, 2)])
  })

  it("leaves the server when closed, and tells nothing more", async () => {
    const { told, served, watch } = await watchOf(["AAPL"])
    served.say(watching(["AAPL"]), snapshot("AAPL", 1, 1))
    await told.until(stateOf("AAPL", 1))
    const before = told.events.length
    await watch.close()
    await Effect.runPromise(Deferred.await(served.left))
    expect(told.events.length).toBe(before)
    await expect(watch.set(["IBM"])).rejects.toMatchObject({ _tag: "Closed" })
  })
})

describe("a server that is killed and comes back on its port", () => {
  it("is resumed from: positions presented, the hole counted", async () => {
    const { told, served } = await watchOf(["AAPL", "MSFT"])
    served.say(watching(["AAPL", "MSFT"]), snapshot("AAPL", 1, 10), snapshot("MSFT", 1, 20))
    await told.until(stateOf("MSFT", 20))
    await server().stop()
    await told.until(is("Disconnected"))
    await server().start()
    const again = await nextWatch()
    expect(again.request.positions).toEqual([
      { symbol: "AAPL", epoch: 1, seq: 10 },
      { symbol: "MSFT", epoch: 1, seq: 20 }
    ])
    again.say(watching(["AAPL", "MSFT"], false), snapshot("AAPL", 1, 15), snapshot("MSFT", 9, 3))
    expect(await told.until(is("Resumed"))).toMatchObject({
      recovered: false,
      missed: [
        { symbol: "AAPL", from: { epoch: 1, seq: 10 }, to: { epoch: 1, seq: 15 }, updates: 4 },
        { symbol: "MSFT", from: { epoch: 1, seq: 20 }, to: { epoch: 9, seq: 3 }, updates: null }
      ]
    })
    expect(told.events.slice(-5).map(({ _tag }) => _tag)).toEqual([
      "Disconnected",
      "Watching",
      "Snapshot",
      "Snapshot",
      "Resumed"
    ])
  })

  it("is not said to have continued from every position when only those that fit one message were presented", async () => {
    const letters = [..."ABCDEFGHIJKLM"]
    const symbols = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => `${a}${b}${c}`)))
    const { told, served } = await watchOf(symbols)
    served.say(watching(symbols), ...symbols.map((symbol) => snapshot(symbol, 1, 10)))
    const last = symbols.at(-1) ?? ""
    await told.until(stateOf(last, 10))
    await server().stop()
    await server().start()
    const again = await nextWatch()
    const presented = again.request.positions ?? []
    expect(presented.length).toBeGreaterThan(500)
    expect(presented.length).toBeLessThan(symbols.length)
    again.say(watching(symbols, true), ...symbols.slice(presented.length).map((symbol) => snapshot(symbol, 1, 10)))
    expect(await told.until(is("Resumed"))).toMatchObject({ recovered: false, missed: [] })
  })

  it("hears of the set as it was changed meanwhile", async () => {
    const { told, served, watch } = await watchOf(["AAPL", "MSFT"])
    served.say(watching(["AAPL", "MSFT"]), snapshot("AAPL", 1, 10), snapshot("MSFT", 1, 20))
    await told.until(stateOf("MSFT", 20))
    await server().stop()
    await told.until(is("Disconnected"))
    const answered = watch.set(["MSFT", "IBM"])
    await server().start()
    const again = await nextWatch()
    expect(again.request.symbols).toEqual(["MSFT", "IBM"])
    expect(again.request.positions).toEqual([{ symbol: "MSFT", epoch: 1, seq: 20 }])
    again.say(watching(["MSFT", "IBM"], true), update("MSFT", 1, 22, 1), snapshot("IBM", 1, 1))
    expect((await answered).accepted).toEqual(["MSFT", "IBM"])
    expect(await told.until(is("Resumed"))).toMatchObject({
      recovered: true,
      missed: [{ symbol: "MSFT", updates: 1 }]
    })
  })
})

describe("live bars", () => {
  it("come as they are, and again after a reconnect; an unknown symbol is told", async () => {
    server().liveBars = [bar(10), bar(20)]
    const client = open()
    const seen: Array<number> = []
    const { promise: two, resolve: onTwo } = Promise.withResolvers<void>()
    const { promise: three, resolve: onThree } = Promise.withResolvers<void>()
    client.watchBars({ symbol: "AAPL", interval: "1m" }, ({ time }) => {
      seen.push(time)
      if (seen.length === 2) onTwo()
      if (seen.length === 3) onThree()
    })
    await two
    await server().stop()
    server().liveBars = [bar(30)]
    await server().start()
    await three
    expect(seen).toEqual([10, 20, 30])
    const error = await new Promise<Error>((resolve) => {
      client.watchBars({ symbol: "NOPE", interval: "1m" }, { onBar: () => {}, onError: resolve })
    })
    expect(error).toMatchObject({ _tag: "UnknownSymbol" })
  })
})
