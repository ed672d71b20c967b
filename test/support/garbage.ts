/** What must not harm whoever hears it: bytes that are no message at all, and real messages cut short or with a bit turned over. */
import { headers, type MsgHdrs } from "@nats-io/transport-node"

export interface Garbage {
  readonly name: string
  readonly data: Uint8Array
  readonly headers?: MsgHdrs
}

/** Just under what NATS takes. */
const HUGE_BYTES = 900_000

/** Seeded: the same garbage in every run. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const randomBytes = (length: number, seed: number): Uint8Array => {
  const random = randomFrom(seed)
  return Uint8Array.from({ length }, () => Math.floor(random() * 256))
}

const utf8 = new TextEncoder()

/** JSON, and nothing that anybody here says. */
const shapes = [
  "null",
  "0",
  '"text"',
  "[]",
  "{}",
  "[null]",
  '{"b":null}',
  '{"b":[null]}',
  '{"b":[{"s":"SPY","i":1,"c":null,"t":[[9]]}]}',
  '{"stream":7,"seq":"last"}',
  '{"seq":null,"error":null}',
  '{"run":1,"state":"live"}',
  '{"symbol":"SPY","interval":"1m","bars":[{}]}',
  '{"shards":[64]}',
  '{"__proto__":{"b":[]},"constructor":null}',
  `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
  "SPY 1 1 1 1\n",
  'SPY 1 1 1 1\n"s":"SPY","e":2,"q":1'
]

const onlyHeaders = (): MsgHdrs => {
  const made = headers()
  made.set("Nothing", "but this")
  return made
}

export const garbage: ReadonlyArray<Garbage> = [
  { name: "nothing", data: new Uint8Array(0) },
  { name: "headers only", data: new Uint8Array(0), headers: onlyHeaders() },
  { name: "a zero", data: new Uint8Array(1) },
  { name: "zeros", data: new Uint8Array(64) },
  ...[1, 8, 9, 20, 300, 5000].map((length) => ({ name: `${length} random bytes`, data: randomBytes(length, length) })),
  { name: "900 KB of random bytes", data: randomBytes(HUGE_BYTES, 9) },
  { name: "900 KB of JSON", data: utf8.encode(`{"b":"${"x".repeat(HUGE_BYTES)}"}`) },
  ...shapes.map((text) => ({ name: text.slice(0, 60), data: utf8.encode(text) }))
]

/** A real message, cut short at some places and, in others of its copies, with one bit turned over. */
export const corrupted = (real: Uint8Array, seed: number, flips = 24): ReadonlyArray<Garbage> => {
  const random = randomFrom(seed)
  const lengths = Array.from(new Set([1, real.length >> 2, real.length >> 1, real.length - 1]))
  const cut = lengths
    .filter((length) => length > 0 && length < real.length)
    .map((length) => ({ name: `cut to ${length} of ${real.length} bytes`, data: real.slice(0, length) }))
  const flipped = Array.from({ length: flips }, () => {
    const bit = Math.floor(random() * real.length * 8)
    const data = real.slice()
    data[bit >> 3] = (data[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    return { name: `bit ${bit} turned over`, data }
  })
  return real.length === 0 ? [] : [...cut, ...flipped]
}
