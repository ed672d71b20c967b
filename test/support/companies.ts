/** Companies for tests: everything that a test does not say is plain. */
import type { Alias, Company, Instrument } from "../../src/rpc/companies.ts"

export const alias = (symbol: string, more: Partial<Alias> = {}): Alias => ({
  symbol,
  exchange: "NYSE",
  from: null,
  until: null,
  fate: null,
  ...more
})

export const instrument = (symbol: string, more: Partial<Instrument> = {}): Instrument => ({
  id: 1,
  symbol,
  exchange: "NYSE",
  shareClass: null,
  listed: true,
  aliases: [alias(symbol)],
  ...more
})

/** One instrument of that symbol, unless `more` says otherwise. */
export const company = (symbol: string, name: string, more: Partial<Company> = {}): Company => ({
  id: `symbol:${symbol}`,
  cik: null,
  name,
  legalName: null,
  sector: "Sector",
  sic: null,
  industry: null,
  fiscalYearEnd: null,
  rank: null,
  formerNames: [],
  instruments: [instrument(symbol)],
  listedSince: null,
  detailedAt: null,
  ...more
})
