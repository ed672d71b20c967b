/** The little that is asked of JetStream's management API, as Effects: streams kept by whoever comes first. */
import {
  type ConsumerConfig,
  type ConsumerInfo,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamConfig,
  type StreamInfo
} from "@nats-io/jetstream"
import { Effect, Schema } from "effect"
import type { Nats } from "./NatsConnection.ts"

/** JetStream did not do it: it is away, off, or refuses. Worth another try. */
export class StreamUnavailable extends Schema.TaggedError<StreamUnavailable>()("StreamUnavailable", {
  stream: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `The stream ${this.stream} cannot be used: ${this.reason}`
  }
}

const REQUEST_MILLIS = 5000
/** JetStream's codes. */
const NAME_IN_USE = 10058
const STREAM_MISSING = 10059

/** No request is made by this. */
export const managerOf = (nats: Nats["Service"]): Effect.Effect<JetStreamManager> =>
  Effect.promise(() => jetstreamManager(nats.connection, { checkAPI: false, timeout: REQUEST_MILLIS }))

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** An answer is not waited for when the connection is broken, or breaks meanwhile. */
export const ask = <A>(
  nats: Nats["Service"],
  stream: string,
  request: () => Promise<A>
): Effect.Effect<A, StreamUnavailable> =>
  Effect.callback<A, StreamUnavailable>((resume) => {
    const fail = (cause: unknown) => resume(Effect.fail(new StreamUnavailable({ stream, reason: reasonOf(cause) })))
    if (!nats.connected()) return fail("NATS is away")
    const stop = nats.watchDisconnect(() => fail("the connection to NATS broke"))
    request()
      .then((answer) => resume(Effect.succeed(answer)), fail)
      .finally(stop)
    return Effect.sync(stop)
  })

/** Which stream it is, and what it holds. */
export interface StreamState {
  /** Name and time of creation: one that was deleted and made again, or that lost its store, is another. */
  readonly identity: string
  /** The oldest message, or the next one when it is empty. */
  readonly firstSeq: number
  /** The newest message that there has been. */
  readonly lastSeq: number
}

export type StreamSettings = Partial<StreamConfig> & { readonly name: string }

/**
 * Makes the stream, or gives an existing one these settings. It looks first: nats-server 2.9 may
 * ask for the whole storage once more when a stream is added that is there already, and refuse what it holds.
 */
export const keepStream = (
  nats: Nats["Service"],
  manager: JetStreamManager,
  settings: StreamSettings
): Effect.Effect<StreamState, StreamUnavailable> =>
  ask(nats, settings.name, async () => {
    const found =
      (await unless(STREAM_MISSING, manager.streams.info(settings.name))) ??
      (await unless(NAME_IN_USE, manager.streams.add(settings)))
    // undefined: somebody else has made it meanwhile
    if (found !== undefined && hasSettings(found.config, settings)) return stateIn(found)
    return stateIn(await manager.streams.update(settings.name, settings))
  })

/** Undefined when JetStream answers so. */
const unless = async <A>(code: number, asked: Promise<A>): Promise<A | undefined> => {
  try {
    return await asked
  } catch (cause) {
    if (cause instanceof JetStreamApiError && cause.code === code) return undefined
    throw cause
  }
}

/** What is no answer of JetStream's has none of them. */
const hasSettings = (config: Partial<StreamConfig> | null | undefined, settings: StreamSettings): boolean => {
  const found = new Map<string, unknown>(Object.entries(config ?? {}))
  return Object.entries(settings).every(([name, wanted]) => JSON.stringify(found.get(name)) === JSON.stringify(wanted))
}

/** Throws on an answer that is none, whoever gave it: within `ask` that is one failure more. */
const stateIn = ({ config, created, state }: Partial<StreamInfo>): StreamState => {
  const [firstSeq, lastSeq] = [state?.first_seq, state?.last_seq]
  if (config === undefined || created === undefined || !isCount(firstSeq) || !isCount(lastSeq)) {
    throw new Error("the answer made no sense")
  }
  return { identity: `${config.name}@${String(created)}`, firstSeq, lastSeq }
}

const isCount = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value)

/** Fails where there is none. */
export const stateOf = (
  nats: Nats["Service"],
  manager: JetStreamManager,
  stream: string
): Effect.Effect<StreamState, StreamUnavailable> =>
  ask(nats, stream, async () => stateIn(await manager.streams.info(stream)))

export const addConsumer = (
  nats: Nats["Service"],
  manager: JetStreamManager,
  stream: string,
  config: Partial<ConsumerConfig>
): Effect.Effect<ConsumerInfo, StreamUnavailable> =>
  ask(nats, stream, async () => {
    const made = await manager.consumers.add(stream, config)
    if (typeof made.name !== "string") throw new Error("the answer made no sense")
    return made
  })
