/**
 * People, in a process of their own: they come when the shape says, watch, sometimes change what they watch, and leave.
 * Open loop: each action has an intended time, and lateness counts against the server, whoever caused it.
 */
import { Counter } from "./Counter.ts"
import { microsNow } from "./clock.ts"
import { Histogram, type Percentiles } from "./Histogram.ts"
import { PeerSocket } from "./PeerSocket.ts"
import { answer } from "./processes.ts"
import { pick, randomOf } from "./topology.ts"
import { startVitals, type Vitals } from "./vitals.ts"

/** The number of users moves evenly from the one before to `users`. */
export interface Phase {
  readonly name: string
  readonly seconds: number
  readonly users: number
}

export interface Plan {
  readonly port: number
  readonly phases: ReadonlyArray<Phase>
  readonly symbolsPerUser: number
  /** Mean time between two changes of one user's set. */
  readonly changeEverySeconds: number
  readonly conflation: 0 | 100 | 250 | 1000
}

export interface Seen {
  readonly users: number
  readonly updates: number
  readonly errors: Readonly<Record<string, number>>
  readonly broken: number
  /** From the newest tick's arrival at the server to the client's parse, in 1 of 8 users. */
  readonly latency: Percentiles
  /** From the intended time of coming, connecting included, to the first snapshot. */
  readonly join: Percentiles
  /** From the intended time of a change of the set to its answer. */
  readonly change: Percentiles
}

const SAMPLE_EVERY = 8
const SNAPSHOT = '"_tag":"Snapshot"'

const counter = new Counter((item) => (Date.now() - item.i) * 1_000)
const joins = new Histogram()
const changes = new Histogram()
const errors = new Map<string, number>()
const count = (what: string) => errors.set(what, (errors.get(what) ?? 0) + 1)

const users = new Set<User>()
const random = randomOf(99)
let listed: ReadonlyArray<string> = []
let endVitals: (() => Vitals) | undefined
let running = false

const request = (id: number, tag: string, payload: object) =>
  `${JSON.stringify({ _tag: "Request", id: String(id), tag, payload, headers: [] })}\n`

class User {
  private readonly socket: PeerSocket
  private readonly plan: Plan
  private readonly positions: Map<string, { epoch: number; seq: number }> | undefined
  private symbols: ReadonlyArray<string>
  private joinDue: number | undefined
  private nextId = 1
  private readonly asked = new Map<string, number>()
  private leaving = false
  /** µs; when this user will change the set. */
  changeDue: number

  constructor(index: number, dueMicros: number, plan: Plan) {
    this.plan = plan
    this.joinDue = dueMicros
    this.changeDue = dueMicros + this.patience()
    this.positions = index % SAMPLE_EVERY === 0 ? new Map() : undefined
    this.symbols = pick(listed, plan.symbolsPerUser, random)
    this.socket = new PeerSocket(plan.port, `127.0.0.${2 + (index % 200)}`, {
      onOpen: () =>
        this.socket.send(
          request(0, "market.Watch", { watchId: "w", symbols: this.symbols, conflation: plan.conflation })
        ),
      onText: (message) => this.read(message),
      onGone: (code) => {
        users.delete(this)
        if (!this.leaving) count(this.joinDue === undefined ? `closed by the server (${code ?? "no code"})` : "refused")
      }
    })
  }

  /** A few symbols go, others come. */
  change(dueMicros: number): void {
    this.changeDue = dueMicros + this.patience()
    if (this.joinDue !== undefined) return
    const kept = this.symbols.slice(Math.ceil(this.symbols.length / 5))
    this.symbols = Array.from(new Set([...kept, ...pick(listed, this.plan.symbolsPerUser - kept.length, random)]))
    const id = this.nextId++
    this.asked.set(String(id), dueMicros)
    this.socket.send(request(id, "market.SetWatched", { watchId: "w", symbols: this.symbols }))
  }

  leave(): void {
    this.leaving = true
    users.delete(this)
    this.socket.close()
  }

