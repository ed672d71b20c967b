/**
 * The recorded trades' condition flags (AlgoSeek's, as Lean's files carry them in hex) as our conditions.
 *
 * The flags are bits, and the rules below are over bits, so codes not seen yet fall into place. They were read off the
 * recorded days by rebuilding the vendor's own minute bars, and say how *this vendor* prices its bars:
 *
 * - Outside regular hours every round lot it flags so prices the bar, whatever else it carries. An average or derived price
 *   there is still nowhere near the market, so it never becomes the last price.
 * - In regular hours it prices nothing with sweeps (0x20), nor with trades exempt from the trade-through rule because
 *   their price is an average (0x100000), derived (0x200) or part of a stock-option deal (0x40000).
 * - Official opening and closing values repeat a trade: in nothing. So do the crosses (0x200000) that other markets than
 *   the listing one hold at open and close.
 * - Cash, next-day and seller's-option trades count as volume only (the tape's rule; the recorded days do not tell).
 * - Late and out-of-sequence reports (0x800, 0x4000, 0x2000000) stand in the file where the vendor's bars want them.
 */
import { TradeCondition } from "../../../rpc/ticks.ts"

const Flag = {
  Cash: 1 << 1,
  NextDay: 1 << 2,
  Seller: 1 << 3,
  IntermarketSweep: 1 << 5,
  OpeningPrint: 1 << 6,
  ClosingPrint: 1 << 7,
  DerivativelyPriced: 1 << 9,
  FormT: 1 << 10,
  ExtendedHours: 1 << 13,
  StockOption: 1 << 18,
  AveragePrice: 1 << 20,
  Cross: 1 << 21,
  OfficialClose: 1 << 24,
  OfficialOpen: 1 << 26,
  TradeThroughExempt: 1 << 29,
  OddLot: 1 << 31
} as const

const SPECIAL = Flag.Cash | Flag.NextDay | Flag.Seller
const DERIVED = Flag.DerivativelyPriced | Flag.StockOption | Flag.AveragePrice
const EXTENDED = Flag.ExtendedHours | Flag.FormT
const AUCTION = Flag.OpeningPrint | Flag.ClosingPrint
const OFFICIAL = Flag.OfficialClose | Flag.OfficialOpen

const hex = /^[0-9a-f]{1,8}$/i

/**
 * `TradeCondition` bits of a recorded trade. `flags` as the file has them (hex, no prefix) or as a number; text that is
 * no hex number is taken for an unknown condition, which counts as volume and prices nothing.
 */
export const leanTradeConditions = (flags: string | number, suspicious: boolean): number => {
  if (suspicious) return TradeCondition.Suspicious
  if (typeof flags === "string" && !hex.test(flags)) return TradeCondition.VolumeOnly
  // bit 31 makes this negative: fine for tests of bits
  const bits = (typeof flags === "number" ? flags : Number.parseInt(flags, 16)) | 0
  if (bits & OFFICIAL) return TradeCondition.OfficialValue
  if (bits & Flag.Cross && bits & AUCTION) return TradeCondition.OfficialValue

  let conditions: number = TradeCondition.Regular
  if (bits & Flag.IntermarketSweep) conditions |= TradeCondition.IntermarketSweep
  if (bits & Flag.OddLot) conditions |= TradeCondition.OddLot
  if (bits & EXTENDED) {
    conditions |= TradeCondition.ExtendedHours
    return bits & (DERIVED | SPECIAL) ? conditions | TradeCondition.NotLast : conditions
  }
  if (bits & Flag.IntermarketSweep) conditions |= TradeCondition.VolumeOnly
  if (bits & DERIVED) {
    // without the exemption the vendor prices with it, far off as it may be
    conditions |= bits & Flag.TradeThroughExempt ? TradeCondition.DerivedPrice : TradeCondition.NotLast
  }
  if (bits & SPECIAL) conditions |= TradeCondition.SpecialTerms
  if (bits & Flag.OpeningPrint) conditions |= TradeCondition.OpeningPrint
  if (bits & Flag.ClosingPrint) conditions |= TradeCondition.ClosingPrint
  return conditions
}
