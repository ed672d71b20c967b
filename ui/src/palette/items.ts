/** What the palette lists, and what of it is chosen. Pure. */
import type { CompanyProfile, SearchHit } from "../../../src/rpc/client.ts"
import { type Part, partsOf } from "./marks.ts"

/** Of long text the beginning counts; a pasted book is not sent. */
const MOST_ASKED = 200

/** What is asked for a text, "" for nothing: without blanks at its ends, and cut without tearing a sign of two units. */
export const questionOf = (text: string): string => text.trim().slice(0, MOST_ASKED).trim().toWellFormed()

export interface PaletteItem {
  /** Of all that is listed, and of its element. */
  readonly key: string
  readonly symbol: string
  readonly symbolParts: ReadonlyArray<Part>
  readonly nameParts: ReadonlyArray<Part>
  /** Exchange, sector, share class: what is known of them. */
  readonly about: string
  /** A former symbol or name by which it was found, and what became of it. */
  readonly also: { readonly parts: ReadonlyArray<Part>; readonly fate: string } | null
  readonly listed: boolean
  readonly isRecent: boolean
}

export interface PaletteGroup {
  readonly heading: string | null
  readonly items: ReadonlyArray<PaletteItem>
}

const joined = (texts: ReadonlyArray<string | null>): string =>
  texts.filter((text) => text !== null && text !== "").join(" · ")

export const itemOfHit = (hit: SearchHit): PaletteItem => {
  const marked = (text: string) => partsOf(text, hit.text === text ? hit.ranges : [])
  const inSymbol = hit.field === "symbol" && hit.text === hit.symbol
  const inName = hit.field === "name" && hit.text === hit.name
  return {
    key: `palette-hit-${hit.symbol}`,
    symbol: hit.symbol,
    symbolParts: inSymbol ? marked(hit.symbol) : partsOf(hit.symbol, []),
    nameParts: inName ? marked(hit.name) : partsOf(hit.name, []),
    about: joined([hit.shareClass, hit.exchange, hit.sector]),
    also:
      inSymbol || inName
        ? hit.fate === null
          ? null
          : { parts: [], fate: hit.fate }
        : { parts: partsOf(hit.text, hit.ranges), fate: hit.fate ?? "" },
    listed: hit.listed,
    isRecent: false
  }
}

/** What is known of a symbol that was not searched for. */
export interface Known {
  readonly name: string
  readonly exchange: string | null
  readonly sector: string | null
  readonly listed: boolean
  readonly fate: string | null
}

export const knownOfProfile = ({ company, instrument, fate }: CompanyProfile): Known => ({
  name: company.name,
  exchange: instrument.exchange,
  sector: company.sector,
  listed: instrument.listed,
  fate
})

const itemOfSymbol = (symbol: string, known: Known | undefined, section: "recent" | "watched"): PaletteItem => ({
  key: `palette-${section}-${symbol}`,
  symbol,
  symbolParts: partsOf(symbol, []),
  nameParts: partsOf(known?.name ?? "", []),
  about: joined([known?.exchange ?? null, known?.sector ?? null]),
  also: known === undefined || known.fate === null ? null : { parts: [], fate: known.fate },
  listed: known?.listed ?? true,
  isRecent: section === "recent"
})

/** Exact matches, then those that were perhaps meant. */
export const groupsOfHits = (hits: ReadonlyArray<SearchHit>): ReadonlyArray<PaletteGroup> => {
  const groups: ReadonlyArray<PaletteGroup> = [
    { heading: null, items: hits.filter((hit) => hit.tier !== "near").map(itemOfHit) },
    { heading: "Did you mean", items: hits.filter((hit) => hit.tier === "near").map(itemOfHit) }
  ]
  return groups.filter(({ items }) => items.length > 0)
}

/** Of those looked at lately only the newest: the watch list must be in sight too. */
const RECENT_SHOWN = 5

/** What stands there while nothing is typed. The symbol whose page one is on is not worth a row. */
export const groupsOfRemembered = (
  recent: ReadonlyArray<string>,
  watched: ReadonlyArray<string>,
  here: string | null,
  knownOf: (symbol: string) => Known | undefined
): ReadonlyArray<PaletteGroup> => {
  const others = recent.filter((symbol) => symbol !== here).slice(0, RECENT_SHOWN)
  const groups: ReadonlyArray<PaletteGroup> = [
    { heading: "Recent", items: others.map((symbol) => itemOfSymbol(symbol, knownOf(symbol), "recent")) },
    { heading: "Watch list", items: watched.map((symbol) => itemOfSymbol(symbol, knownOf(symbol), "watched")) }
  ]
  return groups.filter(({ items }) => items.length > 0)
}

/** The key `by` steps from `active`; "end" beyond the last when there is more to come, else round and round. */
export const step = (
  keys: ReadonlyArray<string>,
  active: string | null,
  by: number,
  hasMore: boolean
): string | "end" | null => {
  if (keys.length === 0) return null
  const at = active === null ? -1 : keys.indexOf(active)
  if (at < 0) return (by > 0 ? keys[0] : keys.at(-1)) ?? null
  const last = keys.length - 1
  if (Math.abs(by) > 1) {
    if (at + by > last && hasMore) return "end"
    return keys[Math.min(last, Math.max(0, at + by))] ?? null
  }
  if (at + by > last) return hasMore ? "end" : (keys[0] ?? null)
  return (at + by < 0 ? keys[last] : keys[at + by]) ?? null
}

/** How many there are, for those who hear the page. */
export const describeResults = (groups: ReadonlyArray<PaletteGroup>, text: string, hasMore: boolean): string => {
  const count = groups.reduce((sum, group) => sum + group.items.length, 0)
  if (count === 0) return `No company matches ${text}`
  const results = `${count} ${count === 1 ? "result" : "results"}${hasMore ? ", more below" : ""}`
  return groups[0]?.heading === "Did you mean" ? `No exact match. Did you mean: ${results}` : results
}
