/** Keys of some branches of a ternary tree, the best first: a heap of branches by the best key below each. */

/** A node (≥ 0), a leaf (< 0), or nothing. */
export type Branch = number
export const EMPTY: Branch = 0x7fffffff
export const isLeaf = (branch: Branch): boolean => branch < 0
export const leafOf = (branch: Branch): number => -1 - branch

/** What a place in the heap stands for: a branch, or keys of `order` from `at` to `end`, of which the first is its best. */
interface Place {
  readonly best: number
  readonly branch: Branch
  readonly at: number
  readonly end: number
}

export class BestFirst {
  readonly #branches: Int32Array
  readonly #best: Int32Array
  readonly #leaves: Int32Array
  readonly #leafBest: Int32Array
  readonly #order: Uint32Array
  readonly #heap: Array<Place> = []

  constructor(branches: Int32Array, best: Int32Array, leaves: Int32Array, leafBest: Int32Array, order: Uint32Array) {
    this.#branches = branches
    this.#best = best
    this.#leaves = leaves
    this.#leafBest = leafBest
    this.#order = order
  }

  addKey(key: number): void {
    this.#push({ best: key, branch: EMPTY, at: 0, end: 0 })
  }

  addBranch(branch: Branch): void {
    if (branch === EMPTY) return
    if (isLeaf(branch)) {
      const leaf = leafOf(branch)
      const at = this.#leaves[leaf] ?? 0
      this.#push({ best: this.#leafBest[leaf] ?? 0, branch: EMPTY, at, end: this.#leaves[leaf + 1] ?? at })
    } else this.#push({ best: this.#best[branch] ?? 0, branch, at: 0, end: 0 })
  }

  /** The next best key; −1 when there are no more. */
  next(): number {
    for (let top = this.#pop(); top !== undefined; top = this.#pop()) {
      const { at, best, branch, end } = top
      if (branch === EMPTY) {
        // keys of a leaf are in order of rank
        if (at + 1 < end) this.#push({ best: this.#order[at + 1] ?? 0, branch, at: at + 1, end })
        return best
      }
      for (let side = 0; side < 3; side++) this.addBranch(this.#branches[3 * branch + side] ?? EMPTY)
    }
    return -1
  }

  #push(place: Place): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(place)
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = heap[above]
      if (other === undefined || other.best <= place.best) break
      heap[at] = other
      at = above
    }
    heap[at] = place
  }

  #pop(): Place | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return top
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      const left = heap[below]
      const right = heap[below + 1]
      if (left === undefined) break
      let least = left
      if (right !== undefined && right.best < left.best) {
        below++
        least = right
      }
      if (least.best >= last.best) break
      heap[at] = least
      at = below
    }
    heap[at] = last
    return top
  }
}
