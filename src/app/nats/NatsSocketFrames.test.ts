import { assert, describe, it } from "@effect/vitest"
import { createInbox } from "@nats-io/transport-node"
import fc from "fast-check"
import {
  decodeEnd,
  decodeFrame,
  encodeClose,
  encodeCredit,
  encodeData,
  encodeEnd,
  encodePing
} from "./NatsSocketFrames.ts"

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })

describe("frames of a connection over NATS", () => {
  it("are read as they were written", () => {
    fc.assert(
      fc.property(u32, u32, fc.uint8Array({ minLength: 1, maxLength: 2000 }), (token, seq, bytes) => {
        assert.deepEqual(decodeFrame(encodeData(token, seq, bytes), token), { op: "data", seq, bytes })
      })
    )
    fc.assert(
      fc.property(
        u32,
        u32,
        fc.integer({ min: 1000, max: 4999 }),
        fc.string({ maxLength: 200 }),
        (token, seq, code, reason) => {
          const frame = decodeFrame(encodeClose(token, seq, code, reason), token)
          assert.deepEqual(frame, { op: "close", seq, code, reason: reason.toWellFormed() })
        }
      )
    )
    fc.assert(
      fc.property(u32, fc.maxSafeNat(), (token, allowance) => {
        assert.deepEqual(decodeFrame(encodeCredit(token, allowance), token), { op: "credit", allowance })
        assert.deepEqual(decodeFrame(encodePing(token), token), { op: "ping" })
      })
    )
    fc.assert(
      fc.property(u32, fc.integer({ min: 1024, max: 2 ** 32 - 1 }), (token, window) => {
        const end = { inbox: createInbox(), token, window }
        assert.deepEqual(decodeEnd(encodeEnd(end)), end)
      })
    )
  })

  it("are refused when they are not, and nothing throws", () => {
    fc.assert(
      fc.property(u32, fc.uint8Array({ maxLength: 64 }), (token, bytes) => {
        decodeEnd(bytes)
        const frame = decodeFrame(bytes, token)
        // one in 2³² garbage frames carries the right token
        assert.isUndefined(frame)
      })
    )
    for (const frame of [
      encodeData(7, 1, new Uint8Array(1)),
      encodeClose(7, 1, 1000, ""),
      encodePing(7),
      encodeCredit(7, 1)
    ]) {
      for (let length = 0; length < frame.length; length++)
        assert.isUndefined(decodeFrame(frame.subarray(0, length), 7))
      assert.isDefined(decodeFrame(frame, 7))
      assert.isUndefined(decodeFrame(frame, 8))
      assert.isUndefined(decodeFrame(Uint8Array.of(9, ...frame.subarray(1)), 7))
    }
  })

  it("take no subject from outside but an inbox: nothing can be smuggled into NATS's protocol", () => {
    for (const inbox of ["_INBOX.*", "_INBOX.>", "ticks.1", "_INBOX.a b", "_INBOX.a\r\nPUB x 0\r\n", "_INBOX.", ""]) {
      assert.isUndefined(decodeEnd(encodeEnd({ inbox, token: 1, window: 65_536 })))
    }
    assert.isUndefined(decodeEnd(encodeEnd({ inbox: createInbox(), token: 1, window: 1 })))
  })
})
