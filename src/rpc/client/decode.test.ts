import { Schema } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FeedLabel, quoteKeys, SessionPhase, type Snapshot, type Update, WatchEvent } from "../market.ts"
import { decodeWatchEvent } from "./decode.ts"

const codec = Schema.toCodecJson(WatchEvent)
const decodeBySchema = Schema.decodeUnknownSync(codec)
const encode = Schema.encodeSync(codec)

const int = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const shares = fc.double({ min: 0, max: 1e12, noNaN: true })
const money = fc.option(fc.integer({ min: 1, max: 1e9 }).map((price) => price / 10_000))
const fields = {
  symbol: fc.string(),
  epoch: int,
  seq: int,
  last: money,
  lastSize: shares,
  previousClose: money,
  open: money,
  high: money,
  low: money,
  volume: shares,
  trades: int,
  bid: money,
  bidSize: shares,
  ask: money,
  askSize: shares,
  session: fc.constantFrom(...SessionPhase.literals),
  halted: fc.boolean(),
  exchangeTime: int,
  ingestTime: int,
  folded: int,
  sentTime: int
}
const update: fc.Arbitrary<Update> = fc.record({ _tag: fc.constant("Update" as const), ...fields })
const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  _tag: fc.constant("Snapshot" as const),
  ...fields,
  label: fc.constantFrom(...FeedLabel.literals)
})

const outcome = (
  decode: (wire: unknown) => WatchEvent | undefined,
  wire: unknown
): WatchEvent | undefined | "refused" => {
  try {
    return decode(wire)
  } catch {
    return "refused"
  }
}

describe("the decoder by hand", () => {
  it("reads what the schema writes, into the same value", () => {
    fc.assert(
      fc.property(fc.oneof(update, snapshot), (event) => {
        const wire: unknown = JSON.parse(JSON.stringify(encode(event)))
        expect(decodeWatchEvent(wire)).toEqual(event)
        expect(decodeBySchema(wire)).toEqual(event)
      })
    )
  })

  it("accepts and refuses what the schema does when one member is something else, or missing", () => {
    const damage = fc.oneof(
      fc.constantFrom(undefined, null, true, "", "closed", "REPLAY", 1.5, -1, 2 ** 60, {}, []),
      fc.string()
    )
    const key = fc.constantFrom("L", ...Object.values(quoteKeys))
    fc.assert(
      fc.property(fc.oneof(update, snapshot), key, damage, (event, damaged, value) => {
        const wire: unknown = JSON.parse(JSON.stringify({ ...Object(encode(event)), [damaged]: value }))
        expect(outcome(decodeWatchEvent, wire)).toEqual(outcome(decodeBySchema, wire))
      }),
      { numRuns: 500 }
    )
  })

  it("leaves the other kinds to the schema, and ignores kinds it does not know", () => {
    expect(decodeWatchEvent({ _tag: "Draining", retryAfterMillis: 5 })).toEqual({
      _tag: "Draining",
      retryAfterMillis: 5
    })
    expect(decodeWatchEvent({ _tag: "Auction", s: "AAPL" })).toBeUndefined()
    expect(() => decodeWatchEvent({ _tag: "Draining" })).toThrow()
    expect(() => decodeWatchEvent(7)).toThrow()
  })
})
