/**
 * Text as it is searched: letters and digits in lower case without their accents, words joined. "Coca-Cola", "COCA COLA" and
 * "cocacola" are one, and so are BRK.B, BRK-B and BRK/B. Pure.
 */
import { MAX_QUERY_LENGTH } from "../../rpc/companies.ts"

export interface FoldedText {
  /** Letters and digits of all words, joined. */
  readonly text: string
  /** Where in `text` each word starts, ascending. */
  readonly starts: ReadonlyArray<number>
  /** Where in the original each code unit of `text` came from. */
  readonly origin: ReadonlyArray<number>
}

/** No name is longer, and hostile input must cost nothing. */
export const MAX_TEXT = MAX_QUERY_LENGTH

const ZERO = 48
const NINE = 57
const UPPER_A = 65
const UPPER_Z = 90
const LOWER_A = 97
const LOWER_Z = 122

const letter = /^[\p{L}\p{N}]$/u
const mark = /\p{M}/gu
/** Part of a word, and not searched for: McDonald's is mcdonalds. */
const apostrophe = /^['’‘ʼ`´]$/

/** Compatibility forms as plain ones (𝐀 → A), then full case folding (ẞ → ß → SS → ss), then without accents. */
const plain = (character: string): string =>
  character.normalize("NFKD").toLowerCase().toUpperCase().toLowerCase().normalize("NFKD").replace(mark, "")

export const foldText = (original: string): FoldedText => {
  const source = original.length > MAX_TEXT ? original.slice(0, MAX_TEXT) : original
  const starts: Array<number> = []
  const origin: Array<number> = []
  let text = ""
  let inWord = false
  const add = (folded: string, at: number) => {
    if (!inWord) starts.push(text.length)
    inWord = true
    text += folded
    for (let i = 0; i < folded.length; i++) origin.push(at)
  }
  for (let at = 0; at < source.length; ) {
    const code = source.codePointAt(at) ?? 0
    const character = String.fromCodePoint(code)
    if ((code >= LOWER_A && code <= LOWER_Z) || (code >= ZERO && code <= NINE)) add(character, at)
    else if (code >= UPPER_A && code <= UPPER_Z) add(String.fromCharCode(code + 32), at)
    else if (apostrophe.test(character)) {
      // nothing
    } else if (code < 128) inWord = false
    else {
      for (const folded of plain(character)) {
        if (apostrophe.test(folded)) continue
        if (letter.test(folded)) add(folded, at)
        else inWord = false
      }
    }
    at += character.length
  }
  return { text, starts, origin }
}

/** Another spelling is the same text. */
export const sameText = (a: string, b: string): boolean => foldText(a).text === foldText(b).text

/** The words of folded text. */
export const wordsOf = ({ starts, text }: FoldedText): ReadonlyArray<string> =>
  starts.map((start, i) => text.slice(start, starts[i + 1] ?? text.length))

/** A part of the original that a match covers, as [start, end) in UTF-16 code units. */
export type Range = readonly [start: number, end: number]

/** Where `length` code units from `from` of the folded text stand in the original; one range, separators between included. */
export const rangeOf = ({ origin }: FoldedText, original: string, from: number, length: number): Range => {
  const start = origin[from] ?? 0
  const last = origin[from + length - 1] ?? start
  const code = original.codePointAt(last) ?? 0
  return [start, last + (code > 0xffff ? 2 : 1)]
}
