/** The companies that are known before the first sync, and offline: bundled.csv (scripts/bundleCompanies.mjs), and what some were called before. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { shareClassOf } from "../../actors/companies/shareClass.ts"
import type { Alias, Company, FormerName, Instrument } from "../../rpc/companies.ts"

const textOf = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8")

/** Tells one edition of the bundled companies from another. */
export const bundleEdition = (): string =>
  createHash("sha256").update(textOf("bundled.csv")).update(textOf("former.csv")).digest("hex").slice(0, 16)

/** No field of ours holds a comma. */
const read = (file: string): ReadonlyArray<ReadonlyArray<string>> =>
  textOf(file)
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","))

interface Former {
  readonly symbol: string
  readonly name: string
  readonly until: string
  /** Its symbol now; "" where it has none. */
  readonly now: string
  readonly fate: string
}

const readFormer = (): ReadonlyArray<Former> =>
  read("former.csv").map(([symbol = "", name = "", until = "", now = "", fate = ""]) => ({
    symbol,
    name,
    until,
    now,
    fate
  }))

/** A company that went on under another name or symbol is found by both; one that was bought or closed is one of its own. */
const isSame = ({ fate }: Former): boolean => fate === "renamed"

const NOTHING_MORE = {
  legalName: null,
  sic: null,
  industry: null,
  fiscalYearEnd: null,
  listedSince: null,
  detailedAt: null
} as const

const alias = (symbol: string, until: string, fate: string): Alias => ({
  symbol,
  exchange: null,
  from: null,
  until: until === "" ? null : until,
  fate
})

/** The largest first, then those that are no more. Instruments are numbered as they come. */
export const bundledCompanies = (): ReadonlyArray<Company> => {
  const rows = read("bundled.csv")
  const symbols = new Set(rows.map(([symbol]) => symbol))
  const former = readFormer()
  const goesOn = (one: Former) => isSame(one) && symbols.has(one.now)
  const companies = new Map<string, Company>()
  let id = 0

  for (const [at, [symbol = "", name = "", exchange = "", sector = "", cik = "", shareClass = ""]] of rows.entries()) {
    const its = former.filter((one) => goesOn(one) && one.now === symbol)
    const instrument: Instrument = {
      id: ++id,
      symbol,
      exchange,
      shareClass: shareClass === "" ? shareClassOf(symbol) : shareClass,
      listed: true,
      aliases: [
        { symbol, exchange, from: null, until: null, fate: null },
        ...its.flatMap((one) => (one.symbol === "" ? [] : [alias(one.symbol, one.until, one.fate)]))
      ]
    }
    const key = cik === "" ? `symbol:${symbol}` : `cik:${cik}`
    const company = companies.get(key) ?? {
      ...NOTHING_MORE,
      id: key,
      cik: cik === "" ? null : Number(cik),
      name,
      sector: sector === "" ? null : sector,
      rank: at + 1,
      formerNames: [],
      instruments: []
    }
    companies.set(key, {
      ...company,
      formerNames: [...company.formerNames, ...its.map(({ name, until }): FormerName => ({ name, from: null, until }))],
      instruments: [...company.instruments, instrument]
    })
  }

  const gone = ({ fate, name, now, symbol, until }: Former): Company => ({
    ...NOTHING_MORE,
    id: `symbol:${symbol}`,
    cik: null,
    name,
    sector: null,
    rank: null,
    formerNames: [],
    instruments: [
      {
        id: ++id,
        symbol,
        exchange: null,
        shareClass: null,
        listed: false,
        aliases: [alias(symbol, until, fate === "renamed" ? `renamed ${now}` : fate)]
      }
    ]
  })
  return [...companies.values(), ...former.filter((one) => one.symbol !== "" && !goesOn(one)).map(gone)]
}
