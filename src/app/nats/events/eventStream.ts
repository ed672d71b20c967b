/** The stream of the contexts' events: a subject a type, kept for a month for whoever reads from where they were. */
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { nanos } from "@nats-io/transport-node"
import { DUPLICATES_MILLIS } from "../../../actors/kernel/EventLog.ts"
import type { StreamSettings } from "../JetStream.ts"
import type { Subjects } from "../subjects.ts"

export interface EventStreamOptions {
  readonly prefix: string
  /** Default 64 MB, some 200,000 events; the oldest goes first. */
  readonly maxBytes?: number | undefined
  /** Default 30 days. */
  readonly maxAgeMillis?: number | undefined
  /** NATS servers that hold a copy. Default 1. */
  readonly replicas?: number | undefined
}

const MAX_BYTES = 64 * 1024 * 1024
const MAX_AGE_MILLIS = 30 * 24 * 60 * 60_000

export const eventStream = (subjects: Subjects, options: EventStreamOptions): StreamSettings => {
  const maxAgeMillis = options.maxAgeMillis ?? MAX_AGE_MILLIS
  return {
    name: subjects.eventStream,
    subjects: [subjects.everyEvent],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    storage: StorageType.File,
    max_bytes: options.maxBytes ?? MAX_BYTES,
    max_age: nanos(maxAgeMillis),
    duplicate_window: nanos(Math.min(DUPLICATES_MILLIS, maxAgeMillis)),
    num_replicas: options.replicas ?? 1
  }
}
