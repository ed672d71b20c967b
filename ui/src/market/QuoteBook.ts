/**
 * The latest quote of every watched symbol, and who paints it. Events arrive at any rate and only land in a plain Map;
 * once per animation frame the ones that changed are applied and the mounted rows told. Nothing here is reactive: a row
 * writes straight to its own text nodes, so a busy market costs the rows on screen and nothing else.
 */
import type { Update } from "../../../src/rpc/market.ts"

/** A quote as it stands, whether it came as a snapshot or an update. */
export type Quote = Omit<Update, "_tag">

/** Told of a symbol's new state, with the state painted before (undefined at first). */
export type Painter = (quote: Quote, previous: Quote | undefined) => void

/** Runs a task before the next paint; the browser's requestAnimationFrame outside tests. */
export type NextFrame = (task: () => void) => void

export interface QuoteBook {
  /** Takes a newer state; painted with the next frame unless frozen (see `setFrozen`). */
  readonly offer: (quote: Quote) => void
  /** What is shown (behind `newest` while frozen, or until the next frame). */
  readonly shown: (symbol: string) => Quote | undefined
  /** Registers a painter; called at once when there is something to show. Returns how to stop. */
  readonly onPaint: (symbol: string, painter: Painter) => () => void
  /** While frozen what is shown stays; a symbol with nothing to show yet is painted once all the same. */
  readonly setFrozen: (frozen: boolean) => void
  /** Symbols with a newer state than the one shown. */
  readonly waiting: () => number
  /** Forget symbols no longer watched, so that a value never outlives its stream. */
  readonly retain: (symbols: ReadonlySet<string>) => void
  /** Since the page opened: events taken, updates the server folded into them, frames painted. */
  readonly counters: () => { readonly events: number; readonly folded: number; readonly frames: number }
}

export const makeQuoteBook = (nextFrame: NextFrame): QuoteBook => {
  const shown = new Map<string, Quote>()
  const pending = new Map<string, Quote>()
  const painters = new Map<string, Set<Painter>>()
  let scheduled = false
  let frozen = false
  let events = 0
  let folded = 0
  let frames = 0

  const paintPending = () => {
    scheduled = false
    let painted = false
    for (const [symbol, quote] of pending) {
      const previous = shown.get(symbol)
      if (frozen && previous !== undefined) continue
      painted = true
      pending.delete(symbol)
      shown.set(symbol, quote)
      const mounted = painters.get(symbol)
      if (mounted !== undefined) for (const paint of mounted) paint(quote, previous)
    }
    if (painted) frames += 1
  }
  const schedule = () => {
    if (scheduled || pending.size === 0) return
    scheduled = true
    nextFrame(paintPending)
  }

  return {
    offer: (quote) => {
      events += 1
      folded += quote.folded
      pending.set(quote.symbol, quote)
      if (!frozen || !shown.has(quote.symbol)) schedule()
    },
    shown: (symbol) => shown.get(symbol),
    onPaint: (symbol, painter) => {
      const set = painters.get(symbol) ?? new Set<Painter>()
      painters.set(symbol, set)
      set.add(painter)
      const quote = shown.get(symbol)
      if (quote !== undefined) painter(quote, undefined)
      return () => {
        set.delete(painter)
        if (set.size === 0 && painters.get(symbol) === set) painters.delete(symbol)
      }
    },
    setFrozen: (on) => {
      frozen = on
      if (!on) schedule()
    },
    waiting: () => pending.size,
    retain: (symbols) => {
      for (const symbol of shown.keys()) if (!symbols.has(symbol)) shown.delete(symbol)
      for (const symbol of pending.keys()) if (!symbols.has(symbol)) pending.delete(symbol)
    },
    counters: () => ({ events, folded, frames })
  }
}
