/** What an operator does with dead letters: look, play again, drop. Behind `lzstock dlq`. */
import { JetStreamApiError } from "@nats-io/jetstream"
import { Effect } from "effect"
import type { TickBatch } from "../../../rpc/ticks.ts"
import { batchJson, tickBatchCodec } from "../../../rpc/topicCodecs.ts"
import { tickShard } from "../../../rpc/topics.ts"
import { ask, managerOf, StreamUnavailable } from "../JetStream.ts"
import type { Nats } from "../NatsConnection.ts"
import { subjectsOf } from "../subjects.ts"
import { backOff, headersOf, MESSAGE_ID, sendOnce } from "../ticks/acknowledged.ts"
import { tickMessageText } from "../ticks/tickMessage.ts"
import { type DeadLetterFacts, factsOfHeaders } from "./deadLetterStream.ts"

export interface StoredDeadLetter {
  /** What the commands call it by. */
  readonly number: number
  readonly facts: DeadLetterFacts
  readonly bytes: Uint8Array
  /** Undefined: the bytes are no batch, and cannot be played again. */
  readonly batch: TickBatch | undefined
}

export interface DeadLetterBox {
  /** The newest so many, newest last; none where nothing was ever parked. */
  readonly list: (limit: number) => Effect.Effect<ReadonlyArray<StoredDeadLetter>, StreamUnavailable>
  readonly find: (number: number) => Effect.Effect<StoredDeadLetter | undefined, StreamUnavailable>
  /**
   * Puts a batch back into the ticks of its shard, without an origin, so that it is folded as late ticks; then drops the
   * letter. Succeeds when both are done. Fails, and plays nothing, when the letter is not there any more; fails too when the
   * ticks are in their stream but the letter could not be dropped, and says so.
   *
   * Certain: a letter that is gone is not played, and one that is still there is not played twice within two minutes (the
   * duplicate window of the ticks, by a message id of the letter's). Repeated later than that it is.
   */
  readonly replay: (letter: StoredDeadLetter, batch: TickBatch) => Effect.Effect<void, StreamUnavailable>
  /** False: there is none. */
  readonly drop: (number: number) => Effect.Effect<boolean, StreamUnavailable>
  /** How many there were. */
  readonly dropAll: Effect.Effect<number, StreamUnavailable>
}

/** JetStream's codes for: no such message, no such sequence, no such stream. */
const MISSING = new Set([10037, 10043, 10059])

const batchIn = (bytes: Uint8Array): TickBatch | undefined => {
  try {
    return tickBatchCodec.decode(bytes)
  } catch {
    return undefined
  }
}

/** `otherwise` where the stream, or the message, is not there. */
const orMissing = async <A, B>(otherwise: B, asking: Promise<A>): Promise<A | B> => {
  try {
    return await asking
  } catch (cause) {
    if (cause instanceof JetStreamApiError && MISSING.has(cause.code)) return otherwise
    throw cause
  }
}

export const openDeadLetterBox = Effect.fnUntraced(function* (nats: Nats["Service"], prefix: string) {
  const { streams } = yield* managerOf(nats)
  const subjects = subjectsOf(prefix)
  const stream = subjects.deadStream

  const read = async (number: number): Promise<StoredDeadLetter | undefined> => {
    const stored = await orMissing(null, streams.getMessage(stream, { seq: number }))
    if (stored === null) return undefined
    const { data, header, time } = stored
    return { number, facts: factsOfHeaders(header, time.getTime()), bytes: data, batch: batchIn(data) }
  }

  const newest = async (limit: number) => {
    const info = await orMissing(undefined, streams.info(stream))
    const found: Array<StoredDeadLetter> = []
    if (info === undefined) return found
    const { first_seq, last_seq } = info.state
    for (let number = last_seq; number >= Math.max(1, first_seq) && found.length < limit; number--) {
      const letter = await read(number)
      if (letter !== undefined) found.push(letter)
    }
    return found.reverse()
  }

  const remove = (number: number) => orMissing(false, streams.deleteMessage(stream, number, false))

  const box: DeadLetterBox = {
    list: (limit) => ask(nats, stream, () => newest(limit)),
    find: (number) => ask(nats, stream, () => read(number)),
    drop: (number) => ask(nats, stream, () => remove(number)),
    dropAll: ask(nats, stream, async () => (await orMissing({ purged: 0 }, streams.purge(stream))).purged),
    replay: Effect.fnUntraced(function* (letter, batch) {
      const { facts, number } = letter
      const found = yield* ask(nats, stream, () => read(number))
      // a number may be another letter's by now, in a stream made anew
      if (found?.facts.time !== facts.time) {
        return yield* new StreamUnavailable({
          stream,
          reason: `letter ${number} is not there any more, nothing was played`
        })
      }
      yield* sendOnce(nats, subjects.tickStream, {
        subject: subjects.ticks(tickShard(batch.symbol)),
        payload: tickMessageText([batchJson({ ...batch, origin: undefined })], undefined),
        headers: headersOf({ [MESSAGE_ID]: `${stream}.${number}.${facts.time}` })
      })
      yield* ask(nats, stream, () => remove(number)).pipe(
        Effect.retry({ times: 3, schedule: backOff }),
        Effect.mapError(({ reason }) => {
          const now = `letter ${number} was played but could not be dropped (${reason}): drop it, do not play it again`
          return new StreamUnavailable({ stream, reason: now })
        })
      )
    })
  }
  return box
})
