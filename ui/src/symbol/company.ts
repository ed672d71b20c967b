/** What is said of a company beside its prices. Pure. */
import type { Company, Instrument } from "../../../src/rpc/client.ts"

/** Its page at the SEC, where its filings are. */
export const edgarUrl = (cik: number): string =>
  `https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=${String(cik).padStart(10, "0")}`

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December"
]

/** "09-30" → "30 September"; as it stands where it is no day. */
export const formatYearEnd = (monthDay: string): string => {
  const [month, day] = monthDay.split("-").map(Number)
  const name = months[(month ?? 0) - 1]
  return name === undefined || day === undefined ? monthDay : `${day} ${name}`
}

/** Its other instruments that are traded today, the one that stands for the company first. */
export const othersOf = (
  company: Pick<Company, "instruments">,
  instrument: Pick<Instrument, "id">
): ReadonlyArray<Instrument> => company.instruments.filter((other) => other.listed && other.id !== instrument.id)

export interface Former {
  readonly what: string
  readonly kind: "name" | "symbol"
  /** "until 2022-06-09", "2012-05-18 – 2022-06-09"; "" where nobody knows. */
  readonly when: string
  readonly fate: string
  readonly until: string
}

const whenOf = (from: string | null, until: string | null): string =>
  until === null ? (from === null ? "" : `from ${from}`) : from === null ? `until ${until}` : `${from} – ${until}`

/** Names and symbols it once had, the newest first. */
export const formersOf = (company: Pick<Company, "formerNames" | "instruments">): ReadonlyArray<Former> => {
  const names = company.formerNames.map(
    ({ from, name, until }): Former => ({
      what: name,
      kind: "name",
      when: whenOf(from, until),
      fate: "",
      until: until ?? ""
    })
  )
  const symbols = company.instruments.flatMap(({ aliases, listed, symbol }) =>
    aliases
      .filter((alias) => alias.symbol !== symbol || !listed)
      .map(
        (alias): Former => ({
          what: alias.symbol,
          kind: "symbol",
          when: whenOf(alias.from, alias.until),
          fate: alias.fate ?? "",
          until: alias.until ?? ""
        })
      )
  )
  return [...names, ...symbols].sort((a, b) => (a.until < b.until ? 1 : a.until > b.until ? -1 : 0))
}
