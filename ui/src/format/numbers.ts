/** How numbers look, everywhere in the dashboard. Pure; a missing value is an en dash, never 0. */

export const MISSING = "–"

/** Real minus sign: as wide as a plus in tabular numerals, and read as "minus". */
const MINUS = "−"

const fixed = (digits: number) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
const two = fixed(2)
const four = fixed(4)
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 })

/** Dollars. Two decimals; under a dollar four, as exchanges quote it. */
export const formatPrice = (dollars: number | null): string =>
  dollars === null ? MISSING : (Math.abs(dollars) < 1 && dollars !== 0 ? four : two).format(dollars)

/** With how many decimals `formatPrice` writes a price. */
export const priceDigits = (dollars: number | null): 2 | 4 =>
  dollars !== null && Math.abs(dollars) < 1 && dollars !== 0 ? 4 : 2

export type Direction = "up" | "down" | "flat"

export const directionOf = (change: number | null): Direction =>
  change === null || change === 0 ? "flat" : change > 0 ? "up" : "down"

export const arrowOf = (direction: Direction): string => (direction === "up" ? "▲" : direction === "down" ? "▼" : "■")

const signed = (value: number, text: string): string => (value > 0 ? `+${text}` : value < 0 ? `${MINUS}${text}` : text)

/** last − previous close, exact to 1/10,000 dollar (floats would show 0.30000000000000004). */
export const changeOf = (last: number | null, previousClose: number | null): number | null =>
  last === null || previousClose === null
    ? null
    : (Math.round(last * 10_000) - Math.round(previousClose * 10_000)) / 10_000

/** Change as a fraction of the previous close; null when there is nothing to compare with. */
export const changeRatioOf = (last: number | null, previousClose: number | null): number | null => {
  const change = changeOf(last, previousClose)
  return change === null || previousClose === null || previousClose === 0 ? null : change / previousClose
}

/** "+1.25", "−0.0312", "0.00". It has the decimals of `last`, beside which it stands. */
export const formatChange = (change: number | null, last: number | null): string =>
  change === null ? MISSING : signed(change, (priceDigits(last) === 4 ? four : two).format(Math.abs(change)))

/** 0.0123 → "+1.23%". What rounds to nothing has no sign. */
export const formatPercent = (ratio: number | null): string => {
  if (ratio === null) return MISSING
  const rounded = Math.round(ratio * 10_000) / 100
  return `${signed(rounded, two.format(Math.abs(rounded)))}%`
}

/** Shares in at most five characters: 987, 12.3K, 4.56M, 1.02B. */
export const formatCompact = (count: number | null): string => {
  if (count === null) return MISSING
  const size = Math.abs(count)
  if (size < 1_000) return whole.format(count)
  const [divisor, unit] = size < 999_500 ? [1e3, "K"] : size < 999_500_000 ? [1e6, "M"] : [1e9, "B"]
  const scaled = count / divisor
  const digits = Math.abs(scaled) < 9.995 ? 2 : Math.abs(scaled) < 99.95 ? 1 : 0
  return `${scaled.toFixed(digits)}${unit}`
}

/** 1234567 → "1,234,567". */
export const formatWhole = (count: number | null): string => (count === null ? MISSING : whole.format(count))

/** Where `last` stands between the day's low and high, 0–1; null when the day has no range yet. */
export const rangePosition = (low: number | null, high: number | null, last: number | null): number | null => {
  if (low === null || high === null || last === null || !(high > low)) return null
  return Math.min(1, Math.max(0, (last - low) / (high - low)))
}
