/** Lists of symbols kept in this browser. What is read is checked: anything may stand there. Pure but for the storage. */
import { normaliseSymbol, symbolPattern } from "../../../src/rpc/market.ts"

/** The symbols in it, each once, at most `most`; what is not a symbol is left out. */
export const parseSymbols = (text: string | null, most: number): ReadonlyArray<string> => {
  if (text === null) return []
  try {
    const stored: unknown = JSON.parse(text)
    if (!Array.isArray(stored)) return []
    const symbols = stored
      .filter((item): item is string => typeof item === "string")
      .map(normaliseSymbol)
      .filter((symbol) => symbolPattern.test(symbol))
    return [...new Set(symbols)].slice(0, most)
  } catch {
    return []
  }
}

/** null: the browser lets nothing be stored. */
export const readSymbols = (key: string, most: number): ReadonlyArray<string> | null => {
  try {
    return parseSymbols(localStorage.getItem(key), most)
  } catch {
    return null
  }
}

/** Whether it is stored; private windows may forbid it, and the list then lasts as long as the page. */
export const writeSymbols = (key: string, symbols: ReadonlyArray<string>): boolean => {
  try {
    localStorage.setItem(key, JSON.stringify(symbols))
    return true
  } catch {
    return false
  }
}
