import { assert, describe, it } from "@effect/vitest"
import { TradeCondition } from "../../rpc/ticks.ts"
import { Moves, movesOf } from "./conditions.ts"

const everything = Moves.Volume | Moves.HighLow | Moves.OpenClose | Moves.Last
const c = TradeCondition

describe("what a trade may move", () => {
  const table: ReadonlyArray<readonly [name: keyof typeof TradeCondition, moves: number]> = [
    ["Regular", everything],
    ["OddLot", Moves.Volume],
    ["OutOfSequence", Moves.Volume | Moves.HighLow],
    ["DerivedPrice", Moves.Volume],
    ["SpecialTerms", Moves.Volume],
    ["ExtendedHours", everything],
    ["IntermarketSweep", everything],
    ["OpeningPrint", everything],
    ["ClosingPrint", everything],
    ["Suspicious", Moves.Nothing],
    ["OfficialValue", Moves.Nothing],
    ["VolumeOnly", Moves.Volume],
    ["NotLast", Moves.Volume | Moves.HighLow | Moves.OpenClose]
  ]

  it("is decided for every condition there is", () => {
    assert.deepStrictEqual(
      table.map(([name]) => name),
      Object.keys(TradeCondition)
    )
    for (const [name, moves] of table) assert.strictEqual(movesOf(c[name]), moves, name)
  })

  it("is what all its conditions allow", () => {
    assert.strictEqual(movesOf(c.IntermarketSweep | c.OddLot), Moves.Volume)
    assert.strictEqual(movesOf(c.OutOfSequence | c.NotLast), Moves.Volume | Moves.HighLow)
    assert.strictEqual(movesOf(c.ClosingPrint | c.Suspicious), Moves.Nothing)
  })

  it("does not heed bits nobody knows", () => {
    assert.strictEqual(movesOf(1 << 20), everything)
    assert.strictEqual(movesOf((1 << 20) | c.OddLot), Moves.Volume)
  })
})
