/** Peers that say everything but what they should, many at once, case by case from a seed; and what the server answers to it. */
import { connect } from "node:net"
import { browserHeaders, requestLine } from "../accounts.ts"
import { PeerSocket } from "../PeerSocket.ts"
import { randomOf } from "../topology.ts"
import { frame, handshake, oddFrames, textFrame } from "./frames.ts"
import { httpRequest } from "./http.ts"
import { type Known, messageText } from "./lines.ts"
import type { Victim, Victims } from "./Victims.ts"
import { below, chance, oneOf, type Random } from "./values.ts"

export interface FuzzPlan {
  readonly port: number
  readonly seed: number
  /** Peers at once. */
  readonly peers: number
  /** Case numbers from here on; false: that was the last. */
  readonly goesOn: (index: number) => boolean
  readonly victims: Victims
  readonly operator: string
  /** What is wrong about an answer's text. */
  readonly leaks: (text: string) => string | undefined
}

export interface FuzzOutcome {
  /** Connections, by what was done over them. */
  readonly cases: Readonly<Record<string, number>>
  /** Single messages, frames, handshakes and requests. */
  readonly inputs: number
  /** How connections ended: "closed 4400", "HTTP 400", "cut off", "left" (by us: nothing was wrong enough). */
  readonly ends: Readonly<Record<string, number>>
  readonly answers: number
  readonly answerBytes: number
  /** Answers that say what they must not, the first ones, with the case that got them. */
  readonly leaks: ReadonlyArray<string>
}

type Who = "stranger" | "token" | "cookie"

const PONG = '"_tag":"Pong"'
const MOST_LEAKS = 20
/** Patience with a server that may be waiting for more. */
const WS_PATIENCE_MILLIS = 1_500
const RAW_PATIENCE_MILLIS = 700
const ADDRESSES = 200

export class FuzzRun {
  private readonly plan: FuzzPlan
  private readonly cases = new Map<string, number>()
  private readonly ends = new Map<string, number>()
  private readonly leaks: Array<string> = []
  private inputs = 0
  private answers = 0
  private answerBytes = 0

  constructor(plan: FuzzPlan) {
    this.plan = plan
  }

  async run(): Promise<FuzzOutcome> {
    let next = 0
    const peer = async () => {
      for (let index = next++; this.plan.goesOn(index); index = next++) await this.one(index)
    }
    await Promise.all(Array.from({ length: this.plan.peers }, peer))
    return this.outcome()
  }

  outcome(): FuzzOutcome {
    const { answerBytes, answers, inputs, leaks } = this
    const told = (counts: ReadonlyMap<string, number>) => Object.fromEntries(Array.from(counts).toSorted())
    return { cases: told(this.cases), inputs, ends: told(this.ends), answers, answerBytes, leaks: [...leaks] }
  }

  /** The same whenever it is run with this seed, whoever runs beside it. */
  private async one(index: number): Promise<void> {
    const random = randomOf(this.plan.seed * 1_000_003 + index)
    const victim = this.plan.victims.at(below(1_000, random))
    const address = `127.0.80.${1 + (index % ADDRESSES)}`
    const kind = below(20, random)
    if (kind < 2) return this.raw("handshake", index, address, [handshake(this.plan.port, random)], random)
    if (kind < 7) return this.overHttp(index, address, victim, random)
    const who = oneOf<Who>(["stranger", "token", "cookie", "cookie"], random)
    const what = kind < 11 ? "frames" : "lines"
    const end = await this.overSocket(
      `${what}, ${who}`,
      index,
      address,
      who,
      victim,
      this.writes(what, victim, random),
      random
    )
    if (end === "closed 4401" && who !== "stranger") await this.plan.victims.check(victim)
  }

  private overHttp(index: number, address: string, victim: Victim, random: Random): Promise<void> {
    const { about, bytes } = httpRequest(this.plan.port, victim.cookie, victim.email, random)
    // slowly, at times: a head in two pieces
    const cut = chance(0.2, random) ? below(bytes.length, random) : bytes.length
    return this.raw(`HTTP ${about}`, index, address, [bytes.subarray(0, cut), bytes.subarray(cut)], random)
  }

