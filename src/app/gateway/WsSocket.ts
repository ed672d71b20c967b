/**
 * A raw `ws` socket as the session sees it. Frames are written by us, straight to the TCP socket: header and payload in
 * one buffer, one write a flush. `ws` itself writes its control frames in the same way, synchronously, so they never mix
 * (permessage-deflate is off).
 */
import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import type { SessionSocket } from "../../actors/sessions/Session.ts"
import type { CloseCode } from "../../rpc/sessions.ts"

const TEXT_FRAME = 0x81

const SLAB_BYTES = 64 * 1024

/**
 * Frames are laid out in a slab that is used again as soon as the kernel has taken them, which is nearly always at once:
 * a flush allocates nothing. What a socket still refers to is left alone, and the slab goes on behind it.
 */
let slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
let free = 0

const roomFor = (length: number): Buffer => {
  if (length > SLAB_BYTES) return Buffer.allocUnsafeSlow(length)
  if (free + length > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    free = 0
  }
  return slab.subarray(free, free + length)
}

/** Writes one unmasked server frame, RFC 6455 section 5.2. */
const writeText = (tcp: Duplex, payload: Uint8Array): void => {
  const { length } = payload
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = roomFor(header + length)
  frame[0] = TEXT_FRAME
  if (length < 126) frame[1] = length
  else if (length < 65_536) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.set(payload, header)
  tcp.write(frame)
  if (tcp.writableLength > 0 && frame.length <= SLAB_BYTES) free += frame.length
}

const MOST_REASON_BYTES = 123
/** A close frame holds no more, and `ws` throws for it. No half of a character is left. */
export const fittingReason = (reason: string): string => {
  const bytes = Buffer.from(reason, "utf8")
  if (bytes.length <= MOST_REASON_BYTES) return reason
  return bytes.toString("utf8", 0, MOST_REASON_BYTES).replace(/\ufffd+$/, "")
}

/** A class, not closures: there is one for every session. */
export class WsSocket implements SessionSocket {
  private readonly ws: WebSocket
  private readonly tcp: Duplex

  constructor(ws: WebSocket, tcp: Duplex) {
    this.ws = ws
    this.tcp = tcp
  }

  send(bytes: Uint8Array): void {
    if (this.ws.readyState === this.ws.OPEN) writeText(this.tcp, bytes)
  }

  pending(): number {
    return this.tcp.writableLength
  }

  ping(): void {
    if (this.ws.readyState === this.ws.OPEN) this.ws.ping()
  }

  close(code: CloseCode, reason: string): void {
    this.ws.close(code, fittingReason(reason))
  }

  terminate(): void {
    this.ws.terminate()
  }

  pauseReading(): void {
    this.ws.pause()
  }

  resumeReading(): void {
    this.ws.resume()
  }
}
