/** A company and an instrument of which nothing more is known yet; members in the contract's order. Pure. */
import type { Company, Instrument } from "../../rpc/companies.ts"
import { shareClassOf } from "./shareClass.ts"

export const blankCompany = (id: string, cik: number | null, name: string): Company => ({
  id,
  cik,
  name,
  legalName: null,
  sector: null,
  sic: null,
  industry: null,
  fiscalYearEnd: null,
  rank: null,
  formerNames: [],
  instruments: [],
  listedSince: null,
  detailedAt: null
})

/** `from`: the first day it was seen, YYYY-MM-DD; null: before anybody looked. */
export const listedInstrument = (
  id: number,
  symbol: string,
  exchange: string | null,
  from: string | null
): Instrument => ({
  id,
  symbol,
  exchange,
  shareClass: shareClassOf(symbol),
  listed: true,
  aliases: [{ symbol, exchange, from, until: null, fate: null }]
})
