/**
 * One session that comes back whenever it is lost, as the client of src/rpc/client does: its back-off, its tickets, its positions, its
 * patience; but on a bare socket, so that one process holds ten thousand.
 */
import { type Authentication, makeAuthentication } from "../../src/rpc/client/authentication.ts"
import { type BackoffState, freshBackoff, nextWait } from "../../src/rpc/client/backoff.ts"
import { CONNECT_TIMEOUT_MILLIS } from "../../src/rpc/client/connection.ts"
import { CloseCode, WATCHDOG_MILLIS } from "../../src/rpc/sessions.ts"
import { browserHeaders, requestLine } from "./accounts.ts"
import { PeerSocket } from "./PeerSocket.ts"

export type Shown =
  | { readonly _tag: "Cookie"; readonly cookie: string }
  | { readonly _tag: "Token"; readonly token: string }

export interface ReturnerPlan {
  /** Gateways; the next one is tried after each loss. */
  readonly ports: ReadonlyArray<number>
  /** Which of them comes first. */
  readonly first: number
  readonly address: string
  readonly shown: Shown
  readonly symbols: ReadonlyArray<string>
}

/** What a crowd hears of each of its sessions. */
export interface ReturnerEvents {
  /** Its watch is open. `recovered`: it goes on from every position it had; null: it had none. */
  readonly onBack: (recovered: boolean | null) => void
  /** A try failed, or a connection was lost, with the reason in a few words. */
  readonly onLost: (why: string) => void
  /** It does not come back: it would have to sign in anew. */
  readonly onOut: () => void
  readonly onGap: () => void
}

interface Item {
  readonly _tag: string
  readonly s: string
  readonly e: number
  readonly q: number
  readonly recovered?: boolean | null
}
interface Message {
  readonly _tag: string
  readonly requestId?: string
  readonly values?: ReadonlyArray<Item>
  readonly exit?: {
    readonly _tag: string
    readonly value?: { readonly ticket?: string; readonly lifetimeMillis?: number }
  }
}

const WATCH = "0"
const TICKET = "1"
const PING = '{"_tag":"Ping"}\n'
const now = () => performance.now()

export class Returner {
  private readonly plan: ReturnerPlan
  private readonly events: ReturnerEvents
  private readonly authentication: Authentication | undefined
  private readonly positions = new Map<string, { epoch: number; seq: number }>()
  private socket: PeerSocket | undefined
  private tries = 0
  private backoff: BackoffState = freshBackoff
  /** ms of performance.now(); 0: not. */
  private startedAt = 0
  /** The upgrade was answered. */
  private upgraded = false
  private openAt = 0
  private heardAt = 0
  private askedAt = 0
  private retryAfterMillis: number | null = null
  private ended = false
  private told: (() => void) | undefined
  private dropped = false
  /** What will have been the reason when it is gone. */
  private why = ""

  constructor(plan: ReturnerPlan, events: ReturnerEvents) {
    this.plan = plan
    this.events = events
    this.authentication = plan.shown._tag === "Token" ? makeAuthentication(plan.shown.token, now) : undefined
  }

  connect(): void {
    const { address, first, ports, shown } = this.plan
    const port = ports[(first + this.tries++) % ports.length] ?? 0
    this.why = "no connection"
    this.startedAt = now()
    this.openAt = this.askedAt = 0
    this.upgraded = false
    this.retryAfterMillis = null
    const socket = new PeerSocket(
      port,
      address,
      {
        onOpen: () => {
          // the upgrade is answered: the credential has as long again
          this.startedAt = now()
          this.upgraded = true
          if (this.authentication === undefined) this.open()
          else socket.send(this.authentication.begin())
        },
        onText: (bytes) => this.read(bytes.toString("utf8")),
        onRefused: (status) => {
          this.why = `HTTP ${status}`
        },
        onGone: (code) => this.lost(code)
      },
      shown._tag === "Cookie" ? browserHeaders(port, shown.cookie) : {}
    )
    this.socket = socket
  }

