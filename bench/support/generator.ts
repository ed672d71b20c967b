/** The load: a process of its own that opens sessions, watches, counts, and leaves in three ways. */
import { Counter, type Received } from "./Counter.ts"
import { PeerSocket } from "./PeerSocket.ts"
import { answer } from "./processes.ts"
import { pick, randomOf, symbolsOf } from "./topology.ts"
import { startVitals, type Vitals } from "./vitals.ts"

export interface Crowd {
  readonly port: number
  readonly sessions: number
  /** How many different symbols there are, and how many of them each session watches. */
  readonly symbols: number
  readonly perSession: number
  readonly conflation: 0 | 100 | 250 | 1000
  readonly seed: number
  /** One session in so many is parsed whole. */
  readonly sampleEvery: number
}

const CONNECTING_AT_ONCE = 200
/** Sessions per source address: a loopback address has 28,000 ports, and closed ones rest for a minute. */
const PER_ADDRESS = 2_500

const counter = new Counter()
const peers = new Set<PeerSocket>()
let opened = 0
let rounds = 0
let gone: Array<() => void> = []
let endVitals: (() => Vitals) | undefined

const join = (crowd: Crowd, index: number, symbols: ReadonlyArray<string>) =>
  new Promise<void>((resolve, reject) => {
    const positions = index % crowd.sampleEvery === 0 ? new Map<string, { epoch: number; seq: number }>() : undefined
    let answered = false
    const address = `127.0.0.${2 + ((rounds * 7 + Math.floor(index / PER_ADDRESS)) % 250)}`
    const peer = new PeerSocket(crowd.port, address, {
      onOpen: () => {
        const request = {
          _tag: "Request",
          id: "0",
          tag: "market.Watch",
          payload: { watchId: "w", symbols, conflation: crowd.conflation },
          headers: []
        }
        peer.send(`${JSON.stringify(request)}\n`)
      },
      onText: (message) => {
        counter.count(message)
        if (positions !== undefined) counter.inspect(message, positions)
        if (answered) return
        answered = true
        opened++
        resolve()
      },
      onGone: (code) => {
        peers.delete(peer)
        if (!answered) reject(new Error(`session ${index} was refused (close code ${code ?? "none"})`))
        if (peers.size === 0) {
          for (const told of gone) told()
          gone = []
        }
      }
    })
    peers.add(peer)
  })

const generator = {
  /** Opens all sessions and waits until each one has its first answer. Returns the ms it took. */
  connect: async (crowd: Crowd): Promise<number> => {
    const started = performance.now()
    rounds++
    const all = symbolsOf(crowd.symbols)
    const random = randomOf(crowd.seed)
    const sets = Array.from({ length: crowd.sessions }, () => pick(all, crowd.perSession, random))
    let next = 0
    const worker = async () => {
      while (next < sets.length) {
        const index = next++
        await join(crowd, index, sets[index] ?? [])
      }
    }
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, worker))
    return performance.now() - started
  },
  begin: (_: null) => {
    counter.take()
    endVitals = startVitals()
  },
  end: (_: null): { readonly received: Received; readonly vitals: Vitals } => {
    if (endVitals === undefined) throw new Error("begin first")
    return { received: counter.take(), vitals: endVitals() }
  },
  count: (_: null): number => peers.size,
  /** Leaves: every peer, half of them by a close frame and half by a reset, or all in one way. Waits until all are gone. */
  leave: async (how: "half" | "close" | "reset"): Promise<number> => {
    const started = performance.now()
    if (peers.size === 0) return 0
    const done = new Promise<void>((resolve) => gone.push(resolve))
    let index = 0
    for (const peer of peers) {
      if (how === "close" || (how === "half" && index % 2 === 0)) peer.close()
      else peer.reset()
      index++
    }
    await done
    return performance.now() - started
  },
  /** From here on nobody answers a ping and nobody reads: as if the machine were gone. */
  fallSilent: (_: null) => {
    for (const peer of peers) {
      peer.answering = false
      peer.tcp.pause()
    }
  },
  opened: (_: null): number => opened
}
export type Generator = typeof generator

answer(generator)
