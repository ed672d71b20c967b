/** What every AuditLog must do, as a function of its layer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { type AuditEntry, AuditLog } from "./AuditLog.ts"

export const entryOf = (investor: string | null, event: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  at: 1_800_000_000_000,
  investor,
  event,
  result: "done",
  address: "192.0.2.7",
  device: "Firefox on Linux",
  detail: null,
  ...more
})

type Log = typeof AuditLog.Service

/** As many as there are, once there are so many: an entry is there soon, not at once. */
export const whenThere = (log: Log, count: number) =>
  Effect.map(
    Effect.repeat(log.everything(null, count + 10), { until: ({ entries }) => entries.length >= count }),
    ({ entries }) => entries
  )

/** All pages of one investor, each of so many. */
const pages = Effect.fnUntraced(function* (log: Log, investor: string, size: number) {
  const read: Array<ReadonlyArray<string>> = []
  let before: string | null = null
  do {
    const page: { readonly events: ReadonlyArray<{ readonly event: string }>; readonly before: string | null } =
      yield* log.page(investor, before, size)
    read.push(page.events.map(({ event }) => event))
    before = page.before
  } while (before !== null && read.length < 20)
  return read
})

/** `layer` must give an empty log each time it is built. */
export const auditLogSuite = <E>(name: string, layer: Layer.Layer<AuditLog, E>): void => {
  const check = <F>(title: string, body: (log: Log) => Effect.Effect<void, F>) =>
    it.effect(title, () => Effect.provide(Effect.flatMap(AuditLog, body), layer))

  describe(name, () => {
    check("keeps each thing as it was", (log) =>
      Effect.gen(function* () {
        const whole = entryOf("ann", "token-made", {
          detail: 'Tökn "x" 🍏\n{}',
          result: "refused",
          address: "2001:db8::1"
        })
        const bare = entryOf(null, "sign-in", { address: null, device: null, at: 5 })
        yield* log.record(whole)
        yield* log.record(bare)
        const entries = yield* whenThere(log, 2)
        assert.deepStrictEqual(
          entries.map(({ id: _, ...entry }) => entry),
          [bare, whole]
        )
        const [, { id } = assert.fail()] = entries
        const { investor: _, ...event } = whole
        assert.deepStrictEqual(yield* log.page("ann", null, 10), { events: [{ id, ...event }], before: null })
        assert.match(id, /^\d{1,18}$/)
      })
    )

    check("pages through an investor's own, newest first, nothing twice, nothing left out", (log) =>
      Effect.gen(function* () {
        for (let n = 1; n <= 12; n++) {
          yield* log.record(entryOf("ann", `a${n}`))
          yield* log.record(entryOf("bob", `b${n}`))
          yield* log.record(entryOf(null, `c${n}`))
        }
        yield* whenThere(log, 36)
        const newestFirst = Array.from({ length: 12 }, (_, n) => `a${12 - n}`)
        assert.deepStrictEqual((yield* pages(log, "ann", 5)).flat(), newestFirst)
        assert.deepStrictEqual(
          (yield* pages(log, "ann", 5)).map(({ length }) => length),
          [5, 5, 2]
        )
        // the last page is known to be the last, also when it is full
        assert.deepStrictEqual(
          (yield* pages(log, "ann", 6)).map(({ length }) => length),
          [6, 6]
        )
        // what is new meanwhile moves no page
        const first = yield* log.page("ann", null, 5)
        yield* log.record(entryOf("ann", "newer"))
        yield* whenThere(log, 37)
        const second = yield* log.page("ann", first.before, 5)
        assert.deepStrictEqual(
          second.events.map(({ event }) => event),
          newestFirst.slice(5, 10)
        )
        // another's cursor leads to nothing of theirs
        const others = yield* log.page("bob", first.before, 100)
        assert.isTrue(others.events.length > 0 && others.events.every(({ event }) => event.startsWith("b")))
        assert.deepStrictEqual(yield* log.page("nobody", null, 5), { events: [], before: null })
      })
    )

    check("shows operators all, newest first, in pages", (log) =>
      Effect.gen(function* () {
        for (let n = 1; n <= 7; n++) yield* log.record(entryOf(n % 2 === 0 ? "ann" : null, `e${n}`))
        yield* whenThere(log, 7)
        const first = yield* log.everything(null, 4)
        const second = yield* log.everything(first.before, 4)
        assert.deepStrictEqual(
          [...first.entries, ...second.entries].map(({ event }) => event),
          ["e7", "e6", "e5", "e4", "e3", "e2", "e1"]
        )
        assert.isNull(second.before)
      })
    )

    check("text that no database holds stands in nobody's way", (log) =>
      Effect.gen(function* () {
        yield* log.record(entryOf("ann", "odd", { detail: "a\0b \ud800 c", device: "\0" }))
        yield* log.record(entryOf("ann", "after"))
        const [after, odd] = yield* whenThere(log, 2)
        assert.deepInclude(odd, { detail: "a\ufffdb \ufffd c", device: "\ufffd" })
        assert.deepInclude(after, { event: "after" })
      })
    )

    check("keeps the order of a thousand", (log) =>
      Effect.gen(function* () {
        for (let n = 0; n < 1_000; n++) yield* log.record(entryOf(`i${n % 7}`, `e${n}`))
        const entries = yield* whenThere(log, 1_000)
        assert.deepStrictEqual(
          entries.map(({ event }) => event),
          Array.from({ length: 1_000 }, (_, n) => `e${999 - n}`)
        )
      })
    )
  })
}
