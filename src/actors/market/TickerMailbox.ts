/**
 * What a ticker actor is given, in order: batches, market times, and questions how far it has come. Bounded: who gives more waits,
 * but not for an actor that is down (A6).
 */
import { Deferred, Effect, Queue } from "effect"
import type { TickBatch } from "../../rpc/ticks.ts"
import type { Gauges } from "../kernel/Gauges.ts"
import { Inquiries, type Inquiry, isInquiry } from "./Inquiries.ts"
import { type Beginning, type Input, isBatch } from "./TickerFold.ts"
import type { TickerPresence } from "./TickerPresence.ts"
import type { Unsettled } from "./TickSource.ts"

export interface TickerMailbox {
  /** False: no room, or the actor is resting. */
  readonly offer: (batch: TickBatch) => boolean
  /** Waits for room. False: the actor has stopped. While it rests what does not fit is dropped, and counted. */
  readonly accept: (batch: TickBatch) => Effect.Effect<boolean>
  /** Succeeds when it is so of all that was put in before; `whenDown`, when the actor is down or goes down meanwhile. */
  readonly inquire: (about: Inquiry["about"], whenDown: Effect.Effect<void>) => Effect.Effect<void, Unsettled>
  /** What follows was read from what is settled on. Waits for room, unless the actor rests. */
  readonly begins: Effect.Effect<void>
  /** A market time has been reached; left out when there is no room: it comes again. */
  readonly reach: (marketTime: number) => void
  /** Batches put in so far. */
  readonly offered: () => number
  /** Batches taken out so far. */
  readonly taken: () => number
  readonly isEmpty: () => boolean
  /**
   * Waits until there is something, and hands it all over; questions go to `inquiries`. In one step: an interruption after it
   * would lose what counts as taken.
   */
  readonly takeAll: (into: (inputs: ReadonlyArray<Input>) => void) => Effect.Effect<void>
  /** What is left, also what waited for room; from then on it takes nothing. */
  readonly close: Effect.Effect<ReadonlyArray<Input>>
  /** Taken out, and not answered yet. */
  readonly inquiries: Inquiries
}

/** `onDropped`: a batch found no room, and is lost. */
export const makeTickerMailbox = Effect.fnUntraced(function* (
  room: number,
  presence: TickerPresence,
  gauges: typeof Gauges.Service,
  onDropped: () => void
): Effect.fn.Return<TickerMailbox> {
  const queue = yield* Queue.bounded<Input | Inquiry>(room)
  const inquiries = new Inquiries()
  let offered = 0
  let taken = 0

  const sort = (messages: ReadonlyArray<Input | Inquiry>): Array<Input> => {
    const inputs: Array<Input> = []
    for (const message of messages) {
      if (isInquiry(message)) {
        inquiries.add(message)
        continue
      }
      if (isBatch(message)) taken++
      inputs.push(message)
    }
    return inputs
  }

  const accept = (batch: TickBatch): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      if (presence.isStopped) return Effect.succeed(false)
      if (presence.isResting) {
        presence.want()
        if (Queue.offerUnsafe(queue, batch)) offered++
        else {
          gauges.add("ticks_dropped_total", batch.ticks.length, 'reason="actor-down"')
          onDropped()
        }
        return Effect.succeed(true)
      }
      // the publisher waits for room, but not for a dead actor
      return Effect.raceFirst(
        Effect.tap(Queue.offer(queue, batch), (accepted) => Effect.sync(() => accepted && offered++)),
        Effect.catch(presence.death, () => accept(batch))
      )
    })

  return {
    offer: (batch) => {
      if (presence.isResting || !Queue.offerUnsafe(queue, batch)) return false
      offered++
      return true
    },
    accept,
    inquire: (about, whenDown) =>
      Effect.suspend((): Effect.Effect<void, Unsettled> => {
        if (presence.isResting || presence.isStopped) return whenDown
        const inquiry: Inquiry = { about, answer: Deferred.makeUnsafe() }
        return Effect.raceFirst(
          Effect.andThen(Queue.offer(queue, inquiry), Deferred.await(inquiry.answer)),
          Effect.catch(presence.death, () => whenDown)
        )
      }),
    begins: Effect.suspend(() => {
      const mark: Beginning = { begins: true }
      // one that rests and has no room finds what it was not given missing later
      if (presence.isResting) return Effect.asVoid(Effect.sync(() => Queue.offerUnsafe(queue, mark)))
      return Effect.raceFirst(Effect.asVoid(Queue.offer(queue, mark)), Effect.ignore(presence.death))
    }),
    reach: (marketTime) => void Queue.offerUnsafe(queue, marketTime),
    offered: () => offered,
    taken: () => taken,
    isEmpty: () => Queue.sizeUnsafe(queue) === 0,
    takeAll: (into) => Effect.map(Queue.takeAll(queue), (messages) => into(sort(messages))),
    close: Effect.gen(function* () {
      const inputs: Array<Input> = []
      for (let rest = yield* Queue.clear(queue); rest.length > 0; rest = yield* Queue.clear(queue)) {
        inputs.push(...sort(rest))
      }
      yield* Queue.shutdown(queue)
      return inputs
    }),
    inquiries
  }
})
