/** What becomes of a watch list when a symbol is starred or unstarred. Pure. */

/** More than anybody follows by eye, and few enough to watch all of them live. */
export const MOST = 500

export interface Toggled {
  readonly symbols: ReadonlyArray<string>
  readonly outcome: "added" | "removed" | "full"
}

/** In the order in which they were added. */
export const toggled = (symbols: ReadonlyArray<string>, symbol: string, most = MOST): Toggled => {
  if (symbols.includes(symbol)) {
    return { symbols: symbols.filter((other) => other !== symbol), outcome: "removed" }
  }
  if (symbols.length >= most) return { symbols, outcome: "full" }
  return { symbols: [...symbols, symbol], outcome: "added" }
}

/** As it is shown and read out. */
export const describeToggled = (symbol: string, { outcome, symbols }: Toggled): string => {
  const count = `${symbols.length} ${symbols.length === 1 ? "symbol" : "symbols"}`
  switch (outcome) {
    case "added":
      return `${symbol} added to the watch list, ${count}`
    case "removed":
      return `${symbol} removed from the watch list, ${count}`
    case "full":
      return `The watch list is full: ${count}. Remove one to add ${symbol}`
  }
}
