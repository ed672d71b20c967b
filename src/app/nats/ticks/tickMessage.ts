/**
 * A message of the tick stream: batches in order, how far the feed had come behind them, and a checksum of all that. A digit
 * that changed on its way would else be a tick like any other, or, in a batch's origin, hide those that follow.
 */
import { crc32 } from "node:zlib"
import type { TickBatch } from "../../../rpc/ticks.ts"
import { batchOf, WrongMessage } from "../../../rpc/topicCodecs.ts"
import { TICK_SHARDS, tickShard } from "../../../rpc/topics.ts"

export interface TickMessage {
  readonly batches: ReadonlyArray<TickBatch>
  /** Every tick of the shard up to this market time is in this message or in an earlier one. */
  readonly mark: number | undefined
}

/** Of what stands before it, the message's last member. */
const checksum = (before: string | Uint8Array): string => `,"x":"${crc32(before).toString(16).padStart(8, "0")}"}`
const CHECKSUM_BYTES = checksum("").length

/** `batches`: each as batchJson wrote it. */
export const tickMessageText = (batches: ReadonlyArray<string>, mark: number | undefined): string => {
  const text = `{"b":[${batches.join(",")}]${mark === undefined ? "" : `,"m":${mark}`}`
  return text + checksum(text)
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

const parse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    throw new WrongMessage("expected JSON")
  }
}

/** Throws WrongMessage: on its subject anybody may say anything. */
export const decodeTickMessage = (shard: number, bytes: Uint8Array): TickMessage => {
  const value = parse(bytes)
  if (typeof value !== "object" || value === null) throw new WrongMessage("expected a message of ticks")
  const { b, m }: { b?: unknown; m?: unknown } = value
  if (!Array.isArray(b) || (m !== undefined && !Number.isSafeInteger(m))) {
    throw new WrongMessage("expected a message of ticks")
  }
  const end = Math.max(0, bytes.length - CHECKSUM_BYTES)
  if (String.fromCharCode(...bytes.subarray(end)) !== checksum(bytes.subarray(0, end))) {
    throw new WrongMessage("expected another checksum")
  }
  const batches = b.map(batchOf)
  for (const { symbol } of batches) {
    if (tickShard(symbol) !== shard) throw new WrongMessage(`expected symbols of shard ${shard} of ${TICK_SHARDS}`)
  }
  return { batches, mark: typeof m === "number" ? m : undefined }
}