  /** A ticket for the next connection, as the client asks for one again and again. Resolves when it is here. */
  renewTicket(): Promise<void> {
    if (this.authentication === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.told = resolve
      this.socket?.send(requestLine(TICKET, "investors.Ticket", null))
    })
  }

  /** A reset, as if the network between had broken. */
  drop(): void {
    this.dropped = true
    this.socket?.reset()
  }

  /** For good. */
  leave(): void {
    this.ended = true
    this.socket?.close()
  }

  /** To be called now and then: gives up what is silent, or never opens. */
  look(at: number): void {
    if (this.socket === undefined) return
    if (this.openAt === 0) {
      if (at - this.startedAt < CONNECT_TIMEOUT_MILLIS) return
      this.giveUp(
        this.upgraded ? "credential not answered" : this.socket.tcp.connecting ? "not connected" : "not upgraded"
      )
    } else if (at - this.heardAt >= WATCHDOG_MILLIS) this.giveUp("silence")
    else if (at - this.heardAt >= WATCHDOG_MILLIS / 2 && this.askedAt < this.heardAt) {
      this.askedAt = at
      this.socket.send(PING)
    }
  }

  private giveUp(why: string): void {
    this.why = why
    this.socket?.reset()
  }

  private open(): void {
    this.openAt = this.heardAt = now()
    this.why = "cut off"
    const positions = Array.from(this.positions, ([symbol, position]) => ({ symbol, ...position }))
    this.socket?.send(
      requestLine(WATCH, "market.Watch", {
        watchId: "w",
        symbols: this.plan.symbols,
        conflation: 100,
        ...(positions.length > 0 ? { positions } : {})
      })
    )
    if (this.authentication !== undefined) this.socket?.send(requestLine(TICKET, "investors.Ticket", null))
  }

  private read(text: string): void {
    this.heardAt = now()
    if (this.openAt === 0) this.answered(text)
    else for (const line of text.split("\n")) if (line !== "") this.readLine(line)
  }

  private readLine(line: string): void {
    const message: Message = JSON.parse(line)
    if (message._tag === "Chunk") for (const item of message.values ?? []) this.hear(item)
    else if (message._tag === "Exit" && message.requestId === TICKET) this.keep(message)
    // a watch never ends by itself
    else if (message._tag === "Exit" || message._tag === "Defect") this.giveUp(`watch refused: ${line.slice(0, 200)}`)
  }

  private answered(text: string): void {
    const answer = this.authentication?.answered(text)
    if (answer === undefined) return
    switch (answer._tag) {
      case "Accepted":
        this.open()
        break
      case "Say":
        this.events.onLost("ticket refused")
        this.socket?.send(answer.line)
        break
      case "Later":
        this.retryAfterMillis = answer.retryAfterMillis
        this.giveUp(`later: ${answer.reason}`)
        break
      case "Refused":
        this.goOut()
        this.socket?.reset()
        break
    }
  }

  private goOut(): void {
    this.ended = true
    this.events.onOut()
  }

  private hear(item: Item): void {
    switch (item._tag) {
      case "Update":
      case "Snapshot":
        this.positions.set(item.s, { epoch: item.e, seq: item.q })
        break
      case "Watching":
        this.events.onBack(item.recovered ?? null)
        break
      case "Gap":
        this.events.onGap()
        break
    }
  }

  private keep({ exit }: Message): void {
    const { lifetimeMillis, ticket } = exit?.value ?? {}
    if (ticket === undefined || lifetimeMillis === undefined) throw new Error("the server gave no ticket")
    this.authentication?.keep(ticket, lifetimeMillis)
    this.told?.()
    this.told = undefined
  }

  private lost(code: number | undefined): void {
    this.socket = undefined
    if (this.ended) return
    const why = code === undefined ? this.why : `closed ${code}`
    if (code === CloseCode.SignedOut) {
      this.goOut()
      return
    }
    if (!this.dropped) this.events.onLost(why)
    this.dropped = false
    const next = nextWait(
      this.backoff,
      {
        reason: why,
        code: code ?? null,
        openMillis: this.openAt > 0 ? now() - this.openAt : 0,
        retryAfterMillis: this.retryAfterMillis
      },
      Math.random()
    )
    this.backoff = next.state
    setTimeout(() => this.connect(), next.waitMillis)
  }
}
