/**
 * What becomes of a batch before which ticks are missing. They may only have been lost on their way, with an actor that stopped:
 * then the stream is read again and brings them, and the batch is left until it comes again too. If they are missing again,
 * the stream has lost them: it is folded without.
 *
 * A batch is decided once: folding it again after a crash comes to the same.
 */
import type { TickBatch } from "../../rpc/ticks.ts"

export class Gaps {
  readonly #readAgain: () => boolean
  readonly #decided = new WeakMap<TickBatch, boolean>()
  readonly #marks = new WeakSet<object>()
  /** Times the stream began to be read, as this actor has come to it among its inputs. */
  #begun = 0
  /** The position at which ticks were missed, and when. */
  #at = -1
  #askedAt = 0

  /** `readAgain`: has it read again from what is settled; false where that cannot be. */
  constructor(readAgain: () => boolean) {
    this.#readAgain = readAgain
  }

  /** What comes from here on was read from what is settled on. Once a mark, however often it is gone through. */
  begins(mark: object): void {
    if (this.#marks.has(mark)) return
    this.#marks.add(mark)
    this.#begun++
  }

  /** Whether to fold the batch although ticks between `fed` and it are missing. */
  mayPass(batch: TickBatch, fed: number): boolean {
    const before = this.#decided.get(batch)
    if (before !== undefined) return before
    if (this.#at !== fed) {
      this.#at = fed
      this.#askedAt = this.#begun
    }
    const passes = this.#begun > this.#askedAt || !this.#readAgain()
    this.#decided.set(batch, passes)
    return passes
  }
}
