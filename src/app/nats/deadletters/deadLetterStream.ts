/** The stream of what no fold could take, and its headers: kept for two weeks, for someone to look (`lzstock dlq`). */
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { type MsgHdrs, nanos } from "@nats-io/transport-node"
import type { StreamSettings } from "../JetStream.ts"
import type { Subjects } from "../subjects.ts"

export interface DeadLetterOptions {
  readonly prefix: string
  /** Default 128 MB; the oldest goes first. */
  readonly maxBytes?: number | undefined
  /** Default 14 days. */
  readonly maxAgeMillis?: number | undefined
  readonly replicas?: number | undefined
}

const MAX_BYTES = 128 * 1024 * 1024
const MAX_AGE_MILLIS = 14 * 24 * 60 * 60_000
/** A shard's next owner may read again, and park again, what was parked long before. */
const DUPLICATES_MILLIS = 60 * 60_000

export const deadLetterStream = (subjects: Subjects, options: DeadLetterOptions): StreamSettings => ({
  name: subjects.deadStream,
  subjects: [subjects.everyDead],
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  storage: StorageType.File,
  max_bytes: options.maxBytes ?? MAX_BYTES,
  max_age: nanos(options.maxAgeMillis ?? MAX_AGE_MILLIS),
  duplicate_window: nanos(Math.min(DUPLICATES_MILLIS, options.maxAgeMillis ?? MAX_AGE_MILLIS)),
  num_replicas: options.replicas ?? 1
})

/** Said about a dead letter beside its bytes. */
export interface DeadLetterFacts {
  readonly reason: string
  /** When it was parked, ms since epoch. */
  readonly time: number
  readonly symbol: string | undefined
  /** Where it was read, if it was: subject, and sequence in the tick stream. */
  readonly subject: string | undefined
  readonly seq: number | undefined
}

const names = {
  reason: "Lzstock-Reason",
  time: "Lzstock-Time",
  symbol: "Lzstock-Symbol",
  subject: "Lzstock-Source-Subject",
  seq: "Lzstock-Source-Seq"
} as const

const MAX_REASON = 500

/** One line, for a header. */
export const oneLine = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a header
    .replace(/[\u0000-\u001f\u007f]+/g, " ")
    .trim()
    .slice(0, MAX_REASON)

export const headersOfFacts = ({ reason, seq, subject, symbol, time }: DeadLetterFacts): Record<string, string> => ({
  [names.reason]: oneLine(reason) || "no reason given",
  [names.time]: String(time),
  ...(symbol === undefined ? {} : { [names.symbol]: symbol }),
  ...(subject === undefined ? {} : { [names.subject]: subject }),
  ...(seq === undefined ? {} : { [names.seq]: String(seq) })
})

/** Anybody may have written them: what is missing or no number has a plain stand-in. */
export const factsOfHeaders = (headers: MsgHdrs | undefined, storedAt: number): DeadLetterFacts => {
  const text = (name: string): string | undefined => headers?.get(name) || undefined
  const count = (name: string): number | undefined => {
    const value = Number(text(name))
    return Number.isSafeInteger(value) && value > 0 ? value : undefined
  }
  return {
    reason: oneLine(text(names.reason) ?? "") || "no reason given",
    time: count(names.time) ?? storedAt,
    symbol: text(names.symbol),
    subject: text(names.subject),
    seq: count(names.seq)
  }
}
