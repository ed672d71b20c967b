import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { stateWithTrades } from "./Checkpoints.suite.ts"
import { checkpoint } from "./tickerCheckpoint.ts"
import { decodeCheckpoint, encodeCheckpoint, packIntegers, unpackIntegers } from "./tickerCheckpointBytes.ts"
import { foldBatch } from "./tickerState.ts"

const unpack = (bytes: Uint8Array): Array<number> => {
  const values: Array<number> = []
  unpackIntegers(bytes, (value) => void values.push(value))
  return values
}

/** The JSON of an encoded state, replaced. */
const withJson = (bytes: Uint8Array, change: (json: string) => string): Uint8Array => {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true)
  const json = Buffer.from(change(Buffer.from(bytes.subarray(8, 8 + length)).toString()))
  const head = Buffer.from(bytes.subarray(0, 8))
  head.writeUInt32LE(json.length, 4)
  return Buffer.concat([head, json, bytes.subarray(8 + length)])
}

describe("packed integers", () => {
  it("come back as they were", () => {
    const value = fc.oneof(
      fc.integer({ min: -(2 ** 51), max: 2 ** 51 }).filter((n) => !Object.is(n, -0)),
      fc.constantFrom(0, 1, 63, 64, 127, 128, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 51, -(2 ** 51))
    )
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const bytes = packIntegers(values)
        assert.isDefined(bytes)
        if (bytes !== undefined) assert.deepStrictEqual(unpack(bytes), values)
      })
    )
  })

  it("are only what can come back", () => {
    for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 52, -0])
      assert.isUndefined(packIntegers([1, value]))
  })

  it("that end within a number are refused", () => {
    const bytes = packIntegers([1, 1_000_000]) ?? new Uint8Array()
    assert.throws(() => unpack(bytes.subarray(0, bytes.length - 1)))
  })
})

describe("a ticker's state as bytes", () => {
  it("comes back whole, in less than half the bytes that its trades take in memory", () => {
    const state = { ...stateWithTrades("AAPL", 20_000, 1_749_000_000_123), run: "simulated:42", fed: 20_000 }
    const bytes = encodeCheckpoint(state)
    const back = decodeCheckpoint(bytes)
    assert.deepStrictEqual(back && checkpoint(back), checkpoint(state))
    assert.isBelow(bytes.length, (state.log.length * 29) / 2)
  })

  it("also where ids and sizes are no integers", () => {
    const state = stateWithTrades("AAPL", 100)
    const tick = { _tag: "Trade" as const, id: 2 ** 52 + 2, time: state.exchangeTime, price: 1_500_000, size: 0.25 }
    foldBatch(state, {
      symbol: "AAPL",
      ingestTime: 1,
      previousClose: null,
      ticks: [{ ...tick, exchange: "Q", conditions: 0 }]
    })
    const back = decodeCheckpoint(encodeCheckpoint(state))
    assert.deepStrictEqual(back && checkpoint(back), checkpoint(state))
  })

  it("is none when it is another version's", () => {
    const bytes = encodeCheckpoint(stateWithTrades("AAPL", 10))
    const layout = Uint8Array.from(bytes)
    layout[3] = 2
    assert.isUndefined(decodeCheckpoint(layout))
    assert.isUndefined(decodeCheckpoint(withJson(bytes, (json) => json.replace('"version":1', '"version":2'))))
    // an older one had no such member
    assert.isUndefined(decodeCheckpoint(withJson(bytes, (json) => json.replace('"fed":', '"was":'))))
    assert.isUndefined(decodeCheckpoint(withJson(bytes, (json) => json.replace('"cancelled":', '"was":'))))
    assert.isDefined(decodeCheckpoint(withJson(bytes, (json) => json)))
  })

  it("is none when it is damaged, wherever it is cut or bent", () => {
    const bytes = encodeCheckpoint(stateWithTrades("AAPL", 50))
    for (let length = 0; length < bytes.length; length++) {
      assert.isUndefined(decodeCheckpoint(bytes.subarray(0, length)))
    }
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const bent = Uint8Array.from(bytes)
        bent[at] = (bent[at] ?? 0) ^ bits
        // a state or none, but never an exception
        decodeCheckpoint(bent)
      })
    )
  })
})
