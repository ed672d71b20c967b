/** Every bus message comes back from its bytes as it was; whatever else arrives is refused with WrongMessage and nothing worse. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { DomainEvent } from "./events.ts"
import type { Bar } from "./market.ts"
import type { Tick, TickBatch } from "./ticks.ts"
import {
  barsCodec,
  batchJson,
  batchOf,
  eventCodec,
  feedClockCodec,
  livenessCodec,
  ownedShardsCodec,
  quoteCodec,
  tickBatchCodec,
  WrongMessage
} from "./topicCodecs.ts"
import type { Codec, QuoteUpdate } from "./topics.ts"

const utf8 = new TextEncoder()
const whole = fc.integer({ min: 0, max: 2 ** 45 })
const price = fc.integer({ min: 0, max: 10_000_000_000 })
const symbol = fc.stringMatching(/^[A-Z][A-Z0-9]{0,5}([.-][A-Z0-9]{1,2})?$/)

const tick: fc.Arbitrary<Tick> = fc.oneof(
  fc.record({
    _tag: fc.constant("Trade" as const),
    id: whole,
    time: whole,
    price,
    size: whole,
    exchange: fc.string({ maxLength: 4 }),
    conditions: fc.integer({ min: 0, max: 4095 })
  }),
  fc.record({
    _tag: fc.constant("TopOfBook" as const),
    time: whole,
    bid: price,
    bidSize: whole,
    ask: price,
    askSize: whole
  }),
  fc.record({ _tag: fc.constant("TradeCancel" as const), time: whole, id: whole }),
  fc.record({
    _tag: fc.constant("TradeCorrection" as const),
    time: whole,
    id: whole,
    price,
    size: whole,
    conditions: fc.integer({ min: 0, max: 4095 })
  }),
  fc.record({ _tag: fc.constant("TradingStatus" as const), time: whole, halted: fc.boolean() }),
  fc.record({
    _tag: fc.constant("DaySoFar" as const),
    time: whole,
    open: price,
    high: price,
    low: price,
    close: price,
    last: price,
    lastSize: whole,
    volume: whole,
    trades: whole,
    regularVolume: whole,
    regularTrades: whole
  })
)

const batch: fc.Arbitrary<TickBatch> = fc
  .record({
    symbol,
    ingestTime: whole,
    previousClose: fc.option(price),
    ticks: fc.array(tick, { minLength: 1, maxLength: 8 }),
    origin: fc.option(fc.record({ run: fc.string({ maxLength: 20 }), no: whole, from: whole }), { nil: undefined })
  })
  .map(({ origin, ...rest }) => (origin === undefined ? rest : { ...rest, origin }))

const quote: fc.Arbitrary<QuoteUpdate> = fc
  .record({ symbol, epoch: fc.integer({ min: 1, max: 2 ** 45 }), seq: whole, exchangeTime: whole, ingestTime: whole })
  .map((head) => ({ ...head, body: utf8.encode(`"s":"${head.symbol}","e":${head.epoch},"q":${head.seq},"p":1.25`) }))

const bar: fc.Arbitrary<Bar> = fc.record({
  time: whole,
  open: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
  high: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
  low: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
  close: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
  volume: fc.integer({ min: 0 }),
  trades: fc.integer({ min: 0 }),
  final: fc.boolean(),
  revision: fc.integer({ min: 0 })
})

const clock = fc.record({
  run: fc.string(),
  state: fc.constantFrom("starting" as const, "live" as const, "ended" as const, "down" as const),
  marketTime: whole,
  publishedUpTo: whole,
  speed: fc.integer({ min: 0, max: 1000 }),
  ticks: whole,
  malformed: whole
})

const event: fc.Arbitrary<DomainEvent> = fc.record({
  id: fc.string(),
  at: whole,
  body: fc.record({
    _tag: fc.constantFrom("investor.signed_up" as const, "investor.deleted" as const),
    investor: fc.string()
  })
})

const comesBack = <A>(codec: Codec<A>, messages: fc.Arbitrary<A>) =>
  fc.assert(
    fc.property(messages, (message) => {
      expect(codec.decode(codec.encode(message))).toEqual(message)
    })
  )

describe("bus messages come back from their bytes", () => {
  it("tick batches of every kind of tick, with and without an origin", () => comesBack(tickBatchCodec, batch))
  it("several batches in one text", () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 5 }), (batches) => {
        const parsed: ReadonlyArray<unknown> = JSON.parse(`[${batches.map(batchJson).join(",")}]`)
        expect(parsed.map(batchOf)).toEqual(batches)
      })
    )
  })
  it("quotes, their body byte for byte", () => comesBack(quoteCodec, quote))
  it("bars", () =>
    comesBack(
      barsCodec,
      fc.record({ symbol, interval: fc.constantFrom("1s" as const, "1m" as const, "1d" as const), bars: fc.array(bar) })
    ))
  it("the shards a node owns", () =>
    comesBack(ownedShardsCodec, fc.record({ shards: fc.array(fc.integer({ min: 0, max: 63 })) })))
  it("the feed's clock", () => comesBack(feedClockCodec, clock))
  it("events of the contexts", () => comesBack(eventCodec, event))
  it("the feed's state", () =>
    comesBack(
      livenessCodec,
      fc.record({ state: fc.constantFrom("live" as const, "feed-down" as const), since: whole })
    ))
})

describe("bytes that are no message are refused", () => {
  const codecs: ReadonlyArray<readonly [name: string, decode: (bytes: Uint8Array) => unknown]> = [
    ["tick batch", tickBatchCodec.decode],
    ["quote", quoteCodec.decode],
    ["bars", barsCodec.decode],
    ["owned shards", ownedShardsCodec.decode],
    ["feed clock", feedClockCodec.decode],
    ["event", eventCodec.decode],
    ["liveness", livenessCodec.decode]
  ]
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => utf8.encode(text)),
    fc.string().map((text) => utf8.encode(`${text}\n{}`))
  )

  it.each(codecs)("%s: anything at all", (_, decode) => {
    fc.assert(
      fc.property(garbage, (bytes) => {
        expect(() => decode(bytes)).toThrow(WrongMessage)
      })
    )
  })

  it("a message with one byte changed is another message or none, never another error", () => {
    const messages = fc.oneof(
      batch.map((message) => ({
        decode: tickBatchCodec.decode as (bytes: Uint8Array) => unknown,
        bytes: tickBatchCodec.encode(message)
      })),
      quote.map((message) => ({
        decode: quoteCodec.decode as (bytes: Uint8Array) => unknown,
        bytes: quoteCodec.encode(message)
      })),
      clock.map((message) => ({
        decode: feedClockCodec.decode as (bytes: Uint8Array) => unknown,
        bytes: feedClockCodec.encode(message)
      }))
    )
    fc.assert(
      fc.property(messages, fc.nat(), fc.integer({ min: 0, max: 255 }), ({ bytes, decode }, at, value) => {
        bytes[at % bytes.length] = value
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(WrongMessage)
        }
      })
    )
  })

  it.each([
    ["epoch 0", "SPY 0 1 2 3", '"s":"SPY","e":0,"q":1'],
    ["a seq before the first", "SPY 1 -1 2 3", '"s":"SPY","e":1,"q":-1'],
    ["another symbol in its body", "SPY 1 1 2 3", '"s":"AAPL","e":1,"q":1'],
    ["another position in its body", "SPY 1 1 2 3", '"s":"SPY","e":1,"q":2'],
    ["a body that ends its object", "SPY 1 1 2 3", '"s":"SPY","e":1,"q":1},{"x":1'],
    ["a time that is none", "SPY 1 1 2 x", '"s":"SPY","e":1,"q":1'],
    ["a number too many", "SPY 1 1 2 3 4", '"s":"SPY","e":1,"q":1']
  ])("a quote with %s", (_, head, body) => {
    const quoteOf = (text: string) => quoteCodec.decode(utf8.encode(text))
    expect(quoteOf('SPY 1 1 2 3\n"s":"SPY","e":1,"q":1').symbol).toBe("SPY")
    expect(() => quoteOf(`${head}\n${body}`)).toThrow(WrongMessage)
  })

  it.each([
    ["no ticks", { t: [] }],
    ["no symbol", { s: "" }],
    ["a symbol too long", { s: "A".repeat(33) }],
    ["a run without a position", { r: "x" }],
    ["a position without a run", { f: 1 }],
    ["a position before the first", { r: "x", f: -1 }],
    ["an unknown kind of tick", { t: [[9, 1]] }],
    ["a kind of tick that is no whole number", { t: [[0.5, 1]] }],
    ["a tick too short", { t: [[2, 1]] }],
    ["a tick too long", { t: [[2, 1, 2, 3]] }],
    ["a text for a number", { t: [[2, 1, "2"]] }],
    ["a number for a text", { t: [[0, 1, 1, 1, 1, 1, 1]] }],
    ["no previous close and no null", { c: "1" }]
  ])("a batch with %s", (_, wrong) => {
    const right = { s: "SPY", i: 1, c: null, t: [[2, 1, 1]] }
    expect(batchOf(right).ticks).toHaveLength(1)
    expect(() => batchOf({ ...right, ...wrong })).toThrow(WrongMessage)
  })
})
