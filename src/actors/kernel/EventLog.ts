/**
 * Where events of the contexts are kept for one another (src/rpc/events.ts). Port: in one process they go over the bus (below), over
 * many into a stream (src/app/nats/events). Filled by the outbox's relay (src/app/postgres/OutboxRelay.ts).
 */
import { Clock, Context, Effect, Layer, Schema, Semaphore } from "effect"
import type { DomainEvent } from "../../rpc/events.ts"
import { eventsTopic } from "../../rpc/topics.ts"
import { Bus } from "./Bus.ts"

/** Not all are kept, perhaps none: append the same ones again. */
export class EventLogUnavailable extends Schema.TaggedError<EventLogUnavailable>()("EventLogUnavailable", {
  reason: Schema.String
}) {
  override get message(): string {
    return `Events cannot be kept: ${this.reason}`
  }
}

/** One appended again within so long is kept once. */
export const DUPLICATES_MILLIS = 24 * 60 * 60_000

/** Ids remembered in one process: what comes again comes soon, or from a process that has ended. */
const MOST_REMEMBERED = 10_000

export class EventLog extends Context.Service<
  EventLog,
  {
    /**
     * Succeeds when all are kept, in this order. One whose id is kept already stays where it is. Of several that append the same
     * events at once, each keeps those it comes to first: the order is the same.
     */
    readonly append: (events: ReadonlyArray<DomainEvent>) => Effect.Effect<void, EventLogUnavailable>
  }
>()("lzstock/actors/kernel/EventLog") {
  /** Kept when every subscriber of `eventsTopic` has accepted it. */
  static readonly layerInProcess: Layer.Layer<EventLog, never, Bus> = Layer.effect(
    EventLog,
    Effect.gen(function* () {
      const bus = yield* Bus
      const one = Semaphore.makeUnsafe(1)
      /** When each was kept, the oldest first. */
      const kept = new Map<string, number>()

      const forget = (now: number) => {
        for (const [id, at] of kept) {
          if (kept.size <= MOST_REMEMBERED && now - at < DUPLICATES_MILLIS) return
          kept.delete(id)
        }
      }

      const keep = Effect.fnUntraced(function* (event: DomainEvent) {
        const now = yield* Clock.currentTimeMillis
        const before = kept.get(event.id)
        if (before !== undefined && now - before < DUPLICATES_MILLIS) return
        yield* bus.publish(eventsTopic, event)
        // behind the others
        kept.delete(event.id)
        kept.set(event.id, now)
        forget(now)
      })

      return EventLog.of({
        append: (events) => one.withPermit(Effect.forEach(events, keep, { discard: true }))
      })
    })
  )
}
