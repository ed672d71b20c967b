/**
 * One subject of a stream, in order, from a position on, for as long as it is read: a pull consumer that is made again from
 * the last message seen whenever it, NATS, or a message on its way was lost. Bounded: nothing is asked for before there is
 * room, and a slow reader has at most two requests' worth here.
 */
import { AckPolicy, DeliverPolicy, ReplayPolicy } from "@nats-io/jetstream"
import { createInbox, type Msg, nanos, nuid } from "@nats-io/transport-node"
import { Effect, Latch, Option } from "effect"
import type { Gauges } from "../../../actors/kernel/Gauges.ts"
import { addConsumer } from "../JetStream.ts"
import type { Nats } from "../NatsConnection.ts"
import { backOff, MESSAGE_ID } from "./acknowledged.ts"
import { isOf, nextGeneration } from "./settled.ts"
import type { TickStream } from "./TickStream.ts"

export interface StoredMessage {
  readonly seq: number
  readonly bytes: Uint8Array
}

export interface Taken {
  /** Which stream the sequences are of. */
  readonly stream: string
  readonly messages: ReadonlyArray<StoredMessage>
  /** Everything that was there when the reader was made is in these messages or in earlier ones. */
  readonly caughtUp: boolean
}

export interface StreamReader {
  /** What comes next; may be empty. Waits while there is nothing. For one fiber. */
  readonly take: Effect.Effect<Taken>
}

export interface StreamReaderOptions {
  readonly subject: string
  /** Where to begin: behind this position, if the stream is still that one and holds it; otherwise with the first message. */
  readonly after: { readonly stream: string; readonly seq: number } | undefined
}

const BATCH = 64
const BATCH_BYTES = 1024 * 1024
const EXPIRES_MILLIS = 30_000
const HEARTBEAT_MILLIS = 5_000
/** Nothing heard for so long: what was asked for is lost. */
const SILENCE = "12 seconds"
const GONE_MILLIS = 300
/** A consumer that nobody asks any more is removed by NATS. */
const INACTIVE_MILLIS = 60_000

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, from 2.11 with domain and account before. */
const positionOf = (reply: string) => {
  const tokens = reply.split(".")
  const at = tokens.length > 9 ? 7 : 5
  return { seq: Number(tokens[at]), delivery: Number(tokens[at + 1]), pending: Number(tokens[at + 3]) }
}

/** A consumer and what was asked of it; another one takes its place when something is lost. */
interface Source {
  readonly inbox: string
  readonly next: string
  readonly stream: string
  readonly close: () => void
  delivered: number
  /** Messages that the request under way may still bring; 0: none is under way. */
  asked: number
  /** The next message is longer than a request may bring: ask for it alone. */
  long: boolean
  broken: boolean
  /** Deleted, perhaps with its stream: that NATS 2.9 makes a stream while it still deletes one of that name must not happen. */
  gone: boolean
}

