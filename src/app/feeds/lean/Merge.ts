/** A binary heap of sources by the time of their next tick: the k-way merge over all recorded files. */
export interface Source {
  readonly nextTime: number
}

export class Merge<S extends Source> {
  private readonly heap: Array<S> = []

  get size(): number {
    return this.heap.length
  }

  /** The source whose tick comes first. */
  peek(): S | undefined {
    return this.heap[0]
  }

  push(source: S): void {
    const { heap } = this
    let at = heap.length
    heap.push(source)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || parent.nextTime <= source.nextTime) break
      heap[at] = parent
      at = up
    }
    heap[at] = source
  }

  pop(): S | undefined {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      const left = heap[down]
      if (left === undefined) break
      const right = heap[down + 1]
      let child = left
      if (right !== undefined && right.nextTime < left.nextTime) {
        child = right
        down++
      }
      if (child.nextTime >= last.nextTime) break
      heap[at] = child
      at = down
    }
    heap[at] = last
    return first
  }
}
