/**
 * Keeps a node within its budget: when flushing takes most of the time there is, everybody's window widens evenly; data
 * gets coarser, never older (F2, F8).
 */
const PERIOD_MILLIS = 1_000
/** Shares of the time that went into flushing; by the wall, so a starved process counts as busy: it is. */
const BUSY = 0.85
const CALM = 0.5
const STEPS = [0, 100, 250, 500, 1_000] as const

export class LoadGovernor {
  private periodStart: number
  private millis = 0
  private step = 0

  constructor(now: number) {
    this.periodStart = now
  }

  /** Adds flush time; returns the new least window in ms when it changed. */
  spent(millis: number, now: number): number | undefined {
    this.millis += millis
    const elapsed = now - this.periodStart
    if (elapsed < PERIOD_MILLIS) return undefined
    const share = this.millis / elapsed
    this.millis = 0
    this.periodStart = now
    const step =
      share > BUSY ? Math.min(this.step + 1, STEPS.length - 1) : share < CALM ? Math.max(this.step - 1, 0) : this.step
    if (step === this.step) return undefined
    this.step = step
    return STEPS[step]
  }
}
