/** Values that a careless reader trips over, and how to work them into a good one. All from a seed. */

export type Random = () => number

export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

export const below = (most: number, random: Random): number => Math.floor(random() * most)
export const chance = (share: number, random: Random): boolean => random() < share
export const oneOf = <A>(all: ReadonlyArray<A>, random: Random): A => {
  const one = all[below(all.length, random)]
  if (one === undefined) throw new Error("nothing to choose from")
  return one
}

/** Stands in JSON text for what no value can be: nested deeper than anybody writes. */
const DEEP = "@deep@"
const HUGE = "@huge@"

const words = [
  "",
  " ",
  "0",
  "-1",
  "null",
  "true",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "a\u0000b",
  "\u0000",
  "\ud800",
  "\udc00x",
  "\u202e\u200f",
  "ﷺ",
  "🦀".repeat(20),
  "é".normalize("NFD"),
  "AAPL",
  "aapl",
  "BRK.B",
  "brk/b",
  "A".repeat(33),
  "A".repeat(65),
  "x".repeat(401),
  "ŉ".repeat(300),
  "'; DROP --",
  "' OR ''='",
  "$1",
  "%s%n",
  "../..",
  "%00",
  "\r\nX: y",
  "<b>",
  "{{7*7}}",
  "1e309",
  "999999999999999999",
  "99999999999999999999999",
  DEEP,
  HUGE
]

const numbers = [
  0,
  -0,
  1,
  -1,
  2,
  0.5,
  -0.5,
  100,
  101,
  250,
  1000,
  5_000,
  5_001,
  10_001,
  65_536,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 53,
  2 ** 53 - 1,
  -(2 ** 53),
  8.64e15,
  8.64e15 + 1,
  -8.64e15,
  1e18,
  1e300,
  -1e300,
  5e-324,
  1_700_000_000_000,
  253_402_300_800_000
]

/** An object with a member that JSON can write and an object literal cannot. */
const protoish = (value: Json): Json =>
  JSON.parse(`{"__proto__":${JSON.stringify(value)},"constructor":{"prototype":{"x":1}}}`)

export const nasty = (random: Random): Json => {
  switch (below(9, random)) {
    case 0:
      return null
    case 1:
      return chance(0.5, random)
    case 2:
    case 3:
      return oneOf(numbers, random)
    case 4:
    case 5:
    case 6:
      return oneOf(words, random)
    case 7:
      return Array.from({ length: below(4, random) }, () => nasty(random))
    default:
      return chance(0.5, random) ? protoish(nasty(random)) : { [oneOf(words, random)]: nasty(random) }
  }
}

const isList = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)

/** The value with one thing about it changed, somewhere. */
export const mutated = (value: Json, random: Random): Json => {
  if (value === null || typeof value !== "object" || chance(0.15, random)) return nasty(random)
  if (isList(value)) {
    const at = below(value.length + 1, random)
    switch (below(4, random)) {
      case 0:
        return value.toSpliced(at, 1)
      case 1:
        return value.toSpliced(at, 0, nasty(random))
      case 2:
        return Array.from({ length: 300 }, (_, n) => value[n % Math.max(1, value.length)] ?? null)
      default:
        return value.length === 0
          ? [nasty(random)]
          : value.with(at % value.length, mutated(value[at % value.length] ?? null, random))
    }
  }
  const entries = Object.entries(value)
  const chosen = below(Math.max(1, entries.length), random)
  switch (below(5, random)) {
    case 0:
      return Object.fromEntries(entries.toSpliced(chosen, 1))
    case 1:
      return Object.fromEntries([...entries, [oneOf(words, random), nasty(random)]])
    case 2:
      return JSON.parse(
        `${JSON.stringify(value).slice(0, -1)}${entries.length === 0 ? "" : ","}"__proto__":${JSON.stringify(nasty(random))}}`
      )
    default:
      return Object.fromEntries(
        entries.map(([key, own], index) => [key, index === chosen ? mutated(own, random) : own])
      )
  }
}

/** The value with one thing about it changed to another of its kind: it gets past who only looks at kinds. */
export const varied = (value: Json, random: Random): Json => {
  if (typeof value === "string") return oneOf(words, random)
  if (typeof value === "number") return oneOf(numbers, random)
  if (typeof value === "boolean") return !value
  if (value === null) return null
  if (isList(value)) {
    const at = below(value.length, random)
    return value.length === 0 ? value : value.with(at, varied(value[at] ?? null, random))
  }
  const keys = Object.keys(value)
  const chosen = keys[below(keys.length, random)]
  return chosen === undefined ? value : { ...value, [chosen]: varied(value[chosen] ?? null, random) }
}

/** As it goes over the wire; `room`: bytes that may be filled. */
export const jsonText = (value: Json, random: Random, room = 60_000): string => {
  const depth = Math.min(50_000, below(room, random))
  const deep = chance(0.5, random)
    ? `${"[".repeat(depth >> 1)}${"]".repeat(depth >> 1)}`
    : `${'{"a":'.repeat(depth / 6)}1${"}".repeat(depth / 6)}`
  return JSON.stringify(value)
    .replaceAll(JSON.stringify(DEEP), () => deep)
    .replaceAll(DEEP, "deep")
    .replaceAll(HUGE, "h".repeat(below(room, random)))
}

export const randomBytes = (length: number, random: Random): Buffer => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = below(256, random)
  return bytes
}
