/** Where a symbol's page is. "BRK.B" lives at /s/BRK-B: a dot would look like a file's extension to servers. Pure. */
import { type Listing, normaliseSymbol } from "../../../src/rpc/market.ts"

export const symbolPath = (symbol: string): string => `/s/${encodeURIComponent(symbol.replaceAll(".", "-"))}`

const plain = (symbol: string): string => symbol.replaceAll(/[./-]/g, ".")

/** What a path's part says; one that is not well encoded, as "100%", is taken as it stands. */
export const decodePart = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The listed symbol meant by a path's last part: BRK-B, BRK.B, brk/b are one. What is not listed comes back as written. */
export const symbolOfPath = (part: string, listings: ReadonlyArray<Listing>): string => {
  const written = normaliseSymbol(part)
  if (listings.some((listing) => listing.symbol === written)) return written
  return listings.find((listing) => plain(listing.symbol) === plain(written))?.symbol ?? written
}