export const makeStreamReader = Effect.fnUntraced(function* (
  nats: Nats["Service"],
  gauges: Gauges["Service"],
  stream: TickStream["Service"],
  options: StreamReaderOptions
) {
  const heard = Latch.makeUnsafe(false)
  let source: Source | undefined
  let buffer: Array<StoredMessage> = []
  let after = options.after
  /** What the stream is called in positions. */
  let named = options.after?.stream
  /** Messages still to come of those that were there at the start; undefined before the first consumer. */
  let backlog: number | undefined
  /** Whether `take` has said that it has caught up. */
  let told = false
  let publisher: { readonly id: string; readonly count: number } | undefined

  /** Messages of one publisher are numbered: what the window has lost before it was read shows. */
  const countGaps = (id: string) => {
    const dot = id.lastIndexOf(".")
    if (dot < 0) return
    const now = { id: id.slice(0, dot), count: Number(id.slice(dot + 1)) }
    if (publisher?.id === now.id && now.count > publisher.count + 1) {
      gauges.add("tick_stream_gaps_total", now.count - publisher.count - 1)
    }
    publisher = now
  }

  const hear = (from: Source, message: Msg) => {
    if (from !== source || from.broken) return
    note(from, message)
    // last: whoever waits goes on within this call
    heard.openUnsafe()
  }

  const note = (from: Source, message: Msg) => {
    const { data, headers, reply, subject } = message
    if (subject !== options.subject || reply === undefined || !reply.startsWith("$JS.ACK.")) {
      return noteStatus(from, headers?.code ?? 0, headers?.description ?? "")
    }
    const { delivery, pending, seq } = positionOf(reply)
    if (delivery !== from.delivered + 1) {
      from.broken = true
      return
    }
    from.delivered = delivery
    from.asked = Math.max(0, from.asked - 1)
    from.long = false
    buffer.push({ seq, bytes: data })
    countGaps(headers?.get(MESSAGE_ID) ?? "")
    after = { stream: from.stream, seq }
    backlog = pending === 0 ? 0 : Math.max(0, (backlog ?? 1) - 1)
  }

  const noteStatus = (from: Source, code: number, description: string) => {
    switch (code) {
      case 0:
        // neither a message of the stream nor a word of NATS: somebody else's
        gauges.add("nats_frames_refused_total", 1)
        return
      case 100:
        // idle: it has nothing more for us
        backlog = 0
        return
      case 404:
      case 408:
        from.asked = 0
        return
      case 409:
        if (/exceeds maxbytes/i.test(description)) {
          // nothing but that one message was in the way
          from.long = from.asked === BATCH
          from.asked = 0
          return
        }
        from.broken = true
        from.gone = true
        return
      default:
        from.broken = true
    }
  }

  /** From the first message: whoever folds them skips what it has. */
  const beginAnew = (name: string) => {
    named = name
    after = undefined
    publisher = undefined
  }

  const open = Effect.gen(function* () {
    const { identity, lastSeq } = yield* stream.ensure
    if (named === undefined || !isOf(named, identity)) beginAnew(identity)
    else if (after !== undefined && lastSeq < after.seq) {
      gauges.add("tick_stream_tails_lost_total", 1)
      yield* Effect.logWarning("NATS has lost the end of the tick stream; it is read from its first message", {
        subject: options.subject,
        lastSeq,
        read: after.seq
      })
      beginAnew(nextGeneration(named, identity))
    }
    const reads = named ?? identity
    const made = yield* addConsumer(nats, stream.manager, stream.name, {
      name: `reader-${nuid.next()}`,
      filter_subject: options.subject,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      mem_storage: true,
      inactive_threshold: nanos(INACTIVE_MILLIS),
      ...(after === undefined
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after.seq + 1 })
    })
    if (backlog === undefined || backlog > 0) backlog = made.num_pending
    const inbox = createInbox()
    const opened: Source = {
      inbox,
      next: `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${made.name}`,
      stream: reads,
      close: nats.listen(inbox, (message) => hear(opened, message)),
      delivered: 0,
      asked: 0,
      long: false,
      broken: false,
      gone: false
    }
    source = opened
  })

  const close = () => {
    const closing = source
    source = undefined
    closing?.close()
  }

  const reopen = Effect.suspend(() => {
    const pause = source?.gone === true ? GONE_MILLIS : 0
    close()
    return Effect.delay(open, pause).pipe(
      Effect.tapError(({ message }) => {
        gauges.add("tick_reader_failures_total", 1)
        return stream.reading(message)
      }),
      Effect.tap(() => stream.reading(undefined)),
      Effect.retry(backOff),
      Effect.orDie
    )
  })

  const ask = (from: Source) => {
    from.asked = from.long ? 1 : BATCH
    const request = {
      batch: from.asked,
      expires: nanos(EXPIRES_MILLIS),
      idle_heartbeat: nanos(HEARTBEAT_MILLIS),
      ...(from.long ? {} : { max_bytes: BATCH_BYTES })
    }
    nats.connection.publish(from.next, JSON.stringify(request), { reply: from.inbox })
  }

  const take: Effect.Effect<Taken> = Effect.suspend(() => {
    const from = source
    if (from === undefined || (from.broken && buffer.length === 0)) {
      return Effect.andThen(reopen, take)
    }
    // asked for before these are worked on, so that the next ones come meanwhile
    if (!from.broken && from.asked === 0 && nats.connected()) ask(from)
    if (buffer.length > 0 || (backlog === 0 && !told)) {
      const messages = buffer
      buffer = []
      told = backlog === 0
      return Effect.succeed({ stream: from.stream, messages, caughtUp: told })
    }
    heard.closeUnsafe()
    return heard.await.pipe(
      Effect.timeoutOption(SILENCE),
      Effect.flatMap((news) => {
        if (Option.isNone(news)) from.broken = true
        return take
      })
    )
  })
  yield* nats.onReconnect(() => {
    if (source !== undefined) source.broken = true
    heard.openUnsafe()
  })
  yield* Effect.addFinalizer(() => Effect.sync(close))
  const reader: StreamReader = { take }
  return reader
})
