/** All that clients may ask a gateway, and nothing of it before `Authorised` has let it through. */
import { Authorised } from "./access.ts"
import { CompanyRpcs } from "./companies.ts"
import { InvestorRpcs } from "./investors.ts"
import { MarketRpcs } from "./market.ts"

export const PublicRpcs = MarketRpcs.merge(CompanyRpcs, InvestorRpcs).middleware(Authorised)