  private patience(): number {
    return -Math.log(1 - random()) * this.plan.changeEverySeconds * 1e6
  }

  private read(message: Buffer): void {
    counter.count(message)
    if (this.positions !== undefined) counter.inspect(message, this.positions)
    if (this.joinDue !== undefined && message.includes(SNAPSHOT)) {
      joins.record(microsNow() - this.joinDue)
      this.joinDue = undefined
    }
    if (message.includes('"_tag":"Exit"') || message.includes('"_tag":"Defect"')) this.answered(message)
  }

  private answered(message: Buffer): void {
    for (const line of message.toString("utf8").split("\n")) {
      if (line === "") continue
      const parsed = JSON.parse(line) as {
        readonly _tag: string
        readonly requestId?: string
        readonly exit?: { readonly _tag: string }
      }
      if (parsed._tag === "Defect") count("defect")
      if (parsed._tag !== "Exit") continue
      const due = this.asked.get(parsed.requestId ?? "")
      this.asked.delete(parsed.requestId ?? "")
      if (due === undefined || parsed.exit?._tag !== "Success") count("failed request")
      else {
        changes.record(microsNow() - due)
        // what left and comes back starts with a snapshot
        const now = new Set(this.symbols)
        for (const symbol of this.positions?.keys() ?? []) if (!now.has(symbol)) this.positions?.delete(symbol)
      }
    }
  }
}

const list = (port: number) =>
  new Promise<ReadonlyArray<string>>((resolve, reject) => {
    const socket = new PeerSocket(port, "127.0.0.1", {
      onOpen: () => socket.send(request(0, "market.Listings", { limit: 5_000 })),
      onText: (message) => {
        const { exit } = JSON.parse(message.toString("utf8").split("\n", 1)[0] ?? "") as {
          readonly exit?: { readonly value?: { readonly listings: ReadonlyArray<{ readonly symbol: string }> } }
        }
        if (exit?.value !== undefined) resolve(exit.value.listings.map(({ symbol }) => symbol))
        else reject(new Error("market.Listings failed"))
        socket.close()
      },
      onGone: () => reject(new Error("the server closed before it listed its symbols"))
    })
  })

/** Drives the shape to its end: whoever is due comes, changes or leaves, with the time it was due. */
const drive = async (plan: Plan) => {
  let index = 0
  let from = microsNow()
  let before = 0
  const wanted: Array<User> = []
  for (const { seconds, users: to } of plan.phases) {
    const end = from + seconds * 1e6
    const steps = Math.abs(to - before)
    const gap = steps === 0 ? Number.POSITIVE_INFINITY : (seconds * 1e6) / steps
    let step = 0
    while (microsNow() < end || step < steps) {
      const now = microsNow()
      for (; step < steps && from + step * gap <= now; step++) {
        if (to < before) wanted.pop()?.leave()
        else {
          const user = new User(index++, from + step * gap, plan)
          users.add(user)
          wanted.push(user)
        }
      }
      for (const user of users) if (user.changeDue <= now) user.change(user.changeDue)
      await new Promise((done) => setTimeout(done, 5))
    }
    from = end
    before = to
  }
  running = false
}

const crowd = {
  start: async (plan: Plan): Promise<number> => {
    listed = await list(plan.port)
    endVitals = startVitals()
    running = true
    drive(plan).catch((error: unknown) => {
      count(`generator: ${String(error)}`)
      running = false
    })
    return listed.length
  },
  running: (_: null): boolean => running,
  /** Since the last look. */
  look: (_: null): Seen => {
    const { broken, latency, updates } = counter.take()
    const seen = {
      users: users.size,
      updates,
      broken,
      errors: Object.fromEntries(errors),
      latency,
      join: joins.percentiles(),
      change: changes.percentiles()
    }
    joins.reset()
    changes.reset()
    errors.clear()
    return seen
  },
  end: (_: null): Vitals => {
    if (endVitals === undefined) throw new Error("start first")
    return endVitals()
  }
}
export type Users = typeof crowd

answer(crowd)
