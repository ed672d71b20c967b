/**
 * A raw `ws` socket as the session sees it. Frames are written by us, straight to the TCP socket: header and payload in
 * one buffer, one write a flush. `ws` itself writes its control frames in the same way, synchronously, so they never mix
 * (permessage-deflate is off).
 */
import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import type { SessionSocket } from "../../actors/sessions/Session.ts"

const TEXT_FRAME = 0x81

/** One unmasked server frame, RFC 6455 section 5.2. */
export const textFrame = (payload: Uint8Array): Buffer => {
  const { length } = payload
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafeSlow(header + length)
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
  return frame
}

export const wsSocket = (ws: WebSocket, tcp: Duplex): SessionSocket => ({
  send: (bytes) => {
    if (ws.readyState === ws.OPEN) tcp.write(textFrame(bytes))
  },
  pending: () => tcp.writableLength,
  ping: () => {
    if (ws.readyState === ws.OPEN) ws.ping()
  },
  close: (code, reason) => ws.close(code, reason),
  terminate: () => ws.terminate(),
  pauseReading: () => ws.pause(),
  resumeReading: () => ws.resume()
})
