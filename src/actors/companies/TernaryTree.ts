/**
 * A ternary search tree in typed arrays, built at once by the quicksort that it mirrors (Bentley and Sedgewick, 1997): each
 * partition of a range around its median character is a node, so that it is balanced whatever the order of insertion.
 *
 * Keys come in order of rank, the best first; every branch knows the best key below it, so that the best matches of a prefix
 * are found without looking at the others. A range of few keys is not split further: it is a leaf, compared directly.
 */
import { BestFirst, type Branch, EMPTY, isLeaf, leafOf } from "./BestFirst.ts"
import { Numbers } from "./Numbers.ts"

/** Texts in one pool of UTF-16 code units without 0, each from its start to the next 0. */
export interface Keys {
  readonly pool: Uint16Array
  readonly starts: Uint32Array
}

const LEAF_KEYS = 8
/** Keys or nodes worked on between two yields of `build`: a few milliseconds. */
const STEP = 50_000
/** Of a longer range so many characters stand for all: balanced nearly as well. */
const SAMPLE = 2_048
/** The depth of keys whose texts have ended, and so are equal. */
const ENDED = -1

interface Range {
  readonly from: number
  readonly to: number
  readonly depth: number
  /** Where its branch is entered; −1: it is the root. */
  readonly slot: number
}

/** A branch, or one key, with its distance from what was asked for. */
interface Near {
  readonly distance: number
  readonly branch: Branch | undefined
  readonly key: number
}

export class TernaryTree {
  readonly #pool: Uint16Array
  readonly #starts: Uint32Array
  /** Keys in the order of their texts. */
  readonly #order: Uint32Array
  /** Three a node: lower, equal, higher. */
  readonly #branches: Int32Array
  readonly #characters: Int32Array
  /** Where each leaf begins in `#order`; one more says where the last ends. */
  readonly #leaves: Int32Array
  /** The best key of each node, and of each leaf. */
  readonly #best: Int32Array
  readonly #leafBest: Int32Array
  readonly #root: Branch

  private constructor(
    keys: Keys,
    order: Uint32Array,
    parts: Pick<Built, "branches" | "characters" | "leaves" | "best" | "leafBest" | "root">
  ) {
    this.#pool = keys.pool
    this.#starts = keys.starts
    this.#order = order
    this.#branches = parts.branches
    this.#characters = parts.characters
    this.#leaves = parts.leaves
    this.#best = parts.best
    this.#leafBest = parts.leafBest
    this.#root = parts.root
  }

  /** Yields every few milliseconds, for whoever must not be held up; returns the tree. */
  static *build(keys: Keys): Generator<void, TernaryTree> {
    const order = Uint32Array.from(keys.starts, (_, key) => key)
    return new TernaryTree(keys, order, yield* split(keys, order))
  }

