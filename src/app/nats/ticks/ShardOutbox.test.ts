import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ShardOutbox, UnsettledBytes } from "./ShardOutbox.ts"

/** What a feed and a sender do in any order. A feed accepts a tick, or says that all it has accepted are published. */
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("accept" as const), size: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ do: fc.constant("mark" as const) }),
    fc.record({ do: fc.constant("next" as const), size: fc.integer({ min: 1, max: 120 }) })
  ),
  { maxLength: 200 }
)

describe("ShardOutbox", () => {
  it("gives every batch once and in order, no mark before what it covers, and says a mark once nothing is in front of it", () => {
    fc.assert(
      fc.property(steps, (script) => {
        const outbox = new ShardOutbox()
        const sent: Array<number> = []
        let accepted = 0
        let waiting = 0
        let lastMark = 0
        let marked = 0
        const take = (size: number) => {
          const message = outbox.next(size)
          if (message === undefined) {
            expect(outbox.isEmpty).toBe(true)
            return false
          }
          const length = message.batches.reduce((sum, batch) => sum + batch.length, 0)
          expect(length <= size || message.batches.length === 1).toBe(true)
          waiting -= length
          sent.push(...message.batches.map((batch) => Number.parseInt(batch, 10)))
          if (message.mark !== undefined) {
            // everything accepted up to the mark is in this message or an earlier one
            expect(sent.length).toBeGreaterThanOrEqual(message.mark)
            expect(message.mark).toBeGreaterThanOrEqual(lastMark)
            lastMark = message.mark
          }
          return true
        }
        for (const step of script) {
          if (step.do === "accept") {
            const batch = String(accepted++).padEnd(step.size, " ")
            waiting += batch.length
            outbox.accept(batch)
          } else if (step.do === "mark") {
            marked = accepted
            outbox.mark(accepted)
          } else take(step.size)
          expect(outbox.size).toBe(waiting)
        }
        while (take(60));
        expect(sent).toEqual(Array.from({ length: accepted }, (_, n) => n))
        expect(lastMark).toBe(marked)
      })
    )
  })

  it("puts batches together up to the size, and takes one that is longer alone", () => {
    const outbox = new ShardOutbox()
    for (const batch of ["aa", "bb", "cccccccc", "d"]) outbox.accept(batch)
    expect(outbox.next(4)).toEqual({ batches: ["aa", "bb"], mark: undefined })
    expect(outbox.next(4)).toEqual({ batches: ["cccccccc"], mark: undefined })
    outbox.mark(7)
    outbox.mark(8)
    expect(outbox.next(4)).toEqual({ batches: ["d"], mark: 8 })
    expect(outbox.next(4)).toBeUndefined()
  })
})

describe("UnsettledBytes", () => {
  it("counts what was published after the settled sequence, whatever is said in whatever order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean()), { maxLength: 60 }), (script) => {
        const unsettled = new UnsettledBytes()
        const published: Array<readonly [seq: number, bytes: number]> = []
        let settled = 0
        let seq = 0
        for (const [n, publishes] of script) {
          if (publishes) {
            seq += n
            published.push([seq, n])
            unsettled.published(seq, n)
          } else {
            const upTo = Math.max(0, seq - n)
            settled = Math.max(settled, upTo)
            unsettled.settled(upTo)
          }
          const left = published.filter(([at]) => at > settled).reduce((sum, [, bytes]) => sum + bytes, 0)
          expect(unsettled.total).toBe(left)
        }
      })
    )
  })

  it("forgets what the stream has lost at its end, but not what was published since", () => {
    const unsettled = new UnsettledBytes()
    for (const seq of [1, 2, 3, 4]) unsettled.published(seq, 10 ** seq)
    unsettled.lost(1, 3)
    expect(unsettled.total).toBe(10 + 10_000)
    unsettled.settled(1)
    expect(unsettled.total).toBe(10_000)
    unsettled.lost(0)
    expect(unsettled.total).toBe(0)
  })
})
