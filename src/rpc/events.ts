/**
 * What contexts tell one another, lasting: written with the change itself (outbox), published in order, at least once, under an id
 * that tells a second copy. No name, no e-mail address: an event outlives the account.
 */
import { Schema } from "effect"

export const InvestorSignedUp = Schema.TaggedStruct("investor.signed_up", { investor: Schema.String })
export const InvestorDeleted = Schema.TaggedStruct("investor.deleted", { investor: Schema.String })

export const DomainEvent = Schema.Struct({
  /** Random, and the same for every copy. */
  id: Schema.String,
  /** When it happened, ms since epoch. */
  at: Schema.Int,
  body: Schema.Union([InvestorSignedUp, InvestorDeleted])
})
export type DomainEvent = typeof DomainEvent.Type
