/** Where a symbol's page is. "BRK.B" lives at /s/BRK-B: a dot would look like a file's extension to servers. Pure. */
import { normaliseSymbol } from "../../../src/rpc/market.ts"

export const symbolPath = (symbol: string): string => `/s/${encodeURIComponent(symbol.replaceAll(".", "-"))}`

/** What a path's part says; one that is not well encoded, as "100%", is taken as it stands. */
export const decodePart = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The symbol meant by a path's last part: BRK-B, BRK.B, brk/b are one, listed or not. */
export const symbolOfPath = (part: string): string => normaliseSymbol(part)
