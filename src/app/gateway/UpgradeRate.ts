/** How fast sockets may come, from one address and from all together (S4). */
import { AttemptBuckets } from "../../actors/investors/Attempts.ts"
import { ADMISSION_BURST, type Admission } from "../../actors/sessions/comingBack.ts"

export const noUpgradeLimits: Admission = {
  perSecond: Number.POSITIVE_INFINITY,
  perSecondAndAddress: Number.POSITIVE_INFINITY
}

export class UpgradeRate {
  private readonly limits: Admission
  private readonly all = new AttemptBuckets()
  private readonly byAddress = new AttemptBuckets()

  constructor(limits: Admission) {
    this.limits = limits
  }

  /** 0: taken; else ms until one is. One that comes too fast from its address takes nothing from the others. */
  take(address: string, now: number): number {
    const { perSecond, perSecondAndAddress } = this.limits
    if (perSecond === Number.POSITIVE_INFINITY) return 0
    const limitOf = (rate: number) => ({ burst: ADMISSION_BURST * rate, everyMillis: 1_000 / rate })
    return this.byAddress.take(address, limitOf(perSecondAndAddress), now) || this.all.take("", limitOf(perSecond), now)
  }
}
