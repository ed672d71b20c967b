/** Many sessions that come back (Returner.ts): opened, dropped all at once, and watched until the last one is back. */

import { Returner, type Shown } from "./Returner.ts"
import { percentile } from "./report.ts"
import { pick, randomOf } from "./topology.ts"

export interface CrowdPlan {
  readonly ports: ReadonlyArray<number>
  readonly sessions: number
  /** Taken in turn: half show the cookie, half the token. */
  readonly accounts: ReadonlyArray<{ readonly cookie: string; readonly token: string }>
  readonly symbols: ReadonlyArray<string>
  readonly perSession: number
}

export interface Storm {
  /** How many were to come back, and did. */
  readonly expected: number
  readonly back: number
  /** ms from the drop to the answer of the watch. */
  readonly millis: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
  readonly recovered: number
  /** Tries that failed, by reason. */
  readonly lost: Readonly<Record<string, number>>
  /** Would have to sign in anew. */
  readonly out: number
  readonly gaps: number
}

const AT_ONCE = 100
const LOOK_MILLIS = 500
/** A loopback address has 28,000 ports, and closed ones may rest for a minute. */
const PER_ADDRESS = 250

export class ReturningCrowd {
  private readonly returners: ReadonlyArray<Returner>
  private readonly looking: NodeJS.Timeout
  private readonly plan: CrowdPlan
  private startedAt = 0
  private times: Array<number> = []
  private recovered = 0
  private lost = new Map<string, number>()
  private out = 0
  private gaps = 0
  private told: () => void = () => {}
  private readonly first = new Map<number, () => void>()

  constructor(plan: CrowdPlan) {
    this.plan = plan
    const random = randomOf(11)
    this.returners = Array.from({ length: plan.sessions }, (_, index) => this.make(index, random))
    this.looking = setInterval(() => {
      const at = performance.now()
      for (const returner of this.returners) returner.look(at)
    }, LOOK_MILLIS)
  }

  /** All of them, some at a time; resolves when each watches. */
  async open(): Promise<void> {
    let next = 0
    const worker = async () => {
      while (next < this.returners.length) {
        const index = next++
        await new Promise<void>((resolve) => {
          this.first.set(index, resolve)
          this.returners[index]?.connect()
        })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }

  async renewTickets(): Promise<void> {
    for (let at = 0; at < this.returners.length; at += AT_ONCE) {
      await Promise.all(this.returners.slice(at, at + AT_ONCE).map((returner) => returner.renewTicket()))
    }
  }

  /** From here on it is measured. */
  begin(): void {
    this.times = []
    this.recovered = this.out = this.gaps = 0
    this.lost.clear()
    this.startedAt = performance.now()
  }

  drop(): void {
    for (const returner of this.returners) returner.drop()
  }

  /** Resolves when so many are back, or out; or with those that are after so long. */
  async settled(expected: number, giveUpMillis: number): Promise<Storm> {
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, giveUpMillis)
      this.told = () => {
        if (this.times.length + this.out < expected) return
        clearTimeout(late)
        resolve()
      }
      this.told()
    })
    const share = (of: number) => percentile(this.times, of)
    return {
      expected,
      back: this.times.length,
      millis: { p50: share(0.5), p90: share(0.9), p99: share(0.99), max: share(1) },
      recovered: this.recovered,
      lost: Object.fromEntries(this.lost),
      out: this.out,
      gaps: this.gaps
    }
  }

  leave(): void {
    clearInterval(this.looking)
    for (const returner of this.returners) returner.leave()
  }

  private make(index: number, random: () => number): Returner {
    const { accounts, perSession, ports, symbols } = this.plan
    // neighbours of one account: one with its cookie, one with its token
    const account = accounts[(index >> 1) % accounts.length]
    if (account === undefined) throw new Error("nobody has an account")
    const shown: Shown =
      index % 2 === 0 ? { _tag: "Cookie", cookie: account.cookie } : { _tag: "Token", token: account.token }
    const address = `127.0.${1 + Math.floor(index / PER_ADDRESS / 250)}.${1 + (Math.floor(index / PER_ADDRESS) % 250)}`
    return new Returner(
      { ports, first: (index >> 1) % ports.length, address, shown, symbols: pick(symbols, perSession, random) },
      {
        onBack: (recovered) => {
          this.times.push(performance.now() - this.startedAt)
          if (recovered === true) this.recovered++
          this.first.get(index)?.()
          this.first.delete(index)
          this.told()
        },
        onLost: (why) => this.lost.set(why, (this.lost.get(why) ?? 0) + 1),
        onOut: () => {
          this.out++
          this.told()
        },
        onGap: () => this.gaps++
      }
    )
  }
}
