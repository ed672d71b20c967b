/** The identity and account RPCs of ScriptedMarket: who is let in, a test decides. */
import { Effect, Layer } from "effect"
import { Authorised, Caller, NotAllowed, NotSignedIn, OperatorOnly, type Principal } from "../../src/rpc/access.ts"
import {
  type AuditEvent,
  type Credential,
  type CredentialRefused,
  EmailTaken,
  IdentityRpcs,
  InvestorRpcs,
  NotFound
} from "../../src/rpc/investors.ts"
import type { LimitExceeded, Unavailable } from "../../src/rpc/market.ts"
import { OPERATOR } from "./scriptedCompanies.ts"

const somebody: Principal = { via: "token", investor: "i1", access: "account", grant: "g1", since: 1, expiresAt: null }

export class ScriptedInvestors {
  /** Whether a connection has to say who it is before anything else. */
  strict = false
  /** Whatever was shown, in order. */
  readonly shown: Array<Credential> = []
  /** Taken is any credential, unless a test says otherwise. */
  judge: (credential: Credential) => CredentialRefused | LimitExceeded | Unavailable | undefined = () => undefined
  tickets = 0
  /** Newest first. */
  audit: ReadonlyArray<AuditEvent> = []
  ticketLifetimeMillis = 60_000
  private readonly known = new Set<number>()

  readonly banned = new Set<string>()
  private account(email: string, isBanned: boolean) {
    return email === "ada@example.com"
      ? Effect.succeed({ id: "i1", email, createdAt: 1, bannedAt: isBanned ? 2 : null, browsers: 2, tokens: 1 })
      : Effect.fail(new NotFound({ what: "account", message: `There is no account ${email}` }))
  }

  layer() {
    const authorised = Layer.succeed(Authorised, (effect, { client }) =>
      this.strict && !this.known.has(client.id)
        ? Effect.fail(new NotSignedIn({ message: "who asks?" }))
        : Effect.provideService(effect, Caller, somebody)
    )
    const operatorOnly = Layer.succeed(OperatorOnly, (effect, { payload }) =>
      JSON.stringify(payload).includes(`"operator":${JSON.stringify(OPERATOR)}`)
        ? effect
        : Effect.fail(new NotAllowed({ message: "not the operator's token" }))
    )
    const identity = IdentityRpcs.toLayer({
      "investors.Authenticate": ({ credential }, { client }) =>
        Effect.suspend(() => {
          this.shown.push(credential)
          const refused = this.judge(credential)
          if (refused !== undefined) return Effect.fail(refused)
          this.known.add(client.id)
          return Effect.succeed({ investor: somebody.investor, access: somebody.access, expiresAt: null })
        })
    })
    const investor = { id: somebody.investor, email: "ada@example.com", createdAt: 1 }
    const accounts = InvestorRpcs.toLayer({
      "investors.Me": () => Effect.succeed({ investor, via: somebody.via, access: somebody.access, expiresAt: null }),
      "investors.Ticket": () =>
        Effect.sync(() => ({ ticket: `ticket ${++this.tickets}`, lifetimeMillis: this.ticketLifetimeMillis })),
      "investors.SignIns": () => Effect.succeed([]),
      "investors.EndSignIn": () => Effect.succeed({ ended: 1 }),
      "investors.SignOutEverywhere": () => Effect.succeed({ ended: 0 }),
      "investors.Tokens": () => Effect.succeed([]),
      "investors.CreateToken": ({ access, name }) =>
        Effect.succeed({
          secret: "lzs_secret",
          token: { id: "t1", name, access, createdAt: 1, expiresAt: 2, lastUsedAt: null }
        }),
      "investors.RevokeToken": () => Effect.succeed({ revoked: 1 }),
      "investors.Activity": () => Effect.succeed({ events: [], before: null }),
      "investors.Find": ({ email }) => this.account(email, this.banned.has(email)),
      "investors.SetBan": ({ banned, email }) =>
        Effect.suspend(() => {
          if (banned) this.banned.add(email)
          else this.banned.delete(email)
          return this.account(email, banned)
        }),
      "investors.ResetPassword": ({ email }) => Effect.as(this.account(email, false), { password: "random words" }),
      "investors.Add": ({ email }) =>
        email === "ada@example.com"
          ? Effect.fail(new EmailTaken({ message: "There is such an account" }))
          : Effect.succeed({ id: "i2", email, password: "random words" }),
      "investors.Audit": ({ before, limit = 50 }) =>
        Effect.sync(() => {
          const from = before === undefined ? 0 : this.audit.findIndex(({ id }) => id === before) + 1
          const events = this.audit.slice(from, from + limit)
          return { events, before: from + limit < this.audit.length ? (events.at(-1)?.id ?? null) : null }
        }),
      "investors.Export": () => Effect.succeed({ exportedAt: 1, investor, signIns: [], tokens: [], activity: [] })
    })
    return Layer.mergeAll(authorised, operatorOnly, identity, accounts)
  }
}
