/** Lights a cell for less than a second when its value moved. The fade is a CSS transition: no work per frame. */

const LIT_MILLIS = 300
const still = matchMedia("(prefers-reduced-motion: reduce)")
const lit = new Map<HTMLElement, number>()

const sweep = () => {
  const now = performance.now()
  for (const [cell, until] of lit) {
    if (until > now) continue
    cell.removeAttribute("data-flash")
    lit.delete(cell)
  }
  if (lit.size > 0) setTimeout(sweep, 100)
}

export const flash = (cell: HTMLElement, direction: "up" | "down"): void => {
  // a cell already lit is left alone, else a busy symbol would never fade
  if (still.matches || lit.has(cell)) return
  cell.setAttribute("data-flash", direction)
  if (lit.size === 0) setTimeout(sweep, 100)
  lit.set(cell, performance.now() + LIT_MILLIS)
}

/** A row recycled for another symbol must not carry the old one's light. */
export const unflash = (cell: HTMLElement): void => {
  // it stays in the list until the sweep, which is then a no-op for it
  cell.removeAttribute("data-flash")
}
