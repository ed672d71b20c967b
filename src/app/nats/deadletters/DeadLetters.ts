/**
 * Where batches that crash their fold, and messages that are none, go over NATS: a stream with the reason, read and played
 * again by `lzstock dlq`. Parking never waits: what NATS cannot take at once is kept here, bounded, and sent later.
 */
import { randomUUID } from "node:crypto"
import { Clock, Context, Effect, Latch, Layer } from "effect"
import { Gauges } from "../../../actors/kernel/Gauges.ts"
import { ParkedBatches } from "../../../actors/market/ParkedBatches.ts"
import { tickBatchCodec } from "../../../rpc/topicCodecs.ts"
import { tickShard } from "../../../rpc/topics.ts"
import { keepStream, managerOf } from "../JetStream.ts"
import { Nats } from "../NatsConnection.ts"
import { subjectsOf } from "../subjects.ts"
import { backOff, headersOf, MESSAGE_ID, sendOnce } from "../ticks/acknowledged.ts"
import { type DeadLetterOptions, deadLetterStream, headersOfFacts } from "./deadLetterStream.ts"

export interface DeadLetter {
  readonly shard: number
  readonly symbol: string | undefined
  readonly bytes: Uint8Array
  readonly reason: string
  /** Says which one it is: parked again within an hour, by whichever node, it is kept once. Absent: it cannot come twice. */
  readonly id?: string | undefined
  /** Where it was read; read twice, it is parked once. */
  readonly source?: { readonly stream: string; readonly subject: string; readonly seq: number } | undefined
}

const MAX_WAITING = 1024
const MAX_WAITING_BYTES = 16 * 1024 * 1024
/** NATS's own default; what goes with a letter must fit beside it. */
const MAX_PAYLOAD = 1024 * 1024
const HEADERS_ROOM = 8 * 1024
const FLUSH_TIMEOUT = "2 seconds"

export class DeadLetters extends Context.Service<
  DeadLetters,
  {
    readonly park: (letter: DeadLetter) => void
    /** Succeeds once everything parked is in the stream. */
    readonly flush: Effect.Effect<void>
  }
>()("lzstock/app/nats/DeadLetters") {
  static readonly layer = (options: DeadLetterOptions): Layer.Layer<DeadLetters, never, Gauges | Nats> =>
    Layer.effect(DeadLetters, make(options))

  /** The actors' port: kept in memory as in one process, and in the stream as well. */
  static readonly layerParkedBatches: Layer.Layer<ParkedBatches, never, DeadLetters | Gauges> = Layer.effect(
    ParkedBatches,
    Effect.gen(function* () {
      const inMemory = yield* ParkedBatches
      const letters = yield* DeadLetters
      return ParkedBatches.of({
        park: (batch, reason) => {
          inMemory.park(batch, reason)
          const { origin, symbol } = batch
          letters.park({
            // a header's value: whatever a feed calls its run
            id: origin && `${encodeURIComponent(origin.run)}.${origin.no}.${symbol}.${origin.from}`,
            shard: tickShard(symbol),
            symbol,
            bytes: tickBatchCodec.encode(batch),
            reason: String(reason)
          })
        },
        list: inMemory.list
      })
    })
  ).pipe(Layer.provide(ParkedBatches.layer))
}

interface Waiting {
  readonly subject: string
  readonly payload: Uint8Array
  readonly headers: Record<string, string>
}

const make = Effect.fnUntraced(function* (options: DeadLetterOptions) {
  const nats = yield* Nats
  const gauges = yield* Gauges
  const clock = yield* Clock.Clock
  const subjects = subjectsOf(options.prefix)
  const ensure = keepStream(nats, yield* managerOf(nats), deadLetterStream(subjects, options))
  const instance = randomUUID()
  const waiting: Array<Waiting> = []
  const wanted = Latch.makeUnsafe(false)
  const idle = Latch.makeUnsafe(true)
  let count = 0
  let bytes = 0
  let failing = false

  const park = (letter: DeadLetter) => {
    const { shard, source, symbol } = letter
    const most = (nats.connection.info?.max_payload ?? MAX_PAYLOAD) - HEADERS_ROOM
    const long = letter.bytes.length > most
    const payload = long ? letter.bytes.slice(0, most) : letter.bytes
    const reason = long ? `${letter.reason} (cut, it had ${letter.bytes.length} bytes)` : letter.reason
    if (waiting.length >= MAX_WAITING || bytes + payload.length > MAX_WAITING_BYTES) {
      return gauges.add("dead_letters_lost_total", 1)
    }
    const time = clock.currentTimeMillisUnsafe()
    const id = letter.id ?? (source === undefined ? `${instance}.${count++}` : `${source.stream}.${source.seq}`)
    waiting.push({
      subject: subjects.dead(shard),
      payload,
      headers: {
        ...headersOfFacts({ reason, time, symbol, subject: source?.subject, seq: source?.seq }),
        [MESSAGE_ID]: id
      }
    })
    bytes += payload.length
    idle.closeUnsafe()
    wanted.openUnsafe()
  }

  const trouble = Effect.fnUntraced(function* ({ message }: { readonly message: string }) {
    if (!failing) yield* Effect.logWarning("Dead letters cannot be stored; trying again", { reason: message })
    failing = true
    // it may be the stream that is missing
    yield* Effect.ignore(ensure)
  })

  const sendAll = Effect.gen(function* () {
    yield* Effect.ignore(ensure)
    for (;;) {
      const next = waiting[0]
      if (next === undefined) {
        wanted.closeUnsafe()
        idle.openUnsafe()
        yield* wanted.await
        continue
      }
      yield* sendOnce(nats, subjects.deadStream, { ...next, headers: headersOf(next.headers) }).pipe(
        Effect.tapError(trouble),
        Effect.retry(backOff),
        Effect.orDie
      )
      failing = false
      gauges.add("dead_letters_total", 1)
      waiting.shift()
      bytes -= next.payload.length
    }
  })
  yield* Effect.forkScoped(sendAll)
  yield* Effect.addFinalizer(() => Effect.timeoutOption(Effect.interruptible(idle.await), FLUSH_TIMEOUT))
  return DeadLetters.of({ park, flush: idle.await })
})