  private writes(what: "frames" | "lines", { email, token }: Victim, random: Random): ReadonlyArray<Buffer> {
    const known: Known = { email, token, operator: this.plan.operator }
    const isTame = chance(0.7, random)
    return Array.from({ length: 1 + below(what === "frames" ? 3 : 12, random) }, () => {
      if (what === "frames" && chance(0.8, random)) return oddFrames(random)
      const text = messageText(random, known, isTame)
      if (chance(0.95, random)) return textFrame(text)
      // in pieces that no character respects
      const bytes = Buffer.from(text, "utf8")
      const at = below(bytes.length + 1, random)
      return Buffer.concat([
        frame({ opcode: 1, payload: bytes.subarray(0, at), final: false }),
        frame({ opcode: 0, payload: bytes.subarray(at) })
      ])
    })
  }

  private overSocket(
    name: string,
    index: number,
    address: string,
    who: Who,
    victim: Victim,
    writes: ReadonlyArray<Buffer>,
    random: Random
  ): Promise<string> {
    this.count(this.cases, name)
    return new Promise((resolve) => {
      let end = "cut off"
      let late: NodeJS.Timeout | undefined
      const leave = () => {
        end = "left"
        if (chance(0.3, random)) peer.close()
        else if (chance(0.5, random)) peer.reset()
        else peer.tcp.destroy()
        // an answer to a good-bye may never come: ours was not heard behind what came before it
        late = setTimeout(() => peer.tcp.destroy(), 200)
      }
      const peer = new PeerSocket(
        this.plan.port,
        address,
        {
          onOpen: () => {
            if (who === "token") {
              const credential = { _tag: "Token", token: victim.token }
              peer.send(requestLine("authenticate", "investors.Authenticate", { credential }))
            }
            for (const bytes of writes) {
              this.inputs++
              peer.tcp.write(bytes)
            }
            peer.send('{"_tag":"Ping"}\n')
            late = setTimeout(leave, WS_PATIENCE_MILLIS)
          },
          onText: (bytes) => {
            const text = bytes.toString("utf8")
            this.judge(name, index, text)
            if (!text.includes(PONG) || end === "left") return
            clearTimeout(late)
            leave()
          },
          onRefused: (status) => {
            end = `HTTP ${status}`
          },
          onGone: (code) => {
            clearTimeout(late)
            const how = code === undefined || end === "left" ? end : `closed ${code}`
            this.count(this.ends, how)
            resolve(how)
          }
        },
        who === "cookie" ? browserHeaders(this.plan.port, victim.cookie) : {}
      )
    })
  }

  /** Bytes over a bare connection, and whatever comes back. */
  private raw(
    name: string,
    index: number,
    address: string,
    writes: ReadonlyArray<string | Buffer>,
    random: Random
  ): Promise<void> {
    this.count(this.cases, name)
    return new Promise((resolve) => {
      let text = ""
      let isOurs = false
      const socket = connect({ host: "127.0.0.1", port: this.plan.port, localAddress: address })
      const leave = () => {
        isOurs = true
        if (chance(0.5, random)) socket.resetAndDestroy()
        else socket.destroy()
      }
      const late = setTimeout(leave, RAW_PATIENCE_MILLIS)
      socket.once("connect", () => {
        for (const bytes of writes) {
          if (bytes.length === 0) continue
          this.inputs++
          socket.write(bytes)
        }
      })
      socket.on("error", () => {})
      socket.on("data", (bytes: Buffer) => {
        if (text.length < 300_000) text += bytes.toString("latin1")
      })
      socket.once("end", () => socket.end())
      socket.once("close", () => {
        clearTimeout(late)
        const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
        this.count(this.ends, status === undefined ? (isOurs ? "left" : "cut off") : `HTTP ${status}`)
        // a page of the dashboard is no answer about the request
        if (!text.includes("<!doctype html>")) this.judge(name, index, text)
        if (status === "500") this.note(`${name}, case ${index}: ${text.slice(0, 500)}`)
        resolve()
      })
    })
  }

  private judge(name: string, index: number, text: string): void {
    this.answers++
    this.answerBytes += text.length
    const leak = this.plan.leaks(text)
    if (leak !== undefined) this.note(`${name}, case ${index}: ${leak}: ${text.slice(0, 500)}`)
  }

  private note(leak: string): void {
    if (this.leaks.length < MOST_LEAKS) this.leaks.push(leak)
  }

  private count(counts: Map<string, number>, name: string): void {
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
}
