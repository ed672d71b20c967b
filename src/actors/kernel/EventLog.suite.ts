/** What every EventLog must do, as a function of one that nobody else uses. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import type { DomainEvent } from "../../rpc/events.ts"
import type { EventLog, EventLogUnavailable } from "./EventLog.ts"

export interface OpenEventLog {
  readonly log: EventLog["Service"]
  /** All that it has kept, in order. */
  readonly kept: Effect.Effect<ReadonlyArray<DomainEvent>>
}

/** The n-th of many: whoever signed up. */
export const signedUp = (n: number): DomainEvent => ({
  id: `event-${n}`,
  at: 1_700_000_000_000 + n,
  body: { _tag: "investor.signed_up", investor: `investor-${n}` }
})

export const deleted = (n: number): DomainEvent => ({
  id: `event-${n}-deleted`,
  at: 1_700_000_000_000 + n,
  body: { _tag: "investor.deleted", investor: `investor-${n}` }
})

export const manyEvents = (count: number): ReadonlyArray<DomainEvent> =>
  Array.from({ length: count }, (_, n) => (n % 3 === 2 ? deleted(n) : signedUp(n)))

export const eventLogSuite = (name: string, open: Effect.Effect<OpenEventLog, never, Scope.Scope>): void => {
  const check = (title: string, body: (opened: OpenEventLog) => Effect.Effect<void, EventLogUnavailable>) =>
    it.effect(title, () => Effect.scoped(Effect.flatMap(open, body)))

  describe(`EventLog: ${name}`, () => {
    check("keeps events as they are, in order, over any number of appends", ({ kept, log }) =>
      Effect.gen(function* () {
        const events = manyEvents(30)
        yield* log.append(events.slice(0, 1))
        yield* log.append([])
        yield* log.append(events.slice(1, 20))
        yield* log.append(events.slice(20))
        assert.deepStrictEqual(yield* kept, events)
      })
    )

    check("keeps one that is appended again once, where it stood", ({ kept, log }) =>
      Effect.gen(function* () {
        const [first, second, third] = [signedUp(1), signedUp(2), deleted(1)]
        yield* log.append([first, first, second])
        yield* log.append([second, first, third])
        yield* log.append([first, second, third])
        assert.deepStrictEqual(yield* kept, [first, second, third])
      })
    )

    check("goes by the id alone: two events with the same words are two", ({ kept, log }) =>
      Effect.gen(function* () {
        const events = [signedUp(1), { ...signedUp(1), id: "another: ünïcode\r\n" }, { ...signedUp(1), id: "a third" }]
        yield* log.append(events)
        yield* log.append(events)
        assert.deepStrictEqual(yield* kept, events)
      })
    )

    check("of several that append the same at once each event is kept once, and in order", ({ kept, log }) =>
      Effect.gen(function* () {
        const events = manyEvents(40)
        yield* Effect.all([log.append(events), log.append(events), log.append(events)], { concurrency: "unbounded" })
        assert.deepStrictEqual(yield* kept, events)
      })
    )
  })
}
