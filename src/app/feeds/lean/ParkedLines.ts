/** Input that could not be used: all of it counted, the latest kept with its reason, never in the way of the rest. */
export interface ParkedLine {
  readonly symbol: string
  readonly file: string
  /** From 1; 0 where the file itself is the problem. */
  readonly line: number
  readonly reason: string
  /** Its beginning. */
  readonly text: string
}

const KEPT = 100
const LONGEST_TEXT = 120

export class ParkedLines {
  count = 0
  private readonly ring: Array<ParkedLine> = []

  add(line: ParkedLine): void {
    this.ring[this.count++ % KEPT] = { ...line, text: line.text.slice(0, LONGEST_TEXT) }
  }

  /** The latest, at most 100, oldest first. */
  latest(): ReadonlyArray<ParkedLine> {
    const from = this.count % KEPT
    return this.count <= KEPT ? [...this.ring] : [...this.ring.slice(from), ...this.ring.slice(0, from)]
  }
}
