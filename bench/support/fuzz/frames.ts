/** Bytes on a WebSocket that no client sends: broken frames, bad handshakes, floods. */
import { below, chance, oneOf, type Random, randomBytes } from "./values.ts"

export interface FrameShape {
  readonly opcode: number
  readonly payload: Uint8Array
  readonly final?: boolean
  /** The three reserved bits. */
  readonly reserved?: number
  readonly masked?: boolean
  /** What the length field says, whatever the payload is. */
  readonly says?: bigint
}

const MASK = Buffer.from([0x12, 0x34, 0x56, 0x78])

export const frame = ({ final = true, masked = true, opcode, payload, reserved = 0, says }: FrameShape): Buffer => {
  const length = says ?? BigInt(payload.length)
  const size = length < 126n ? 0 : length < 65_536n ? 2 : 8
  const head = Buffer.alloc(2 + size)
  head[0] = (final ? 0x80 : 0) | ((reserved & 7) << 4) | (opcode & 0x0f)
  head[1] = (masked ? 0x80 : 0) | (size === 0 ? Number(length) : size === 2 ? 126 : 127)
  if (size === 2) head.writeUInt16BE(Number(length), 2)
  else if (size === 8) head.writeBigUInt64BE(BigInt.asUintN(64, length), 2)
  if (!masked) return Buffer.concat([head, payload])
  const hidden = Buffer.from(payload)
  for (let at = 0; at < hidden.length; at++) hidden[at] = (hidden[at] ?? 0) ^ (MASK[at % 4] ?? 0)
  return Buffer.concat([head, MASK, hidden])
}

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

export const textFrame = (text: string): Buffer => frame({ opcode: TEXT, payload: Buffer.from(text, "utf8") })

const ping = Buffer.from('{"_tag":"Ping"}\n')

const closePayload = (code: number, reason: Uint8Array = Buffer.alloc(0)): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(code)
  return Buffer.concat([bytes, reason])
}

const closeCodes = [
  0, 999, 1000, 1001, 1002, 1004, 1005, 1006, 1012, 1015, 1016, 2999, 3000, 4000, 4401, 4999, 5000, 65_535
]
const lengths = [
  126n,
  65_535n,
  65_536n,
  65_537n,
  1n << 31n,
  1n << 32n,
  (1n << 53n) + 1n,
  1n << 62n,
  (1n << 63n) + 5n,
  (1n << 64n) - 1n
]

const invalidUtf8 = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0x22, 0xc3], [0xe2, 0x82]]

/** What comes behind a good handshake. Each is one write or several. */
const odd: ReadonlyArray<(random: Random) => Buffer> = [
  (random) => randomBytes(1 + below(3_000, random), random),
  // opcodes that nobody has given a meaning
  (random) => frame({ opcode: oneOf([3, 4, 5, 6, 7, 11, 12, 13, 14, 15], random), payload: ping }),
  (random) => frame({ opcode: TEXT, payload: ping, reserved: 1 + below(7, random) }),
  () => frame({ opcode: TEXT, payload: ping, masked: false }),
  () => frame({ opcode: BINARY, payload: ping }),
  // pieces of messages
  () => frame({ opcode: 0, payload: ping }),
  () => frame({ opcode: TEXT, payload: ping, final: false }),
  () =>
    Buffer.concat([
      frame({ opcode: TEXT, payload: ping.subarray(0, 5), final: false }),
      frame({ opcode: 0, payload: ping.subarray(5) })
    ]),
  () => Buffer.concat([frame({ opcode: TEXT, payload: ping, final: false }), frame({ opcode: TEXT, payload: ping })]),
  () =>
    Buffer.concat([
      frame({ opcode: TEXT, payload: ping, final: false }),
      frame({ opcode: PING, payload: ping }),
      frame({ opcode: 0, payload: Buffer.alloc(0) })
    ]),
  (random) =>
    Buffer.concat(
      Array.from({ length: 1 + below(800, random) }, (_, n) =>
        frame({ opcode: n === 0 ? TEXT : 0, payload: Buffer.from("a"), final: false })
      )
    ),
  (random) =>
    Buffer.concat(
      Array.from({ length: 1 + below(400, random) }, () => frame({ opcode: TEXT, payload: Buffer.alloc(0) }))
    ),
  (random) =>
    Buffer.concat(
      Array.from({ length: 1 + below(800, random) }, () => frame({ opcode: TEXT, payload: Buffer.from("[") }))
    ),
  // lengths that are not so
  (random) => frame({ opcode: TEXT, payload: ping, says: oneOf(lengths, random) }),
  (random) => frame({ opcode: PING, payload: ping, says: oneOf(lengths, random) }),
  () => frame({ opcode: PING, payload: Buffer.alloc(126) }),
  (random) => frame({ opcode: PING, payload: Buffer.alloc(5), final: false, reserved: below(8, random) }),
  (random) => frame({ opcode: TEXT, payload: Buffer.alloc(65_500 + below(200, random), 0x20) }),
  // good-byes
  (random) => frame({ opcode: CLOSE, payload: closePayload(oneOf(closeCodes, random)) }),
  () => frame({ opcode: CLOSE, payload: Buffer.from([3]) }),
  (random) => frame({ opcode: CLOSE, payload: closePayload(1000, Buffer.from(oneOf(invalidUtf8, random))) }),
  (random) => frame({ opcode: CLOSE, payload: closePayload(oneOf(closeCodes, random), Buffer.alloc(120, 0x61)) }),
  () => Buffer.concat([frame({ opcode: CLOSE, payload: closePayload(1000) }), textFrame('{"_tag":"Ping"}\n')]),
  // text that is none
  (random) => frame({ opcode: TEXT, payload: Buffer.from(oneOf(invalidUtf8, random)) }),
  (random) =>
    frame({
      opcode: TEXT,
      payload: Buffer.concat([Buffer.from('{"_tag":"'), randomBytes(20, random), Buffer.from('"}\n')])
    }),
  // floods
  (random) =>
    Buffer.concat(
      Array.from({ length: 50 + below(2_000, random) }, () =>
        frame({ opcode: PING, payload: Buffer.alloc(below(126, random)) })
      )
    ),
  (random) =>
    Buffer.concat(
      Array.from({ length: 50 + below(2_000, random) }, () => frame({ opcode: PONG, payload: Buffer.alloc(0) }))
    )
]

