/** A ticker's encoded state as a client reads it, for those who are told once: watchers get the bytes. */
import { Schema } from "effect"
import { type FeedLabel, Snapshot } from "../../rpc/market.ts"
import { eventTail, snapshotHead } from "../../rpc/wire.ts"

const decode = Schema.decodeUnknownSync(Snapshot)
const ascii = new TextDecoder()

/** `body`: of a TickerSnapshot; `now`: ms since the Unix epoch. */
export const snapshotOf = (label: FeedLabel, body: Uint8Array, now: number): Snapshot =>
  decode(JSON.parse(`${snapshotHead(label)}${ascii.decode(body)}${eventTail(0, now)}`))
