/** How fast sockets may come, from one address and from all together (S4). */
import { AttemptBuckets } from "../../actors/investors/Attempts.ts"

/** A second's worth; four times as many at once. */
export interface UpgradeLimits {
  readonly perSecond: number
  readonly perSecondAndAddress: number
}

export const noUpgradeLimits: UpgradeLimits = {
  perSecond: Number.POSITIVE_INFINITY,
  perSecondAndAddress: Number.POSITIVE_INFINITY
}

const BURST = 4

export class UpgradeRate {
  private readonly limits: UpgradeLimits
  private readonly all = new AttemptBuckets()
  private readonly byAddress = new AttemptBuckets()

  constructor(limits: UpgradeLimits) {
    this.limits = limits
  }

  /** 0: taken; else ms until one is. One that comes too fast from its address takes nothing from the others. */
  take(address: string, now: number): number {
    const { perSecond, perSecondAndAddress } = this.limits
    if (perSecond === Number.POSITIVE_INFINITY) return 0
    const limitOf = (rate: number) => ({ burst: BURST * rate, everyMillis: 1_000 / rate })
    return this.byAddress.take(address, limitOf(perSecondAndAddress), now) || this.all.take("", limitOf(perSecond), now)
  }
}
