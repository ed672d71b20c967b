/** Questions about how far a ticker actor has come: put into its mailbox, behind what they ask about. */
import { Deferred, Exit } from "effect"
import type { Unsettled } from "./TickSource.ts"

/** Asks to be told when all that came before it has been folded, or is in a durable checkpoint. */
export interface Inquiry {
  readonly about: "folded" | "durable"
  readonly answer: Deferred.Deferred<void, Unsettled>
}

export const isInquiry = (message: object | number): message is Inquiry =>
  typeof message === "object" && "answer" in message

const none: ReadonlyArray<Inquiry> = []

/** Those taken from the mailbox and not yet answered. */
export class Inquiries {
  #waiting: Array<Inquiry> = []

  add(inquiry: Inquiry): void {
    this.#waiting.push(inquiry)
  }

  /** All before them has been folded: answers those that asked for no more, and gives out the others. */
  folded(): ReadonlyArray<Inquiry> {
    if (this.#waiting.length === 0) return none
    const others: Array<Inquiry> = []
    for (const inquiry of this.#waiting) {
      if (inquiry.about === "durable") others.push(inquiry)
      else Deferred.doneUnsafe(inquiry.answer, Exit.void)
    }
    this.#waiting = []
    return others
  }
}
