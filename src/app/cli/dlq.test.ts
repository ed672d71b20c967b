/** `lzstock dlq` in this process, against a real NATS with dead letters in it. */
import { Effect, Exit, Layer, Redacted, References, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonLines, runCaptured } from "../../../test/support/commandLine.ts"
import { freshPrefix, services } from "../../../test/support/services.ts"
import { durable, everyShard, ownerNode } from "../../../test/support/tickNodes.ts"
import { Gauges } from "../../actors/kernel/Gauges.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { tickBatchCodec } from "../../rpc/topicCodecs.ts"
import { DeadLetters } from "../nats/deadletters/DeadLetters.ts"
import { Nats } from "../nats/NatsConnection.ts"

const time = Date.parse("2013-10-07T13:30:00.250Z")
const batch = (symbol: string): TickBatch => ({
  symbol,
  ingestTime: 5,
  previousClose: null,
  origin: { run: "replay:2013-10-07", no: 1, from: 3 },
  ticks: [
    { _tag: "Trade", id: 42, time, price: 1_674_100, size: 1200, exchange: "P", conditions: 0 },
    { _tag: "TopOfBook", time, bid: 1_674_000, bidSize: 300, ask: 1_674_200, askSize: 500 }
  ]
})

let url = ""
let scope: Scope.Closeable
beforeAll(async () => {
  scope = await Effect.runPromise(Scope.make())
  url = (await services()).natsUrl
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** A cluster with two batches and one garbage among its dead letters: 1, 2 and 3. */
const withLetters = async (): Promise<string> => {
  const prefix = freshPrefix("dlq")
  const layer = DeadLetters.layer({ prefix }).pipe(
    Layer.provideMerge(Nats.layer({ url: Redacted.make(url), name: "dlq-test" })),
    Layer.provide(Gauges.layer)
  )
  await Effect.runPromise(
    Effect.gen(function* () {
      const letters = yield* DeadLetters
      for (const symbol of ["SPY", "BRK.B"]) {
        letters.park({ shard: 1, symbol, bytes: tickBatchCodec.encode(batch(symbol)), reason: `${symbol} crashed` })
      }
      const source = { stream: "S@1", subject: `${prefix}.ticks.9`, seq: 17 }
      letters.park({
        shard: 9,
        symbol: undefined,
        bytes: Uint8Array.of(0, 0x7b, 0xff),
        reason: "expected JSON",
        source
      })
      yield* letters.flush
    }).pipe(Effect.provide(layer), Effect.provideService(References.MinimumLogLevel, "None"))
  )
  return prefix
}

const run = (...args: ReadonlyArray<string>) => runCaptured(["dlq", ...args])
const ask = (prefix: string, ...args: ReadonlyArray<string>) => run(...args, "--nats", url, "--prefix", prefix)

describe("lzstock dlq", () => {
  it("lists, newest last, for people and for programs", async () => {
    const prefix = await withLetters()
    const { code, err, out } = await ask(prefix, "list")
    expect({ code, err }).toEqual({ code: 0, err: "" })
    const [head = "", ...rows] = out.trimEnd().split("\n")
    expect(head).toMatch(/^NUMBER +TIME \(NEW YORK\) +SYMBOL +TICKS +REASON$/)
    expect(rows.map((row) => row.trim().replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, "then"))).toEqual([
      expect.stringMatching(/^1 +then +SPY +2 +SPY crashed$/),
      expect.stringMatching(/^2 +then +BRK\.B +2 +BRK\.B crashed$/),
      expect.stringMatching(/^3 +then +– +– +expected JSON$/)
    ])
    expect(jsonLines((await ask(prefix, "list", "--json", "--limit", "2")).out)).toMatchObject([
      { number: 2, symbol: "BRK.B", ticks: 2, source: null },
      { number: 3, symbol: null, ticks: null, bytes: 3, source: { subject: `${prefix}.ticks.9`, seq: 17 } }
    ])
  })

  it("says so when there is none", async () => {
    expect(await ask(freshPrefix("dlq"), "list")).toEqual({ code: 0, out: "", err: "lzstock: no dead letters\n" })
    expect(await ask(freshPrefix("dlq"), "drop", "--all")).toMatchObject({ code: 0, out: "0 dropped\n" })
  })

  it("shows ticks to read, and bytes as they are", async () => {
    const prefix = await withLetters()
    const { out } = await ask(prefix, "show", "1")
    expect(out).toContain("2013-10-07 09:30:00.250  trade 42: 1,200 at 167.41 on P, conditions 0\n")
    expect(out).toContain("2013-10-07 09:30:00.250  quote: 300 at 167.40, 500 at 167.42\n")
    expect(out).toMatch(/^run +replay:2013-10-07, from tick 3$/m)
    const garbage = await ask(prefix, "show", "3")
    expect(garbage.out).toMatch(/^00000000 {2}00 7b ff +\.\{\.$/m)
    expect(garbage.out).toMatch(/^read from +\S+\.ticks\.9, message 17$/m)
    expect(jsonLines((await ask(prefix, "show", "3", "--json")).out)).toMatchObject([{ base64: "AHv/" }])
    expect(jsonLines((await ask(prefix, "show", "1", "--json")).out)).toMatchObject([{ batch: batch("SPY") }])
  })

  it("plays batches again: their owner gets them without an origin, and they are dead letters no more", async () => {
    const prefix = await withLetters()
    const owner = await Effect.runPromise(
      Effect.gen(function* () {
        return yield* ownerNode(url, { prefix }, yield* durable)
      }).pipe(Scope.provide(scope))
    )
    owner.own(...everyShard)
    await Effect.runPromise(Effect.forEach(everyShard, (shard) => owner.source.caughtUp(shard), { discard: true }))
    const { code, out } = await ask(prefix, "replay", "2", "1")
    expect({ code, out }).toEqual({
      code: 0,
      out: "2: 2 ticks of BRK.B played again\n1: 2 ticks of SPY played again\n"
    })
    const { origin: _, ...spy } = batch("SPY")
    await expect.poll(() => owner.sink.played).toHaveLength(2)
    expect(owner.sink.played).toContainEqual(spy)
    expect(jsonLines((await ask(prefix, "list", "--json")).out)).toMatchObject([{ number: 3 }])
  })

  it("does not play garbage, nor anything beside it", async () => {
    const prefix = await withLetters()
    const { code, err, out } = await ask(prefix, "replay", "1", "3")
    expect({ code, out }).toEqual({ code: 1, out: "" })
    expect(err).toBe(
      "lzstock: 3 is no batch of ticks and cannot be played again; nothing was (see lzstock dlq show 3)\n"
    )
    expect(jsonLines((await ask(prefix, "list", "--json")).out)).toHaveLength(3)
  })

  it("keeps a batch that the ticks' stream does not take", async () => {
    // no stream of ticks: nobody has published any
    const prefix = await withLetters()
    expect((await ask(prefix, "replay", "1")).code).toBe(5)
    expect(jsonLines((await ask(prefix, "list", "--json")).out)).toHaveLength(3)
  })

  it("drops some, or all", async () => {
    const prefix = await withLetters()
    expect(await ask(prefix, "drop", "1", "3")).toMatchObject({ code: 0, out: "2 dropped\n" })
    expect(jsonLines((await ask(prefix, "list", "--json")).out)).toMatchObject([{ number: 2 }])
    expect(jsonLines((await ask(prefix, "drop", "--all", "--json")).out)).toEqual([{ dropped: 1 }])
    expect((await ask(prefix, "list")).err).toBe("lzstock: no dead letters\n")
  })

  it.each([
    ["a number that is none", ["show", "9"], 1, "there is no dead letter 9 (see lzstock dlq list)"],
    ["dropping nothing", ["drop"], 2, "either numbers or --all"],
    ["dropping some and all", ["drop", "1", "--all"], 2, "either numbers or --all"],
    ["replaying nothing", ["replay"], 2, "NUMBER is missing"]
  ])("%s", async (_, args, code, line) => {
    const said = await ask(freshPrefix("dlq"), ...args)
    expect(said).toMatchObject({ code, out: "" })
    expect(said.err).toContain(line)
    expect(said.err.trimEnd().split("\n")).toHaveLength(1)
  })

  it("a wrong prefix and a NATS that is not there are one line each", async () => {
    expect(await run("list", "--nats", url, "--prefix", "a.b")).toMatchObject({ code: 2, out: "" })
    const away = await run("list", "--nats", "nats://me:hidden@127.0.0.1:1", "--timeout", "0.2")
    expect(away).toMatchObject({ code: 3, out: "" })
    expect(away.err).toMatch(/^lzstock: cannot connect to NATS at nats:\/\/127\.0\.0\.1:1: [^\n]*\n$/)
  })

  it.each([[[]], [["list"]], [["show"]], [["replay"]], [["drop"]]])(
    "help of %j has usage and examples",
    async (command) => {
      const { code, err, out } = await run(...command, "--help")
      expect({ code, err }).toEqual({ code: 0, err: "" })
      expect(out).toContain("USAGE")
      expect(out).toContain("EXAMPLES")
    }
  )
})
