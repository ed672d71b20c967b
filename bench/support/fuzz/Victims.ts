/** Accounts whose secrets the fuzzing peers hold. They sign themselves out, ban and delete one another: whoever is gone is replaced. */
import { accountPaths } from "../../../src/rpc/investors.ts"
import { type Account, createToken, originOf, signUp } from "../accounts.ts"
import { pause } from "../clock.ts"

export interface Victim extends Account {
  readonly email: string
}

const isSignedIn = async (port: number, cookie: string): Promise<boolean> => {
  const response = await fetch(`${originOf(port)}${accountPaths.state}`, {
    method: "POST",
    headers: { origin: originOf(port), "content-type": "application/json", cookie },
    body: "{}"
  })
  const state: { readonly investor?: object | null } = await response.json()
  return state.investor !== null && state.investor !== undefined
}

export class Victims {
  private readonly port: number
  private readonly victims: Array<Victim> = []
  private readonly renewing = new Map<number, Promise<void>>()
  private made = 0

  constructor(port: number) {
    this.port = port
  }

  /** How many there have been. */
  get count(): number {
    return this.made
  }

  async open(count: number): Promise<void> {
    for (let at = 0; at < count; at++) this.victims[at] = await this.make()
  }

  at(index: number): Victim {
    const victim = this.victims[index % this.victims.length]
    if (victim === undefined) throw new Error("open first")
    return victim
  }

  /** Replaces this one if its cookie is worth nothing any more, and its token in any case. */
  async check(victim: Victim): Promise<void> {
    const index = this.victims.indexOf(victim)
    // somebody else has seen to it
    if (index === -1) return
    const renewing = this.renewing.get(index) ?? this.renew(index, victim)
    this.renewing.set(index, renewing)
    await renewing
    this.renewing.delete(index)
  }

  private async renew(index: number, { cookie, email }: Victim): Promise<void> {
    const isAlive = await isSignedIn(this.port, cookie)
    const token = isAlive ? await createToken(this.port, cookie).catch(() => undefined) : undefined
    this.victims[index] = token === undefined ? await this.make() : { cookie, email, token }
  }

  private async make(tries = 5): Promise<Victim> {
    try {
      const email = `victim-${++this.made}@example.com`
      const cookie = await signUp(this.port, email)
      return { email, cookie, token: await createToken(this.port, cookie) }
    } catch (error) {
      // the server may be told "try again" by others' doing
      if (tries === 0) throw error
      await pause(500)
      return this.make(tries - 1)
    }
  }
}
