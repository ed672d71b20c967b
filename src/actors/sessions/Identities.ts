/**
 * Whose sessions are whose on this node: by investor, by what they stand on, by address; and how many strangers there are. Plain state:
 * every session that came goes, whatever happened between (gone).
 */
import type { Principal } from "../../rpc/access.ts"
import type { Revoked } from "../../rpc/topics.ts"
import type { Session } from "./Session.ts"

export interface VisitorLimits {
  readonly sessionsPerInvestor: number
  readonly sessionsPerAddress: number
  /** Sessions that have not said yet who they are. */
  readonly strangers: number
}
export const noLimits: VisitorLimits = {
  sessionsPerInvestor: Number.POSITIVE_INFINITY,
  sessionsPerAddress: Number.POSITIVE_INFINITY,
  strangers: Number.POSITIVE_INFINITY
}

/** Who wants a session. */
export interface Visitor {
  readonly address: string
  /** Null: will be said, or is being looked up. "local" is whoever uses this machine, and has no limits but the node's. */
  readonly principal: Principal | null
}

/** What ended is remembered so long: it may just be on its way from the store to a session. */
const REMEMBER_MILLIS = 60_000

/** Each node looks once a minute at what its sessions stand on (app/gateway/Presence): what it saw is newer than this. */
const LOOKED_WITHIN_MILLIS = 70_000

const isLocal = (principal: Principal | null): boolean => principal?.via === "local"

export class Identities {
  private readonly limits: VisitorLimits
  private readonly count: (name: string, delta: number) => void
  private readonly byInvestor = new Map<string, Set<Session>>()
  private readonly byAddress = new Map<string, number>()
  /** Sessions that count for their address, whoever they turn out to be. */
  private readonly counted = new WeakSet<Session>()
  private strangers = 0
  /** What ended lately, by grant, or by investor and kind: when that was said here, and from when on it may have begun again. */
  private readonly ended = new Map<string, { readonly heard: number; readonly at: number }>()
  /** When the last session of a grant left this node, for as long as it matters whether another node has seen it since. */
  private readonly left = new Map<string, number>()

  constructor(limits: VisitorLimits, count: (name: string, delta: number) => void) {
    this.limits = limits
    this.count = count
  }

  refusal({ address, principal }: Visitor): "address" | "strangers" | undefined {
    if (isLocal(principal)) return undefined
    if ((this.byAddress.get(address) ?? 0) >= this.limits.sessionsPerAddress) return "address"
    if (principal === null && this.strangers >= this.limits.strangers) return "strangers"
    return undefined
  }

  came(session: Session, principal: Principal | null): void {
    if (!isLocal(principal)) {
      this.counted.add(session)
      this.byAddress.set(session.address, (this.byAddress.get(session.address) ?? 0) + 1)
    }
    if (principal === null) this.addStrangers(1)
    else this.add(session, principal)
  }

  /** A session that says so again is whom it said last. */
  identify(session: Session, principal: Principal, now: number): "ok" | "too-many" | "revoked" {
    this.forget(now)
    if (this.hasEnded(principal)) return "revoked"
    const theirs = this.byInvestor.get(principal.investor)
    const others = theirs === undefined ? 0 : theirs.size - (theirs.has(session) ? 1 : 0)
    const limited = principal.via !== "local" && principal.via !== "operator"
    if (limited && others >= this.limits.sessionsPerInvestor) return "too-many"
    // gone meanwhile: nobody would take it out again
    if (!session.isOpen) return "ok"
    if (session.principal === null) this.addStrangers(-1)
    else this.remove(session, session.principal)
    this.add(session, principal)
    return "ok"
  }

  gone(session: Session, now: number): void {
    const { address, principal } = session
    this.forget(now)
    if (principal === null) this.addStrangers(-1)
    else {
      this.remove(session, principal)
      const { grant, investor } = principal
      if (grant !== null && !this.isHere(investor, grant)) {
        this.left.delete(grant)
        this.left.set(grant, now)
      }
    }
    if (!this.counted.delete(session)) return
    const left = (this.byAddress.get(address) ?? 1) - 1
    if (left === 0) this.byAddress.delete(address)
    else this.byAddress.set(address, left)
  }

  grants(): ReadonlyMap<string, Principal> {
    const grants = new Map<string, Principal>()
    for (const sessions of this.byInvestor.values()) {
      for (const { principal } of sessions) {
        if (principal !== null && principal.grant !== null) grants.set(principal.grant, principal)
      }
    }
    return grants
  }

  /** Whether a grant has a session: here, or at another node, which saw it `seenMillis` ago. What this node saw, it knows better. */
  isConnected(investor: string, grant: string, seenMillis: number, now: number): boolean {
    if (this.isHere(investor, grant)) return true
    const left = this.left.get(grant)
    return seenMillis < LOOKED_WITHIN_MILLIS && (left === undefined || seenMillis < now - left)
  }

  /** Sessions that have to go. */
  revoke({ at, investor, what }: Revoked, now: number): ReadonlyArray<Session> {
    this.forget(now)
    for (const key of typeof what === "string" ? [`${investor} ${what}`] : what) {
      this.ended.delete(key)
      this.ended.set(key, { heard: now, at })
    }
    return Array.from(this.byInvestor.get(investor) ?? []).filter(
      ({ principal }) => principal !== null && this.hasEnded(principal)
    )
  }

  standingOn(grants: ReadonlySet<string>): ReadonlyArray<Session> {
    return Array.from(this.byInvestor.values()).flatMap((sessions) =>
      Array.from(sessions).filter(({ principal }) => grants.has(principal?.grant ?? ""))
    )
  }

  private isHere(investor: string, grant: string): boolean {
    for (const { principal } of this.byInvestor.get(investor) ?? []) if (principal?.grant === grant) return true
    return false
  }

  private add(session: Session, principal: Principal): void {
    session.principal = principal
    const sessions = this.byInvestor.get(principal.investor)
    if (sessions === undefined) this.byInvestor.set(principal.investor, new Set([session]))
    else sessions.add(session)
  }

  private remove(session: Session, { investor }: Principal): void {
    const sessions = this.byInvestor.get(investor)
    if (sessions === undefined) return
    sessions.delete(session)
    if (sessions.size === 0) this.byInvestor.delete(investor)
  }

  private addStrangers(delta: number): void {
    this.strangers += delta
    this.count("strangers_active", delta)
  }

  private hasEnded({ grant, investor, since, via }: Principal): boolean {
    if (grant !== null && this.ended.has(grant)) return true
    const began = since ?? Number.POSITIVE_INFINITY
    const before = (kind: string) => began < (this.ended.get(`${investor} ${kind}`)?.at ?? 0)
    return before("everything") || (via === "cookie" && before("browsers"))
  }

  private forget(now: number): void {
    // in the order in which they ended, and left
    for (const [key, { heard }] of this.ended) {
      if (now - heard < REMEMBER_MILLIS) break
      this.ended.delete(key)
    }
    for (const [grant, at] of this.left) {
      if (now - at < LOOKED_WITHIN_MILLIS) break
      this.left.delete(grant)
    }
  }
}