  get size(): number {
    return this.#starts.length
  }
  get nodes(): number {
    return this.#characters.length
  }
  /** Of its arrays; the pool may be shared. */
  get bytes(): number {
    const arrays = [
      this.#starts,
      this.#order,
      this.#branches,
      this.#characters,
      this.#leaves,
      this.#best,
      this.#leafBest
    ]
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  /** The keys that start with it, the best first, as many as are asked for. */
  startingWith(prefix: string): BestFirst {
    const found = new BestFirst(this.#branches, this.#best, this.#leaves, this.#leafBest, this.#order)
    let branch = this.#root
    let depth = 0
    while (branch !== EMPTY && depth < prefix.length) {
      if (isLeaf(branch)) {
        const leaf = leafOf(branch)
        const end = this.#leaves[leaf + 1] ?? 0
        for (let at = this.#leaves[leaf] ?? end; at < end; at++) {
          const key = this.#order[at] ?? 0
          if (this.#startsWith(key, prefix, depth)) found.addKey(key)
        }
        return found
      }
      const wanted = prefix.charCodeAt(depth)
      const here = this.#characters[branch] ?? 0
      if (wanted === here) depth++
      branch = this.#branches[3 * branch + (wanted < here ? 0 : wanted === here ? 1 : 2)] ?? EMPTY
    }
    found.addBranch(branch)
    return found
  }

  /** Whether the key's text is exactly this. */
  is(key: number, text: string): boolean {
    return this.#startsWith(key, text, 0) && this.#pool[(this.#starts[key] ?? 0) + text.length] === 0
  }

  #startsWith(key: number, prefix: string, from: number): boolean {
    const start = this.#starts[key] ?? 0
    for (let i = from; i < prefix.length; i++) if (this.#pool[start + i] !== prefix.charCodeAt(i)) return false
    return true
  }

  /**
   * The keys some beginning of which is at most so many edits from the text (insert, delete, replace, swap of neighbours), the
   * nearest first and of those the best. At most `budget` characters are looked at: far more than a name of a word takes.
   */
  *near(
    text: string,
    distance: number,
    budget = 50_000
  ): Generator<{ readonly key: number; readonly distance: number }> {
    const found = this.#walk(text, distance, budget)
    const told = new Set<number>()
    for (let edits = 0; edits <= distance; edits++) {
      const best = new BestFirst(this.#branches, this.#best, this.#leaves, this.#leafBest, this.#order)
      for (const { branch, distance: its, key } of found) {
        if (its !== edits) continue
        if (branch === undefined) best.addKey(key)
        else best.addBranch(branch)
      }
      for (let key = best.next(); key >= 0; key = best.next()) {
        if (told.has(key)) continue
        told.add(key)
        yield { key, distance: edits }
      }
    }
  }

  #walk(text: string, most: number, budget: number): ReadonlyArray<Near> {
    const width = text.length + 1
    const found: Array<Near> = []
    const far = most + 1
    /** One row of the edit matrix a character of the path, and that path. */
    const rows: Array<Uint8Array> = [Uint8Array.from({ length: width }, (_, i) => Math.min(i, far))]
    const path: Array<number> = []
    let left = budget

    /** Writes the row after `depth` characters, as far as it can be near, and returns the least of it. */
    const extend = (depth: number, character: number): number => {
      let row = rows[depth]
      if (row === undefined) {
        // beyond the band nothing is ever written
        row = new Uint8Array(width).fill(far)
        rows[depth] = row
      }
      const before = rows[depth - 1] ?? row
      const twoBefore = rows[depth - 2]
      const last = path[depth - 2]
      path[depth - 1] = character
      left--
      const from = Math.max(1, depth - most)
      const to = Math.min(width - 1, depth + most)
      let least = from === 1 ? Math.min(depth, far) : far
      row[from - 1] = least
      for (let i = from; i <= to; i++) {
        const wanted = text.charCodeAt(i - 1)
        let cost = Math.min(
          (before[i] ?? far) + 1,
          (row[i - 1] ?? far) + 1,
          (before[i - 1] ?? far) + (wanted === character ? 0 : 1)
        )
        if (i > 1 && wanted === last && twoBefore !== undefined && text.charCodeAt(i - 2) === character) {
          cost = Math.min(cost, (twoBefore[i - 2] ?? far) + 1)
        }
        row[i] = cost
        if (cost < least) least = cost
      }
      return least
    }
    const end = (depth: number) => rows[depth]?.[width - 1] ?? far

    const visitKey = (key: number, from: number, before: number) => {
      const start = this.#starts[key] ?? 0
      let best = before
      for (let depth = from + 1; left > 0; depth++) {
        const character = this.#pool[start + depth - 1] ?? 0
        if (character === 0) break
        const least = extend(depth, character)
        best = Math.min(best, end(depth))
        if (least >= best || least > most) break
      }
      if (best <= most) found.push({ distance: best, branch: undefined, key })
    }

    /** Where no edit is left, the characters that may follow `depth`: others would be one too many. */
    const following = (depth: number): ReadonlyArray<number> => {
      const row = rows[depth]
      const before = rows[depth - 1]
      const last = path[depth - 1]
      const characters: Array<number> = []
      for (let i = Math.max(0, depth - most); i <= Math.min(width - 2, depth + most); i++) {
        if ((row?.[i] ?? far) <= most) characters.push(text.charCodeAt(i))
        // swapped with the last one
        if (text.charCodeAt(i + 1) === last && (before?.[i] ?? far) < most) characters.push(text.charCodeAt(i))
      }
      return characters
    }

    /** `only`: characters that may come next; undefined: any. */
    const visit = (branch: Branch, depth: number, best: number, only: ReadonlyArray<number> | undefined): void => {
      if (branch === EMPTY || left <= 0) return
      if (isLeaf(branch)) {
        const leaf = leafOf(branch)
        const last = this.#leaves[leaf + 1] ?? 0
        for (let at = this.#leaves[leaf] ?? last; at < last; at++) {
          const key = this.#order[at] ?? 0
          const next = this.#pool[(this.#starts[key] ?? 0) + depth] ?? 0
          if (only === undefined || only.indexOf(next) >= 0) visitKey(key, depth, best)
        }
        return
      }
      const character = this.#characters[branch] ?? 0
      let mayBeLower = only === undefined
      let mayBeHigher = mayBeLower
      let mayBeIt = mayBeLower
      if (only !== undefined) {
        for (let i = 0; i < only.length; i++) {
          const one = only[i] ?? 0
          if (one < character) mayBeLower = true
          else if (one > character) mayBeHigher = true
          else mayBeIt = true
        }
      }
      if (mayBeLower) visit(this.#branches[3 * branch] ?? EMPTY, depth, best, only)
      if (mayBeIt) {
        const equal = this.#branches[3 * branch + 1] ?? EMPTY
        if (character === 0) {
          if (best <= most) found.push({ distance: best, branch: equal, key: -1 })
        } else {
          const least = extend(depth + 1, character)
          const nearer = Math.min(best, end(depth + 1))
          // no longer text of this beginning is any nearer
          if (least >= nearer && nearer <= most) found.push({ distance: nearer, branch: equal, key: -1 })
          else if (least <= most) visit(equal, depth + 1, nearer, least < most ? undefined : following(depth + 1))
        }
      }
      if (mayBeHigher) visit(this.#branches[3 * branch + 2] ?? EMPTY, depth, best, only)
    }
    visit(this.#root, 0, end(0), undefined)
    return found
  }
}

interface Built {
  readonly branches: Int32Array
  readonly characters: Int32Array
  readonly leaves: Int32Array
  readonly best: Int32Array
  readonly leafBest: Int32Array
  readonly root: Branch
}

function* split({ pool, starts }: Keys, order: Uint32Array): Generator<void, Built> {
  const branches = new Numbers()
  const characters = new Numbers()
  const leaves = new Numbers()
  const leafBest = new Numbers()
  const counts = new Uint32Array(0x10000)
  let root: Branch = EMPTY
  let work = 0
  const at = (place: number, depth: number): number => pool[(starts[order[place] ?? 0] ?? 0) + depth] ?? 0

  /** The character in the middle of the range, or nearly so. */
  const median = (from: number, to: number, depth: number): number => {
    const seen: Array<number> = []
    const stride = Math.max(1, Math.floor((to - from) / SAMPLE))
    let sampled = 0
    for (let place = from; place < to; place += stride) {
      const character = at(place, depth)
      sampled++
      if (counts[character] === 0) seen.push(character)
      counts[character] = (counts[character] ?? 0) + 1
    }
    seen.sort((a, b) => a - b)
    let middle = sampled / 2
    let found = seen[0] ?? 0
    for (const character of seen) {
      found = character
      middle -= counts[character] ?? 0
      if (middle < 0) break
    }
    for (const character of seen) counts[character] = 0
    return found
  }

  const ranges: Array<Range> = starts.length === 0 ? [] : [{ from: 0, to: starts.length, depth: 0, slot: -1 }]
  const enter = (slot: number, branch: Branch) => {
    if (slot < 0) root = branch
    else branches.set(slot, branch)
  }
  const leaf = (from: number, to: number, slot: number) => {
    order.subarray(from, to).sort()
    enter(slot, -1 - leaves.push(from))
    leafBest.push(order[from] ?? 0)
  }

  for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
    const { depth, from, slot, to } = range
    if (to - from <= LEAF_KEYS || depth === ENDED) {
      leaf(from, to, slot)
      continue
    }
    const character = median(from, to, depth)
    let lower = from
    let higher = to
    for (let place = from; place < higher; ) {
      if (++work % STEP === 0) yield
      const its = at(place, depth)
      if (its === character) place++
      else {
        const other = its < character ? lower++ : --higher
        const key = order[place] ?? 0
        order[place] = order[other] ?? 0
        order[other] = key
        if (its < character) place++
      }
    }
    const node = characters.push(character)
    for (let side = 0; side < 3; side++) branches.push(EMPTY)
    enter(slot, node)
    // the lowest is worked on next: so leaves come in order
    if (higher < to) ranges.push({ from: higher, to, depth, slot: 3 * node + 2 })
    if (character === 0) ranges.push({ from: lower, to: higher, depth: ENDED, slot: 3 * node + 1 })
    else ranges.push({ from: lower, to: higher, depth: depth + 1, slot: 3 * node + 1 })
    if (from < lower) ranges.push({ from, to: lower, depth, slot: 3 * node })
  }
  leaves.push(order.length)
  const built = {
    branches: branches.done(),
    characters: characters.done(),
    leaves: leaves.done(),
    leafBest: leafBest.done()
  }
  const best = new Int32Array(built.characters.length)
  const bestOf = (branch: Branch): number =>
    branch === EMPTY ? EMPTY : ((isLeaf(branch) ? built.leafBest[leafOf(branch)] : best[branch]) ?? EMPTY)
  // a node comes before those below it
  for (let node = best.length - 1; node >= 0; node--) {
    let least = EMPTY
    for (let side = 0; side < 3; side++) least = Math.min(least, bestOf(built.branches[3 * node + side] ?? EMPTY))
    best[node] = least
    if (node % STEP === 0) yield
  }
  return { ...built, best, root }
}
