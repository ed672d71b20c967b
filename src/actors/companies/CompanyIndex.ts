/**
 * What the palette asks: companies and instruments by symbol, former symbol, name, former name or any word of them, as they are
 * typed. Ranked by how they match (`tiers`), then by size. Built at once from what is listed, never changed. Pure.
 */
import { type FoldedText, foldText, type Range, rangeOf, wordsOf } from "./foldText.ts"
import { Numbers } from "./Numbers.ts"
import { TernaryTree } from "./TernaryTree.ts"

/** What the index knows of an instrument; the caller's own object. */
export interface Listed {
  readonly symbol: string
  /** Of the company. */
  readonly name: string
  /** Instruments with the same are one company's. */
  readonly company: string
  readonly formerSymbols: ReadonlyArray<string>
  readonly formerNames: ReadonlyArray<string>
}

/** How a hit matches, the best first. */
export const tiers = ["symbol", "symbol-prefix", "name-prefix", "word-prefix", "all-words", "near"] as const
export type Tier = (typeof tiers)[number]

export interface Match<A> {
  readonly listed: A
  readonly tier: Tier
  /** What of it matched: its symbol, its name, or a former one. */
  readonly field: "symbol" | "name" | "former-symbol" | "former-name"
  readonly text: string
  /** Parts of `text` that the query covers, for highlighting; none where only nearly. */
  readonly ranges: ReadonlyArray<Range>
}

/** Of a query with several words, so many companies with its rarest word are looked at. */
const MOST_CANDIDATES = 500
/** A shorter word is not looked for across words: "fb" is no e.l.f. Beauty. From the beginning of a name it is: "att" is AT&T. */
const ACROSS_FROM = 4
/** Shorter queries are near to everything. */
const NEAR_FROM = 4
const TWO_EDITS_FROM = 7

/** Words that say what kind of company it is, or that its shares are meant: left out where a query with them finds nothing. */
const GENERIC = new Set(
  "and the of inc incorporated corp corporation co company companies ltd limited plc llc stock stocks share shares common class".split(
    " "
  )
)

/** "class a" is left out as a whole. */
const plainWords = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words.filter((word, i) => !GENERIC.has(word) && !(words[i - 1] === "class" && word.length === 1))

/** A symbol with its share class apart, however that is written. */
const asWritten = (symbol: string): string =>
  symbol
    .trim()
    .toUpperCase()
    .replace(/[./\s-]+/g, "-")

/** The texts of a tree, with what each stands for, in order of rank. */
class Texts {
  #pool = new Uint16Array(4096)
  #length = 0
  readonly #starts = new Numbers()
  readonly #entries = new Numbers()
  /** Which of the entry's former texts; −1: the present one. */
  readonly #former = new Numbers()
  readonly #lengths = new Numbers()

