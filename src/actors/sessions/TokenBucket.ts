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

  take(count: number, now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.last) / 1_000) * this.perSecond)
    this.last = now
    if (this.tokens < count) return false
    this.tokens -= count
    return true
  }
}
