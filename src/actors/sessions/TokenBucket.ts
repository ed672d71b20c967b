/** So many at once, so many a second. */
export class TokenBucket {
  private tokens: number
  private last: number
  private readonly burst: number
  private readonly perSecond: number

  constructor(burst: number, perSecond: number, now: number) {
    this.burst = burst
    this.perSecond = perSecond
    this.tokens = burst
    this.last = now
  }

  /** ms until it is as full as at first. */
  untilFull(now: number): number {
    this.fill(now)
    return ((this.burst - this.tokens) / this.perSecond) * 1_000
  }

  take(count: number, now: number): boolean {
    this.fill(now)
    if (this.tokens < count) return false
    this.tokens -= count
    return true
  }

  private fill(now: number): void {
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.last) / 1_000) * this.perSecond)
    this.last = now
  }
}
