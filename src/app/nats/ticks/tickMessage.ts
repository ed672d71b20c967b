/** A message of the tick stream: batches in order, then how far the feed had come behind them. */
import type { TickBatch } from "../../../rpc/ticks.ts"
import { batchOf, WrongMessage } from "../../../rpc/topicCodecs.ts"
import { TICK_SHARDS, tickShard } from "../../../rpc/topics.ts"

export interface TickMessage {
  readonly batches: ReadonlyArray<TickBatch>
  /** Every tick of the shard up to this market time is in this message or in an earlier one. */
  readonly mark: number | undefined
}

/** `batches`: each as batchJson wrote it. */
export const tickMessageText = (batches: ReadonlyArray<string>, mark: number | undefined): string =>
  `{"b":[${batches.join(",")}]${mark === undefined ? "" : `,"m":${mark}`}}`

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
  const batches = b.map(batchOf)
  for (const { symbol } of batches) {
    if (tickShard(symbol) !== shard) throw new WrongMessage(`expected symbols of shard ${shard} of ${TICK_SHARDS}`)
  }
  return { batches, mark: typeof m === "number" ? m : undefined }
}
