/**
 * Events of the contexts over many processes: a stream, in which an event's id is the message's id. One event after the other, each
 * acknowledged before the next is sent, so that none stands before one it came after.
 */
import { Effect, Layer } from "effect"
import { EventLog, EventLogUnavailable } from "../../../actors/kernel/EventLog.ts"
import type { DomainEvent } from "../../../rpc/events.ts"
import { eventCodec } from "../../../rpc/topicCodecs.ts"
import { keepStream, managerOf, type StreamUnavailable } from "../JetStream.ts"
import { Nats } from "../NatsConnection.ts"
import { subjectsOf } from "../subjects.ts"
import { headersOf, MESSAGE_ID, sendOnce } from "../ticks/acknowledged.ts"
import { type EventStreamOptions, eventStream } from "./eventStream.ts"

const make = Effect.fnUntraced(function* (options: EventStreamOptions) {
  const nats = yield* Nats
  const subjects = subjectsOf(options.prefix)
  const stream = subjects.eventStream
  let made = false
  const keep = Effect.tap(keepStream(nats, yield* managerOf(nats), eventStream(subjects, options)), () =>
    Effect.sync(() => {
      made = true
    })
  )
  const ensure = Effect.suspend(() => (made ? Effect.void : keep))

  const send = ({ at, body, id }: DomainEvent) =>
    sendOnce(nats, stream, {
      subject: subjects.events(body._tag),
      payload: eventCodec.encode({ id, at, body }),
      // a header's value: whatever the id is
      headers: headersOf({ [MESSAGE_ID]: encodeURIComponent(id) })
    })

  const failed = (error: StreamUnavailable) => {
    // it may be the stream that is missing
    made = false
    return new EventLogUnavailable({ reason: error.message })
  }

  // whoever reads finds it, and an operator sees it, before there is an event
  yield* Effect.forkScoped(Effect.ignore(ensure))
  return EventLog.of({
    append: (events) =>
      events.length === 0
        ? Effect.void
        : Effect.andThen(ensure, Effect.forEach(events, send, { discard: true })).pipe(Effect.mapError(failed))
  })
})

export const NatsEventLog = {
  layer: (options: EventStreamOptions): Layer.Layer<EventLog, never, Nats> => Layer.effect(EventLog, make(options))
}
