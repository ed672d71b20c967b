/** The companies that are known before the first sync, and offline: bundled.csv (scripts/bundleCompanies.mjs), and what some were called before. */
import { readFileSync } from "node:fs"
import type { Alias, Company, FormerName, Instrument } from "../../rpc/companies.ts"

/** No field of ours holds a comma. */
const read = (file: string): ReadonlyArray<ReadonlyArray<string>> =>
  readFileSync(new URL(file, import.meta.url), "utf8")
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

const gone = ({ fate, name, now, symbol, until }: Former): Company => ({
  id: `symbol:${symbol}`,
  cik: null,
  name,
  sector: null,
  industry: null,
  formerNames: [],
  instruments: [
    {
      symbol,
      exchange: null,
      listed: false,
      aliases: [{ symbol, until, fate: fate === "renamed" ? `renamed ${now}` : fate }]
    }
  ]
})

/** The largest first, then those that are no more. */
export const bundledCompanies = (): ReadonlyArray<Company> => {
  const rows = read("bundled.csv")
  const symbols = new Set(rows.map(([symbol]) => symbol))
  const former = readFormer()
  const goesOn = (one: Former) => isSame(one) && symbols.has(one.now)
  const companies = new Map<string, Company>()
  for (const [symbol = "", name = "", exchange = "", sector = "", cik = ""] of rows) {
    const its = former.filter((one) => goesOn(one) && one.now === symbol)
    const aliases = its.flatMap(
      ({ fate, symbol, until }): ReadonlyArray<Alias> => (symbol === "" ? [] : [{ symbol, until, fate }])
    )
    const formerNames = its.map(({ name, until }): FormerName => ({ name, until }))
    const instrument: Instrument = { symbol, exchange, listed: true, aliases }
    const id = cik === "" ? `symbol:${symbol}` : `cik:${cik}`
    const company = companies.get(id)
    companies.set(
      id,
      company === undefined
        ? {
            id,
            cik: cik === "" ? null : Number(cik),
            name,
            sector: sector === "" ? null : sector,
            industry: null,
            formerNames,
            instruments: [instrument]
          }
        : {
            ...company,
            formerNames: [...company.formerNames, ...formerNames],
            instruments: [...company.instruments, instrument]
          }
    )
  }
  return [...companies.values(), ...former.filter((one) => one.symbol !== "" && !goesOn(one)).map(gone)]
}
