/** The symbols looked at lately, and which others stand beside a chart: those, then others of its sector. Pure but for storage. */
import type { Listing } from "../../../src/rpc/market.ts"
import { ownKey } from "../account/owner.ts"
import { readSymbols, writeSymbols } from "./stored.ts"

const KEPT = 12

export const readRecent = (): ReadonlyArray<string> => {
  const key = ownKey("recent")
  return (key === null ? null : readSymbols(key, KEPT)) ?? []
}

export const writeRecent = (recent: ReadonlyArray<string>): void => {
  const key = ownKey("recent")
  if (key !== null) writeSymbols(key, recent)
}

/** The newest first, each once. */
export const withRecent = (recent: ReadonlyArray<string>, symbol: string): ReadonlyArray<string> =>
  [symbol, ...recent.filter((other) => other !== symbol)].slice(0, KEPT)

export const withoutRecent = (recent: ReadonlyArray<string>, symbol: string): ReadonlyArray<string> =>
  recent.filter((other) => other !== symbol)

/** Up to `count` listed symbols besides `symbol`; those of the same sector follow it in the alphabet, round and round. */
export const neighbours = (
  symbol: string,
  recent: ReadonlyArray<string>,
  listings: ReadonlyArray<Listing>,
  count: number
): ReadonlyArray<string> => {
  const listed = new Map(listings.map((listing) => [listing.symbol, listing]))
  const sector = listed.get(symbol)?.sector
  const mates = listings.filter((listing) => listing.sector === sector).map((listing) => listing.symbol)
  const at = mates.indexOf(symbol)
  const found = new Set(recent.filter((other) => other !== symbol && listed.has(other)))
  for (let i = 1; i < mates.length && found.size < count; i++) {
    const mate = mates[(at + i) % mates.length]
    if (mate !== undefined && mate !== symbol) found.add(mate)
  }
  return [...found].slice(0, count)
}
