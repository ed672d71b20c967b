import { assert, describe, it } from "@effect/vitest"
import { Moves, movesOf } from "../../../actors/market/conditions.ts"
import { TradeCondition } from "../../../rpc/ticks.ts"
import { leanTradeConditions } from "./conditions.ts"

const moves = (flags: string): number => movesOf(leanTradeConditions(flags, false))
const everything = Moves.Volume | Moves.HighLow | Moves.OpenClose | Moves.Last
const bars = Moves.Volume | Moves.HighLow | Moves.OpenClose

describe("recorded condition flags", () => {
  it("ordinary trades and the listing market's auctions move everything", () => {
    for (const flags of [
      "1",
      "20000001",
      "2000",
      "20002000",
      "40",
      "20000040",
      "80",
      "20000080",
      "4800",
      "2000000",
      "0"
    ]) {
      assert.strictEqual(moves(flags), everything, flags)
    }
    assert.strictEqual(leanTradeConditions("20000040", false), TradeCondition.OpeningPrint)
    assert.strictEqual(leanTradeConditions("80", false), TradeCondition.ClosingPrint)
  })

  it("sweeps, exempt average, derived and stock-option prices, special terms and odd lots are volume only", () => {
    const codes = ["20000020", "20", "20100200", "20100000", "20040200", "20000200", "20104800", "20000002", "20000008"]
    for (const flags of [...codes, "80000001"]) assert.strictEqual(moves(flags), Moves.Volume, flags)
  })

  it("out of hours, every trade prices the bar, but no average or derived one is the last price", () => {
    assert.strictEqual(moves("20002020"), everything)
    for (const flags of ["102000", "20102000", "42000", "106000", "20002008"]) {
      assert.strictEqual(moves(flags), bars, flags)
    }
  })

  it("official values and other markets' crosses are in nothing", () => {
    for (const flags of ["1000000", "1000001", "4000000", "20200040", "20200080"]) {
      assert.strictEqual(moves(flags), Moves.Nothing, flags)
    }
  })

  it("codes not seen yet follow from their bits; what is no code prices nothing", () => {
    assert.strictEqual(moves("60000021"), Moves.Volume)
    assert.strictEqual(moves("90000001"), Moves.Volume)
    for (const text of ["", "xyz", "-1", "1ffffffff"]) assert.strictEqual(moves(text), Moves.Volume, text)
  })

  it("takes numbers as well as text, and leaves suspicious trades out", () => {
    for (const flags of ["1", "20000020", "a0000000", "102000"]) {
      assert.strictEqual(
        leanTradeConditions(Number.parseInt(flags, 16), false),
        leanTradeConditions(flags, false),
        flags
      )
    }
    assert.strictEqual(movesOf(leanTradeConditions("1", true)), Moves.Nothing)
  })
})
