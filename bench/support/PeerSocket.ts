/**
 * One WebSocket client on a bare TCP socket, cheap enough that one core receives half a million updates a second: all
 * sockets read into one buffer, and frames are scanned in place.
 */
import { connect, type Socket } from "node:net"

const shared = Buffer.allocUnsafe(256 * 1024)
const HEAD_END = Buffer.from("\r\n\r\n")
const TEXT = 0x1
const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa

export interface PeerEvents {
  readonly onOpen: () => void
  /** A whole text message; `bytes` is valid only during the call. */
  readonly onText: (bytes: Buffer) => void
  /** The socket is gone. `code`: what the server's close frame said, if it sent one. */
  readonly onGone: (code: number | undefined) => void
  /** The upgrade was refused with this HTTP status; the socket goes. */
  readonly onRefused?: (status: number) => void
}

/** A masked client frame. The mask is zero, which the protocol allows and which leaves the payload as it is. */
const clientFrame = (opcode: number, payload: Uint8Array): Buffer => {
  const { length } = payload
  const header = length < 126 ? 6 : 8
  if (length > 65_535) throw new Error("longer than a generator sends")
  const frame = Buffer.alloc(header + length)
  frame[0] = 0x80 | opcode
  if (length < 126) frame[1] = 0x80 | length
  else {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  }
  frame.set(payload, header)
  return frame
}

export class PeerSocket {
  readonly tcp: Socket
  /** Answers pings. A peer that does not is one that vanished without a word. */
  answering = true
  private readonly events: PeerEvents
  private open = false
  private code: number | undefined
  /** The start of a message whose end has not come. */
  private rest: Buffer | undefined

  /** `headers`: more of them, such as a browser's `cookie` and `origin`. */
  constructor(port: number, localAddress: string, events: PeerEvents, headers: Readonly<Record<string, string>> = {}) {
    this.events = events
    this.tcp = connect({
      host: "127.0.0.1",
      port,
      localAddress,
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (count) => {
          this.read(shared.subarray(0, count))
          return true
        }
      }
    })
    const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.tcp.once("connect", () => {
      this.tcp.write(
        `GET /rpc HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more.join("")}` +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
      )
    })
    // what failed shows as a socket that is gone
    this.tcp.on("error", () => {})
    this.tcp.once("close", () => events.onGone(this.code))
  }

  send(text: string): void {
    this.tcp.write(clientFrame(TEXT, Buffer.from(text)))
  }

  /** Says good-bye as the protocol wants it; the server answers and ends the connection. */
  close(): void {
    this.tcp.write(clientFrame(CLOSE, Buffer.from([0x03, 0xe8])))
  }

  /** A reset, as a crashed process or a pulled cable behind a router makes it. */
  reset(): void {
    // one that has not connected yet would wait until it has
    if (this.tcp.connecting) this.tcp.destroy()
    else this.tcp.resetAndDestroy()
  }

  private read(chunk: Buffer): void {
    const data = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk])
    this.rest = undefined
    let at = 0
    if (!this.open) {
      const end = data.indexOf(HEAD_END)
      if (end === -1) {
        this.rest = Buffer.from(data)
        return
      }
      const status = Number(data.toString("latin1", 9, 12))
      if (status !== 101) {
        this.events.onRefused?.(status)
        this.tcp.destroy()
        return
      }
      this.open = true
      at = end + HEAD_END.length
      this.events.onOpen()
    }
    at = this.frames(data, at)
    if (at < data.length) this.rest = Buffer.from(data.subarray(at))
  }

  /** Handles the whole frames from `at` on; returns where the first unfinished one starts. */
  private frames(data: Buffer, from: number): number {
    let at = from
    while (at + 2 <= data.length) {
      const short = (data[at + 1] ?? 0) & 0x7f
      let start = at + 2
      let length = short
      if (short === 126) {
        if (at + 4 > data.length) return at
        length = data.readUInt16BE(at + 2)
        start = at + 4
      } else if (short === 127) {
        if (at + 10 > data.length) return at
        length = Number(data.readBigUInt64BE(at + 2))
        start = at + 10
      }
      const end = start + length
      if (end > data.length) return at
      this.frame((data[at] ?? 0) & 0x0f, data.subarray(start, end))
      at = end
    }
    return at
  }

  private frame(opcode: number, payload: Buffer): void {
    if (opcode === TEXT) this.events.onText(payload)
    else if (opcode === PING) {
      if (this.answering) this.tcp.write(clientFrame(PONG, payload))
    } else if (opcode === CLOSE) {
      this.code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005
      if (!this.tcp.writableEnded) this.tcp.end(clientFrame(CLOSE, payload.subarray(0, 2)))
    }
  }
}
