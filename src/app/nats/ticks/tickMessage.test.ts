import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { TickBatch } from "../../../rpc/ticks.ts"
import { batchJson, WrongMessage } from "../../../rpc/topicCodecs.ts"
import { tickShard } from "../../../rpc/topics.ts"
import { decodeSettled, isOf, nextGeneration, settledText } from "./settled.ts"
import { decodeTickMessage, tickMessageText } from "./tickMessage.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const batch: TickBatch = {
  symbol: "SPY",
  ingestTime: 5,
  previousClose: null,
  ticks: [{ _tag: "TradingStatus", time: 1, halted: true }],
  origin: { run: "r", no: 1, from: 3 }
}
const shard = tickShard("SPY")

describe("a message of the tick stream", () => {
  it("comes back as it was written, with and without a mark", () => {
    for (const batches of [[], [batch], [batch, batch]]) {
      for (const mark of [undefined, 0, 1_381_152_600_000]) {
        expect(decodeTickMessage(shard, bytes(tickMessageText(batches.map(batchJson), mark)))).toEqual({
          batches,
          mark
        })
      }
    }
  })

  it("is refused when any bit of it has changed, or when it is cut short", () => {
    const real = bytes(tickMessageText([batchJson(batch)], 1_381_152_600_000))
    for (let bit = 0; bit < real.length * 8; bit++) {
      const changed = real.slice()
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => decodeTickMessage(shard, changed), String(bit)).toThrow(WrongMessage)
    }
    for (let length = 0; length < real.length; length++) {
      expect(() => decodeTickMessage(shard, real.subarray(0, length)), String(length)).toThrow(WrongMessage)
    }
  })

  it("refuses whatever else there is, and only so", () => {
    const decode = (data: Uint8Array) => () => decodeTickMessage(shard, data)
    for (const text of ["", "x", "1", "null", "[]", '{"b":1}', '{"b":[1]}', '{"b":[],"m":1.5}', '{"b":[],"m":null}']) {
      expect(decode(bytes(text)), text).toThrow(WrongMessage)
    }
    expect(() => decodeTickMessage((shard + 1) % 64, bytes(tickMessageText([batchJson(batch)], 1)))).toThrow(/of shard/)
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.json().map(bytes),
      // characters of several bytes at its end
      fc.string({ unit: "binary" }).map((text) => bytes(JSON.stringify({ b: [], z: text }))),
      fc.json().map((b) => bytes(`{"b":[${b}]}`))
    )
    fc.assert(
      fc.property(anything, (data) => {
        try {
          decodeTickMessage(shard, data)
        } catch (error) {
          expect(error).toBeInstanceOf(WrongMessage)
        }
      })
    )
  })
})

it("what is settled comes back as it was written; anything else is nothing", () => {
  expect(decodeSettled(bytes(settledText({ stream: "A_TICKS@now", seq: 7 })))).toEqual({
    stream: "A_TICKS@now",
    seq: 7
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (data) => {
      expect(decodeSettled(data)).toBeUndefined()
    })
  )
})

it("a stream that lost its end is another one each time, and still that stream", () => {
  const identity = "A_TICKS@2026-01-01T00:00:00.1Z"
  const once = nextGeneration(identity, identity)
  const twice = nextGeneration(once, identity)
  expect(new Set([identity, once, twice]).size).toBe(3)
  for (const stream of [identity, once, twice]) expect(isOf(stream, identity)).toBe(true)
  for (const stream of ["", `${identity}1`, "A_TICKS@2026-01-01T00:00:00.12Z#1"])
    expect(isOf(stream, identity)).toBe(false)
})
