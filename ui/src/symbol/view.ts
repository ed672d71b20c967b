/** What a symbol's page shows, by what the feed and the company directory say of the symbol. Pure. */
import type { CompanyProfile } from "../../../src/rpc/client.ts"
import type { CompanyAnswer } from "./useCompany.ts"

export type View<Profile = CompanyProfile> =
  /** The feed lists it, or it is not known yet whether it does. */
  | { readonly show: "prices" }
  /** The server does not send it to this page, whoever it is. */
  | { readonly show: "refused"; readonly message: string }
  | { readonly show: "waiting" }
  /** A company, without prices. */
  | { readonly show: "company"; readonly profile: Profile }
  | { readonly show: "unknown"; readonly message: string }
  | { readonly show: "failed"; readonly message: string }

export interface Seen<Profile> {
  /** Whether the feed lists it; null: its list is not there yet. */
  readonly isListed: boolean | null
  readonly hasQuote: boolean
  /** Why it is not watched although it is listed. */
  readonly tooMany: string | null
  readonly company: CompanyAnswer<Profile>
}

export const viewOf = <Profile = CompanyProfile>({
  company,
  hasQuote,
  isListed,
  tooMany
}: Seen<Profile>): View<Profile> => {
  if (tooMany !== null) return { show: "refused", message: tooMany }
  if (hasQuote || isListed !== false) return { show: "prices" }
  switch (company.state) {
    case "loading":
      return { show: "waiting" }
    case "ready":
      return { show: "company", profile: company.profile }
    default:
      return { show: company.state, message: company.message }
  }
}

/** What a symbol stands for today: itself, another one, or nothing that is traded. */
export interface Standing {
  readonly is: "current" | "renamed" | "gone"
  /** The symbol of today, or the last one it had. */
  readonly now: string
  /** What became of it; "" where nobody says. */
  readonly fate: string
}

export const standingOf = (symbol: string, profile: Pick<CompanyProfile, "fate" | "instrument">): Standing => {
  const { listed, symbol: now } = profile.instrument
  return { is: !listed ? "gone" : now === symbol ? "current" : "renamed", now, fate: profile.fate ?? "" }
}
