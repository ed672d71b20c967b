/** Connections of nobody: they come, and say nothing, or nonsense, or what only those may ask who have signed in. */
import { connect, type Socket } from "node:net"
import { requestLine } from "./accounts.ts"
import { PeerSocket } from "./PeerSocket.ts"

/** mute: not even HTTP; silent: a WebSocket without a word; guessing: shows a token that is none. */
export const manners = ["mute", "silent", "garbage", "asking", "guessing"] as const
export type Manner = (typeof manners)[number]

/** How each of a manner ended ("closed 4401", "HTTP 503", "cut off"), and what it was told. */
export type Ends = Readonly<Record<string, number>>

const WRONG_TOKEN = `lzs_${"A".repeat(20)}.${"B".repeat(43)}`

const said: Readonly<Record<Exclude<Manner, "mute">, string>> = {
  silent: "",
  garbage: "\u0000 this is no RPC message\n",
  asking:
    requestLine("1", "market.Status", null) +
    requestLine("2", "market.Watch", { watchId: "w", symbols: ["AAPL"], conflation: 0 }) +
    requestLine("3", "investors.CreateToken", { name: "mine", access: "write", days: 1 }),
  guessing: requestLine("1", "investors.Authenticate", { credential: { _tag: "Token", token: WRONG_TOKEN } })
}

/** Connection attempts under way. */
const AT_ONCE = 500
/** A loopback address has 28,000 ports, and closed ones may rest for a minute. */
const PER_ADDRESS = 250

export class StrangerCrowd {
  private readonly port: number
  private readonly ends = new Map<string, number>()
  private readonly sockets = new Set<Socket>()
  private waiting: Array<() => void> = []
  /** Answers that were a success: there must be none. */
  answered = 0

  constructor(port: number) {
    this.port = port
  }

  get open(): number {
    return this.sockets.size
  }

  /** So many come, of each manner in turn; resolves when all have been let in, or not. */
  async come(count: number): Promise<void> {
    let next = 0
    const worker = async () => {
      while (next < count) {
        const index = next++
        const address = `127.0.${100 + Math.floor(index / PER_ADDRESS / 250)}.${1 + (Math.floor(index / PER_ADDRESS) % 250)}`
        const manner = manners[index % manners.length] ?? "silent"
        await (manner === "mute" ? this.comeMute(address) : this.comeIn(address, manner))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }

  /** Resolves when none of them is there any more. */
  gone(): Promise<Ends> {
    return new Promise((resolve) => {
      const tell = () => resolve(Object.fromEntries(Array.from(this.ends).toSorted()))
      if (this.sockets.size === 0) tell()
      else this.waiting.push(tell)
    })
  }

  leave(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private comeIn(address: string, manner: Exclude<Manner, "mute">): Promise<void> {
    return new Promise((resolve) => {
      let end = "cut off"
      const socket = new PeerSocket(this.port, address, {
        onOpen: () => {
          if (said[manner] !== "") socket.send(said[manner])
          resolve()
        },
        onText: (bytes) => {
          if (bytes.includes('"Success"') || bytes.includes('"Chunk"')) this.answered++
        },
        onRefused: (status) => {
          end = `HTTP ${status}`
        },
        onGone: (code) => {
          this.ended(socket.tcp, `${manner}: ${code === undefined ? end : `closed ${code}`}`)
          resolve()
        }
      })
      this.sockets.add(socket.tcp)
    })
  }

  private comeMute(address: string): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port: this.port, localAddress: address })
      this.sockets.add(socket)
      socket.once("connect", () => resolve())
      socket.on("error", () => {})
      socket.resume()
      socket.once("close", () => {
        this.ended(socket, "mute: cut off")
        resolve()
      })
    })
  }

  private ended(socket: Socket, how: string): void {
    this.ends.set(how, (this.ends.get(how) ?? 0) + 1)
    this.sockets.delete(socket)
    if (this.sockets.size > 0) return
    for (const tell of this.waiting.splice(0)) tell()
  }
}