  /** `folded` from `start` on, where a word stands that ends before `end`. */
  add(folded: string, start: number, entry: number, former: number, end = folded.length): void {
    if (start >= folded.length) return
    if (this.#length + folded.length >= this.#pool.length) {
      const larger = new Uint16Array(this.#pool.length * 2)
      larger.set(this.#pool)
      this.#pool = larger
    }
    this.#starts.push(this.#length)
    this.#entries.push(entry)
    this.#former.push(former)
    this.#lengths.push(Math.min(end - start, 255))
    for (let i = start; i < folded.length; i++) this.#pool[this.#length++] = folded.charCodeAt(i)
    this.#pool[this.#length++] = 0
  }

  *tree(): Generator<void, Field> {
    const pool = this.#pool.slice(0, this.#length)
    const starts = new Uint32Array(this.#starts.done().buffer)
    const [entries, former, lengths] = [
      this.#entries.done(),
      this.#former.done(),
      Uint8Array.from(this.#lengths.done())
    ]
    yield
    const tree = yield* TernaryTree.build({ pool, starts })
    const bytes = pool.byteLength + entries.byteLength + former.byteLength + lengths.byteLength
    return { tree, entries, former, lengths, bytes }
  }
}

interface Field {
  readonly tree: TernaryTree
  readonly entries: Int32Array
  readonly former: Int32Array
  /** Of the word each text begins with. */
  readonly lengths: Uint8Array
  readonly bytes: number
}

export class CompanyIndex<A extends Listed> {
  readonly #listed: ReadonlyArray<A>
  readonly #symbols: Field
  readonly #names: Field
  readonly #words: Field

  private constructor(listed: ReadonlyArray<A>, symbols: Field, names: Field, words: Field) {
    this.#listed = listed
    this.#symbols = symbols
    this.#names = names
    this.#words = words
  }

  /** `listed`: the largest first; the first instrument of a company stands for it by name. Yields every few milliseconds. */
  static *build<A extends Listed>(listed: ReadonlyArray<A>): Generator<void, CompanyIndex<A>> {
    const symbols = new Texts()
    const names = new Texts()
    const words = new Texts()
    const companies = new Set<string>()
    const addName = (name: string, entry: number, former: number) => {
      const { starts, text } = foldText(name)
      for (const [i, start] of starts.entries())
        (i === 0 ? names : words).add(text, start, entry, former, starts[i + 1])
    }
    for (const [entry, { company, name, symbol }] of listed.entries()) {
      symbols.add(foldText(symbol).text, 0, entry, -1)
      if (!companies.has(company)) addName(name, entry, -1)
      companies.add(company)
      if (entry % 5_000 === 0) yield
    }
    // after all that is so today
    companies.clear()
    for (const [entry, { company, formerNames, formerSymbols }] of listed.entries()) {
      for (const [i, former] of formerSymbols.entries()) symbols.add(foldText(former).text, 0, entry, i)
      if (!companies.has(company)) for (const [i, former] of formerNames.entries()) addName(former, entry, i)
      companies.add(company)
      if (entry % 5_000 === 0) yield
    }
    return new CompanyIndex(listed, yield* symbols.tree(), yield* names.tree(), yield* words.tree())
  }

  /** What it was built from, the largest first. */
  get all(): ReadonlyArray<A> {
    return this.#listed
  }
  /** Of the index itself, without what it lists. */
  get bytes(): number {
    return [this.#symbols, this.#names, this.#words].reduce((sum, { bytes, tree }) => sum + bytes + tree.bytes, 0)
  }

  /** The best matches first, each instrument once; ask for as many as are needed. `skip`: of those, so many are left out. */
  *search(text: string, skip = 0): Generator<Match<A>> {
    const query = foldText(text)
    if (query.text === "") return
    const told = new Set<number>()
    yield* this.#told(text, query, told, skip)
    if (told.size > 0) return
    // "Johnson and Johnson Inc": as it is called, but not as it is filed
    const plain = plainWords(wordsOf(query)).join(" ")
    if (plain === "" || foldText(plain).text === query.text) return
    yield* this.#told(plain, foldText(plain), told, skip)
  }

  *#told(text: string, query: FoldedText, told: Set<number>, skip: number): Generator<Match<A>> {
    for (const match of this.#all(text, query, told)) {
      if (told.has(match.entry)) continue
      told.add(match.entry)
      const listed = this.#listed[match.entry]
      if (listed === undefined || told.size <= skip) continue
      yield this.#shown(listed, match, query)
    }
  }

  *#all(text: string, query: FoldedText, told: ReadonlySet<number>): Generator<Found> {
    yield* this.#exactly(text, query)
    yield* this.#starting(this.#symbols, query.text, "symbol-prefix")
    const bySymbol = told.size
    yield* this.#starting(this.#names, query.text, "name-prefix")
    yield* this.#starting(
      this.#words,
      query.text,
      "word-prefix",
      query.starts.length === 1 && query.text.length < ACROSS_FROM
    )
    if (query.starts.length > 1) yield* this.#allWords(wordsOf(query))
    if (query.text.length < NEAR_FROM) return
    const isShort = TWO_EDITS_FROM > query.text.length
    // what matches is meant so; but four letters are somebody's symbol by chance
    if (told.size > bySymbol || bySymbol > (isShort ? 1 : 0)) return
    yield* this.#near(query.text, 1)
    if (!isShort && told.size === 0) yield* this.#near(query.text, 2)
  }

  *#near(text: string, edits: number): Generator<Found> {
    for (const field of [this.#names, this.#words, this.#symbols]) {
      // what a symbol is near to by two edits is chance
      if (field === this.#symbols && edits > 1) continue
      for (const { key } of field.tree.near(text, edits)) yield this.#found(field, key, "near")
    }
  }

  /** As it is written first: BC.P and BCP are the same only when folded. */
  *#exactly(text: string, query: FoldedText): Generator<Found> {
    const written = asWritten(text)
    const others: Array<Found> = []
    const keys = this.#symbols.tree.startingWith(`${query.text}\0`)
    for (let key = keys.next(); key >= 0; key = keys.next()) {
      const found = this.#found(this.#symbols, key, "symbol")
      if (found.former < 0 && asWritten(this.#listed[found.entry]?.symbol ?? "") === written) yield found
      else others.push(found)
    }
    yield* others
  }

  *#starting(field: Field, prefix: string, tier: Tier, withinWord = false): Generator<Found> {
    const keys = field.tree.startingWith(prefix)
    for (let key = keys.next(); key >= 0; key = keys.next()) {
      if (withinWord && (field.lengths[key] ?? 0) < prefix.length) continue
      yield this.#found(field, key, tier)
    }
  }

  /** Names in which each word of the query begins some word, in any order. */
  *#allWords(words: ReadonlyArray<string>): Generator<Found> {
    for (const found of this.#candidates(words)) {
      const its = wordsOf(foldText(this.#textOf(found)))
      if (words.every((word) => its.some((other) => other.startsWith(word)))) yield found
    }
  }

  /** Names with the word that fewest have, so that few are looked at: all words are read alternately until one has no more. */
  #candidates(words: ReadonlyArray<string>): ReadonlyArray<Found> {
    const reading = (word: string) => {
      const read: Array<Found> = []
      const rest = this.#starting(this.#names, word, "all-words")
      const more = this.#starting(this.#words, word, "all-words")
      return { read, rest, more }
    }
    const readers = words.toSorted((a, b) => b.length - a.length).map(reading)
    for (let looked = 0; looked < MOST_CANDIDATES; looked++) {
      for (const { more, read, rest } of readers) {
        const next = rest.next()
        const found = next.done === true ? more.next() : next
        if (found.done === true) return read
        read.push(found.value)
      }
    }
    return readers[0]?.read ?? []
  }

  #found(field: Field, key: number, tier: Tier): Found {
    return {
      entry: field.entries[key] ?? 0,
      former: field.former[key] ?? -1,
      isSymbol: field === this.#symbols,
      tier
    }
  }

  #textOf({ entry, former, isSymbol }: Found): string {
    const listed = this.#listed[entry]
    if (listed === undefined) return ""
    if (former < 0) return isSymbol ? listed.symbol : listed.name
    return (isSymbol ? listed.formerSymbols : listed.formerNames)[former] ?? ""
  }

  #shown(listed: A, found: Found, query: FoldedText): Match<A> {
    const text = this.#textOf(found)
    const { former, isSymbol, tier } = found
    const field = isSymbol ? (former < 0 ? "symbol" : "former-symbol") : former < 0 ? "name" : "former-name"
    return { listed, tier, field, text, ranges: rangesOf(text, query, tier) }
  }
}

interface Found {
  readonly entry: number
  readonly former: number
  readonly isSymbol: boolean
  readonly tier: Tier
}

const rangesOf = (text: string, query: FoldedText, tier: Tier): ReadonlyArray<Range> => {
  if (tier === "near") return []
  const folded = foldText(text)
  const cover = (part: string): ReadonlyArray<Range> => {
    const start = folded.starts.find((each) => folded.text.startsWith(part, each))
    return start === undefined ? [] : [rangeOf(folded, text, start, part.length)]
  }
  if (tier !== "all-words") return cover(query.text)
  return wordsOf(query)
    .flatMap(cover)
    .toSorted(([a], [b]) => a - b)
}
