import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { atOnce } from "../../../test/support/atOnce.ts"
import { type Keys, TernaryTree } from "./TernaryTree.ts"

/** Texts in order of rank. */
const keysOf = (texts: ReadonlyArray<string>): Keys => {
  const pool = new Uint16Array(texts.reduce((sum, text) => sum + text.length + 1, 0))
  const starts = new Uint32Array(texts.length)
  let at = 0
  texts.forEach((text, key) => {
    starts[key] = at
    for (let i = 0; i < text.length; i++) pool[at++] = text.charCodeAt(i)
    at++
  })
  return { pool, starts }
}

const build = (texts: ReadonlyArray<string>): TernaryTree => {
  return atOnce(TernaryTree.build(keysOf(texts)))
}

const all = (tree: TernaryTree, prefix: string): ReadonlyArray<number> => {
  const found = tree.startingWith(prefix)
  const keys: Array<number> = []
  for (let key = found.next(); key >= 0; key = found.next()) keys.push(key)
  return keys
}

/** Few letters: many common beginnings. Up to far more keys than a leaf holds. */
const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "é", "語"), maxLength: 7 })
const texts = fc.array(text, { maxLength: 120 })

/** Edits between the text and the nearest beginning of another: the whole matrix, nothing left out. */
const editsToSomeBeginning = (wanted: string, other: string): number => {
  const rows = Array.from({ length: other.length + 1 }, () => new Array<number>(wanted.length + 1).fill(0))
  const cell = (r: number, c: number) => rows[r]?.[c] ?? Number.POSITIVE_INFINITY
  for (let r = 0; r <= other.length; r++) {
    for (let c = 0; c <= wanted.length; c++) {
      const row = rows[r]
      if (row === undefined) continue
      if (r === 0 || c === 0) {
        row[c] = r + c
        continue
      }
      const same = other[r - 1] === wanted[c - 1]
      row[c] = Math.min(cell(r - 1, c) + 1, cell(r, c - 1) + 1, cell(r - 1, c - 1) + (same ? 0 : 1))
      if (r > 1 && c > 1 && other[r - 1] === wanted[c - 2] && other[r - 2] === wanted[c - 1]) {
        row[c] = Math.min(cell(r, c), cell(r - 2, c - 2) + 1)
      }
    }
  }
  return Math.min(...rows.map((row) => row[wanted.length] ?? Number.POSITIVE_INFINITY))
}

describe("a ternary tree", () => {
  it("finds by prefix what a look at every key finds, the best first", () => {
    fc.assert(
      fc.property(texts, text, (given, prefix) => {
        const expected = given.flatMap((one, key) => (one.startsWith(prefix) ? [key] : []))
        expect(all(build(given), prefix)).toEqual(expected)
      }),
      { numRuns: 500 }
    )
  })

  it("finds the same whatever the order of insertion", () => {
    fc.assert(
      fc.property(
        texts.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length }))),
        text,
        ([given, shuffled], prefix) => {
          const found = (list: ReadonlyArray<string>) =>
            all(build(list), prefix)
              .map((key) => list[key])
              .sort()
          expect(found(shuffled)).toEqual(found(given))
        }
      )
    )
  })

  it("is balanced also where keys come sorted: no deeper than a search by halves for each character", () => {
    const sorted = Array.from({ length: 5_000 }, (_, i) => i.toString(26).padStart(4, "0"))
    const tree = build(sorted)
    expect(tree.nodes).toBeLessThan(sorted.length)
    expect(all(tree, "")).toHaveLength(sorted.length)
  })

  it("finds what is near: as a whole matrix of edits with every key does, the nearest first", () => {
    fc.assert(
      fc.property(
        texts,
        fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 3, maxLength: 6 }),
        (given, wanted) => {
          for (const most of [1, 2]) {
            const found = Array.from(build(given).near(wanted, most))
            const expected = given
              .map((one, key) => ({ key, distance: editsToSomeBeginning(wanted, one) }))
              .filter(({ distance }) => distance <= most)
              .sort((a, b) => a.distance - b.distance || a.key - b.key)
            expect(found).toEqual(expected)
          }
        }
      ),
      { numRuns: 300 }
    )
  })

  it("looks at no more than it is allowed to", () => {
    const many = build(Array.from({ length: 20_000 }, (_, i) => `${(i * 7919) % 100_003}`))
    expect(Array.from(many.near("55555", 2, 200)).length).toBeLessThan(Array.from(many.near("55555", 2)).length)
  })

  it("of nothing finds nothing", () => {
    const tree = build([])
    expect(all(tree, "")).toEqual([])
    expect(Array.from(tree.near("abc", 2))).toEqual([])
  })

  it("tells a whole text from a beginning", () => {
    const tree = build(["ab", "abc"])
    expect([tree.is(0, "ab"), tree.is(1, "ab"), tree.is(1, "abc")]).toEqual([true, false, true])
  })
})
