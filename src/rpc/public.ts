/** All that clients may ask a gateway. */
import { CompanyRpcs } from "./companies.ts"
import { MarketRpcs } from "./market.ts"

export const PublicRpcs = MarketRpcs.merge(CompanyRpcs)
