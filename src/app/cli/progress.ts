/** A bar that fills: "[████····] 1,234 of 9,610 (13%)". Pure. */
import * as format from "./format.ts"

const WIDEST = 30

/** `total` 0: not known yet. `columns`: of the terminal. */
export const progressBar = (done: number, total: number, columns: number): string => {
  const width = Math.max(4, Math.min(WIDEST, columns - 50))
  const share = total === 0 ? 0 : Math.min(1, done / total)
  const filled = Math.floor(share * width)
  const bar = `[${"█".repeat(filled)}${"·".repeat(width - filled)}]`
  return total === 0 ? bar : `${bar} ${format.count(done)} of ${format.count(total)} (${Math.floor(share * 100)}%)`
}
