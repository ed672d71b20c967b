/**
 * A sector for a SIC code, in the names that investors use. The SEC files industries only; this reading of them is ours, and coarse:
 * a company whose sector is known otherwise keeps that. Pure.
 */

type Sector =
  | "Communication Services"
  | "Consumer Discretionary"
  | "Consumer Staples"
  | "Energy"
  | "Financials"
  | "Health Care"
  | "Industrials"
  | "Information Technology"
  | "Materials"
  | "Real Estate"
  | "Utilities"

/** First and last code. The narrower stand before the wider that hold them. */
const ranges: ReadonlyArray<readonly [from: number, to: number, sector: Sector]> = [
  [100, 999, "Consumer Staples"],
  [1200, 1399, "Energy"],
  [1000, 1499, "Materials"],
  [1531, 1531, "Consumer Discretionary"],
  [1500, 1799, "Industrials"],
  [2000, 2199, "Consumer Staples"],
  [2200, 2399, "Consumer Discretionary"],
  [2400, 2499, "Materials"],
  [2500, 2519, "Consumer Discretionary"],
  [2520, 2599, "Industrials"],
  [2600, 2699, "Materials"],
  [2711, 2741, "Communication Services"],
  [2700, 2799, "Industrials"],
  [2833, 2836, "Health Care"],
  [2840, 2844, "Consumer Staples"],
  [2800, 2899, "Materials"],
  [2900, 2999, "Energy"],
  [3000, 3011, "Consumer Discretionary"],
  [3021, 3021, "Consumer Discretionary"],
  [3000, 3099, "Materials"],
  [3100, 3199, "Consumer Discretionary"],
  [3200, 3399, "Materials"],
  [3411, 3412, "Materials"],
  [3400, 3499, "Industrials"],
  [3533, 3533, "Energy"],
  [3570, 3579, "Information Technology"],
  [3500, 3599, "Industrials"],
  [3630, 3652, "Consumer Discretionary"],
  [3660, 3679, "Information Technology"],
  [3600, 3699, "Industrials"],
  [3711, 3716, "Consumer Discretionary"],
  [3751, 3751, "Consumer Discretionary"],
  [3790, 3799, "Consumer Discretionary"],
  [3700, 3799, "Industrials"],
  [3826, 3827, "Health Care"],
  [3840, 3851, "Health Care"],
  [3860, 3873, "Consumer Discretionary"],
  [3812, 3812, "Industrials"],
  [3800, 3899, "Information Technology"],
  [3900, 3999, "Consumer Discretionary"],
  [4400, 4499, "Industrials"],
  [4600, 4699, "Energy"],
  [4000, 4799, "Industrials"],
  [4800, 4899, "Communication Services"],
  [4950, 4959, "Industrials"],
  [4922, 4922, "Energy"],
  [4900, 4999, "Utilities"],
  [5045, 5045, "Information Technology"],
  [5047, 5047, "Health Care"],
  [5065, 5065, "Information Technology"],
  [5122, 5122, "Health Care"],
  [5140, 5159, "Consumer Staples"],
  [5171, 5172, "Energy"],
  [5180, 5182, "Consumer Staples"],
  [5000, 5199, "Industrials"],
  [5331, 5331, "Consumer Staples"],
  [5400, 5499, "Consumer Staples"],
  [5912, 5912, "Consumer Staples"],
  [5200, 5999, "Consumer Discretionary"],
  [6324, 6324, "Health Care"],
  [6500, 6599, "Real Estate"],
  [6798, 6798, "Real Estate"],
  [6792, 6792, "Energy"],
  [6000, 6999, "Financials"],
  [7000, 7099, "Consumer Discretionary"],
  [7310, 7319, "Communication Services"],
  [7370, 7379, "Information Technology"],
  [7200, 7299, "Consumer Discretionary"],
  [7300, 7399, "Industrials"],
  [7500, 7599, "Industrials"],
  [7600, 7699, "Industrials"],
  [7810, 7841, "Communication Services"],
  [7900, 7999, "Consumer Discretionary"],
  [8000, 8099, "Health Care"],
  [8200, 8299, "Consumer Discretionary"],
  [8731, 8731, "Health Care"],
  [8300, 8399, "Consumer Discretionary"],
  [8100, 8999, "Industrials"]
]

/** null: the code tells none, as 9995 (non-operating) and 8888 (foreign governments) do. */
export const sectorOfSic = (sic: number | null): string | null => {
  if (sic === null || sic === 8888) return null
  return ranges.find(([from, to]) => sic >= from && sic <= to)?.[2] ?? null
}
