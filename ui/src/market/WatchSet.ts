/** What the page as a whole watches: the union of what its parts ask for, sent on once things have settled. Pure but for the timer. */

export interface WatchSet {
  /** Replaces what `owner` asks for; an empty list withdraws it. */
  readonly ask: (owner: string, symbols: ReadonlyArray<string>) => void
  readonly wanted: () => ReadonlySet<string>
  readonly close: () => void
}

/** `later` runs a task after a pause and returns how to cancel it; scrolling asks many times a second. */
export const makeWatchSet = (
  apply: (symbols: ReadonlyArray<string>) => void,
  later: (task: () => void) => () => void
): WatchSet => {
  const asked = new Map<string, ReadonlyArray<string>>()
  let applied: ReadonlySet<string> = new Set()
  let cancel: (() => void) | null = null

  const union = () => new Set([...asked.values()].flat())
  const settle = () => {
    cancel = null
    const wanted = union()
    if (wanted.size === applied.size && [...wanted].every((symbol) => applied.has(symbol))) return
    applied = wanted
    apply([...wanted])
  }
  return {
    ask: (owner, symbols) => {
      if (symbols.length === 0) asked.delete(owner)
      else asked.set(owner, symbols)
      cancel?.()
      cancel = later(settle)
    },
    wanted: union,
    close: () => cancel?.()
  }
}
