/** What of the SEC's submissions/CIK##########.json describes a company. A field that makes no sense counts as not there. */
import { Schema } from "effect"
import type { CompanyDetails } from "../../actors/companies/CompanySource.ts"
import { plainText } from "./plainText.ts"

const OptionalText = Schema.optional(Schema.NullOr(Schema.String))

export const Submissions = Schema.Struct({
  // "1318605", and in some files 1318605
  cik: Schema.Union([Schema.String, Schema.Int]),
  name: Schema.String.check(Schema.isPattern(/\S/)),
  sic: OptionalText,
  sicDescription: OptionalText,
  fiscalYearEnd: OptionalText,
  formerNames: Schema.optional(
    Schema.NullOr(Schema.Array(Schema.Struct({ name: OptionalText, from: OptionalText, to: OptionalText })))
  )
})
export type Submissions = typeof Submissions.Type

const textOf = (text: string | null | undefined): string | null => {
  const trimmed = plainText(text ?? "")
  return trimmed === "" ? null : trimmed
}

const sicOf = (text: string | null | undefined): number | null =>
  text != null && /^\d{1,4}$/.test(text) && Number(text) > 0 ? Number(text) : null

/** In a leap year, so that a year may end on 29 February. */
const isDay = (day: string): boolean => {
  const time = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

/** "1231" → "12-31" */
const yearEndOf = (text: string | null | undefined): string | null => {
  const [, month, day] = /^(\d{2})-?(\d{2})$/.exec(text ?? "") ?? []
  return month !== undefined && day !== undefined && isDay(`2000-${month}-${day}`) ? `${month}-${day}` : null
}

/** "2005-02-17T00:00:00.000Z" → "2005-02-17" */
const dayOf = (text: string | null | undefined): string | null => {
  const [day] = /^\d{4}-\d{2}-\d{2}(?=T|$)/.exec(text ?? "") ?? []
  return day !== undefined && isDay(day) ? day : null
}

/** Digits, with or without zeros before them. */
export const cikOf = ({ cik }: Submissions): number => (/^\d+$/.test(String(cik)) ? Number(cik) : Number.NaN)

export const detailsOf = (cik: number, file: Submissions): CompanyDetails => ({
  cik,
  name: plainText(file.name),
  sic: sicOf(file.sic),
  industry: textOf(file.sicDescription),
  fiscalYearEnd: yearEndOf(file.fiscalYearEnd),
  formerNames: (file.formerNames ?? []).flatMap(({ from, name, to }) => {
    const text = textOf(name)
    return text === null ? [] : [{ name: text, from: dayOf(from), until: dayOf(to) }]
  })
})
