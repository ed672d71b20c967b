import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { batch, ten, trade } from "../../../test/support/tickerProbe.ts"
import type { TickBatch } from "../../rpc/ticks.ts"
import { foldBatch, initialTickerState, quoteState } from "./tickerState.ts"
import { startsAnew } from "./tickOrigin.ts"

const trades = Array.from({ length: 40 }, (_, i) => trade(ten + i * 700, 10 + ((i * 7) % 5), 100 + i))
/** Ticks `from` … `to` of the run. */
const stretch = (from: number, to: number, run = "r"): TickBatch => ({
  ...batch("A", ...trades.slice(from, to)),
  origin: { run, no: 1, from }
})
const fold = (batches: ReadonlyArray<TickBatch>) => {
  const state = initialTickerState("A")
  for (const one of batches) foldBatch(state, one)
  return state
}

describe("ticks by origin", () => {
  it("fold once, however a run is cut into batches, sent twice and read again", () => {
    const whole = quoteState(fold([stretch(0, trades.length)]))
    const cut = fc.array(fc.tuple(fc.nat(trades.length - 1), fc.integer({ min: 1, max: 12 })), { maxLength: 60 })
    fc.assert(
      fc.property(cut, (jumps) => {
        // each batch begins anywhere in what has come already: repeated, overlapping or next, never beyond
        let reached = 0
        const batches: Array<TickBatch> = []
        for (const [back, length] of [...jumps, [0, trades.length] as const]) {
          const from = Math.min(back, reached)
          const to = Math.min(from + length, trades.length)
          batches.push(stretch(from, to))
          reached = Math.max(reached, to)
        }
        batches.push(stretch(0, trades.length))
        const state = fold(batches)
        assert.deepStrictEqual(quoteState(state), whole)
        assert.deepStrictEqual([state.counts.missed, state.fed], [0, trades.length])
      })
    )
  })

  it("that never came are counted, and those after them are folded", () => {
    const state = fold([stretch(0, 3), stretch(5, 8)])
    assert.deepStrictEqual([state.counts.missed, state.counts.ticks, state.fed], [2, 6, 8])
  })

  it("of another run start the symbol anew", () => {
    const state = fold([stretch(0, 3)])
    assert.isFalse(startsAnew(state, stretch(1, 5)))
    assert.isTrue(startsAnew(state, stretch(0, 1, "other")))
    assert.isFalse(startsAnew(initialTickerState("A"), stretch(0, 1, "other")))
  })

  it("without an origin are always folded", () => {
    const state = fold([batch("A", ...trades.slice(0, 2)), batch("A", ...trades.slice(0, 2))])
    assert.deepStrictEqual([state.counts.ticks, state.fed, state.run], [4, 0, ""])
  })
})
