/** Sessions of investors who have signed in and watch, whatever others do: what reaches them, and how late. */
import { type Account, browserHeaders, requestLine } from "./accounts.ts"
import { Histogram, type Percentiles } from "./Histogram.ts"
import { PeerSocket } from "./PeerSocket.ts"
import { pick, randomOf } from "./topology.ts"

export interface HealthyPlan {
  readonly port: number
  readonly sessions: number
  /** Taken in turn: half show the cookie, half the token. */
  readonly accounts: ReadonlyArray<Account>
  readonly symbols: ReadonlyArray<string>
  readonly perSession: number
  readonly conflation: 0 | 100
}

export interface Health {
  /** Still there. */
  readonly sessions: number
  readonly updates: number
  /** Of the sessions, how many had at least one. */
  readonly updated: number
  readonly gaps: number
  /** Items that did not follow the one before, unannounced. */
  readonly broken: number
  /** From the tick's arrival at the server to its writing to the socket; from there to its parse here. A clock of 1 ms. */
  readonly toSocket: Percentiles
  readonly toClient: Percentiles
}

interface Item {
  readonly _tag: string
  readonly s: string
  readonly e: number
  readonly q: number
  readonly f: number
  readonly i: number
  readonly w: number
}
interface Message {
  readonly _tag: string
  readonly values?: ReadonlyArray<Item>
  readonly requestId?: string
  readonly exit?: { readonly _tag: string }
}
interface Session {
  readonly socket: PeerSocket
  readonly positions: Map<string, { epoch: number; seq: number }>
  updates: number
}

const WATCH = "0"
const AUTHENTICATE = "1"

export class HealthySessions {
  private readonly plan: HealthyPlan
  private readonly sessions = new Set<Session>()
  private readonly toSocket = new Histogram()
  private readonly toClient = new Histogram()
  private gaps = 0
  private broken = 0

  constructor(plan: HealthyPlan) {
    this.plan = plan
  }

  /** Resolves when each has a first state of its symbols. */
  async open(): Promise<void> {
    const random = randomOf(21)
    for (let index = 0; index < this.plan.sessions; index++) {
      await this.join(index, pick(this.plan.symbols, this.plan.perSession, random))
    }
    this.take()
  }

  /** What there was since the last call. */
  take(): Health {
    const all = Array.from(this.sessions)
    const health = {
      sessions: all.length,
      updates: all.reduce((sum, { updates }) => sum + updates, 0),
      updated: all.filter(({ updates }) => updates > 0).length,
      gaps: this.gaps,
      broken: this.broken,
      toSocket: this.toSocket.percentiles(),
      toClient: this.toClient.percentiles()
    }
    for (const session of all) session.updates = 0
    this.gaps = this.broken = 0
    this.toSocket.reset()
    this.toClient.reset()
    return health
  }

  /** Since the last `take`, without ending it. */
  updatedSoFar(): number {
    return Array.from(this.sessions).filter(({ updates }) => updates > 0).length
  }

  leave(): void {
    for (const { socket } of this.sessions) socket.close()
  }

  private join(index: number, symbols: ReadonlyArray<string>): Promise<void> {
    const { accounts, conflation, port } = this.plan
    const account = accounts[(index >> 1) % accounts.length]
    const isBrowser = index % 2 === 0
    return new Promise((resolve, reject) => {
      const watch = () => socket.send(requestLine(WATCH, "market.Watch", { watchId: "w", symbols, conflation }))
      const socket = new PeerSocket(
        port,
        `127.0.90.${1 + (index % 200)}`,
        {
          onOpen: () => {
            const credential = { _tag: "Token", token: account?.token }
            if (isBrowser) watch()
            else socket.send(requestLine(AUTHENTICATE, "investors.Authenticate", { credential }))
          },
          onText: (bytes) => {
            const now = Date.now()
            for (const line of bytes.toString("utf8").split("\n")) {
              if (line === "") continue
              const message: Message = JSON.parse(line)
              if (message._tag === "Chunk") for (const item of message.values ?? []) this.hear(session, item, now)
              if (message._tag === "Exit" && message.exit?._tag !== "Success") reject(new Error(line))
              else if (message._tag === "Exit" && message.requestId === AUTHENTICATE) watch()
            }
            if (session.positions.size === symbols.length) resolve()
          },
          onGone: (code) => {
            this.sessions.delete(session)
            reject(new Error(`a session that had signed in was closed: ${code ?? "cut off"}`))
          }
        },
        isBrowser ? browserHeaders(port, account?.cookie ?? "") : {}
      )
      const session: Session = { socket, positions: new Map(), updates: 0 }
      this.sessions.add(session)
    })
  }

  private hear(session: Session, item: Item, now: number): void {
    const { _tag, e, f, i, q, s, w } = item
    if (_tag === "Gap") this.gaps++
    if (_tag === "Snapshot") session.positions.set(s, { epoch: e, seq: q })
    if (_tag !== "Update") return
    const before = session.positions.get(s)
    if (before === undefined || before.epoch !== e || q !== before.seq + f + 1) this.broken++
    session.positions.set(s, { epoch: e, seq: q })
    session.updates++
    this.toSocket.record((w - i) * 1_000)
    this.toClient.record((now - w) * 1_000)
  }
}