export const oddFrames = (random: Random): Buffer => {
  const bytes = oneOf(odd, random)(random)
  return chance(0.1, random) ? bytes.subarray(0, below(bytes.length, random)) : bytes
}

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
const VERSION = "Sec-WebSocket-Version: 13"
const UPGRADE = "Upgrade: websocket"
const CONNECTION = "Connection: Upgrade"

/** What comes instead of a good handshake. */
const handshakes: ReadonlyArray<(host: string, random: Random) => string | Buffer> = [
  (_, random) => randomBytes(1 + below(2_000, random), random),
  (_, random) =>
    Buffer.concat([Buffer.from("GET /rpc HTTP/1.1\r\n"), randomBytes(200, random), Buffer.from("\r\n\r\n")]),
  () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
  () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  (host) => `GET /rpc HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${VERSION}\r\n\r\n`,
  (host) => `GET /rpc HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\nSec-WebSocket-Key: x\r\n${VERSION}\r\n\r\n`,
  (host, random) =>
    `GET /rpc HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\nSec-WebSocket-Version: ${oneOf(["", "0", "8", "14", "x", "13, 13"], random)}\r\n\r\n`,
  (host, random) =>
    `${oneOf(["POST", "HEAD", "PUT", "TRACE", "OPTIONS", "CONNECT", "FOO"], random)} /rpc HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\n\r\n`,
  (host, random) =>
    `GET ${oneOf(["/", "*", "/rpc?x=1", "/rpc/", "//rpc", "/rpc%00", "/rpc#a", "http://h/rpc", "/../rpc", "/%", `/${"a".repeat(9_000)}`], random)} HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\n\r\n`,
  (host, random) =>
    `GET /rpc HTTP/1.1\r\n${host}\r\nUpgrade: ${oneOf(["h2c", "websocket, foo", "", "WEBSOCKET", "web\u00e9"], random)}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\n\r\n`,
  (host, random) =>
    `GET /rpc HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\nSec-WebSocket-Extensions: ${oneOf(["permessage-deflate", "permessage-deflate; client_max_window_bits=99", "x;;;", ",", "a".repeat(5_000)], random)}\r\n\r\n`,
  (host, random) =>
    `GET /rpc HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\nSec-WebSocket-Protocol: ${oneOf(["a", "a, a", ",", "\u00ff", "a".repeat(3_000)], random)}\r\n\r\n`,
  (host, random) =>
    `GET /rpc HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\nOrigin: ${oneOf(["null", "http://evil.example", "x", "file://", "http://127.0.0.1:1", "http://[::1"], random)}\r\nCookie: lzstock=x.y; lzstock=z\r\n\r\n`,
  (host) =>
    `GET /rpc HTTP/1.1\r\n${host}\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\n\r\n`,
  (host) => `GET /rpc HTTP/1.1\r\n${host}\r\nX: ${"a".repeat(20_000)}\r\n\r\n`,
  (host, random) => `GET /rpc HTTP/1.1\r\n${host}\r\n${"A: b\r\n".repeat(below(3_000, random))}\r\n`,
  (host) => `GET /rpc HTTP/1.1\r\n${host}\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\n\r\n`,
  () => `GET /rpc HTTP/1.1\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\n\r\n`,
  () => `GET /rpc HTTP/1.0\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\n\r\n`,
  (host) => `GET /rpc HTTP/1.1\n${host}\n${UPGRADE}\n${CONNECTION}\n${KEY}\n${VERSION}\n\n`,
  // a good one, with frames in the same breath
  (host, random) =>
    Buffer.concat([
      Buffer.from(`GET /rpc HTTP/1.1\r\n${host}\r\n${UPGRADE}\r\n${CONNECTION}\r\n${KEY}\r\n${VERSION}\r\n\r\n`),
      oddFrames(random)
    ])
]

export const handshake = (port: number, random: Random): string | Buffer =>
  oneOf(handshakes, random)(`Host: 127.0.0.1:${port}`, random)
