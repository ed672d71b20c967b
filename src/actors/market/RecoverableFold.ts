/**
 * A fold that survives crashes: checkpoint + journal of what was folded since, and the inputs in hand. Pure bookkeeping,
 * synchronous, no clock: the ticker actor runs it under its supervisor.
 *
 * After a crash the state may be half changed, so it is thrown away: the checkpoint is restored, the journal replayed,
 * the input that crashed tried again. One that crashes more than `retries` times again is parked and the fold goes on
 * without it. Nothing else is lost, so what is folded afterwards is exact but for the parked inputs.
 */

export interface Folding<State, Input> {
  readonly initial: () => State
  /** New state, or the same one changed in place. When it throws, the state may be changed in part. */
  readonly apply: (state: State, input: Input) => State
  /** A copy that no later `apply` touches. */
  readonly copy: (state: State) => State
  /** What an input counts against `maxJournal`, e.g. its ticks. */
  readonly weight: (input: Input) => number
}

export interface RecoverableFoldOptions<Input> {
  /** More tries for an input that crashed, before it is parked. */
  readonly retries: number
  /** Weight of the journal at which `checkpointDue` turns true. */
  readonly maxJournal: number
  /** Told each parked input and why. */
  readonly onParked: (input: Input, reason: unknown) => void
  /** Told when a checkpoint cannot be restored or is useless: the fold starts from nothing. */
  readonly onCheckpointDiscarded: (reason: unknown) => void
}

export class RecoverableFold<State, Input> {
  readonly #folding: Folding<State, Input>
  readonly #options: RecoverableFoldOptions<Input>
  #state: State
  #checkpoint: State | undefined
  #journal: Array<Input> = []
  #journalWeight = 0
  #inHand: Array<Input> = []
  /** The state is half changed or not yet rebuilt: read nothing from it. */
  #broken = false
  /** What was being done when it crashed last, and how often that one did in a row; undefined: restoring the checkpoint. */
  #doing: Input | undefined
  #suspect: Input | undefined
  #crashes = 0
  #reason: unknown

  constructor(folding: Folding<State, Input>, options: RecoverableFoldOptions<Input>) {
    this.#folding = folding
    this.#options = options
    this.#state = folding.initial()
  }

  /**
   * Begins anew from a checkpoint, or from nothing; what is in hand stays. It is broken then: `recover` restores it. The
   * checkpoint is taken over: do not change it afterwards.
   */
  restart(checkpoint: State | undefined): void {
    this.#checkpoint = checkpoint
    this.#state = this.#folding.initial()
    this.#journal = []
    this.#journalWeight = 0
    this.#broken = checkpoint !== undefined
  }

  get state(): State {
    return this.#state
  }
  get broken(): boolean {
    return this.#broken
  }
  get waiting(): number {
    return this.#inHand.length
  }
  get checkpointDue(): boolean {
    return this.#journalWeight >= this.#options.maxJournal
  }

  /** Accepts inputs; they stay in hand until folded or parked. */
  take(inputs: ReadonlyArray<Input>): void {
    if (this.#inHand.length === 0) this.#inHand = inputs.slice()
    else this.#inHand.push(...inputs)
  }

  /** Folds all that is in hand. Returns the weight folded. Throws what the fold throws; then `recover` first. */
  fold(): number {
    const inHand = this.#inHand
    let done = 0
    let weight = 0
    try {
      for (; done < inHand.length; done++) {
        const input = inHand[done]
        if (input === undefined) continue
        this.#doing = input
        this.#state = this.#folding.apply(this.#state, input)
        this.#journal.push(input)
        const its = this.#folding.weight(input)
        this.#journalWeight += its
        weight += its
      }
    } catch (reason) {
      this.#inHand = inHand.slice(done)
      this.#crashed(reason)
      throw reason
    }
    this.#inHand = []
    this.#suspect = undefined
    return weight
  }

  /** Rebuilds the state after a crash. Throws if that crashes too; call it again then. */
  recover(): void {
    if (this.#suspect !== undefined && this.#crashes > this.#options.retries) this.#park(this.#suspect)
    try {
      this.#doing = undefined
      this.#state = this.#checkpoint === undefined ? this.#folding.initial() : this.#folding.copy(this.#checkpoint)
      for (const input of this.#journal) {
        this.#doing = input
        this.#state = this.#folding.apply(this.#state, input)
      }
      this.#broken = false
    } catch (reason) {
      this.#crashed(reason)
      throw reason
    }
  }

  /** Makes the present state the checkpoint, forgets the journal, and returns a copy for keeping elsewhere. */
  checkpoint(): State {
    this.#checkpoint = this.#folding.copy(this.#state)
    this.#journal = []
    this.#journalWeight = 0
    return this.#checkpoint
  }

  #crashed(reason: unknown): void {
    this.#broken = true
    this.#reason = reason
    if (this.#doing === undefined) {
      this.#options.onCheckpointDiscarded(reason)
      this.#checkpoint = undefined
      return
    }
    this.#crashes = this.#doing === this.#suspect ? this.#crashes + 1 : 1
    this.#suspect = this.#doing
  }

  #park(input: Input): void {
    const keep = (other: Input) => other !== input
    this.#inHand = this.#inHand.filter(keep)
    this.#journal = this.#journal.filter(keep)
    this.#suspect = undefined
    this.#options.onParked(input, this.#reason)
  }
}
