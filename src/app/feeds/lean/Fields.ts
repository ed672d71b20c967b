/**
 * Comma-separated integers and short texts read straight from bytes: no string is made of a line, which is what makes a
 * million lines a second possible. One line at a time: `start`, then the fields in order; `problem` says what was wrong.
 */
const COMMA = 0x2c
const CARRIAGE_RETURN = 0x0d
const ZERO = 0x30
const LONGEST_EXCHANGE = 16

/** One-letter exchange codes, so that a code costs a look-up. */
const letters = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))

export class Fields {
  /** Why the line cannot be used; undefined as long as it can. */
  problem: string | undefined
  private bytes: Uint8Array = new Uint8Array(0)
  private at = 0
  private end = 0

  /** The line is bytes[from, to), without its line feed. */
  start(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes
    this.at = from
    this.end = to > from && bytes[to - 1] === CARRIAGE_RETURN ? to - 1 : to
    this.problem = undefined
  }

  /** An unsigned integer below 2^53. */
  integer(name: string): number {
    const { bytes, end } = this
    const from = this.at
    let value = 0
    let at = from
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0
      if (byte === COMMA) break
      const digit = byte - ZERO
      if (digit < 0 || digit > 9) return this.fail(`${name} is not a whole number`, 0)
      value = value * 10 + digit
    }
    if (at === from) return this.fail(`${name} is missing`, 0)
    if (at - from > 15) return this.fail(`${name} is too large`, 0)
    this.at = at + 1
    return value
  }

  /** Up to eight hex digits. */
  hex(name: string): number {
    const { bytes, end } = this
    const from = this.at
    let value = 0
    let at = from
    for (; at < end; at++) {
      const byte = bytes[at] ?? 0
      if (byte === COMMA) break
      const digit = hexDigit(byte)
      if (digit < 0) return this.fail(`${name} is not hexadecimal`, 0)
      value = value * 16 + digit
    }
    if (at === from || at - from > 8) return this.fail(`${name} is not hexadecimal`, 0)
    this.at = at + 1
    return value
  }

  text(name: string): string {
    const { bytes, end } = this
    const from = this.at
    let at = from
    while (at < end && bytes[at] !== COMMA) at++
    if (at > end || at - from > LONGEST_EXCHANGE) return this.fail(`${name} is too long`, "")
    if (from >= end) return this.fail(`${name} is missing`, "")
    this.at = at + 1
    if (at - from === 1) return letters[bytes[from] ?? 0] ?? "?"
    let text = ""
    for (let i = from; i < at; i++) text += letters[bytes[i] ?? 0] ?? "?"
    return text
  }

  /** Nothing may follow the last field. */
  finish(): void {
    if (this.problem === undefined && this.at <= this.end) this.problem = "too many fields"
  }

  private fail<A>(problem: string, value: A): A {
    this.problem ??= problem
    // whatever is asked for next is missing, but the first problem is the one that counts
    this.at = this.end + 1
    return value
  }
}

const hexDigit = (byte: number): number => {
  if (byte >= ZERO && byte <= 0x39) return byte - ZERO
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
