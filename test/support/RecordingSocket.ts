/** A socket whose peer reads when the test says so. What was sent is kept in order, decoded as a stock RPC client would. */
import { Schema } from "effect"
import { RpcSerialization } from "effect/rpc"
import type { FromServerEncoded } from "effect/rpc/RpcMessage"
import type { SessionSocket } from "../../src/actors/sessions/Session.ts"
import { WatchEvent } from "../../src/rpc/market.ts"
import type { CloseCode } from "../../src/rpc/sessions.ts"

const decodeEvents = Schema.decodeUnknownSync(RpcSerialization.ndjson.codecFor(Schema.NonEmptyArray(WatchEvent)))

export class RecordingSocket implements SessionSocket {
  private readonly parser = RpcSerialization.ndjson.makeUnsafe()
  private unread: Array<Uint8Array> = []
  private readonly received: Array<FromServerEncoded> = []
  reading = true
  broken = false
  closedWith: CloseCode | undefined
  terminated = false
  pings = 0
  sends = 0
  bytes = 0

  readonly send = (bytes: Uint8Array): void => {
    if (this.broken) throw new Error("scripted")
    if (this.terminated || this.closedWith !== undefined) throw new Error("sent after the end")
    this.sends++
    this.bytes += bytes.length
    this.unread.push(Uint8Array.from(bytes))
    if (this.reading) this.read()
  }
  readonly pending = (): number => this.unread.reduce((sum, bytes) => sum + bytes.length, 0)
  readonly ping = (): void => {
    this.pings++
  }
  readonly close = (code: CloseCode): void => {
    this.closedWith = code
  }
  readonly terminate = (): void => {
    this.terminated = true
  }
  readonly pauseReading = (): void => {}
  readonly resumeReading = (): void => {}

  /** The peer reads all that waits. */
  read(): void {
    const waiting = this.unread
    this.unread = []
    for (const bytes of waiting) {
      for (const message of this.parser.decode(bytes)) this.received.push(message as FromServerEncoded)
    }
  }

  /** Takes the events of a stream that have been read since the last call. */
  events(requestId: string | number): ReadonlyArray<WatchEvent> {
    const events: Array<WatchEvent> = []
    for (const message of this.received.splice(0)) {
      if (message._tag === "Chunk" && message.requestId === requestId) events.push(...decodeEvents(message.values))
    }
    return events
  }
}
