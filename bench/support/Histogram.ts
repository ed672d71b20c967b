/** Latencies in 20 µs steps up to 20 s, exact maximum. Recording is one array increment. */
const STEP_MICROS = 20
const STEPS = 1_000_000

export interface Percentiles {
  readonly count: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export class Histogram {
  private readonly steps = new Uint32Array(STEPS)
  private count = 0
  private max = 0

  record(micros: number): void {
    const step = Math.min(STEPS - 1, Math.max(0, Math.floor(micros / STEP_MICROS)))
    this.steps[step] = (this.steps[step] ?? 0) + 1
    this.count++
    if (micros > this.max) this.max = micros
  }

  reset(): void {
    this.steps.fill(0)
    this.count = 0
    this.max = 0
  }

  percentiles(): Percentiles {
    const wanted = [0.5, 0.99, 0.999].map((share) => Math.max(1, Math.ceil(share * this.count)))
    const found: Array<number> = []
    let seen = 0
    for (let step = 0; step < STEPS && found.length < wanted.length && this.count > 0; step++) {
      seen += this.steps[step] ?? 0
      while (found.length < wanted.length && seen >= (wanted[found.length] ?? 0)) {
        found.push(((step + 1) * STEP_MICROS) / 1_000)
      }
    }
    const [p50 = 0, p99 = 0, p999 = 0] = found
    return { count: this.count, p50, p99, p999, max: this.max / 1_000 }
  }
}
