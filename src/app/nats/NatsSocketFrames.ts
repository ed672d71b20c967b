/**
 * The bytes of a virtual connection over NATS (NatsSocketLink.ts), written and read. Numbers are big-endian.
 *
 *   dial, accept   [version u8][token u32][window u32][inbox ASCII]
 *   frame          [op u8][token u32][seq u32][body]
 *
 * The token is the receiver's own, told in the handshake: what does not carry it was not meant for this connection.
 */

/** One end, as the other has to know it. */
export interface End {
  readonly inbox: string
  readonly token: number
  /** Bytes, with what each frame costs beside its body, that may be on their way to it unread. */
  readonly window: number
}

/** data: the stream's bytes, numbered. close: the last frame, numbered. ping: are you there. credit: how much may be sent in all. */
export type Frame =
  | { readonly op: "data"; readonly seq: number; readonly bytes: Uint8Array }
  | { readonly op: "close"; readonly seq: number; readonly code: number; readonly reason: string }
  | { readonly op: "ping" }
  | { readonly op: "credit"; readonly allowance: number }

export const HEADER_BYTES = 9
/** What a received frame keeps in memory beside its bytes: tiny frames must not be free. */
export const FRAME_COST = 64

const VERSION = 1
const DATA = 0
const CLOSE = 1
const PING = 2
const CREDIT = 3
const HANDSHAKE_BYTES = 9
/** Only what createInbox makes: a subject from outside must not smuggle in wildcards or protocol lines. */
const INBOX = /^_INBOX\.[A-Za-z0-9]{1,64}$/
/** Less could not carry a frame of use. */
const SMALLEST_WINDOW = 1024

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder()

export const encodeEnd = (end: End): Uint8Array => {
  const inbox = utf8.encode(end.inbox)
  const out = new Uint8Array(HANDSHAKE_BYTES + inbox.length)
  const view = new DataView(out.buffer)
  view.setUint8(0, VERSION)
  view.setUint32(1, end.token)
  view.setUint32(5, end.window)
  out.set(inbox, HANDSHAKE_BYTES)
  return out
}

/** Undefined: not a handshake of this version. */
export const decodeEnd = (bytes: Uint8Array): End | undefined => {
  if (bytes.length <= HANDSHAKE_BYTES || bytes[0] !== VERSION) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const inbox = fromUtf8.decode(bytes.subarray(HANDSHAKE_BYTES))
  const window = view.getUint32(5)
  if (!INBOX.test(inbox) || window < SMALLEST_WINDOW) return undefined
  return { inbox, token: view.getUint32(1), window }
}

const frame = (op: number, token: number, seq: number, bodyBytes: number) => {
  const out = new Uint8Array(HEADER_BYTES + bodyBytes)
  const view = new DataView(out.buffer)
  view.setUint8(0, op)
  view.setUint32(1, token)
  view.setUint32(5, seq)
  return { out, view }
}

export const encodeData = (token: number, seq: number, bytes: Uint8Array): Uint8Array => {
  const { out } = frame(DATA, token, seq, bytes.length)
  out.set(bytes, HEADER_BYTES)
  return out
}

export const encodeClose = (token: number, seq: number, code: number, reason: string): Uint8Array => {
  const text = utf8.encode(reason.slice(0, 256))
  const { out, view } = frame(CLOSE, token, seq, 2 + text.length)
  view.setUint16(HEADER_BYTES, code)
  out.set(text, HEADER_BYTES + 2)
  return out
}

export const encodePing = (token: number): Uint8Array => frame(PING, token, 0, 0).out

export const encodeCredit = (token: number, allowance: number): Uint8Array => {
  const { out, view } = frame(CREDIT, token, 0, 8)
  view.setFloat64(HEADER_BYTES, allowance)
  return out
}

/** Undefined: not a frame for the holder of `token`. Data are a view of `bytes`. */
export const decodeFrame = (bytes: Uint8Array, token: number): Frame | undefined => {
  if (bytes.length < HEADER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(1) !== token) return undefined
  const seq = view.getUint32(5)
  const body = bytes.length - HEADER_BYTES
  switch (bytes[0]) {
    case DATA:
      return body > 0 ? { op: "data", seq, bytes: bytes.subarray(HEADER_BYTES) } : undefined
    case CLOSE:
      return body >= 2
        ? {
            op: "close",
            seq,
            code: view.getUint16(HEADER_BYTES),
            reason: fromUtf8.decode(bytes.subarray(HEADER_BYTES + 2))
          }
        : undefined
    case PING:
      return body === 0 ? { op: "ping" } : undefined
    case CREDIT: {
      if (body !== 8) return undefined
      const allowance = view.getFloat64(HEADER_BYTES)
      return Number.isSafeInteger(allowance) && allowance >= 0 ? { op: "credit", allowance } : undefined
    }
    default:
      return undefined
  }
}
