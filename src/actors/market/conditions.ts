/**
 * What a trade may move, by its conditions: the one place that decides it. After the consolidated tape's rules (CTA, UTP).
 *
 *   condition          volume  high/low  open/close  last
 *   (none)                x        x         x         x
 *   OddLot                x
 *   OutOfSequence         x        x       if alone  if alone
 *   DerivedPrice          x
 *   SpecialTerms          x
 *   ExtendedHours         x        x         x         x     the day's open, high, low and close take regular hours alone
 *   IntermarketSweep      x        x         x         x
 *   OpeningPrint          x        x         x         x     opens the session when it comes within its first minute
 *   ClosingPrint          x        x         x         x     closes the session however late it is reported
 *   Suspicious
 *   OfficialValue
 *   VolumeOnly            x
 *   NotLast               x        x         x
 *
 * A trade with several conditions may move what all of them allow.
 */
import { TradeCondition } from "../../rpc/ticks.ts"

/** What a trade moves, as bits. */
export const Moves = {
  Nothing: 0,
  Volume: 1 << 0,
  HighLow: 1 << 1,
  /** Without it, a trade that moves HighLow still gives open and close to a bar that has no other price. */
  OpenClose: 1 << 2,
  Last: 1 << 3
} as const

const EVERYTHING = Moves.Volume | Moves.HighLow | Moves.OpenClose | Moves.Last

const allowed: ReadonlyArray<readonly [condition: number, moves: number]> = [
  [TradeCondition.OddLot, Moves.Volume],
  [TradeCondition.OutOfSequence, Moves.Volume | Moves.HighLow],
  [TradeCondition.DerivedPrice, Moves.Volume],
  [TradeCondition.SpecialTerms, Moves.Volume],
  [TradeCondition.ExtendedHours, EVERYTHING],
  [TradeCondition.IntermarketSweep, EVERYTHING],
  [TradeCondition.OpeningPrint, EVERYTHING],
  [TradeCondition.ClosingPrint, EVERYTHING],
  [TradeCondition.Suspicious, Moves.Nothing],
  [TradeCondition.OfficialValue, Moves.Nothing],
  [TradeCondition.VolumeOnly, Moves.Volume],
  [TradeCondition.NotLast, Moves.Volume | Moves.HighLow | Moves.OpenClose]
]

const known = allowed.reduce((bits, [condition]) => bits | condition, 0)

/** Every combination worked out once: the fold looks up, it does not decide. */
const table = Uint8Array.from({ length: known + 1 }, (_, conditions) =>
  allowed.reduce((moves, [condition, some]) => (conditions & condition ? moves & some : moves), EVERYTHING)
)

/** `Moves` bits of a set of `TradeCondition` bits; bits nobody knows yet count as none. */
export const movesOf = (conditions: number): number => table[conditions & known] ?? Moves.Nothing
