/**
 * Group commit: while one batch is on its way to a store, what is asked meanwhile gathers and goes as the next one. Alone,
 * a request waits for nobody; hundreds at once cost one round trip.
 */
import { Deferred, Effect, Exit, Queue, type Scope } from "effect"

export interface BatchOptions<A, B, E> {
  /** Answers each item, in order. When it dies, everybody in the batch does. */
  readonly run: (items: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<Exit.Exit<B, E>>>
  readonly weight: (item: A) => number
  /** Weight of a batch at most; an item that is heavier goes alone. */
  readonly most: number
  /** Items that wait at most; who comes then waits outside. */
  readonly waiting: number
}

interface Entry<A, B, E> {
  readonly item: A
  readonly answer: Deferred.Deferred<B, E>
}

/** One batch at a time, in the order of asking, until the Scope closes. Who is interrupted may have been served all the same. */
export const makeBatches = Effect.fnUntraced(function* <A, B, E = never>(
  options: BatchOptions<A, B, E>
): Effect.fn.Return<(item: A) => Effect.Effect<B, E>, never, Scope.Scope> {
  const queue = yield* Queue.bounded<Entry<A, B, E>>(options.waiting)
  /** Taken, but too heavy for the batch it would have gone with. */
  let next: Entry<A, B, E> | undefined
  /** Whoever asks, wherever the item is: the Scope may close between any two steps. */
  const unanswered = new Set<Entry<A, B, E>>()

  const gather = (first: Entry<A, B, E>): ReadonlyArray<Entry<A, B, E>> => {
    const batch = [first]
    let weight = options.weight(first.item)
    for (let taken = Queue.takeUnsafe(queue); taken !== undefined; taken = Queue.takeUnsafe(queue)) {
      if (Exit.isFailure(taken)) break
      weight += options.weight(taken.value.item)
      if (weight > options.most) {
        next = taken.value
        break
      }
      batch.push(taken.value)
    }
    return batch
  }

  const answer = Effect.fnUntraced(function* (batch: ReadonlyArray<Entry<A, B, E>>) {
    const exit = yield* Effect.exit(options.run(batch.map((entry) => entry.item)))
    for (const [i, entry] of batch.entries()) {
      const own = Exit.isSuccess(exit) ? exit.value[i] : Exit.failCause(exit.cause)
      Deferred.doneUnsafe(entry.answer, own ?? Exit.die(new Error("A batch left an item without an answer")))
    }
  })

  const closed = Exit.die(new Error("The store is being closed"))
  const step = Effect.gen(function* () {
    const first = next ?? (yield* Queue.take(queue))
    next = undefined
    // whoever runs in the same breath comes along
    yield* Effect.yieldNow
    yield* answer(gather(first))
  })

  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Queue.shutdown(queue),
      Effect.sync(() => {
        for (const entry of unanswered) Deferred.doneUnsafe(entry.answer, closed)
      })
    )
  )
  yield* Effect.forkScoped(Effect.forever(step))

  return (item) =>
    Effect.suspend(() => {
      const entry: Entry<A, B, E> = { item, answer: Deferred.makeUnsafe<B, E>() }
      unanswered.add(entry)
      return Queue.offer(queue, entry).pipe(
        Effect.flatMap((taken) => (taken ? Deferred.await(entry.answer) : closed)),
        Effect.ensuring(Effect.sync(() => unanswered.delete(entry)))
      )
    })
})
