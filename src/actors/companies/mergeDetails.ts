/** What a company's particulars, as filed, add to what is known of it. Pure. */
import type { Company, FormerName } from "../../rpc/companies.ts"
import type { CompanyDetails } from "./CompanySource.ts"
import { foldText } from "./foldText.ts"
import { sectorOfSic } from "./sectors.ts"

const fold = ({ name }: FormerName): string => foldText(name).text

/** The newest first, each once: as filed where both are known, for that has both dates. */
const mergedNames = (known: ReadonlyArray<FormerName>, filed: ReadonlyArray<FormerName>): ReadonlyArray<FormerName> => {
  const names = new Map<string, FormerName>()
  for (const former of [...filed, ...known]) {
    const key = fold(former)
    if (!names.has(key)) names.set(key, former)
  }
  return [...names.values()].sort((a, b) => (b.until ?? "").localeCompare(a.until ?? ""))
}

/** `details` null: the source knows no particulars. `today`: YYYY-MM-DD. */
export const mergeDetails = (company: Company, details: CompanyDetails | null, today: string): Company => {
  if (details === null) return { ...company, detailedAt: today }
  const { fiscalYearEnd, formerNames, industry, sic } = details
  // one that was read from the industry follows it; one that was known otherwise stays
  const follows = company.sector === null || company.sector === sectorOfSic(company.sic)
  return {
    ...company,
    sector: follows ? (sectorOfSic(sic) ?? company.sector) : company.sector,
    sic: sic ?? company.sic,
    industry: industry ?? company.industry,
    fiscalYearEnd: fiscalYearEnd ?? company.fiscalYearEnd,
    formerNames: mergedNames(
      company.formerNames,
      // what it is called today is no former name
      formerNames.filter((former) => fold(former) !== foldText(company.name).text)
    ),
    detailedAt: today
  }
}
