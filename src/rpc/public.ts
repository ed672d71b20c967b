/** All that clients may ask a gateway; but for saying who they are, nothing before `Authorised` has let it through. */
import { Authorised } from "./access.ts"
import { CompanyRpcs } from "./companies.ts"
import { IdentityRpcs, InvestorRpcs } from "./investors.ts"
import { MarketRpcs } from "./market.ts"

export const PublicRpcs = MarketRpcs.merge(CompanyRpcs).middleware(Authorised).merge(InvestorRpcs, IdentityRpcs)
